package wire

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// talk has lines begin with "s " or "c " for who sent them. It gives the codes
// of the findings.
func talk(c *Conversation, lines ...string) (codes []string) {
	for _, line := range lines {
		dir := S2C
		if line[0] == 'c' {
			dir = C2S
		}
		text := []byte(line[2:] + "\n")
		for _, f := range c.Observe(0, dir, Piece{Text: text, New: len(text)}, nil) {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

func TestDetector(t *testing.T) {
	for _, test := range []struct {
		want  string
		lines []string
	}{
		{"any", []string{"c NAME w1", "c PING 5", "s PING 5"}},
		{"v0.21–v1.29", []string{"s SERVER x"}},
		{"v0.21–v1.9", []string{"c REPLICATE events 5"}},
		{"v1.13–next", []string{"c REPLICATE "}},
		{"v1.13–next", []string{"c REPLICATE"}},
		{"v1.13–v1.18", []string{"s POSITION events master 5"}},
		{"v1.22–next", []string{"s POSITION events master 5 5"}},
		{"v0.21–v0.23", []string{`s RDATA caches 5 ["a","b\/c"]`}},
		{"v0.23–v1.9", []string{`s RDATA caches 5 ["a", "b,c"]`}},
		{"v0.23", []string{`s RDATA caches 5 {"a": 1}`}},
		{"v0.23", []string{`s RDATA events 5 ["ev", ["$a", "!r:x", "t", null, null]]`, `s RDATA to_device 5 ["@a:x"]`}},
		{"v1.18–next", []string{`s RDATA caches master 5 ["a","b"]`}},
		{"v1.13–v1.18", []string{`s RDATA caches master 5 ["a", "b"]`}},
		{"v1.13–next", []string{`s RDATA caches master 5 ["a, b"]`}},
		{"v1.22–v1.29", []string{`s RDATA events m 5 ["ev",["$a","!r:x","t",null,null,null,"join",false]]`}},
		{"v1.29–next", []string{`s RDATA events m 5 ["ev",["$a","!r:x","t",null,null,null,"join",false,false]]`}},
		{"v1.92–next", []string{`s RDATA events m 5 ["state-all",["!r:x"]]`}},
		{"v0.23", []string{`s RDATA events 5 ["$a", "!r:x", "t", "", null]`}},
		{"v0.21–v0.23", []string{`s RDATA events 5 ["$a","!r:x","t","",null]`}},
		{"v1.92–next", []string{`s RDATA device_lists m 5 ["@u:x",true,false]`}},
		{"v1.29–v1.92", []string{`s RDATA device_lists m 5 ["@u:x",true]`}},
		{"v1.29–next", []string{`s RDATA receipts m 5 ["!r:x","m.read","@u:x","$e",null,{"ts":5}]`}},
		{"v1.29–next", []string{"s POSITION presence_federation m 5 5"}},
		{"v1.22–v1.29", []string{"s POSITION groups m 5 5"}},
		{"v1.13–v1.90", []string{"c USER_SYNC AbCdE @u:x start 5"}},
		{"v1.92–v1.146", []string{"c USER_SYNC AbCdE @u:x None start 5"}},
		{"next", []string{"c USER_SYNC AbCdE @u:x None start online 5"}},
		{"v1.18–next", []string{"c FEDERATION_ACK fs1 5"}},
		{"v0.22", []string{"c USER_IP @u:x tok ip dev 5 Moz"}},
		{"v0.21–v1.13", []string{`c INVALIDATE_CACHE f ["a"]`}},
		{"v0.21–v1.9", []string{"s ERROR failed to parse line for  'PING': ValueError('x') ('y'):"}},
		{"v1.13–next", []string{"c ERROR failed to parse line: ValueError('x') ('y'):"}},
		{"v1.90–next", []string{`s LOCK_RELEASED ["a","b","c"]`}},
		{"any", []string{"c RDATA caches master 5 [1]", "s NAME x", "c NEW_ACTIVE_TASK x"}}, // against the rules: no evidence
	} {
		c := NewConversation(AllReleases)
		talk(c, test.lines...)
		if got := c.Candidates().String(); got != test.want {
			t.Errorf("%q: %s, want %s (%s)", test.lines, got, test.want, c.Conflict())
		}
	}
}

func TestDetectorConflict(t *testing.T) {
	c := NewConversation(AllReleases)
	talk(c, "c REPLICATE events 5", "s POSITION events master 5 5")
	want := "the worker speaks v0.21–v1.9 (it sent REPLICATE with a stream and a token (v0.21–v1.9)), " +
		"the master speaks v1.22–next (it sent POSITION with an instance and two tokens (v1.22–next))"
	if c.Candidates() != 0 || c.Conflict() != want {
		t.Errorf("%v: %s", c.Candidates(), c.Conflict())
	}
	c = NewConversation(AllReleases)
	talk(c, "s POSITION events 5", "s POSITION events master 5 5")
	want = "the master sent POSITION with an instance and two tokens (v1.22–next) after POSITION with a stream and a token (v0.21–v1.9)"
	if c.Candidates() != 0 || c.Conflict() != want {
		t.Errorf("%v: %s", c.Candidates(), c.Conflict())
	}
	// What contradicts is judged by what the receiver speaks.
	if codes := talk(c, "c CLEAR_USER_SYNC AbCdE", "c USER_SYNC @u:x start 5"); !slices.Equal(codes, []string{CodeUnknownCommand}) {
		t.Errorf("findings %q", codes)
	}
}

func TestConversationFixed(t *testing.T) {
	c := NewConversation(v1_29.Set().Releases())
	codes := talk(c, "s REMOTE_SERVER_UP x", "c REMOVE_PUSHER a b c", "c CLEAR_USER_SYNC x", "c REPLICATE events 5", "s POSITION events 5")
	if !slices.Equal(codes, []string{CodeUnknownCommand, CodeLenient, CodeArity}) || c.Candidates() != v1_29.Set() || c.Conflict() == "" {
		t.Errorf("%q, %v, conflict %q", codes, c.Candidates(), c.Conflict())
	}
	c = NewConversation((v1_18.Set() | v1_22.Set()).Releases())
	if talk(c, "s POSITION events m 5"); c.Candidates() != v1_18.Set() {
		t.Errorf("candidates %v", c.Candidates())
	}
	if NewConversation(0).Candidates() != AllDialects {
		t.Error("no dialect given is not any")
	}
}

func TestConversationFindings(t *testing.T) {
	for line, want := range map[string]string{
		"c RDATA caches master 5 [1]": CodeDirection + ": the worker sent RDATA, which only the master may send (any)",
		"s NAME w1":                   CodeDirection + ": the master sent NAME, which only the worker may send (any)",
		"c NEW_ACTIVE_TASK x":         CodeDirection + ": the worker sent NEW_ACTIVE_TASK, which goes over Redis only (any)",
		"c FOO bar":                   CodeUnknownCommand + ": FOO is no command of any release",
		"c name w1":                   CodeUnknownCommand + `: "name" is no command: names are upper case (NAME)`,
		"c REPLICATE\r":               CodeUnknownCommand + ": REPLICATE with a CR at its end is no command",
		"c syt_c2VjcmV0 x":            CodeUnknownCommand + ": the line does not begin with a command",
		"c ":                          CodeBlank + ": a blank line",
		"c  \t":                       CodeBlank + ": a blank line",
		"c NAME \xff":                 CodeUTF8 + ": the line is not UTF-8",
		"c NAME w1\r":                 CodeCRLF + "…",
		"c NAME w1":                   "",
	} {
		c := NewConversation(AllReleases)
		text := []byte(line[2:] + "\n")
		dir := S2C
		if line[0] == 'c' {
			dir = C2S
		}
		found := c.Observe(0, dir, Piece{Text: text, New: len(text)}, nil)
		got := ""
		if len(found) > 0 {
			got = found[0].Code + ": " + found[0].Detail
		}
		if before, ok := strings.CutSuffix(want, "…"); got != want && !(ok && strings.HasPrefix(got, before)) {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}

func TestConversationWorker(t *testing.T) {
	c := NewConversation(AllReleases)
	talk(c, "s NAME no")
	if c.Worker() != "" {
		t.Errorf("the master named a worker %q", c.Worker())
	}
	talk(c, "c NAME w1", "c NAME sync worker\r")
	if c.Worker() != "sync worker" {
		t.Errorf("the worker is called %q", c.Worker())
	}
}

func TestConversationTooLong(t *testing.T) {
	c := NewConversation(AllReleases)
	var s Splitter
	long := strings.Repeat("x", 3*MaxLine)
	found := 0
	for p := range s.Split([]byte("NAME w1\n" + long + "\nPING 5\n" + long + "\n")) {
		for _, f := range c.Observe(0, C2S, p, nil) {
			if f.Code != CodeTooLong {
				t.Errorf("%v on %.20q", f, p.Text)
			}
			found++
		}
	}
	if found != 2 {
		t.Errorf("%d findings for two over-long lines", found)
	}
	first := Piece{Kind: PieceFragment, Text: []byte(long[:MaxLine]), New: MaxLine, Over: true}
	c.Observe(0, C2S, first, nil) // its end is lost
	talk(c, "c PING 5")
	if len(c.Observe(0, C2S, first, nil)) != 1 {
		t.Error("after a gap in an over-long line the next one is not noticed")
	}
}

func TestSniff(t *testing.T) {
	for first, want := range map[string]string{
		"GET /_matrix HTTP/1.1\r\nHost: x\r\n":         "an HTTP request",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":             "an HTTP request",
		"HTTP/1.1 400 Bad Request\r\n":                 "an HTTP response",
		"+OK\r\n":                                      "Redis",
		"-NOAUTH Authentication required.\r\n":         "Redis",
		"*3\r\n$7\r\nPUBLISH\r\n":                      "Redis",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc":         "a TLS handshake",
		"\x15\x03\x03\x00\x02\x02\x28":                 "a TLS alert",
		"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03": "HTTP/2",
		"$-1\r\n":                                "Redis",
		"+PONG\r\n":                              "Redis",
		"SSH-2.0-OpenSSH_9.2\r\n":                "SSH",
		"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n":     "a PROXY",
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c": "a PROXY",
		"\x00\x00\x00\x08\x04\xd2\x16\x2f":       "PostgreSQL",
		"220 mail.example.com ESMTP\r\n":         "SMTP",
		"GET /_mat":                              "",
		"NAME w1\n":                              "",
		"FOO bar HTTP\n":                         "",
		"*x\r\n":                                 "",
		"":                                       "",
	} {
		got, ok := Sniff([]byte(first))
		if ok != (want != "") || !strings.HasPrefix(got, want) {
			t.Errorf("%q: %q, %v, want %q", first, got, ok, want)
		}
	}
}

// TestConversationForeign: a peer that speaks something else gives one finding,
// however its first bytes are chopped.
func TestConversationForeign(t *testing.T) {
	request := "GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n"
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 no newline yet"
	noise := "\x8b\x01\x02\x03 \xff\xfe\nmore\n" + "\x04\x05\n"
	for _, text := range []string{request, hello, noise} {
		for _, step := range []int{1, 3, len(text)} {
			c := NewConversation(AllReleases)
			var s Splitter
			var codes []string
			for rest := []byte(text); len(rest) > 0; {
				n := min(step, len(rest))
				for p := range s.Split(rest[:n]) {
					for _, f := range c.Observe(0, C2S, p, nil) {
						codes = append(codes, f.Code)
					}
				}
				rest = rest[n:]
			}
			if !slices.Equal(codes, []string{CodeNotReplication}) {
				t.Errorf("%.10q in steps of %d: %q", text, step, codes)
			}
			if codes := talk(c, "s SERVER x", "s PING 5"); codes != nil {
				t.Errorf("the other side is blamed: %q", codes)
			}
		}
	}
}

func TestConversationAllocatesNothing(t *testing.T) {
	c := NewConversation(AllReleases)
	talk(c, "s SERVER x", "c NAME w1", "c REPLICATE ", "s POSITION events master 5 5")
	line := []byte(`RDATA events master 100000 ["ev",["$a","!r:x","t",null,null,null,"join",false]]` + "\n")
	c.Observe(0, S2C, Piece{Text: line, New: len(line)}, nil)
	digits := line[len("RDATA events master "):][:6]
	token := 100000
	if n := testing.AllocsPerRun(100, func() {
		token++
		strconv.AppendInt(digits[:0], int64(token), 10)
		g := GistOf(line)
		if found := c.Observe(0, S2C, Piece{Text: line, New: len(line)}, &g); found != nil {
			t.Errorf("%v", found)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, l := range []string{
		"s PING 5", "s POSITION events master 200000 200000", "s REMOTE_SERVER_UP x", "s SERVER x", `s RDATA caches master 5 ["f",["a"],5]`,
		`s RDATA presence master batch ["@a:x","online",5,6,7,"\u00e4",true]`, "c PING 5", "c REPLICATE ", "c NAME w1",
		"c USER_SYNC AbCdE @u:x start 5", "c FEDERATION_ACK w1 5", `c USER_IP @u:x ["tok","ip","agent",null,5]`,
	} {
		talk(c, "s POSITION caches master 5 5", "s POSITION presence master 5 5", l)
		dir, text := S2C, []byte(l[2:]+"\n")
		if l[0] == 'c' {
			dir = C2S
		}
		if n := testing.AllocsPerRun(10, func() { c.Observe(0, dir, Piece{Text: text, New: len(text)}, nil) }); n != 0 {
			t.Errorf("%v allocations for %q", n, l)
		}
	}
}
