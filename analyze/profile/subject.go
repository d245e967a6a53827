package profile

import "repltap/wire"

// A line is about a command and mostly a stream. Collectors that count both in
// many ways want them as small numbers, so that counting is an array's element
// and not another look into a map.

// subjects numbers the streams that lines name, in the order in which they come:
// from 1, since 0 is none. They have the limit that the table of streams has, so
// what is counted here under a name is what is counted there.
type subjects struct {
	index map[string]int
	names []string
	last  int
}

func newSubjects() *subjects {
	return &subjects{index: map[string]int{}, names: []string{""}}
}

// maxSubjects is the highest number there can be, and one.
const maxSubjects = 1 + maxStreams + 1

// of is the number of a stream.
func (s *subjects) of(name []byte) int {
	if name == nil {
		return 0
	}
	if s.last != 0 && string(name) == s.names[s.last] {
		return s.last
	}
	n, ok := s.index[string(name)]
	if !ok {
		n = s.add(string(name))
	}
	s.last = n
	return n
}

func (s *subjects) add(name string) int {
	if len(s.names) > maxStreams {
		name = other
		if n, ok := s.index[name]; ok {
			return n
		}
	}
	n := len(s.names)
	s.index[name], s.names = n, append(s.names, name)
	return n
}

// commandName is how a command's lines are called in all tables.
func commandName(c wire.Command) string {
	if c == wire.CmdUnknown {
		return unknownCommand
	}
	return c.String()
}

// topic is what a line is told to be about: its stream, else its command.
func (e *entry) topic() string {
	if e.stream != 0 {
		return string(e.Gist.Stream)
	}
	return commandOf(&e.Gist)
}

// What a row is counted by.
const (
	byAll       = "all"
	byDirection = "direction"
	byCommand   = "command"
	byStream    = "stream"
)

// sides are the directions, in the order of their numbers.
var sides = [2]wire.Direction{wire.S2C, wire.C2S}
