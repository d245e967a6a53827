package replay_test

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"repltap/wire"
)

func keys[V any](m map[string]V) iter.Seq[string] { return maps.Keys(m) }

// TestScenarios plays every scenario of testdata/scenarios in every release that
// it names, and holds each to what is expected of it. What an affected release
// does has to differ from what a fixed one does, and in what is expected.
func TestScenarios(t *testing.T) {
	for _, s := range scenarios(t) {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var bad, good *scenarioResult
			for _, version := range s.all() {
				r := s.hold(t, version, false)
				if version == s.affected {
					bad = r
				}
				if s.honest != nil {
					r = s.hold(t, version, true)
				}
				if version == s.fixed || s.honest != nil && version == s.affected {
					good = r
				}
			}
			if bad != nil && good != nil {
				tellApart(t, bad, good)
			}
			for _, e := range s.expects {
				if !e.used {
					t.Errorf("no release is held to %q", e.in)
				}
			}
		})
	}
}

// scenarioResult is a run and what was expected of it.
type scenarioResult struct {
	*scenarioRun
	version string
	want    *expectation
}

// all are the releases of the table and the two that have to differ.
func (s *scenario) all() []string {
	list := slices.Clone(s.releases)
	for _, version := range []string{s.affected, s.fixed} {
		if version != "" && !slices.Contains(list, version) {
			list = append(list, version)
		}
	}
	return list
}

// hold plays a scenario in a release and complains of what is not as expected.
func (s *scenario) hold(t *testing.T, version string, honest bool) *scenarioResult {
	t.Helper()
	want, err := s.expected(version, honest)
	if err != nil {
		t.Error(err)
		return nil
	}
	run, err := playScenario(s, version, honest)
	if err != nil {
		t.Error(err)
		return nil
	}
	if wrong := run.differs(want.lines); len(wrong) > 0 {
		t.Errorf("%s (expect %s, honest %v):\n  %s\nin all\n%s", version, want.in, honest, strings.Join(wrong, "\n  "), run.outcome())
	}
	return &scenarioResult{run, version, want}
}

// tellApart: whoever is affected must not do what is expected of those who are
// not, nor the other way round.
func tellApart(t *testing.T, bad, good *scenarioResult) {
	t.Helper()
	if bad.outcome() == good.outcome() || len(bad.differs(good.want.lines)) == 0 || len(good.differs(bad.want.lines)) == 0 {
		t.Errorf("%s and %s can't be told apart:\n%s", bad.version, good.version, good.outcome())
	}
}

// differs holds a run to the lines of an expectation.
func (r *scenarioRun) differs(want []string) (wrong []string) {
	lines := map[wire.Direction][]string{}
	for _, line := range want {
		what, rest, _ := strings.Cut(line, " ")
		switch dir := map[string]wire.Direction{"S>": wire.S2C, "W>": wire.C2S}[what]; {
		case dir != wire.NoDirection:
			for _, text := range linesFor(r.release, rest) {
				lines[dir] = append(lines[dir], string(text))
			}
		default:
			key, value, _ := strings.Cut(line, ": ")
			if got, err := r.measure(key); err != nil || got != value {
				wrong = append(wrong, fmt.Sprintf("%s: %s, want %s (%v)", key, got, value, err))
			}
		}
	}
	for dir, want := range lines {
		got := r.sent(dir)
		for i := range max(len(got), len(want)) {
			if g, w := at(got, i), at(want, i); g != w {
				wrong = append(wrong, fmt.Sprintf("%s line %d is %q, want %q", dir, i, abbreviated(g), abbreviated(w)))
				break
			}
		}
	}
	return wrong
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing more"
}

// tellApart: whoever is affected must not do what is expected of those who are
// not.
func (s *scenario) tellApart(t *testing.T) {
	fixed, honest := s.fixed, s.honest != nil
	if honest {
		fixed = s.affected
	}
	bad, err := playScenario(s, s.affected, false)
	if err != nil {
		t.Fatal(err)
	}
	good, err := playScenario(s, fixed, honest)
	if err != nil {
		t.Fatal(err)
	}
	wantBad, err1 := s.expected(s.affected, false)
	wantGood, err2 := s.expected(fixed, honest)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if bad.outcome() == good.outcome() || len(bad.differs(wantGood.lines)) == 0 || len(good.differs(wantBad.lines)) == 0 {
		t.Errorf("%s and %s can't be told apart:\n%s", s.affected, fixed, good.outcome())
	}
}
