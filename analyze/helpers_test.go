package analyze

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"repltap/journal"
	"repltap/wire"
)

// happening is something that goes into a journal: a line, or a connection's
// beginning or end.
type happening struct {
	t    int64
	conn uint64
	dir  wire.Direction
	line string // with its newline; "" for an event
	kind journal.Kind
	ev   journal.Event
}

// story is what goes into a journal, in order.
type story []happening

// captures are the folders of testdata/captures whose connections belong together.
var captureFolders = []string{"0.99.0/01-mix", "1.12.4/02-reconnect-catchup", "1.19.0/01-mix", "1.66.0/01-mix", "1.66.0/06-ping-timeout-sigstop-quiet"}

// capture reads a folder of captures, each line as a chunk of its own.
func capture(t testing.TB, folder string) story {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("..", "testdata", "captures", filepath.FromSlash(folder), "*.jsonl.zst"))
	if len(files) == 0 {
		t.Fatalf("no captures in %s", folder)
	}
	var out story
	for i, file := range files {
		out = append(out, captureFile(t, file, uint64(i+1))...)
	}
	slices.SortStableFunc(out, func(a, b happening) int { return int(a.t - b.t) })
	return out
}

// beginning is the first of a story, with all connections ended as they were.
func (s story) beginning(n int) story {
	out := slices.Clone(s[:min(n, len(s))])
	last := out[len(out)-1].t
	open := map[uint64]bool{}
	for _, h := range out {
		open[h.conn] = h.kind != journal.KindClose
	}
	for _, h := range s[len(out):] {
		if h.kind == journal.KindClose && open[h.conn] {
			h.t = last
			out = append(out, h)
		}
	}
	return out
}

func captureFile(t testing.TB, file string, conn uint64) story {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out story
	var split [3]wire.Splitter
	how, by := "unknown", ""
	for dec := json.NewDecoder(z); ; {
		var l struct {
			T     int64
			Dir   string
			Data  []byte
			Event string
		}
		if err := dec.Decode(&l); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(out) == 0 {
			out = append(out, happening{t: l.T, conn: conn, kind: journal.KindOpen})
		}
		if l.Event == "eof_s2c" || l.Event == "eof_c2s" || l.Event == "reset_s2c" || l.Event == "reset_c2s" {
			kind, from, _ := strings.Cut(l.Event, "_")
			how, by = map[string]string{"eof": "fin", "reset": "reset"}[kind], map[string]string{"s2c": "master", "c2s": "worker"}[from]
		}
		dir, _ := wire.ParseDirection(l.Dir)
		if l.Data == nil {
			continue
		}
		for p := range split[dir].Split(l.Data) {
			if p.Kind == wire.PieceLine {
				out = append(out, happening{t: l.T, conn: conn, dir: dir, line: string(p.Text)})
			}
		}
	}
	last := out[len(out)-1].t
	return append(out, happening{t: last, conn: conn, kind: journal.KindClose, ev: journal.Event{How: how, By: by}})
}

// write makes a journal of a story.
func (s story) write(t testing.TB, o journal.Options) *journal.Reader {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "j")
	o.Past = true
	w, err := journal.Create(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	sc := journal.NewScribe(w, wire.AllReleases, nil)
	sent := map[uint64]*[3]int64{}
	for i := range s {
		h := &s[i]
		if sent[h.conn] == nil {
			sent[h.conn] = &[3]int64{}
		}
		n := sent[h.conn]
		switch {
		case h.line != "":
			sc.Chunk(h.t, h.conn, h.dir, n[h.dir], []byte(h.line))
			n[h.dir] += int64(len(h.line))
		case h.kind == journal.KindOpen:
			sc.Open(h.t, h.conn, h.ev)
		case h.kind == journal.KindClose:
			ev := h.ev
			ev.S2C, ev.C2S = &n[wire.S2C], &n[wire.C2S]
			sc.Close(h.t, h.conn, ev)
		case h.kind == journal.KindGap:
			sc.Gap(h.t, h.conn, h.dir, h.ev)
			n[h.dir] += h.ev.Bytes
		default:
			sc.Event(h.t, h.conn, h.dir, h.kind, h.ev)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := journal.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func compare(t testing.TB, a, b *journal.Reader, o Options) *Comparison {
	t.Helper()
	c, err := Compare(t.Context(), a, b, o)
	if err != nil {
		t.Fatal(err)
	}
	sum := c.Coverage.Played
	for _, l := range c.Coverage.LeftOut {
		sum.Connections, sum.Lines = sum.Connections+l.Connections, sum.Lines+l.Lines
	}
	if sum != c.Coverage.Recorded {
		t.Errorf("the coverage does not add up: %+v", c.Coverage)
	}
	return c
}

// lineAt is the line of a record.
func lineAt(t testing.TB, r *journal.Reader, seq uint64) string {
	t.Helper()
	for rec, err := range r.Records(t.Context(), journal.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		if rec.Seq == seq {
			return string(rec.Data)
		}
	}
	return ""
}

// text is a comparison for the log of a test.
func text(c *Comparison) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", c.Verdict, c.Why)
	for i, d := range c.Differences {
		if i == 3 {
			fmt.Fprintf(&b, "…\n")
			break
		}
		j, _ := json.Marshal(d)
		fmt.Fprintf(&b, "  %s\n", j)
	}
	return b.String()
}

// places chooses lines of a story that fit, at random, but the same ones each
// time.
func (s story) places(seed uint64, n int, fits func(i int) bool) []int {
	var all []int
	for i := range s {
		if s[i].line != "" && fits(i) {
			all = append(all, i)
		}
	}
	r := rand.New(rand.NewPCG(seed, 7))
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:min(n, len(all))]
}

func (h *happening) gist() wire.Gist { return wire.GistOf([]byte(h.line)) }

// lane is what a line shares its order with.
func (h *happening) lane() string {
	g := h.gist()
	return fmt.Sprint(h.conn, h.dir, string(g.Stream), " ", string(g.Instance), g.Command == wire.CmdReplicate, len(g.Stream) == 0 && g.Command > 0, string(g.Name[:min(1, len(g.Name)*(1-min(1, len(g.Stream))))]))
}

func (h *happening) command() wire.Command { return wire.CommandOf([]byte(h.line)) }

// with is a copy in which something stands in the place of another thing.
func (s story) with(i int, h happening) story {
	out := slices.Clone(s)
	out[i] = h
	return out
}

// counts says how often each line of a connection stands in it.
func (s story) counts() map[string]int {
	out := map[string]int{}
	for i := range s {
		out[fmt.Sprint(s[i].conn, s[i].dir, s[i].line)]++
	}
	return out
}

func trimmed(line string) string {
	b := bytes.TrimSuffix([]byte(line), []byte{'\n'})
	return string(b[:min(len(b), maxText)])
}
