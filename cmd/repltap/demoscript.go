package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"repltap/testdata"
	"repltap/wire"
)

// script is a recorded connection as the demo plays it.
type script struct {
	name  string
	steps []scriptStep
	whole [3][]byte // all bytes, by direction
	lines int64
	end   string // first of the events that ended it: eof_s2c, eof_c2s, reset_c2s
}

// scriptStep is what one side wrote at once.
type scriptStep struct {
	dir    wire.Direction
	data   []byte
	before int // bytes that had come the other way by then
}

// demoScripts reads the built-in captures.
func demoScripts() ([]*script, error) {
	var list []*script
	for _, name := range testdata.DemoCaptures {
		f, err := testdata.Captures.Open(name)
		if err != nil {
			return nil, err
		}
		s, err := readScript(name, f)
		f.Close()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// readScript reads a capture of one connection.
func readScript(name string, r io.Reader) (*script, error) {
	plain, stop, err := decompress(r)
	if err != nil {
		return nil, err
	}
	defer stop()
	s := &script{name: name}
	c := newCaptureReader(name, plain)
	for {
		switch err := c.next(); {
		case errors.Is(err, io.EOF):
			return s, nil
		case err != nil:
			return nil, err
		case c.conn > 0:
			return nil, fmt.Errorf("%s: more than one connection in it", name)
		}
		s.add(&c.line)
	}
}

func (s *script) add(l *captureLine) {
	switch {
	case l.Event == "eof_s2c" || l.Event == "eof_c2s" || l.Event == "reset_c2s":
		if s.end == "" {
			s.end = l.Event
		}
	case l.Event == "" && len(l.Data) > 0:
		d := l.direction
		s.whole[d] = append(s.whole[d], l.Data...)
		s.lines += int64(bytes.Count(l.Data, []byte{'\n'}))
		s.steps = append(s.steps, scriptStep{d, bytes.Clone(l.Data), len(s.whole[opposite(d)])})
	}
}

func opposite(d wire.Direction) wire.Direction { return wire.S2C + wire.C2S - d }
