package wire

import (
	"slices"
	"strings"
	"testing"
)

// TestChooseCaptures: the release of each capture is among those that it is taken
// to be of, and the one that is played takes all of its rows.
func TestChooseCaptures(t *testing.T) {
	for _, c := range captures(t) {
		recorded, err := ParseRelease(c.release)
		if c.handMade() || err != nil {
			continue
		}
		var d Detector
		var rows []Gist
		c.play(NewConversation(AllReleases), func(dir Direction, p Piece, _ []Finding) {
			if p.Kind != PieceLine {
				return
			}
			g := GistOf(slices.Clone(p.Text))
			d.Observe(dir, p.Text, &g)
			if g.Row != nil && dir == S2C {
				rows = append(rows, g)
			}
		})
		of := Choose([]*Detector{&d}, nil)
		if !of.Releases.Has(recorded) || !of.Releases.Has(of.Play) || of.Conflict != "" || of.Against != 0 {
			t.Errorf("%s is taken for %s, played as %s: %s %s", &c, of.Releases, of.Play, of.Conflict, of.Why())
		}
		for _, g := range rows {
			taker := rowTakerOf(of.Play, StreamOf(g.Stream))
			if _, ok := taker.take(g.Row); !ok {
				t.Errorf("%s: %s does not take %s %.100s", &c, of.Play, g.Stream, g.Row)
				break
			}
		}
	}
}

// detectorOf has seen lines that begin with "s " or "c " for who sent them.
func detectorOf(lines ...string) *Detector {
	var d Detector
	for _, line := range lines {
		dir := S2C
		if line[0] == 'c' {
			dir = C2S
		}
		g := GistOf([]byte(line[2:]))
		d.Observe(dir, []byte(line[2:]), &g)
	}
	return &d
}

const (
	ev6   = `s RDATA events m 5 ["ev",["$a","!r:x","t",null,null,null]]`
	ev8   = `s RDATA events m 5 ["ev",["$a","!r:x","t",null,null,null,"join",false]]`
	ev9   = `s RDATA events m 5 ["ev",["$a","!r:x","t",null,null,null,"join",false,false]]`
	old5  = `s RDATA events 5 ["$a", "!r:x", "t", "", null]`
	read5 = `s RDATA receipts 6 ["!r:x", "m.read", "@u:x", "$e", {"ts": 5}]`
)

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		releases, play string
		against        uint64
		lines          []string
	}{
		{"any", "1.66.0", 0, nil},
		{"0.26.1–0.99.3", "0.99.3", 0, []string{"s SERVER x", "s POSITION events 5", old5}},
		{"0.99.3", "0.99.3", 0, []string{"s SERVER x", "s POSITION events 5", old5, read5}},
		{"1.64.0–1.66.x", "1.66.0", 0, []string{"s SERVER x", ev9}},
		{"1.23.0–1.63.x", "1.63.0", 0, []string{ev8}},
		{"1.23.0–1.40.x", "1.40.0", 0, []string{ev8, "s POSITION public_rooms m 5 5"}},
		{"1.13.0–1.18.x", "1.18.0", 0, []string{`s RDATA caches m 5 ["f", ["k"], 5]`}},
		{"1.19.0–1.21.x", "1.21.0", 0, []string{"s POSITION events m 5", `s RDATA caches m 5 ["f",["k"],5]`}},
		{"1.96.0 on", "1.157.1", 0, []string{`s RDATA events m 5 ["state-all",["!r:x"]]`}},
		// Where rows contradict each other, the fewest are wrong, in any order.
		{"1.64.0–1.66.x", "1.66.0", 1, []string{"s SERVER x", ev8, ev9, ev9}},
		{"1.64.0–1.66.x", "1.66.0", 1, []string{"s SERVER x", ev9, ev9, ev8}},
		{"1.23.0–1.63.x", "1.63.0", 1, []string{"s SERVER x", ev9, ev8, ev8}},
		// What is certain stays, whatever rows say.
		{"1.19.0–1.21.x", "1.21.0", 2, []string{"s SERVER x", "s POSITION caches m 5", ev9, ev9}},
	} {
		of := Choose([]*Detector{detectorOf(test.lines...)}, nil)
		if of.Releases.String() != test.releases || of.Play.String() != test.play || of.Against != test.against {
			t.Errorf("%q: %s, played as %s, %d against; want %s, %s, %d (%s)", test.lines, of.Releases, of.Play, of.Against,
				test.releases, test.play, test.against, of.Why())
		}
	}
}

// TestChooseBeside: what other connections show counts where it goes together
// with those that are asked about, and not where it does not.
func TestChooseBeside(t *testing.T) {
	quiet := detectorOf("s SERVER x", "c REPLICATE ", "s POSITION events m 5 5")
	for want, beside := range map[string]*Detector{
		"1.64.0–1.66.x": detectorOf("s SERVER x", ev9),
		"1.22.0–1.66.x": detectorOf("s SERVER x", "c REPLICATE events 5", old5),
	} {
		if of := Choose([]*Detector{quiet}, []*Detector{beside}); of.Releases.String() != want || of.Conflict != "" {
			t.Errorf("%s, want %s: %s", of.Releases, want, of.Conflict)
		}
	}
	if of := Choose([]*Detector{quiet, detectorOf("s POSITION events 5")}, nil); !strings.Contains(of.Conflict, "POSITION") || of.Releases == 0 || of.Play == 0 {
		t.Errorf("%+v", of)
	}
}

// TestReleaseSets: spans follow one another, each within one dialect, and a set
// is named by what it has in it.
func TestReleaseSets(t *testing.T) {
	if !slices.IsSorted(spans) || len(spans) > 64 || len(streams) > int(maxStreamKinds) || len(errorClues) > int(maxErrorKinds) {
		t.Fatalf("%d spans, %d streams", len(spans), len(streams))
	}
	last := &streams[len(streams)-1]
	if shape := &last.Shapes[len(last.Shapes)-1]; shape.kind >= numKinds {
		t.Errorf("%d kinds of evidence", shape.kind)
	}
	for i, r := range spans {
		if r.Set() != 1<<i || dialectOf(r) == noDialect {
			t.Errorf("%s is in %b, and speaks %s", r, r.Set(), dialectOf(r))
		}
	}
	for want, s := range map[string]ReleaseSet{
		"any": AllReleases, "none": 0, "next": unreleased.Set(), "v1.22": v1_22.Set().Releases(),
		"0.99.3": release(0, 99, 3).Set(), "1.19.0–1.21.x": releasesBetween(release(1, 19, 0), release(1, 22, 0)),
	} {
		if s.String() != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
	for _, d := range Dialects() {
		if s := d.Set().Releases(); s.Dialects() != d.Set() || !s.Has(s.Play()) || s.Play() != d.Receiver().Release {
			t.Errorf("%s: %s, played as %s", d, s, s.Play())
		}
	}
}
