package wire

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzJudge holds verdicts against the parse, and answers against what can be
// sent.
func FuzzJudge(f *testing.F) {
	for i, line := range seedLines {
		f.Add([]byte(line), uint8(i))
	}
	f.Fuzz(func(t *testing.T, line []byte, n uint8) {
		all := Eras()
		e := all[int(n/3)%len(all)]
		dir := Direction(n % 3)
		if dir != NoDirection && (len(line) == 0 || strings.IndexByte(string(line), '\n') != len(line)-1 || len(line) > MaxLine+1) {
			return // no line, as a Splitter gives them
		}
		r := e.Receiver
		var p Parsed
		v := r.Judge(dir, Piece{Text: line}, &p)
		var err error
		if dir == NoDirection {
			err = r.ParseMessage(line, &p)
		} else {
			err = r.Parse(line, &p)
		}
		if accepts := err == nil && r.Dialect().Allows(p.Command, dir); accepts != (v.Action == ActAccept) {
			t.Fatalf("%s %s: %q: %s, parse %v", e, dir, line, v.Action, err)
		}
		fuzzReply(t, r, line, v)
		if again := r.Judge(dir, Piece{Text: line}, nil); again != v {
			t.Fatalf("%s %s: %q: %+v, and then %+v", e, dir, line, v, again)
		}
	})
}

func fuzzReply(t *testing.T, r Receiver, line []byte, v Verdict) {
	switch {
	case (v.Reply != "") != (v.Action == ActError), (v.Reply != "") != (v.WithoutEcho() != ""):
		t.Fatalf("%q: %+v", line, v)
	case v.Action == ActAccept != (v.Code == ""):
		t.Fatalf("%q: %s with code %q", line, v.Action, v.Code)
	case !utf8.ValidString(v.Reply), strings.Contains(v.Reply, "\n"):
		t.Fatalf("%q: reply %q", line, v.Reply)
	case len("ERROR "+v.Reply) > MaxLine && r.has&traitReplyLimit != 0:
		t.Fatalf("%q: a reply of %d bytes", line, len(v.Reply))
	}
}
