package wire

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// Traces of what real workers did under scripts; see testdata/traces/README.md.

// script is a receive or classes script with its trace.
type script struct {
	Release, Name string
	Seed          int
	Own           string                `json:"own_instance"`
	Rules         map[string]scriptRule `json:"rules"`
	Start         ordered               `json:"start"`
	Steps         []scriptStep          `json:"steps"`
	Trace         []map[string]any      `json:"trace"`
	End           map[string]any        `json:"end"`
}

type scriptRule struct{ Move, Key string }

type scriptStep struct {
	Conn    int
	Event   string
	Recv    *string
	Returns *scriptFetch `json:"fetch_returns"`
	Fails   *scriptFetch `json:"fetch_fails"`
}

type scriptFetch struct {
	Stream, Instance string
	From, Upto       int64
	Rows             [][2]json.RawMessage
	NewToken         int64 `json:"new_token"`
	Limited          bool
}

// ordered is an object of tokens by stream and instance, in its order.
type ordered []FollowedStream

func (o *ordered) UnmarshalJSON(b []byte) error {
	var tokens map[string]map[string]int64
	if err := json.Unmarshal(b, &tokens); err != nil {
		return err
	}
	for name := range namesIn(b) {
		stream := FollowedStream{Name: string(unquote(nil, name))}
		stream.Tokens = tokens[stream.Name]
		stream.Token = stream.Tokens["*"]
		delete(stream.Tokens, "*")
		*o = append(*o, stream)
	}
	return nil
}

// scriptDisagreements are the scripts with which we do not agree, by file and
// name or seed, each with the reason. There are none.
var scriptDisagreements = map[string]string{}

// traceFiles finds traces: those of REPLTAP_TRACES if that is set.
func traceFiles(t testing.TB, patterns ...string) []string {
	dir := os.Getenv("REPLTAP_TRACES")
	if dir == "" {
		dir = filepath.Join("..", "testdata", "traces")
	}
	var files []string
	for _, pattern := range patterns {
		found, _ := filepath.Glob(filepath.Join(dir, pattern+"-*.jsonl.zst"))
		files = append(files, found...)
	}
	if len(files) == 0 {
		t.Fatalf("no traces in %s", dir)
	}
	return files
}

func TestFollowerTraces(t *testing.T) {
	for _, file := range traceFiles(t, "receive", "classes") {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".jsonl.zst"), func(t *testing.T) {
			n, wrong := 0, 0
			for line := range bytes.Lines(readZstd(t, file)) {
				var s script
				if err := json.Unmarshal(line, &s); err != nil {
					t.Fatal(err)
				}
				n++
				if _, known := scriptDisagreements[filepath.Base(file)+" "+s.id()]; known {
					continue
				}
				if difference := s.compare(t); difference != "" {
					if wrong++; wrong <= 5 {
						t.Errorf("%s: %s", s.id(), difference)
					}
				}
			}
			if n == 0 {
				t.Error("no scripts")
			}
			t.Logf("%d of %d scripts agree", n-wrong, n)
		})
	}
}

func (s *script) id() string {
	if s.Name != "" {
		return s.Name
	}
	return strconv.Itoa(s.Seed)
}

// compare plays the script and says where the trace differs, "" if nowhere.
func (s *script) compare(t testing.TB) string {
	p := s.play(t)
	for i := range max(len(p.trace), len(s.Trace)) {
		if i >= len(p.trace) || i >= len(s.Trace) || !reflect.DeepEqual(p.trace[i], s.Trace[i]) {
			return "trace " + strconv.Itoa(i) + "\n\tgot  " + show(p.trace, i) + "\n\twant " + show(s.Trace, i)
		}
	}
	if got := p.end(); !reflect.DeepEqual(got, s.End) {
		return "end\n\tgot  " + jsonOf(got) + "\n\twant " + jsonOf(s.End)
	}
	return ""
}

func show(trace []map[string]any, i int) string {
	if i >= len(trace) {
		return "nothing"
	}
	return jsonOf(trace[i])
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// asDecoded is v as it comes back from JSON.
func asDecoded(v any) any {
	var out any
	if err := json.Unmarshal([]byte(jsonOf(v)), &out); err != nil {
		panic(err)
	}
	return out
}
