package wire

import (
	"bytes"
	"slices"
)

// saysNothing reports whether the beginning of a line ends before there is
// anything in it that could be secret or somebody's: in the command's name, in
// the stream's, or before the row. Where a connection breaks, lines often do.
func (r *Redactor) saysNothing(text []byte) bool {
	name, rest, more := cut(text)
	if !more {
		return beginsAny(commandNames[CmdUnknown+1:], text)
	}
	switch commandNamed(name) {
	case CmdUnknown:
		return false
	case CmdRdata:
		return r.saysNothingYet(rest)
	case CmdPosition, CmdReplicate:
		return beginsAny(streamNames, rest)
	}
	return len(rest) == 0
}

// saysNothingYet is saysNothing for the arguments of RDATA: a known stream, the
// name of a process, a token.
func (r *Redactor) saysNothingYet(rest []byte) bool {
	stream, rest, more := cut(rest)
	if !more {
		return beginsAny(streamNames, stream)
	}
	rest = bytes.TrimRight(rest, `["`) // so much of the row is the same in nearly all
	return StreamOf(stream) != nil && bytes.Count(rest, space) <= 2 && r.areHarmless(rest)
}

// streamNames are the names of all streams.
var streamNames = func() (names []string) {
	for i := range streams {
		names = append(names, streams[i].Name)
	}
	return names
}()

// beginsAny reports whether one of the names begins with text.
func beginsAny(names []string, text []byte) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		return len(text) <= len(name) && name[:len(text)] == string(text)
	})
}
