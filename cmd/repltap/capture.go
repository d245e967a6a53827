package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// next reads a line into c.line and c.conn. It returns io.EOF after the last.
func (c *captureReader) next() error {
	for c.lines.Scan() {
		c.number++
		text := bytes.TrimSpace(c.lines.Bytes())
		if len(text) == 0 {
			continue
		}
		if err := c.parse(text); err != nil {
			return fmt.Errorf("%s, line %d: %w", c.name, c.number, err)
		}
		c.conn = c.connOf(&c.line)
		return nil
	}
	if err := c.lines.Err(); err != nil {
		return fmt.Errorf("%s, after line %d: %w", c.name, c.number, err)
	}
	return io.EOF
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

// format is what kind of file an import has before it.
type format int

const (
	formatText    format = iota // lines as nc would have saved them
	formatCapture               // JSON lines
)

var zstdMagic = []byte{0x28, 0xb5, 0x2f, 0xfd}

// decompress looks through zstd compression.
func decompress(r io.Reader) (_ *bufio.Reader, stop func(), err error) {
	br := bufio.NewReaderSize(r, 64<<10)
	head, _ := br.Peek(len(zstdMagic))
	if !bytes.Equal(head, zstdMagic) {
		return br, func() {}, nil
	}
	dec, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, nil, err
	}
	return bufio.NewReaderSize(dec, 64<<10), dec.Close, nil
}

// foreign are beginnings of files that people may try to import, and what to
// do with them instead.
var foreign = []struct{ magic, what, hint string }{
	{"\xd4\xc3\xb2\xa1", "a pcap file", ""}, {"\xa1\xb2\xc3\xd4", "a pcap file", ""},
	{"\x4d\x3c\xb2\xa1", "a pcap file", ""}, {"\xa1\xb2\x3c\x4d", "a pcap file", ""},
	{"\x0a\x0d\x0d\x0a", "a pcapng file", ""},
	{"\x1f\x8b", "compressed with gzip", "gunzip it first: gunzip -c FILE | repltap import - …"},
	{"BZh", "compressed with bzip2", "bunzip2 it first"},
	{"\xfd7zXZ", "compressed with xz", "unxz it first"},
	{"PK\x03\x04", "a zip archive", "unzip it first"},
}

// sniff tells the format from the first bytes.
func sniff(r *bufio.Reader) (format, error) {
	head, err := r.Peek(512)
	if len(head) == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			err = errors.New("there is nothing in it")
		}
		return 0, err
	}
	for _, f := range foreign {
		if bytes.HasPrefix(head, []byte(f.magic)) {
			hint := f.hint
			if hint == "" {
				hint = "save the payload of each direction as text, and import that with --direction s2c or c2s"
			}
			return 0, withHint(fmt.Errorf("it is %s, which can't be imported", f.what), "%s", hint)
		}
	}
	if trimmed := bytes.TrimLeft(head, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' {
		return formatCapture, nil
	}
	return formatText, nil
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
