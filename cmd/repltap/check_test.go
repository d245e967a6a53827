package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"repltap/wire"
)

// checkStdin runs check on a text.
func checkStdin(t *testing.T, text string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, errs bytes.Buffer
	status = run(t.Context(), append([]string{"check", "-"}, args...), strings.NewReader(text), &out, &errs)
	return out.String(), errs.String(), status
}

// checkedLine is what check prints of a line for programs.
type checkedLine struct {
	Number    int
	Command   string
	Direction string
	Verdict   string
	Bytes     int
	Line      string
	LineB64   []byte `json:"line_b64"`
	Verdicts  []jsonVerdict
	Findings  []wire.Finding
	End       bool
}

func checkJSON(t *testing.T, text string, args ...string) []checkedLine {
	t.Helper()
	out, stderr, status := checkStdin(t, text, append(args, "--format", "json")...)
	if status != statusFine && status != statusFound {
		t.Fatalf("status %d: %s", status, stderr)
	}
	var lines []checkedLine
	for line := range strings.Lines(out) {
		var l checkedLine
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if !l.End {
			lines = append(lines, l)
		}
	}
	return lines
}

// TestCheckVectors: check says of each line what the real receiver did with it.
func TestCheckVectors(t *testing.T) {
	for _, release := range []string{"0.99.0", "1.12.4", "1.66.0"} {
		for receiver, direction := range map[string]string{"server": "c2s", "client": "s2c"} {
			t.Run(release+" "+receiver, func(t *testing.T) {
				vectors, text := checkVectors(t, release, receiver)
				got := checkJSON(t, text, "--dialect", release, "--direction", direction)
				if len(got) != len(vectors) || len(got) < 1000 {
					t.Fatalf("%d lines of %d", len(got), len(vectors))
				}
				for i, v := range vectors {
					want := map[string]string{"ok": "accept", "ignored": "ignore"}[v.Outcome]
					if want == "" {
						want = v.Outcome
					}
					l := got[i]
					if want == "accept" && slices.Contains(beyond, l.Verdicts[0].Code) {
						continue // it is read
					}
					if l.Verdict != want || l.Verdicts[0].Reply != v.Error || l.Number != i+1 || l.Direction != direction {
						t.Errorf("%.300s, want %s %.100s", fmt.Sprintf("%+v", l), want, v.Error)
					}
					if refused := want == "error" || want == "drop"; refused && (len(l.Findings) != 1 || l.Findings[0].Verdict != want || l.Findings[0].Reply != v.Error) {
						t.Errorf("findings %+v, want one of %s", l.Findings, want)
					}
				}
			})
		}
	}
}

// beyond are the codes of what becomes of a line that is read and handed on.
var beyond = []string{wire.CodeUnknownStream, wire.CodeRowShape, wire.CodeEarlyRdata, wire.CodeTokenRegress, wire.CodeDuplicateToken, wire.CodeEmptySkip, wire.CodeEcho}

type checkVector struct {
	Receiver, Outcome, Error string
	Line                     []byte `json:"line_b64"`
}

// checkVectors gives the vectors that are whole lines, and all of these lines.
func checkVectors(t *testing.T, release, receiver string) (list []checkVector, text string) {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join("..", "..", "testdata", "vectors", release+".jsonl.zst"))
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	plain, err := dec.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(plain) {
		var v checkVector
		if err := json.Unmarshal(line, &v); err != nil {
			t.Fatal(err)
		}
		if v.Receiver == receiver && len(v.Line) > 0 && bytes.IndexByte(v.Line, '\n') == len(v.Line)-1 {
			list = append(list, v)
			text += string(v.Line)
		}
	}
	return list, text
}

// TestCheckInputs: whatever the input is made of, its lines are told apart.
func TestCheckInputs(t *testing.T) {
	long := "PING " + strings.Repeat("x", wire.MaxLine)
	text := "PING 5\r\nNAME \xff\xfe\n\n\x1b]0;evil\x07\n" + long + "\nPING 6"
	got := checkJSON(t, text, "--dialect", "1.66.0", "--direction", "c2s")
	want := []struct {
		verdict, code string
		bytes         int
	}{{"accept", "W-crlf", 8}, {"drop", "E-utf8", 8}, {"error", "W-blank", 1}, {"error", "E-unknown-command", 10}, {"error", "E-toolong", len(long) + 1}, {"accept", "", 6}}
	if len(got) != len(want) {
		t.Fatalf("%d lines", len(got))
	}
	for i, w := range want {
		code := ""
		if len(got[i].Findings) > 0 {
			code = got[i].Findings[0].Code
		}
		if got[i].Verdict != w.verdict || code != w.code || got[i].Bytes != w.bytes {
			t.Errorf("line %d: %.300v, want %v", i+1, got[i], w)
		}
	}
	if !bytes.Equal(got[1].LineB64, []byte("NAME \xff\xfe")) {
		t.Errorf("bytes that are no text: %q", got[1].LineB64)
	}
	for _, format := range []string{"text", "json"} {
		out, _, status := checkStdin(t, text, "--format", format)
		if status != statusFound || !utf8.ValidString(out) || strings.ContainsAny(out, "\x1b\x07\r") {
			t.Errorf("%s: status %d, control characters as they are: %.300q", format, status, out)
		}
	}
}

// TestCheckStatus: 3 is for what is wrong and not for what is merely unusual.
func TestCheckStatus(t *testing.T) {
	tests := []struct {
		text string
		args []string
		want int
	}{
		{"", nil, statusFine},
		{"PING 5\n", nil, statusFine},
		{"PING 5\r\n", nil, statusFine}, // unusual
		{"\n", nil, statusFine},         // ignored by those who know how
		{"\n", []string{"--dialect", "1.66.0"}, statusFound},
		{"\n", []string{"--dialect", "1.73.0"}, statusFine},
		{"foo\n", nil, statusFound},
		{"SERVER x\n", []string{"--direction", "s2c"}, statusFine},
		{"SERVER x\n", []string{"--direction", "c2s"}, statusFound},
		{"NEW_ACTIVE_TASK x\n", []string{"--dialect", "1.98.0"}, statusFine},
		{"NEW_ACTIVE_TASK x\n", []string{"--dialect", "1.98.0", "--direction", "s2c"}, statusFound},
		{"RDATA to_device 5 [\"@a:x\"]\n", []string{"--dialect", "v1.9"}, statusFine},
		{"RDATA to_device 5 [\"@a:x\"]\n", []string{"--dialect", "1.13"}, statusFound},
		{"RDATA to_device m 5 [NaN]\n", []string{"--dialect", "1.19.0"}, statusFine}, // a release
		{"RDATA to_device m 5 [NaN]\n", []string{"--dialect", "v1.18"}, statusFound}, // its dialect: 1.21
	}
	for _, test := range tests {
		if _, stderr, got := checkStdin(t, test.text, test.args...); got != test.want {
			t.Errorf("%q %v: status %d, want %d (%s)", test.text, test.args, got, test.want, stderr)
		}
	}
}

// TestCheckMessages: over Redis no line is too long, up to a limit of our own.
func TestCheckMessages(t *testing.T) {
	long := "RDATA to_device m 5 [\"" + strings.Repeat("x", 1<<20) + "\"]\n"
	if got := checkJSON(t, long, "--dialect", "1.157.1"); len(got) != 1 || got[0].Verdict != "accept" || got[0].Bytes != len(long) {
		t.Errorf("%.200v", got)
	}
	huge := strings.Repeat("x", maxCheckedLine+1) + "\nPING 5\n"
	got := checkJSON(t, huge, "--dialect", "1.157.1")
	if len(got) != 2 || got[0].Findings[0].Code != wire.CodeTooLong || got[0].Bytes != maxCheckedLine+2 || got[1].Verdict != "accept" {
		t.Errorf("%.200v", got)
	}
}

// TestCheckInterrupted: waiting for a line that does not come can be ended.
func TestCheckInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in, write := io.Pipe()
	defer write.Close()
	done := make(chan int)
	var errs bytes.Buffer
	go func() { done <- run(ctx, []string{"check", "-"}, in, io.Discard, &errs) }()
	if _, err := io.WriteString(write, "PING 5\nPI"); err != nil { // it has been read
		t.Fatal(err)
	}
	cancel()
	if status := <-done; status != statusFailed || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("status %d: %s", status, errs.String())
	}
}
