package wire

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// outcomes says which action each outcome of the vectors is. Up to 1.12 the
// class itself handed rows and subscriptions on, and its vectors show what came
// of that as a reaction to a line that is ok; a verdict is about the line alone,
// so that is accepted.
var outcomes = map[string]Action{
	"ok":       ActAccept,
	"wait":     ActAccept, // a PiecePartial: nothing has happened yet
	"ignored":  ActIgnore,
	"rejected": ActLog,
	"error":    ActError,
	"drop":     ActDrop,
}

// verdict feeds the bytes as the receiver got them and gives the first verdict
// on what is more than the beginning of a line.
func (v *vector) verdict(t *testing.T, input []byte, p *Parsed) Verdict {
	r := receiver(t, v.Release)
	if v.Receiver == "redis" {
		return r.Judge(NoDirection, Piece{Text: input}, p)
	}
	dir := map[string]Direction{"server": C2S, "client": S2C}[v.Receiver]
	chunks := v.Chunks
	if chunks == nil {
		chunks = []int{len(input)}
	}
	var s Splitter
	for _, n := range chunks {
		for piece := range s.Split(input[:n]) {
			got := r.Judge(dir, piece, p)
			if piece.Kind != PiecePartial {
				return got
			}
			if got != (Verdict{}) {
				t.Errorf("%s: a verdict on the beginning of a line: %+v", v.Release, got)
			}
		}
		input = input[n:]
	}
	return Verdict{}
}

// TestVerdicts holds verdicts against the vectors: what is done, and the very
// text of the answer.
func TestVerdicts(t *testing.T) {
	for name, vectors := range vectorFiles(t) {
		t.Run(name, func(t *testing.T) {
			n, replies := 0, map[string]int{}
			for _, v := range vectors {
				input, err := base64.StdEncoding.DecodeString(v.Line)
				if err != nil {
					t.Fatal(err)
				}
				if _, known := vectorDisagreements[v.Release+" "+v.Receiver+" "+v.Line]; known {
					continue
				}
				var p Parsed
				v.checkVerdict(t, input, v.verdict(t, input, &p))
				if n++; v.Outcome == "error" {
					replies[v.Category]++
				}
			}
			if n == 0 {
				t.Error("no vectors")
			}
			t.Logf("%d verdicts, the same replies: %v", n, counts(replies))
		})
	}
}

func (v *vector) checkVerdict(t *testing.T, input []byte, got Verdict) {
	t.Helper()
	show := input[:min(len(input), 160)]
	want, ok := outcomes[v.Outcome]
	if !ok {
		t.Errorf("unknown outcome %q", v.Outcome)
	}
	if got.Action != want {
		t.Errorf("%s %s %s: %s, want %s (%s)\n\t%q", v.Release, v.Receiver, v.Category, got.Action, want, got.Detail, show)
		return
	}
	if got.Reply != v.Error {
		t.Errorf("%s %s %s: replies\n\t%.300q, want\n\t%.300q\n\tto %q", v.Release, v.Receiver, v.Category, got.Reply, v.Error, show)
	}
	if refused := got.Action >= ActLog; refused != strings.HasPrefix(got.Code, "E-") && got.Code != CodeBlank {
		t.Errorf("%s: %s with code %q: %q", v.Release, got.Action, got.Code, show)
	}
	if (got.Reply == "") != (got.WithoutEcho() == "") {
		t.Errorf("%s: reply %q is %q without its echo", v.Release, got.Reply, got.WithoutEcho())
	}
}

func counts(n map[string]int) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(n)) {
		fmt.Fprintf(&b, " %s %d", name, n[name])
	}
	return b.String()
}

// TestRedisExceptions holds what a message raises against what a real
// subscriber logged.
func TestRedisExceptions(t *testing.T) {
	for _, vectors := range vectorFiles(t) {
		for _, v := range vectors {
			if v.Receiver != "redis" || v.Outcome != "rejected" {
				continue
			}
			input, _ := base64.StdEncoding.DecodeString(v.Line)
			var p Parsed
			r := receiver(t, v.Release)
			err := r.parser(true).parse(input, &p)
			if err == nil {
				t.Errorf("%.100q is read", input)
				continue
			}
			if got := r.exception(input, &p, err).appendRepr(nil); string(got) != v.ParseError {
				t.Errorf("%.100q raises\n\t%s, want\n\t%s", input, got, v.ParseError)
			}
		}
	}
}

// TestWithoutEcho: what is left of a reply holds nothing of its line.
func TestWithoutEcho(t *testing.T) {
	const secret = "syt_Secret"
	for _, release := range []string{"0.21.0", "0.99.0", "1.12.4", "1.13.0", "1.66.0", "1.157.1"} {
		for _, line := range []string{"USER_IP @u:x [\"" + secret, "USER_IP @u:x [\"" + secret + "\"]", secret, secret + " x", "RDATA a b " + secret,
			"RDATA a b " + secret + " []", "USER_SYNC a b " + secret + " 5", "POSITION a b 1 " + secret, "USER_SYNC a b c " + secret + " 5",
			"REMOVE_PUSHER " + secret, "RDATA a b 5 " + secret, "USER_SYNC a start " + secret, "USER_SYNC a " + secret + " 5"} {
			for dir := S2C; dir <= C2S; dir++ {
				v := receiver(t, release).Judge(dir, Piece{Text: []byte(line + "\n")}, nil)
				if bytes.Contains([]byte(v.WithoutEcho()+v.Detail+v.Code), []byte(secret)) {
					t.Errorf("%s %q: %+v", release, line, v)
				}
			}
		}
	}
}
