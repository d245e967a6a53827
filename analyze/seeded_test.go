package analyze

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// seeded is a way to change a story at a place, and what is to be said of it.
type seeded struct {
	name string
	fits func(s story, i int) bool
	// change gives the changed story, and the lines that are to be named, "" for
	// none.
	change func(s story, i int) (out story, recorded, replayed string)
	kind   string
	about  string
}

// once says whether a line stands on its connection only once, so that there is
// no doubt which one it is.
func isRdata(s story, i int) bool { return s[i].command() == wire.CmdRdata }

var seededChanges = []seeded{
	{"dropped", anyLine, func(s story, i int) (story, string, string) {
		return slices.Delete(slices.Clone(s), i, i+1), s[i].line, ""
	}, Missing, AboutLine},
	{"extra", isRdata, func(s story, i int) (story, string, string) {
		h := s[i]
		h.line = strings.TrimSuffix(h.line, "]\n") + ` , "more"]` + "\n"
		return slices.Insert(slices.Clone(s), i+1, h), "", h.line
	}, Extra, AboutLine},
	{"swapped", hasNext, func(s story, i int) (story, string, string) {
		out := slices.Clone(s)
		j := s.next(i)
		out[i].line, out[j].line = s[j].line, s[i].line
		return out, "?", "?"
	}, Reordered, AboutLine},
	{"token", hasToken, func(s story, i int) (story, string, string) {
		h := s[i]
		g := h.gist()
		h.line = strings.Replace(h.line, fmt.Sprintf(" %d ", g.Token), fmt.Sprintf(" %d ", g.Token+7_000_000), 1)
		return s.with(i, h), s[i].line, h.line
	}, Changed, AboutLine},
	{"row", isRdata, func(s story, i int) (story, string, string) {
		h := s[i]
		g := h.gist()
		h.line = strings.TrimSuffix(h.line, string(g.Row)+"\n") + `["something else"]` + "\n"
		return s.with(i, h), s[i].line, h.line
	}, Changed, AboutLine},
	{"late", quietPosition, func(s story, i int) (story, string, string) {
		return s.later(i, 2e9), s[i].line, s[i].line
	}, Late, AboutLine},
	{"much later", busyPosition, func(s story, i int) (story, string, string) {
		return s.later(i, 2e9), s[i].line, s[i].line
	}, Reordered, AboutLine},
}

func anyLine(s story, i int) bool {
	c := s[i].command()
	return c != wire.CmdPing && c != wire.CmdName // without its name a worker is another one
}

func hasToken(s story, i int) bool {
	g := s[i].gist()
	return g.Command == wire.CmdRdata && g.HasToken
}

// next is the next line of the same lane, -1 if there is none.
func (s story) next(i int) int {
	lane := s[i].lane()
	for j := i + 1; j < len(s); j++ {
		if s[j].conn == s[i].conn && s[j].line != "" && s[j].lane() == lane {
			return j
		}
	}
	return -1
}

func hasNext(s story, i int) bool {
	j := s.next(i)
	return isRdata(s, i) && j > 0 && s[j].line != s[i].line
}

// ends says when a connection ends.
func (s story) ends(conn uint64) int64 {
	for i := range s {
		if s[i].conn == conn && s[i].kind == journal.KindClose {
			return s[i].t
		}
	}
	return 0
}

// quietPosition: nothing of its lane comes within two seconds.
func quietPosition(s story, i int) bool {
	j := s.next(i)
	return s[i].command() == wire.CmdPosition && s[i].t+2e9 < s.ends(s[i].conn) && (j < 0 || s[j].t > s[i].t+2e9)
}

// busyPosition: several lines do.
func busyPosition(s story, i int) bool {
	if s[i].command() != wire.CmdPosition || s[i].t+2e9 >= s.ends(s[i].conn) {
		return false
	}
	n := 0
	for j := s.next(i); j > 0 && s[j].t <= s[i].t+2e9; j = s.next(j) {
		n++
	}
	return n >= 3
}

// later moves a line to a later time.
func (s story) later(i int, by int64) story {
	h := s[i]
	h.t += by
	out := slices.Delete(slices.Clone(s), i, i+1)
	j := i
	for j < len(out) && out[j].t <= h.t {
		j++
	}
	return slices.Insert(out, j, h)
}

// seededLines is how much of a capture is used where many journals are made of it.
const seededLines = 600

// TestSeededChanges: one change anywhere is found, is called what it is, at its
// place, and nothing else is.
func TestSeededChanges(t *testing.T) {
	t.Parallel()
	each := 5
	if testing.Short() {
		each = 3
	}
	found := map[string]int{}
	for n, folder := range captureFolders[:4] {
		s := capture(t, folder).beginning(seededLines)
		r := s.write(t, journal.Options{})
		counts := s.counts()
		once := func(i int) bool { return counts[fmt.Sprint(s[i].conn, s[i].dir, s[i].line)] == 1 }
		for k, x := range seededChanges {
			t.Run(folder+"/"+x.name, func(t *testing.T) {
				places := s.places(uint64(100*n+k), each, func(i int) bool { return once(i) && x.fits(s, i) })
				for _, i := range places {
					out, recorded, replayed := x.change(s, i)
					b := out.write(t, journal.Options{})
					c := compare(t, r, b, Options{})
					if c.Verdict != Different || c.Total() != 1 || c.Counts[x.kind] != 1 || c.Differences[0].What != x.about {
						t.Fatalf("line %d %q: want one that is %s:\n%s", i, s[i].line, x.kind, text(c))
					}
					d := &c.Differences[0]
					if d.Count != 1 || d.Dir != s[i].dir.String() || d.Stream != string(s[i].gist().Stream) {
						t.Fatalf("line %d %q: %s", i, s[i].line, text(c))
					}
					checkPlace(t, r, d.Recorded, recorded)
					checkPlace(t, b, d.Replayed, replayed)
				}
				found[x.name] += len(places)
			})
		}
	}
	for _, x := range seededChanges {
		if found[x.name] < fewPlaces {
			t.Errorf("%s: only %d places", x.name, found[x.name])
		}
	}
}

// fewPlaces is how many places there are at least for a change.
const fewPlaces = 4

// checkPlace looks whether a place is that of a line.
func checkPlace(t *testing.T, r *journal.Reader, p *Place, line string) {
	t.Helper()
	if p == nil {
		t.Fatal("there is no place")
	}
	if line == "" {
		if !p.After {
			t.Errorf("%+v is not after anything", p)
		}
		return
	}
	if line != "?" && p.Line != trimmed(line) || p.After {
		t.Errorf("it is at %+v, want %q", p, line)
	}
	if is := lineAt(t, r, p.Seq); trimmed(is) != p.Line {
		t.Errorf("record %d is %q, not %q", p.Seq, is, p.Line)
	}
}

// TestSeededConnections: so is what becomes of whole connections.
func TestSeededConnections(t *testing.T) {
	t.Parallel()
	for _, folder := range captureFolders[:4] {
		s := capture(t, folder).beginning(seededLines)
		r := s.write(t, journal.Options{})
		for conn := uint64(1); s.ends(conn) != 0; conn++ {
			t.Run(fmt.Sprintf("%s/missing/%d", folder, conn), func(t *testing.T) {
				out := slices.DeleteFunc(slices.Clone(s), func(h happening) bool { return h.conn == conn })
				c := compare(t, r, out.renumbered(conn).write(t, journal.Options{}), Options{})
				if c.Total() != 1 || c.Counts[Missing] != 1 || c.Differences[0].What != AboutConnection || c.Differences[0].Recorded.Conn != conn {
					t.Error(text(c))
				}
			})
			t.Run(fmt.Sprintf("%s/again/%d", folder, conn), func(t *testing.T) {
				c := compare(t, r, s.again(conn).write(t, journal.Options{}), Options{})
				if c.Total() != 1 || c.Counts[Extra] != 1 || c.Differences[0].What != AboutConnection {
					t.Error(text(c))
				}
			})
			t.Run(fmt.Sprintf("%s/closed/%d", folder, conn), func(t *testing.T) {
				for _, i := range s.places(conn, 4, func(i int) bool { return s[i].conn == conn }) {
					out, lost := s.closed(i)
					c := compare(t, r, out.write(t, journal.Options{}), Options{})
					if lost == 0 && c.Counts[Changed] == 1 && c.Total() == 1 {
						continue
					}
					if lost != c.Lines[Missing] || c.Counts[Missing] > 2 || c.Counts[Changed] != 1 || c.Total() != c.Counts[Missing]+1 {
						t.Errorf("closed after line %d with %d to come: %s", i, lost, text(c))
					}
				}
			})
		}
	}
}

// renumbered closes the hole that a connection leaves.
func (s story) renumbered(gone uint64) story {
	out := slices.Clone(s)
	for i := range out {
		if out[i].conn > gone {
			out[i].conn--
		}
	}
	return out
}

// again is a story with a connection of the same worker more, at the end, of
// which only the beginning is like what was there.
func (s story) again(conn uint64) story {
	out, n := slices.Clone(s), uint64(0)
	for _, h := range s {
		n = max(n, h.conn)
	}
	base := s[len(s)-1].t
	lines := 0
	for _, h := range s {
		if h.conn != conn || lines > 5 && h.line != "" && h.command() != wire.CmdName {
			continue
		}
		if h.line != "" {
			lines++
		}
		base += 1e6
		h.conn, h.t = n+1, base
		out = append(out, h)
	}
	return out
}

// closed is a story in which a connection is reset after a line, and how many
// lines that count do not come.
func (s story) closed(i int) (out story, lost int64) {
	for j, h := range s {
		switch {
		case h.conn != s[i].conn || j < i:
			out = append(out, h)
		case j == i:
			out = append(out, h, happening{t: h.t, conn: h.conn, kind: journal.KindClose, ev: journal.Event{How: "error", By: "worker"}})
		case h.line != "" && h.command() != wire.CmdPing:
			lost++
		}
	}
	return out, lost
}
