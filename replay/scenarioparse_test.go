package replay_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"repltap/wire"
)

// scenario is a file of testdata/scenarios; its README says what the words in it
// mean.
type scenario struct {
	name            string
	side            string // worker, master or both
	flaw            string // what the receiver called -dev does wrong
	affected, fixed string
	releases        []string
	start           []string
	steps, honest   []string
	expects         []expectation
	captures        []string // the releases to make captures of
}

// expectation is what has to come of a scenario in some releases.
type expectation struct {
	honest bool
	in     string // the releases, as the file has them
	first  wire.Release
	last   wire.Release
	dev    bool
	lines  []string
	used   bool
}

// section is a line that begins at the margin, and the indented ones after it.
type section struct {
	key, value string
	lines      []string
}

var scenarioHead = regexp.MustCompile(`^([a-z][a-z0-9. -]*):(?: +(.*))?$`)

func scenarioSections(text string) (list []section, err error) {
	for n, line := range strings.Split(text, "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "" || trimmed[0] == '#':
		case line[0] == ' ' && len(list) > 0:
			s := &list[len(list)-1]
			s.lines = append(s.lines, trimmed)
		default:
			m := scenarioHead.FindStringSubmatch(line)
			if m == nil {
				return nil, fmt.Errorf("line %d is no section: %q", n+1, line)
			}
			list = append(list, section{key: m[1], value: m[2]})
		}
	}
	return list, nil
}

func readScenario(path string) (*scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	sections, err := scenarioSections(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	s := &scenario{name: strings.TrimSuffix(filepath.Base(path), ".txt")}
	for _, sec := range sections {
		if err := s.take(sec); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", path, sec.key, err)
		}
	}
	return s, s.complete()
}

func (s *scenario) take(sec section) (err error) {
	switch sec.key {
	case "title", "wild", "good", "bad": // for people
	case "side":
		s.side = sec.value
	case "flaw":
		s.flaw = sec.value
	case "affected":
		s.affected = sec.value
	case "fixed":
		s.fixed = sec.value
	case "capture":
		s.captures = strings.Fields(sec.value)
	case "releases":
		s.releases = strings.Fields(sec.value)
	case "start":
		s.start = sec.lines
	case "steps":
		s.steps, err = unrolled(sec.lines)
	case "honest":
		s.honest, err = unrolled(sec.lines)
	default:
		in, ok := strings.CutPrefix(sec.key, "expect ")
		if !ok {
			return fmt.Errorf("there is no such section")
		}
		e := expectation{in: in, lines: sec.lines}
		e.in, e.honest = strings.CutPrefix(in, "honest ")
		e.first, e.last, e.dev, err = releaseRange(e.in)
		s.expects = append(s.expects, e)
	}
	return err
}

func (s *scenario) complete() error {
	switch {
	case s.side != "worker" && s.side != "master" && s.side != "both":
		return fmt.Errorf("%s: the side is worker, master or both, not %q", s.name, s.side)
	case len(s.releases) == 0 || s.steps == nil:
		return fmt.Errorf("%s: there are no releases or no steps", s.name)
	case s.affected == "" || (s.fixed == "") == (s.honest == nil):
		return fmt.Errorf("%s: it takes an affected release, and either a fixed one or honest steps", s.name)
	}
	return nil
}

// unrolled writes out what stands between "-- repeat N" and "-- end".
func unrolled(lines []string) (out []string, err error) {
	begin, times := -1, 0
	for _, line := range lines {
		n, repeat := strings.CutPrefix(line, "-- repeat ")
		switch {
		case repeat:
			begin = len(out)
			if times, err = strconv.Atoi(n); err != nil {
				return nil, err
			}
		case line == "-- end" && begin >= 0:
			block := out[begin:]
			for range times - 1 {
				out = append(out, block...)
			}
			begin = -1
		default:
			out = append(out, line)
		}
	}
	return out, nil
}

// scenarioRelease reads a release, or one in development with a flaw: 1.13.0-dev.
func scenarioRelease(text string) (r wire.Release, dev bool, err error) {
	text, dev = strings.CutSuffix(text, "-dev")
	r, err = wire.ParseRelease(text)
	return r, dev, err
}

// releaseRange reads "A", "A to B", "up to B", "A on" and "all".
func releaseRange(text string) (first, last wire.Release, dev bool, err error) {
	const newest = ^wire.Release(0)
	from, to, span := strings.Cut(text, " to ")
	switch {
	case text == "all":
		return 0, newest, false, nil
	case span && from == "up":
		last, _, err = scenarioRelease(to)
		return 0, last, false, err
	case span:
		if first, _, err = scenarioRelease(from); err == nil {
			last, _, err = scenarioRelease(to)
		}
		return first, last, false, err
	case strings.HasSuffix(text, " on"):
		first, _, err = scenarioRelease(strings.TrimSuffix(text, " on"))
		return first, newest, false, err
	}
	first, dev, err = scenarioRelease(text)
	return first, first, dev, err
}

// expected finds what a release is held to; there has to be one of it.
func (s *scenario) expected(text string, honest bool) (*expectation, error) {
	r, dev, err := scenarioRelease(text)
	if err != nil {
		return nil, err
	}
	var found *expectation
	for i := range s.expects {
		e := &s.expects[i]
		if e.honest == honest && e.dev == dev && e.first <= r && r <= e.last {
			if found != nil {
				return nil, fmt.Errorf("both %q and %q are about %s", found.in, e.in, text)
			}
			found = e
		}
	}
	if found == nil {
		return nil, fmt.Errorf("nothing is expected of %s", text)
	}
	found.used = true
	return found, nil
}

// scenarios reads all there are.
func scenarios(t testing.TB) (list []*scenario) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "scenarios", "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		s, err := readScenario(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}
