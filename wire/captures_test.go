package wire

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// capture is one recorded connection; see testdata/captures/README.md.
type capture struct {
	release, scenario, name string
	reads                   []captureRead
	end                     int64           // when the last thing happened
	events                  map[string]bool // what happened besides
}

type captureRead struct {
	T     int64
	Event string
	Dir   string
	Data  []byte // encoding/json takes it from base64
}

// captures reads all in testdata/captures, or in the folder that
// REPLTAP_CAPTURES names, but for HTTP.
func captures(t testing.TB) []capture {
	t.Helper()
	root := os.Getenv("REPLTAP_CAPTURES")
	if root == "" {
		root = filepath.Join("..", "testdata", "captures")
	}
	files, _ := filepath.Glob(filepath.Join(root, "*", "*", "*.jsonl.zst"))
	var all []capture
	for _, file := range files {
		c := capture{name: strings.TrimSuffix(filepath.Base(file), ".jsonl.zst"), events: map[string]bool{}}
		if c.name == "dial-errors" {
			continue
		}
		c.scenario = filepath.Base(filepath.Dir(file))
		c.release = filepath.Base(filepath.Dir(filepath.Dir(file)))
		for line := range bytes.Lines(readZstd(t, file)) {
			var r captureRead
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			if c.end = r.T; r.Event != "" {
				c.events[r.Event] = true
			}
			if r.Data != nil {
				c.reads = append(c.reads, r)
			}
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		t.Fatalf("no captures in %s", root)
	}
	return all
}

func (c *capture) String() string { return c.release + "/" + c.scenario + "/" + c.name }

// handMade says that one of the ends was no Synapse.
func (c *capture) handMade() bool {
	return strings.HasSuffix(c.scenario, "probes") || strings.HasSuffix(c.scenario, "fakemaster")
}

// play sends the capture through splitters and a conversation. Partials are
// shown to it as well, as a recorder may.
func (c *capture) play(conv *Conversation, each func(dir Direction, p Piece, found []Finding)) {
	var splitters [C2S + 1]Splitter
	for _, r := range c.reads {
		dir, _ := ParseDirection(r.Dir)
		for p := range splitters[dir].Split(r.Data) {
			each(dir, p, conv.Observe(r.T, dir, p, nil))
		}
	}
	each(NoDirection, Piece{Kind: PieceFragment}, conv.End(c.end))
}

// TestCapturesHealthy: on healthy traffic nothing is found but what really was
// odd, whether the dialect is given or has to be found out.
func TestCapturesHealthy(t *testing.T) {
	for _, c := range captures(t) {
		if c.handMade() {
			continue
		}
		want, err := ParseDialect(c.release)
		if err != nil {
			t.Fatal(err)
		}
		conv := NewConversation(AllReleases)
		codes := c.codes(t, conv)
		if got := conv.Candidates(); !got.Has(want) {
			t.Errorf("%s: detected %v, not %v: %s", &c, got, want, conv.Conflict())
		} else if testing.Verbose() {
			t.Logf("%s: %v, worker %q, findings %v", &c, got, conv.Worker(), codes)
		}
		if known := c.codes(t, NewConversation(want.Set().Releases())); !maps.Equal(codes, known) {
			t.Errorf("%s: findings %v, but %v if the dialect is given", &c, codes, known)
		}
		if want := oddities[c.String()]; os.Getenv("REPLTAP_CAPTURES") == "" && !maps.Equal(codes, want) {
			t.Errorf("%s: findings %v, want %v", &c, codes, want)
		}
	}
}

// codes counts what is found in the capture.
func (c *capture) codes(t *testing.T, conv *Conversation) map[string]int {
	codes := map[string]int{}
	c.play(conv, func(dir Direction, p Piece, found []Finding) {
		for _, f := range found {
			if codes[f.Code]++; f.Code[0] == 'E' {
				t.Errorf("%s: %v on %.80q", c, f, p.Text)
			}
		}
	})
	return codes
}

// oddities are the findings in healthy captures: where the master came back,
// its streams in memory began anew and others went by the database; and a
// frozen worker said nothing.
var oddities = map[string]map[string]int{
	"1.12.4/02-reconnect-catchup/conn-17":         {CodeReset: 4},
	"1.12.4/02-reconnect-catchup/conn-18":         {CodeReset: 4},
	"1.12.4/02-reconnect-catchup/conn-19":         {CodeReset: 5},
	"1.12.4/02-reconnect-catchup/conn-20":         {CodeReset: 4},
	"1.66.0/06-ping-timeout-sigstop-quiet/conn-1": {CodeSilence: 1},
}

// TestCapturesStrict holds strict parsing and append to be inverse on every
// line that a real Synapse sent.
func TestCapturesStrict(t *testing.T) {
	var p Parsed
	var again []byte
	for _, c := range captures(t) {
		d, err := ParseDialect(c.release)
		if err != nil {
			t.Fatal(err)
		}
		c.play(NewConversation(AllReleases), func(dir Direction, piece Piece, _ []Finding) {
			if piece.Kind != PieceLine || c.madeBy(dir) {
				return
			}
			if err := d.ParseStrict(piece.Text, &p); err != nil {
				t.Errorf("%s: %v: %.120q", &c, err, piece.Text)
				return
			}
			if again = p.Append(again[:0]); !bytes.Equal(again, piece.Text) {
				t.Errorf("%s: %.120q is written again %.120q", &c, piece.Text, again)
			}
		})
	}
}

// madeBy says that what went dir was hand-made.
func (c *capture) madeBy(dir Direction) bool {
	return strings.HasSuffix(c.scenario, "probes") && dir == C2S || strings.HasSuffix(c.scenario, "fakemaster") && dir == S2C
}
