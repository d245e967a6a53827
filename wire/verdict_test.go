package wire

import "testing"

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
