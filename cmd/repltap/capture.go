package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/klauspost/compress/zstd"

	"repltap/wire"
)

// A capture is a file of JSON lines, one for each read of a forwarder and for
// each thing that happened to a connection:
//
//	{"t":1795187104722609838,"dir":"s2c","data":"U0VSVkVS…"}
//	{"t":1795187104721231011,"event":"open","peer":"127.0.0.1:33770","conn":1}
//
// "conn" is there when one file holds many connections.

// captureLine is one line of a capture.
type captureLine struct {
	T     *int64          `json:"t"`
	Dir   string          `json:"dir"`
	Data  []byte          `json:"data"`
	Event string          `json:"event"`
	Peer  string          `json:"peer"`
	Note  string          `json:"note"`
	Conn  json.RawMessage `json:"conn"`

	direction wire.Direction
}

// maxCaptureLine bounds the memory for one line: what one read returned, in
// base64.
const maxCaptureLine = 64 << 20

// captureReader reads the lines of one capture and numbers its connections.
type captureReader struct {
	name    string
	lines   *bufio.Scanner
	number  int // of the line last read, from 1
	good    int // the last line that could be read, 0 before
	line    captureLine
	conn    int // index of that line's connection in order of appearance
	current map[string]int
	conns   int
}

func newCaptureReader(name string, r io.Reader) *captureReader {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxCaptureLine)
	return &captureReader{name: name, lines: sc, current: map[string]int{}}
}

// cutError is a capture or a text that ends before its end: the writer stopped in
// the middle of a line, or the compressed data ends early or is damaged. What comes
// before it is good.
type cutError struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // of a capture: the last good one
	Why  string `json:"why"`
}

func (e *cutError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s is cut off: %s", e.File, e.Why)
	}
	return fmt.Sprintf("%s is cut off after line %d: %s", e.File, e.Line, e.Why)
}

// next reads a line into c.line and c.conn. It returns io.EOF after the last, and
// a *cutError where the rest can't be read.
func (c *captureReader) next() error {
	for c.lines.Scan() {
		c.number++
		text := bytes.TrimSpace(c.lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := c.parse(text); err != nil {
			return c.trouble(err)
		}
		c.conn, c.good = c.connOf(&c.line), c.number
		return nil
	}
	if err := c.lines.Err(); err != nil {
		if c.good > 0 && isCut(err) {
			return &cutError{File: c.name, Line: c.good, Why: cutBy(err)}
		}
		return fmt.Errorf("%s, after line %d: %w", c.name, c.number, err)
	}
	return io.EOF
}

// trouble is what is wrong with the line at hand. When that is no JSON and the last
// line, its writer was interrupted.
func (c *captureReader) trouble(err error) error {
	number := c.number
	var syntax *json.SyntaxError
	if c.good > 0 && errors.As(err, &syntax) && !c.lines.Scan() && (c.lines.Err() == nil || isCut(c.lines.Err())) {
		return &cutError{File: c.name, Line: c.good, Why: fmt.Sprintf("line %d is not whole", number)}
	}
	err = fmt.Errorf("%s, line %d: %w", c.name, number, err)
	if c.good == 0 {
		err = withHint(err, "a capture is JSON lines of its own kind, see repltap import --help")
	}
	return err
}

// isCut says whether an error of reading is about the data and not the disk.
func isCut(err error) bool {
	var path *fs.PathError
	return !errors.As(err, &path) && !errors.Is(err, bufio.ErrTooLong)
}

// cutBy words why a file can't be read further.
func cutBy(err error) string {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the compressed data ends early"
	case errors.Is(err, zstd.ErrMagicMismatch):
		return "what follows is not compressed with zstd"
	}
	return err.Error()
}

func (c *captureReader) parse(text []byte) error {
	data := c.line.Data[:0]
	c.line = captureLine{Data: data}
	l := &c.line
	if err := json.Unmarshal(text, l); err != nil {
		return jsonTrouble(err)
	}
	switch {
	case l.T == nil:
		return errors.New(`there is no time ("t") on it`)
	case l.Event != "":
		l.direction = eventDirection(l.Event)
		return nil
	case l.Dir == "":
		return errors.New(`it has neither "data" with a "dir" nor an "event"`)
	}
	dir, err := wire.ParseDirection(l.Dir)
	l.direction = dir
	return err
}

// jsonTrouble words what encoding/json says.
func jsonTrouble(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not JSON at byte %d: %w", syntax.Offset, err)
	case errors.As(err, &kind) && kind.Field == "t":
		return fmt.Errorf(`"t" is a %s, and not Unix nanoseconds as a whole number`, kind.Value)
	case errors.As(err, &kind):
		return fmt.Errorf("%q is a %s, which is not what belongs there", kind.Field, kind.Value)
	}
	return err
}

// connOf says which connection a line is about. Lines without "conn" are about
// one and the same, until it is opened again.
func (c *captureReader) connOf(l *captureLine) int {
	i, known := c.current[string(l.Conn)]
	if !known || l.Event == "open" {
		i = c.conns
		c.current[string(l.Conn)] = i
		c.conns++
	}
	return i
}

// eventDirection is the direction that an event's name ends in.
func eventDirection(event string) wire.Direction {
	switch {
	case strings.HasSuffix(event, "s2c"):
		return wire.S2C
	case strings.HasSuffix(event, "c2s"):
		return wire.C2S
	}
	return wire.NoDirection
}
