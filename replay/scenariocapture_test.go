package replay_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// captureLine is a line of a capture, as import reads it.
type captureLine struct {
	T     int64  `json:"t"`
	Conn  int    `json:"conn"`
	Dir   string `json:"dir,omitempty"`
	Data  []byte `json:"data,omitempty"`
	Event string `json:"event,omitempty"`
}

// captured is the traffic of a run as a capture. What goes one way at one time
// is one read.
func (r *scenarioRun) captured() []byte {
	var lines []captureLine
	for _, e := range r.wire {
		l := captureLine{T: e.at, Conn: e.conn, Dir: e.dir.String(), Data: bytes.Clone(e.text), Event: e.event}
		if n := len(lines) - 1; n >= 0 && l.Event == "" && lines[n].T == l.T && lines[n].Conn == l.Conn && lines[n].Dir == l.Dir {
			lines[n].Data = append(lines[n].Data, l.Data...)
			continue
		}
		lines = append(lines, l)
	}
	for conn := 1; conn <= max(r.conn, r.other); conn++ {
		if r.open[conn] {
			lines = append(lines, captureLine{T: r.now, Conn: conn, Event: "close"})
		}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for _, l := range lines {
		must(enc.Encode(l))
	}
	return out.Bytes()
}

// TestScenarioCaptures: the captures beside the scenarios are what comes of them
// in the releases that they name. With REPLTAP_UPDATE set they are written anew.
func TestScenarioCaptures(t *testing.T) {
	dir := filepath.Join("..", "testdata", "scenarios", "captures")
	known := map[string]bool{}
	for _, s := range scenarios(t) {
		for _, version := range s.captures {
			name := s.name + "-" + version + ".jsonl"
			known[name] = true
			checkCapture(t, filepath.Join(dir, name), s, version)
		}
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, file := range files {
		if !known[filepath.Base(file)] {
			t.Errorf("%s is of no scenario", file)
		}
	}
}

func checkCapture(t *testing.T, path string, s *scenario, version string) {
	t.Helper()
	run, err := playScenario(s, version, false)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("REPLTAP_UPDATE") != "" {
		if err := os.WriteFile(path, run.captured(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(path); err != nil || !bytes.Equal(have, run.captured()) {
		t.Errorf("%s is not what the scenario gives (%v); REPLTAP_UPDATE=1 writes it anew", path, err)
	}
}
