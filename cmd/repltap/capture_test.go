package main

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

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
		`{"t":1.5,"event":"open"}`:             `"t" is a number 1.5, and not Unix nanoseconds`,
		`{"t":1}`:                              `neither "data"`,
		`{"t":1,"data":"QQo="}`:                `neither "data"`,
		`{"t":1,"dir":"up","data":"QQo="}`:     `"up"`,
		`{"t":1,"dir":"s2c","data":"not b64"}`: "base64",
	} {
		c := newCaptureReader("some.jsonl", strings.NewReader(`{"t":1,"event":"open"}`+"\n\n"+text+"\n"+`{"t":2,"event":"close"}`))
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
		`{"t":1}`: formatCapture, "\n  {": formatCapture, "RDATA x": formatText, "PING 1\nnonsense\n": formatText,
		"\xef\xbb\xbf{": formatCapture, "\xef\xbb\xbfPING 5\n": formatText,
		"its end of a line\nPING 5\r\n": formatText, "\x50\x2a\x4d\x18\x02\x00\x00\x00hi" + zstdOf("PING 5\n"): formatText,
	} {
		r, stop, err := decompress(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := sniff(r); err != nil || got != want {
			t.Errorf("sniff(%q) = %v, %v", text, got, err)
		}
		stop()
	}
	for text, want := range map[string]string{
		"": "nothing in it", "\x5f\x2a\x4d\x18\x02\x00\x00\x00hi": "nothing in it", zstdOf("PING 5\n")[:12]: "cut off", zstdOf("PING 5\n")[:5]: "cut off",
		"\x1f\x8b\x08": "gzip", "\xd4\xc3\xb2\xa1rest": "pcap", "\n\r\r\n": "pcapng",
		"\xff\xfeP\x00I\x00": "UTF-16", "{\x00\"\x00t\x00\"\x00:\x005\x00}\x00": "UTF-16", "\xff\xfe\x00\x00P\x00\x00\x00": "UTF-32", "\x00P\x00I\x00N\x00G": "UTF-16", "\xff\x00": "no text",
		"\n": "neither", "hello\n": `begins with "hello"`, "ping 5\n": "neither", "PING 5\nno\nno\n": "neither",
		"1) \"subscribe\"\n2) \"c\"\n": "redis-cli", "Reading messages...\n": "redis-cli", "1339518083.107412 [0 127.0.0.1:60866] \"keys\"\n": "MONITOR",
		"subscribe\nx.y\n1\nmessage\nx.y\nRDATA events 5 []\n": "redis-cli", "\"pmessage\",\"*\",\"x.y\",\"PING 5\"\n": "redis-cli", ">3\r\n$7\r\nmessage\r\n": "Redis",
		"ERROR could not connect\nINFO once more\nERROR could not connect\n": "a log", "[2019-11-29 07:01:30] x\n": "a log", "[1,2]": "JSON array",
		"2019-11-29 07:01:30,589 - synapse.replication - 1 - INFO - x - Streaming\n": "log of Synapse", "Nov  9 07:01:30 host synapse: x\n": "a log",
		"07:01:30.123456 IP 127.0.0.1.9092 > 127.0.0.1.5: Flags\n": "tcpdump", "00000000: 5049 4e47 2035 0a\n": "hex dump",
		"<html>": "HTML", "HTTP/1.1 200 OK\r\n": "HTTP", "[{}]": "JSON array", "=== 2026-07-14 UTC ===\n": "repltap log",
		strings.Repeat("\x00", 16) + "\xed\xda\x0c\xed": "journal",
	} {
		r, stop, err := decompress(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sniff(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("sniff(%q): %v; want something about %q", text, err, want)
		}
		stop()
	}
}

// Times that are no nanoseconds are not taken for some of 1970.
func TestCaptureTimeUnits(t *testing.T) {
	for per, want := range map[int64]string{1: "seconds", 1e3: "milliseconds", 1e6: "microseconds", 1e9: ""} {
		var s clockSurvey
		for i := range int64(3) {
			at := (1_784_030_400 + i) * per
			s.see(int(i), 0, &captureLine{T: &at, Event: "open"})
		}
		if unit, ok := s.unit(); unit != want || ok != (want != "") {
			t.Errorf("%d a second: %q", per, unit)
		}
	}
}

func zstdOf(text string) string {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(enc.EncodeAll([]byte(text), nil))
}

// Of what is cut off, all that is whole counts, wherever it was cut.
func TestCaptureCutOff(t *testing.T) {
	text := strings.Repeat(`{"t":1,"dir":"s2c","data":"QQo="}`+"\n", 50)
	first := strings.Index(text, "\n")
	for n := first; n <= len(text); n++ {
		want, whole := strings.Count(text[:n], "}"), text[n-1] == '}' || text[n-1] == '\n'
		c := newCaptureReader("x", strings.NewReader(text[:n]))
		var err error
		lines := 0
		for ; err == nil; lines++ {
			err = c.next()
		}
		var cut *cutError
		if lines-1 != want || whole != errors.Is(err, io.EOF) || !whole && (!errors.As(err, &cut) || cut.Line != want) {
			t.Fatalf("cut to %d bytes: %d lines, %v; want %d", n, lines-1, err, want)
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
