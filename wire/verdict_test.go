package wire

import (
	"encoding/base64"
	"testing"
)

// TestJudge has one line of each kind, judged by releases that differ about it.
func TestJudge(t *testing.T) {
	long := make([]byte, MaxLine+1)
	for i := range long {
		long[i] = 'A'
	}
	line := func(s string) Piece { return Piece{Kind: PieceLine, Text: []byte(s)} }
	tests := []struct {
		release string
		dir     Direction
		piece   Piece
		want    Action
		code    string
	}{
		{"1.66.0", C2S, line("PING 5\n"), ActAccept, ""},
		{"1.66.0", C2S, line("PING\n"), ActAccept, ""},
		{"1.12.4", C2S, line("PING\n"), ActDrop, CodeNoSpace},
		{"1.66.0", C2S, line("SERVER x\n"), ActError, CodeDirection},
		{"1.12.4", C2S, line("FOO x\n"), ActError, CodeUnknownCommand},
		{"1.66.0", C2S, line("PING \xff\n"), ActDrop, CodeUTF8},
		{"1.66.0", C2S, line("\n"), ActError, CodeBlank},
		{"1.73.0", C2S, line("\n"), ActIgnore, CodeBlank},
		{"1.12.4", C2S, line("\n"), ActDrop, CodeBlank},
		{"1.66.0", S2C, Piece{Kind: PieceFragment, Text: long, Over: true}, ActError, CodeTooLong},
		{"0.99.0", S2C, Piece{Kind: PieceFragment, Text: long, Over: true}, ActDrop, CodeTooLong},
		{"1.66.0", S2C, Piece{Kind: PieceFragment, Text: []byte("SERV")}, ActIgnore, ""},
		{"1.66.0", S2C, Piece{Kind: PiecePartial, Text: []byte("FOO")}, ActAccept, ""},
		{"1.157.1", NoDirection, line("FOO x"), ActLog, CodeUnknownCommand},
		{"1.157.1", NoDirection, line(" "), ActIgnore, CodeBlank},
		{"1.157.1", NoDirection, line("NEW_ACTIVE_TASK x"), ActAccept, ""},
		{"1.157.1", C2S, line("NEW_ACTIVE_TASK x\n"), ActError, CodeDirection},
	}
	for _, test := range tests {
		r := receiver(t, test.release)
		got := r.Judge(test.dir, test.piece, nil)
		if got.Action != test.want || got.Code != test.code {
			t.Errorf("%s %s %.40q: %+v, want %s %s", test.release, test.dir, test.piece.Text, got, test.want, test.code)
		}
	}
}

func receiver(t testing.TB, name string) Receiver {
	t.Helper()
	release, err := ParseRelease(name)
	if err != nil {
		t.Fatal(err)
	}
	r, err := ReceiverOf(release)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestJudgeAllocates(t *testing.T) {
	r, piece := receiver(t, "1.66.0"), Piece{Text: []byte("RDATA caches master 5 [\"f\",[\"@u:x\"],1]\n")}
	for _, p := range []*Parsed{nil, new(Parsed)} {
		if n := testing.AllocsPerRun(100, func() { r.Judge(S2C, piece, p) }); n != 0 {
			t.Errorf("%v allocations a line", n)
		}
	}
}

// TestReceiverOfDialect: a release stands for each dialect, and is of it.
func TestReceiverOfDialect(t *testing.T) {
	want := map[string]string{"v1.9": "1.12", "v1.29": "1.66.0", "v1.146": "1.157.1"}
	if v := vNext.Receiver().Judge(C2S, Piece{Text: []byte("\n")}, nil); v.Action != ActIgnore {
		t.Errorf("the next release takes a blank line with %s", v.Action)
	}
	for _, d := range Dialects() {
		r := d.Receiver()
		if r.Dialect() != d || r.Release < dialects[d].first || r.Release > dialects[d].last {
			t.Errorf("%s: %s", d, r.Release)
		}
		if w, ok := want[d.String()]; ok && r.Release.String()[:len(w)] != w {
			t.Errorf("%s: %s, want %s", d, r.Release, w)
		}
	}
}

func TestSetJudge(t *testing.T) {
	tests := []struct {
		first, last Dialect
		line        string
		action      Action
		agreed      bool
		reply       string
	}{
		{v0_21, vNext, "PING 5\n", ActAccept, true, ""},
		{v0_21, vNext, "PING\n", ActDrop, false, ""},
		{v1_13, vNext, "RDATA a b 5 []\n", ActError, true, "invalid command: RDATA"},
		{v0_21, v1_9, "FOO x\n", ActError, true, "invalid command: FOO"},
		{v0_21, vNext, "FOO x\n", ActError, true, ""},
		{v1_90, v1_146, "POSITION x\n", ActError, true, "failed to parse line: ValueError('not enough values to unpack (expected 4, got 1)') ('POSITION x'):"},
	}
	for _, test := range tests {
		v, agreed := dialectRange(test.first, test.last).Judge(C2S, Piece{Text: []byte(test.line)}, nil)
		if v.Action != test.action || agreed != test.agreed || v.Reply != test.reply {
			t.Errorf("%s–%s %q: %+v %v", test.first, test.last, test.line, v, agreed)
		}
	}
}

// TestSameReceivers: whoever is said to be the same gives the same verdicts.
func TestSameReceivers(t *testing.T) {
	n := 0
	for _, vectors := range vectorFiles(t) {
		for _, v := range vectors[:min(len(vectors), 500)] {
			line, err := base64.StdEncoding.DecodeString(v.Line)
			if err != nil || len(line) > MaxLine {
				continue
			}
			all := Eras()
			for dir := NoDirection; dir <= C2S; dir++ {
				for i := range all[1:] {
					a, b := all[i].Receiver, all[i+1].Receiver
					if !a.Same(b, CommandOf(line)) {
						continue
					}
					if x, y := a.Judge(dir, Piece{Text: line}, nil), b.Judge(dir, Piece{Text: line}, nil); x != y {
						t.Fatalf("%s and %s: %.200q: %+v and %+v", all[i], all[i+1], line, x, y)
					}
					n++
				}
			}
		}
	}
	if n == 0 {
		t.Error("none are the same")
	}
}
