package profile

import (
	"fmt"
	"strings"
	"testing"
)

// quietStory tells of two workers, one of which joins late, and of a row of events
// a second to both; each may leave out or add lines.
func quietStory(seconds int, each func(s *teller, i int, at int64)) func(t *testing.T) *Profile {
	return func(t *testing.T) *Profile {
		s := newTeller(t)
		for conn := uint64(1); conn <= 2; conn++ {
			s.happen(storyStart, conn, "open", "")
			s.happen(storyStart, conn, "<", fmt.Sprintf("NAME w%d", conn))
			s.happen(storyStart, conn, "<", "REPLICATE ")
			s.happen(storyStart, conn, ">", "POSITION events master 5 5")
			s.happen(storyStart, conn, ">", "POSITION receipts master 5 5")
		}
		for i := range seconds {
			each(s, i, storyStart+int64(i+1)*1e9)
		}
		return take(t, s.end())
	}
}

// row is a row of a stream at a second.
func (s *teller) row(at int64, conn uint64, stream string, i int) {
	s.happen(at, conn, ">", fmt.Sprintf(`RDATA %s master %d ["!r:x"]`, stream, i+6))
}

// TestQuiet: rows that stop coming to all, of a stream or to a worker are found,
// and what is explained is not.
func TestQuiet(t *testing.T) {
	hole := func(i int) bool { return i >= 90 && i < 250 }
	for name, c := range map[string]struct {
		story func(t *testing.T) *Profile
		want  string
	}{
		"to all": {quietStory(300, func(s *teller, i int, at int64) {
			for conn := uint64(1); conn <= 2; conn++ {
				if !hole(i) {
					s.row(at, conn, "events", i)
				} else if i%5 == 0 {
					s.happen(at, conn, ">", "PING 1")
				}
			}
		}), "quiet all   161.000 64 true"},
		"of a stream": {quietStory(300, func(s *teller, i int, at int64) {
			for conn := uint64(1); conn <= 2; conn++ {
				s.row(at, conn, "receipts", i)
				if !hole(i) {
					s.row(at, conn, "events", i)
				}
			}
		}), "quiet events   161.000 0 true"},
		"to one worker": {quietStory(300, func(s *teller, i int, at int64) {
			s.row(at, 1, "events", i)
			if i < 200 {
				s.row(at, 2, "events", i)
			}
		}), "quiet all  w2 100.000 0 false"},
		"of a stream to one worker": {quietStory(300, func(s *teller, i int, at int64) {
			for conn := uint64(1); conn <= 2; conn++ {
				s.row(at, conn, "receipts", i)
				if conn == 1 || i < 200 {
					s.row(at, conn, "events", i)
				}
			}
		}), "quiet events master w2 100.000 0 false"},
		"a stall explains it": {quietStory(300, func(s *teller, i int, at int64) {
			s.row(at, 1, "events", i)
			switch {
			case i < 90 || i >= 250:
				s.row(at, 2, "events", i)
			case i == 90:
				s.happen(at, 2, "stall", `s2c {"unread":260000}`)
			case i == 249:
				s.happen(at, 2, "resume", `s2c`)
			}
		}), ""},
		"stalls of all explain it": {quietStory(300, func(s *teller, i int, at int64) {
			for conn := uint64(1); conn <= 2; conn++ {
				switch {
				case !hole(i):
					s.row(at, conn, "events", i)
				case i == 90:
					s.happen(at, conn, "stall", `s2c {"unread":260000}`)
				case i == 249:
					s.happen(at, conn, "resume", `s2c`)
				}
			}
		}), ""},
		"a gap explains it": {quietStory(300, func(s *teller, i int, at int64) {
			if !hole(i) {
				s.row(at, 1, "events", i)
				s.row(at, 2, "events", i)
			} else if i == 249 {
				s.happen(at, 1, "gap", fmt.Sprintf(`s2c {"bytes":9000,"lines":160,"from":%d,"to":%d,"reason":"queue full"}`, storyStart+91e9, at))
			}
		}), ""},
		"no connection explains it": {quietStory(300, func(s *teller, i int, at int64) {
			switch {
			case !hole(i):
				s.row(at, 1+uint64(i/250)*2, "events", i)
				s.row(at, 2+uint64(i/250)*2, "events", i)
			case i == 90:
				s.happen(at, 1, "close", "fin master")
				s.happen(at, 2, "close", "fin master")
			}
		}), ""},
		"three rows": {quietStory(3, func(s *teller, i int, at int64) { s.row(at+int64(i)*400e9, 1, "events", i) }), ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := c.story(t)
			got := strings.Join(grep(shown(t, p, "silence", "what", "stream", "instance", "worker", "lasted_s", "pings", "ended"), "quiet"), "\n")
			if got = strings.ReplaceAll(got, "-", ""); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			problems := 0
			for _, h := range p.Highlights {
				if h.Severity == "problem" && strings.Contains(h.Text, ".000 s (from ") {
					problems++
				}
			}
			if (problems == 1) != (c.want != "") {
				t.Errorf("%d silences stand out: %+v", problems, p.Highlights)
			}
		})
	}
}

// TestQuietWriter: of several writers of a stream one stops, and where they stood
// then is told. One that still announces where it is has nothing to write.
func TestQuietWriter(t *testing.T) {
	for _, announces := range []bool{false, true} {
		s := newTeller(t)
		s.happen(storyStart, 1, "open", "")
		for w := range 3 {
			s.happen(storyStart, 1, ">", fmt.Sprintf("POSITION events p%d 500 500", w))
		}
		for i := range 400 {
			at, w := storyStart+int64(i+1)*1e9, i%3
			switch {
			case w < 2 || i < 150:
				s.happen(at, 1, ">", fmt.Sprintf(`RDATA events p%d %d ["ev",["$e"]]`, w, 501+i))
			case announces:
				s.happen(at, 1, ">", fmt.Sprintf("POSITION events p%d %d %d", w, 501+i-3, 501+i))
			}
		}
		p := take(t, s.end())
		want := "quiet p2 250.000 167 650 900 false"
		if announces {
			want = ""
		}
		if got := strings.Join(grep(shown(t, p, "silence", "what", "instance", "lasted_s", "other_rows", "lowest", "highest", "ended"), "quiet", "stands"), "\n"); got != want {
			t.Errorf("announces %v: got %q, want %q", announces, got, want)
		}
	}
}

// TestStallExplainsSilence: what a sender said while its reader took nothing is
// not missing, neither among the findings nor the signs of life.
func TestStallExplainsSilence(t *testing.T) {
	for name, c := range map[string]struct {
		between string
		codes   string
		silence string
	}{
		"nothing":                 {"", "W-silence", "40.000 1"},
		"a stall":                 {"3000 1 stall s2c {\"unread\":253000}\n41900 1 resume s2c", "", "2.000 0"},
		"a gap":                   {`41900 1 gap s2c {"bytes":900,"lines":9,"from":1700000003000000000,"to":1700000041000000000,"reason":"queue full"}`, "", "2.000 0"},
		"a stall the other way":   {"3000 1 stall c2s\n41900 1 resume c2s", "W-silence", "40.000 1"},
		"a stall that ended then": {"2000 1 stall s2c\n2100 1 resume s2c\n2200 1 > PING 1", "W-silence", "39.800 1"},
	} {
		p := profiled(t, "0 1 open\n0 1 > SERVER x\n0 1 < NAME w1\n2000 1 > PING 1\n"+c.between+"\n42000 1 > PING 2\n42000 1 < PING 2")
		var codes []string
		for _, f := range p.Findings {
			if strings.HasPrefix(f.Detail, "the master") {
				codes = append(codes, f.Code)
			}
		}
		if got := strings.Join(codes, " "); got != c.codes {
			t.Errorf("%s: findings %q, want %q", name, got, c.codes)
		}
		if got := strings.Join(grep(shown(t, p, "pings", "direction", "silence_s", "silences_over_25_s"), "s2c"), ""); got != "s2c "+c.silence {
			t.Errorf("%s: %s, want %s", name, got, c.silence)
		}
	}
}
