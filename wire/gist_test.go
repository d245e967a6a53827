package wire

import (
	"fmt"
	"testing"
)

func TestGistOf(t *testing.T) {
	for line, want := range map[string]string{ // command, form, stream, instance, prev, token
		`RDATA caches 5 ["f", ["a b"], 1]` + "\n":       "RDATA 2 caches  - 5",
		`RDATA caches batch ["f"]`:                      "RDATA 2 caches  - batch",
		`RDATA caches master 5 ["f"]` + "\r\n":          "RDATA 3 caches master - 5",
		`RDATA caches 7 5 ["f"]`:                        "RDATA 3 caches 7 - 5",
		`RDATA caches batch batch {"a":1}`:              "RDATA 3 caches batch - batch",
		`RDATA caches master batch "x"`:                 "RDATA 3 caches master - batch",
		`RDATA caches 5 7`:                              "RDATA 2 caches  - 5",
		`RDATA caches master  5 [1]`:                    "RDATA 0 caches  - -",
		`RDATA caches`:                                  "RDATA 0   - -",
		`RDATA caches 5`:                                "RDATA 0 caches  - -",
		`RDATA caches 05 [1]`:                           "RDATA 0 caches  - -",
		"POSITION events 5\n":                           "POSITION 4 events  - 5",
		"POSITION events master 5":                      "POSITION 5 events master - 5",
		"POSITION events master -1 9223372036854775807": "POSITION 6 events master -1 9223372036854775807",
		"POSITION events master 1 9223372036854775808":  "POSITION 0 events  - -",
		"POSITION events master x 5":                    "POSITION 0 events  - -",
		"REPLICATE \n":                                  "REPLICATE 7   - -",
		"REPLICATE":                                     "REPLICATE 7   - -",
		"REPLICATE events -5":                           "REPLICATE 8 events  - -5",
		"REPLICATE ALL NOW":                             "REPLICATE 8 ALL  - -",
		"REPLICATE x":                                   "REPLICATE 0   - -",
		"REPLICATE x y":                                 "REPLICATE 0   - -",
		"REPLICATE\r\n":                                 "unknown 0   - -",
		"USER_SYNC @u:x start 5":                        "USER_SYNC 9   - -",
		"USER_SYNC AbCdE @u:x end 5":                    "USER_SYNC 10  AbCdE - -",
		"USER_SYNC AbCdE @u:x None end 5":               "USER_SYNC 11  AbCdE - -",
		"USER_SYNC AbCdE @u:x DEV end online 5":         "USER_SYNC 12  AbCdE - -",
		"USER_SYNC AbCdE @u:x my dev end 5":             "USER_SYNC 0   - -",
		"USER_SYNC AbCdE @u:x stop 5":                   "USER_SYNC 0   - -",
		"FEDERATION_ACK 5":                              "FEDERATION_ACK 13   - 5",
		"FEDERATION_ACK fs1 5":                          "FEDERATION_ACK 14  fs1 - 5",
		"USER_IP @u:x tok 1.2.3.4 DEV 5 Moz":            "USER_IP 15   - -",
		"USER_IP @u:x nonsense":                         "USER_IP 0   - -",
		`USER_IP @u:x ["t","i","a",null,5]`:             "USER_IP 16   - -",
		"CLEAR_USER_SYNC AbCdE":                         "CLEAR_USER_SYNC 1  AbCdE - -",
		`LOCK_RELEASED ["w1","a","b"]`:                  "LOCK_RELEASED 1  w1 - -",
		`LOCK_RELEASED ["w\u0031","a","b"]`:             "LOCK_RELEASED 1   - -",
		"PING":                                          "PING 1   - -",
		"ping 5":                                        "unknown 0   - -",
		"":                                              "unknown 0   - -",
	} {
		g := GistOf([]byte(line))
		prev, token := "-", "-"
		if g.HasPrev {
			prev = fmt.Sprint(g.Prev)
		}
		if g.HasToken {
			token = fmt.Sprint(g.Token)
		}
		if g.Batch {
			token = "batch"
		}
		if got := fmt.Sprintf("%v %d %s %s %s %s", g.Command, g.Form, g.Stream, g.Instance, prev, token); got != want {
			t.Errorf("%q: got  %q\n\twant %q", line, got, want)
		}
	}
}

func TestGistAllocatesNothing(t *testing.T) {
	var lines [][]byte
	for _, line := range seedLines {
		lines = append(lines, []byte(line))
	}
	if n := testing.AllocsPerRun(10, func() {
		for _, line := range lines {
			g := GistOf(line)
			sinkCommand = g.Command
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzGist holds the gist to what a parse says wherever the form decides the
// dialects, and to never fall over where it does not.
func FuzzGist(f *testing.F) {
	for _, line := range seedLines {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		g := GistOf(line)
		if g.Command != CommandOf(line) {
			t.Fatalf("%q: gist says %v, CommandOf %v", line, g.Command, CommandOf(line))
		}
		var d Detector
		d.Observe(S2C, line, &g)
		d.Observe(C2S, line, &g)
		_ = d.Conflict()
		NewConversation(AllReleases).Observe(0, C2S, Piece{Text: line, New: len(line)}, nil)
		var p Parsed
		for _, dialect := range Dialects() {
			if dialect.ParseStrict(line, &p) != nil || g.Form == FormUnclear || !formIn[g.Form].Has(dialect) {
				continue
			}
			token, ok := p.Token()
			if string(g.Stream) != string(p.Stream()) || g.HasToken != ok || g.Token != token || g.Batch != p.Batch() {
				t.Fatalf("%v: %q: gist %+v", dialect, line, g)
			}
		}
	})
}
