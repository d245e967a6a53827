package explain

import (
	"fmt"
	"strings"
	"testing"
)

// generations is what each writer did, and each worker made of it.
func (s *Story) generations() string {
	var b strings.Builder
	for _, w := range s.Writers {
		began := ""
		if w.Began != nil {
			began = " from +" + w.Began.At.Digits()
		}
		fmt.Fprintf(&b, "%s %s%s: %d times\n", w.Instance, w.Generation.Digits(), began, w.Times)
	}
	for _, w := range s.Workers {
		fmt.Fprintf(&b, "%s %s: %s\n", w.Worker, w.Generation.Digits(), w.Fate)
	}
	return b.String()
}

// A stream that begins anew gives a token twice. Each generation has its story,
// and what is left of the other is in neither.
func TestGenerations(t *testing.T) {
	story := `
		0 1 < NAME w1
		0 1 > SERVER s
		1 1 > POSITION typing master 20 20
		2 1 > RDATA typing master 21 ["!a:x",[]]
		3 1 > RDATA typing master 22 ["!b:x",[]]
		5 1 > %s
		6 1 > RDATA typing master 1 ["!c:x",[]]
		7 1 > RDATA typing master 22 ["!d:x",[]]
		9 2 < NAME w2
		9 2 > SERVER s
		9 2 > POSITION typing master 30 30`
	silent := ask(t, told(t, fmt.Sprintf(story, "PING 1")), Question{Stream: "typing", Token: 21, Release: parse(t, "1.66.0")})
	want(t, silent.generations(), "master : 1 times w1 : delivered")
	r := told(t, fmt.Sprintf(story, "POSITION typing master 0 0"))
	both := ask(t, r, Question{Stream: "typing", Token: 22, Release: parse(t, "1.66.0")})
	want(t, both.generations(), `
		master : 1 times
		master 2 from +0.005000: 1 times
		w1 : delivered
		w1 2: delivered
		w2 2: was past it`)
	if !both.Complete || !strings.Contains(strings.Join(both.Notes, " "), "2 generations") {
		t.Errorf("complete %v, notes %q", both.Complete, both.Notes)
	}
	if first := ask(t, r, Question{Stream: "typing", Token: 1, Release: parse(t, "1.66.0")}); len(first.Writers) != 1 || first.Writers[0].Generation != 2 || first.Writers[0].Before != nil || !first.Came {
		t.Errorf("%s", first.generations())
	}
}

// What no POSITION says is another generation to the story, and the same to the
// worker, which throws it away.
func TestGenerationThatNobodyAnnounced(t *testing.T) {
	s := ask(t, told(t, `
		0 1 < NAME w1
		0 1 > SERVER s
		1 1 > POSITION typing master 700 700
		2 1 > RDATA typing master 701 ["!a:x",[]]
		3 1 > RDATA typing master 1 ["!a:x",[]]
		4 1 > RDATA typing master 2 ["!b:x",[]]`), Question{Stream: "typing", Token: 2, Release: parse(t, "1.66.0")})
	want(t, s.generations(), "master 2 from +0.003000: 1 times w1 2: discarded")
	if s.Complete || !strings.Contains(s.Workers[0].Why, "701") {
		t.Errorf("%+v", s.Workers[0])
	}
}

// Two rows with one token are both shown. From 1.16 on the second is thrown away,
// so that a worker which took in one of them lacks the other.
func TestTwoRowsWithOneToken(t *testing.T) {
	r := told(t, `
		0 1 < NAME w1
		0 1 > SERVER s
		1 1 > POSITION account_data master 60
		2 1 > RDATA account_data master 61 ["@a:x", null, "m.one"]
		3 1 > RDATA account_data master 61 ["@b:x", null, "m.two"]
		4 1 > RDATA account_data master 62 ["@b:x", null, "m.two"]
		5 1 > RDATA account_data master 62 ["@b:x", null, "m.two"]`)
	s := ask(t, r, Question{Stream: "account_data", Token: 61, Release: parse(t, "1.18.0")})
	w := s.Workers[0]
	if s.Complete || w.Fate != Delivered || w.Missing != 1 || len(w.Then) != 1 || w.Then[0].Fate != Discarded || !strings.Contains(w.Then[0].Line.Text, "m.two") {
		t.Errorf("%+v", w)
	}
	if o := s.Writers[0].Others; len(o) != 1 || !strings.Contains(o[0].Text, "m.two") || s.Writers[0].Times != 2 {
		t.Errorf("%+v", s.Writers[0])
	}
	if s := ask(t, r, Question{Stream: "account_data", Token: 61, Release: parse(t, "1.15.2")}); !s.Complete || s.Workers[0].Missing != 0 {
		t.Errorf("1.15.2: %+v", s.Workers[0])
	}
	if s := ask(t, r, Question{Stream: "account_data", Token: 62, Release: parse(t, "1.18.0")}); !s.Complete || len(s.Writers[0].Others) != 0 {
		t.Errorf("the same row twice: %+v, %+v", s.Workers[0], s.Writers[0])
	}
}

// A row of the stream that has the same counter moves a worker in both.
func TestSharedCounter(t *testing.T) {
	s := ask(t, told(t, `
		0 1 < NAME w1
		0 1 > SERVER s
		1 1 > POSITION tag_account_data master 60
		1 1 > POSITION account_data master 60
		2 1 > RDATA account_data master 64 ["@a:x", null, "m.one"]
		3 1 > RDATA tag_account_data master 63 ["@a:x", "!r:x", "{}"]`), Question{Stream: "tag_account_data", Token: 63, Release: parse(t, "1.18.0")})
	if w := s.Workers[0]; w.Fate != Discarded || w.Current != 64 {
		t.Errorf("%+v", w)
	}
}

// Two processes of one name are two workers; one that comes back is one.
func TestTwoOfOneName(t *testing.T) {
	var b strings.Builder
	hello := func(at, conn int) {
		fmt.Fprintf(&b, "%d %d < NAME fs\n%d %d > SERVER s\n%d %d > POSITION to_device master 10 10\n", at, conn, at, conn, at, conn)
	}
	hello(0, 1)
	hello(400, 2)
	for at := 5000; at < 40000; at += 5000 {
		fmt.Fprintf(&b, "%d 1 < PING 1\n%d 2 < PING 1\n", at, at)
	}
	b.WriteString("41000 1 > RDATA to_device master 11 [\"@a:x\"]\n41000 2 > RDATA to_device master 11 [\"@a:x\"]\n42000 1 < PING 1\n42000 2 < PING 1\n")
	s := ask(t, told(t, b.String()), Question{Stream: "to_device", Token: 11, Release: parse(t, "1.66.0")})
	want(t, s.fates(), "fs masterdelivered at 41.000000 after 0.000 fs masterdelivered at 41.000000 after 0.000")
	if !s.Complete {
		t.Error("it is not complete")
	}
}
