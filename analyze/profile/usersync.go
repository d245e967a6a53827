package profile

import (
	"bytes"

	"repltap/wire"
)

// userSync is what a USER_SYNC says. Its slices are those of the line.
type userSync struct {
	instance []byte // nil up to 1.12
	user     []byte
	device   []byte // nil up to 1.91, and where there is none
	start    bool
}

// syncOf reads a USER_SYNC of any release; false if it can't be read.
func syncOf(e *entry) (s userSync, ok bool) {
	form := e.Gist.Form
	if form < wire.FormUserSync3 || form > wire.FormUserSync6 {
		return s, false
	}
	rest := e.Data[len(e.Gist.Name)+1 : lineLength(e.Data)]
	next := func() (word []byte) {
		word, rest, _ = bytes.Cut(rest, blank)
		return word
	}
	if form > wire.FormUserSync3 {
		s.instance = next()
	}
	s.user = next()
	if form >= wire.FormUserSync5 {
		if s.device = next(); string(s.device) == "None" {
			s.device = nil
		}
	}
	s.start = string(next()) == "start"
	return s, true
}

var blank = []byte{' '}
