package main

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"

	"repltap/wire"
)

func TestCaptureReader(t *testing.T) {
	const text = `{"t":5,"event":"open","peer":"127.0.0.1:4"}

{"dir":"s2c","data":"QQo=","t":6}
{"t": 7, "dir": "c2s", "data": ""}
{"t":8,"event":"reset_c2s","note":"n"}
{"t":9,"conn":7,"dir":"s2c","data":"QQo="}
{"t":9,"conn":"conn-8.jsonl","event":"open"}
{"t":10,"conn":7,"event":"close","future":[1,{}]}
{"t":11,"event":"open"}`
	type line struct {
		t    int64
		dir  wire.Direction
		data string
		conn int
	}
	want := []line{
		{5, 0, "", 0}, {6, wire.S2C, "A\n", 0}, {7, wire.C2S, "", 0}, {8, wire.C2S, "", 0},
		{9, wire.S2C, "A\n", 1}, {9, 0, "", 2}, {10, 0, "", 1}, {11, 0, "", 3},
	}
	c := newCaptureReader("x", strings.NewReader(text))
	for i := 0; ; i++ {
		err := c.next()
		if errors.Is(err, io.EOF) {
			if i != len(want) {
				t.Errorf("%d lines, want %d", i, len(want))
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		got := line{*c.line.T, c.line.direction, string(c.line.Data), c.conn}
		if i >= len(want) || got != want[i] {
			t.Fatalf("line %d: %+v", i, got)
		}
	}
}

// A person must find the line.
func TestCaptureReaderTrouble(t *testing.T) {
	for text, want := range map[string]string{
		`{"t":1,"dir":"s2c","data":"QQo="`:     "not JSON",
		`nonsense`:                             "not JSON",
		`[1,2]`:                                "array",
		`{"dir":"s2c","data":"QQo="}`:          `no time ("t")`,
		`{"t":"now","event":"open"}`:           `"t" is a string`,
		`{"t":1.5,"event":"open"}`:             `"t" is a number 1.5`,
		`{"t":1}`:                              `neither "data"`,
		`{"t":1,"data":"QQo="}`:                `neither "data"`,
		`{"t":1,"dir":"up","data":"QQo="}`:     `"up"`,
		`{"t":1,"dir":"s2c","data":"not b64"}`: "base64",
	} {
		c := newCaptureReader("some.jsonl", strings.NewReader(`{"t":1,"event":"open"}`+"\n\n"+text+"\n"))
		if err := c.next(); err != nil {
			t.Fatal(err)
		}
		err := c.next()
		if err == nil || !strings.HasPrefix(err.Error(), "some.jsonl, line 3: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want something about %q", text, err, want)
		}
	}
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]format{
		`{"t":1}`: formatCapture, "\n  {": formatCapture, "RDATA x": formatText, "\xff\x00": formatText, "\n": formatText,
	} {
		if got, err := sniff(bufio.NewReader(strings.NewReader(text))); err != nil || got != want {
			t.Errorf("sniff(%q) = %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"": "nothing in it", "\x1f\x8b\x08": "gzip", "\xd4\xc3\xb2\xa1rest": "pcap", "\n\r\r\n": "pcapng",
	} {
		if _, err := sniff(bufio.NewReader(strings.NewReader(text))); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("sniff(%q): %v; want something about %q", text, err, want)
		}
	}
}

func FuzzCapture(f *testing.F) {
	f.Add([]byte(`{"t":5,"event":"open","peer":"127.0.0.1:4"}` + "\n" + `{"dir":"s2c","data":"QQo=","t":6,"conn":1}`))
	f.Add([]byte(`{"t":9e99}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c := newCaptureReader("x", strings.NewReader(string(text)))
		for n := 0; ; n++ {
			if err := c.next(); err != nil {
				return
			}
			if c.line.T == nil || c.conn >= c.conns || n > len(text) {
				t.Fatalf("line %d of %q: %+v", n, text, c.line)
			}
		}
	})
}
