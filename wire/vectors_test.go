package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// vector is one line and what a real receiver did with it; see
// testdata/vectors/README.md.
type vector struct {
	Release, Receiver, Category string
	Line                        string `json:"line_b64"`
	Chunks                      []int
	Outcome, Command            string
	Args                        map[string]any
	ToLine                      *string `json:"to_line"`
	Error                       string
	ParseError                  string `json:"parse_error"`
}

// vectorDisagreements are the vectors with which we do not agree, by release,
// receiver and base64 of the line, each with the reason. There are none.
var vectorDisagreements = map[string]string{}

func TestVectors(t *testing.T) {
	for name, vectors := range vectorFiles(t) {
		t.Run(name, func(t *testing.T) {
			for _, v := range vectors {
				v.check(t)
			}
		})
	}
}

// vectorFiles reads all vectors, by the name of their file.
var vectorFiles = func() func(t *testing.T) map[string][]*vector {
	var once sync.Once
	files := map[string][]*vector{}
	return func(t *testing.T) map[string][]*vector {
		t.Helper()
		once.Do(func() { readVectors(t, files) })
		if len(files) == 0 {
			t.Fatal("no vectors")
		}
		return files
	}
}()

func readVectors(t *testing.T, files map[string][]*vector) {
	dir := os.Getenv("REPLTAP_VECTORS")
	if dir == "" {
		dir = filepath.Join("..", "testdata", "vectors")
	}
	packed, _ := filepath.Glob(filepath.Join(dir, "*.jsonl.zst"))
	plain, _ := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	for _, name := range append(packed, plain...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".zst") {
			text = readZstd(t, name)
		}
		for line := range bytes.Lines(text) {
			v := new(vector)
			if err := json.Unmarshal(line, v); err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(name)] = append(files[filepath.Base(name)], v)
		}
	}
}

func readZstd(t testing.TB, file string) []byte {
	t.Helper()
	packed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := r.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (v *vector) check(t *testing.T) {
	input, err := base64.StdEncoding.DecodeString(v.Line)
	if err != nil {
		t.Fatal(err)
	}
	if _, known := vectorDisagreements[v.Release+" "+v.Receiver+" "+v.Line]; known {
		return
	}
	var p Parsed
	if v.Outcome != "ok" || v.verdict(t, input, &p).Action != ActAccept {
		return // see TestVerdicts
	}
	show := input[:min(len(input), 120)]
	if p.Command.String() != v.Command {
		t.Errorf("%s: command %s, want %s: %q", v.Release, p.Command, v.Command, show)
	}
	v.checkFields(t, &p, show)
	v.checkAppend(t, &p, show)
	v.checkStrict(t, input, &p)
}

// argNames are the names that the vectors give the fields.
var argNames = map[Command]map[FieldKind]string{
	CmdRdata:           {FieldStream: "stream_name", FieldInstance: "instance_name", FieldRowToken: "token", FieldRow: "row"},
	CmdPosition:        {FieldStream: "stream_name", FieldInstance: "instance_name", FieldPrev: "prev_token", FieldToken: "new_token"},
	CmdReplicate:       {FieldStream: "stream_name", FieldAskToken: "token"},
	CmdUserSync:        {FieldInstanceID: "instance_id", FieldUser: "user_id", FieldDevice: "device_id", FieldState: "is_syncing", FieldTime: "last_sync_ms"},
	CmdClearUserSync:   {FieldInstanceID: "instance_id"},
	CmdFederationAck:   {FieldInstance: "instance_name", FieldToken: "token"},
	CmdRemovePusher:    {FieldAppID: "app_id", FieldPushKey: "push_key", FieldUser: "user_id"},
	CmdInvalidateCache: {FieldCache: "cache_func", FieldKeys: "keys"},
	CmdUserIP:          {FieldUser: "user_id"},
	CmdLockReleased:    {},
	CmdNewActiveTask:   {FieldTask: "data"},
	CmdCancelTask:      {FieldTask: "data"},
}

func (v *vector) checkFields(t *testing.T, p *Parsed, show []byte) {
	names, ok := argNames[p.Command]
	if !ok {
		names = map[FieldKind]string{FieldText: "data", FieldServer: "data", FieldWorker: "data"}
	}
	for _, f := range p.Fields() {
		name, ok := names[f.Kind]
		if f.Kind == FieldToken && v.Args["new_token"] == nil && p.Command == CmdPosition {
			name = "token"
		}
		if !ok {
			if f.Kind != FieldVisit && f.Kind != FieldLock {
				t.Errorf("%s %s: no name for field %d", v.Release, v.Command, f.Kind)
			}
			continue
		}
		want, ok := v.Args[name]
		if !ok {
			t.Errorf("%s %s: no %s among %v", v.Release, v.Command, name, v.Args)
			continue
		}
		if got := fieldValue(f); !sameValue(got, want, lexisOf[f.Kind]) {
			t.Errorf("%s %s: %s is %#v, want %#v: %q", v.Release, v.Command, name, got, want, show)
		}
	}
}

// fieldValue puts a field as the vectors do.
func fieldValue(f Field) any {
	switch lexisOf[f.Kind] {
	case lexInt, lexBatchInt, lexNone, lexNowInt:
		if f.Kind == FieldAskToken && f.Null {
			return "NOW"
		}
		if f.Null {
			return nil
		}
	case lexState:
		return string(f.Text) == "start"
	}
	return string(f.append(nil))
}

func sameValue(got, want any, lex lexis) bool {
	if lex != lexJSON {
		return got == want
	}
	return sameJSON(got.(string), want.(string))
}

// sameJSON compares what Go can read; NaN and the like it can't.
func sameJSON(a, b string) bool {
	var x, y any
	errA, errB := json.Unmarshal([]byte(a), &x), json.Unmarshal([]byte(b), &y)
	if errA != nil || errB != nil {
		return true
	}
	return reflect.DeepEqual(x, y)
}

// checkAppend compares with the arguments as the release itself writes them:
// exactly where no JSON is among them, else up to the JSON, whose bytes we keep.
func (v *vector) checkAppend(t *testing.T, p *Parsed, show []byte) {
	if v.ToLine == nil {
		return
	}
	_, got, _ := strings.Cut(strings.TrimSuffix(string(p.Append(nil)), "\n"), " ")
	want := *v.ToLine
	if p.n > 0 {
		last := p.fields[p.n-1]
		if lex := lexisOf[last.Kind]; lex == lexJSON3 || lex == lexJSON5 {
			return
		} else if lex == lexJSON {
			parts := p.n
			g, w := strings.SplitN(got, " ", parts), strings.SplitN(want, " ", parts)
			if !slices.Equal(g[:parts-1], w[:parts-1]) || !sameJSON(g[parts-1], w[parts-1]) {
				t.Errorf("%s %s: written again %q, want %q", v.Release, v.Command, got, want)
			}
			return
		}
	}
	if got != want {
		t.Errorf("%s %s: written again %q, want %q: %q", v.Release, v.Command, got, want, show)
	}
}

// checkStrict holds Append to be the inverse of ParseStrict, and strictness to
// be the absence of leniency.
func (v *vector) checkStrict(t *testing.T, input []byte, p *Parsed) {
	if v.Receiver == "redis" {
		return
	}
	var strict Parsed
	if p.Dialect.ParseStrict(input, &strict) != nil {
		return
	}
	if got := strict.Append(nil); !bytes.Equal(got, input) {
		t.Errorf("%s: strict %q is written again %q", v.Release, input, got)
	}
}
