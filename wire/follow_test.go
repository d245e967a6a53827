package wire

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// hear has lines as talk has; "+30s" moves the time on, "gap s" loses something
// and "end" ends it.
func hear(c *Conversation, lines ...string) (codes []string) {
	now := int64(1e18)
	for _, line := range lines {
		var found []Finding
		what, dir := line[min(2, len(line)):], S2C
		switch line[0] {
		case '+':
			d, _ := time.ParseDuration(line[1:])
			now += int64(d)
			continue
		case 'g':
			c.Gap(S2C)
			continue
		case 'x':
			c.Ended(S2C)
			continue
		case 'e':
			found = c.End(now)
		case 'c':
			dir = C2S
			fallthrough
		default:
			text := []byte(what + "\n")
			found = c.Observe(now, dir, Piece{Text: text, New: len(text)}, nil)
		}
		for _, f := range found {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

const (
	typing   = `["!r:x",[]]`
	greeting = "s SERVER x|c NAME w1|c REPLICATE "
)

func TestFollow(t *testing.T) {
	row := func(stream string, token any) string {
		return fmt.Sprintf("s RDATA %s master %v %s", stream, token, map[string]string{
			"typing": typing, "to_device": `["@u:x"]`, "caches": `["f",["a"],5]`, "backfill": `["$a","!r:x","t",null,null,null]`,
			"events": `["ev",["$a","!r:x","t",null,null,null,null,false,false]]`, "account_data": `["@u:x",null,"t"]`, "tag_account_data": `["@u:x","!r:x","{}"]`}[stream])
	}
	old := func(stream string, token any) string {
		return fmt.Sprintf("s RDATA %s %v %s", stream, token, map[string]string{
			"typing": `["!r:x", []]`, "device_lists": `["@u:x", null]`, "federation": `["d", {"destination": "x"}]`,
			"account_data": `["@u:x", null, "t"]`, "to_device": `["@u:x"]`}[stream])
	}
	at := func(stream string, prev, token int) string {
		return fmt.Sprintf("s POSITION %s master %d %d", stream, prev, token)
	}
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"rising":                         {[]string{at("typing", 5, 5), row("typing", 6), row("typing", 9), at("typing", 9, 9), "e"}, ""},
		"no position":                    {[]string{row("typing", 6), at("typing", 6, 6)}, CodeEarlyRdata},
		"lower":                          {[]string{at("typing", 5, 5), row("typing", 9), row("typing", 8), row("typing", 10)}, CodeTokenRegress},
		"lower, then as before":          {[]string{at("typing", 5, 5), row("typing", 9), row("typing", 8), at("typing", 9, 9)}, CodeTokenRegress},
		"again":                          {[]string{at("typing", 5, 5), row("typing", 9), row("typing", 9)}, CodeDuplicateToken},
		"announced already":              {[]string{at("typing", 5, 5), row("typing", 5)}, CodeDuplicateToken},
		"caches go back and repeat":      {[]string{at("caches", 5, 5), row("caches", 9), row("caches", 4), row("caches", 4)}, ""},
		"backfill goes back":             {[]string{at("backfill", 5, 5), row("backfill", 4), row("backfill", 3)}, ""},
		"account_data goes back in 1.66": {[]string{at("account_data", 5, 5), row("account_data", 4)}, CodeTokenRegress},
		"gap":                            {[]string{at("typing", 5, 5), row("typing", 9), at("typing", 12, 12)}, CodeGap},
		"gap, and what is in it":         {[]string{at("typing", 5, 5), at("typing", 12, 12), row("typing", 7), row("typing", 8)}, CodeGap},
		"no gap where none need be":      {[]string{at("device_lists", 5, 5), at("device_lists", 12, 12)}, ""},
		"advance":                        {[]string{at("events", 5, 5), at("events", 5, 8), row("events", 9)}, ""},
		"advance over a row":             {[]string{at("events", 5, 5), at("events", 5, 8), row("events", 7)}, CodeEmptySkip},
		"advance long ago":               {[]string{at("events", 5, 5), at("events", 5, 8), row("events", 9), row("events", 7)}, CodeTokenRegress},
		"prev>new":                       {[]string{at("events", 5, 5), at("events", 9, 8)}, CodePositionOrder},
		"reset":                          {[]string{at("typing", 5, 5), at("typing", 0, 0), row("typing", 1)}, CodeReset},
		"anew, unsaid":                   {[]string{at("typing", 70, 70), row("typing", 71), row("typing", 1), row("typing", 2), row("typing", 72)}, CodeTokenRegress + " " + CodeTokenRegress},
		"of the database, back":          {[]string{at("to_device", 70, 70), at("to_device", 3, 3), row("to_device", 4), row("to_device", 70), row("to_device", 71)}, CodeReset + " " + CodeTokenRegress + " " + CodeTokenRegress},
		"of one counter":                 {[]string{at("tag_account_data", 5, 5), at("account_data", 5, 5), row("account_data", 8), row("tag_account_data", 8), row("account_data", 9)}, CodeTokenRegress},
		"batch":                          {[]string{at("typing", 5, 5), row("typing", "batch"), row("typing", "batch"), row("typing", 6), "e"}, ""},
		"batch at the end":               {[]string{at("typing", 5, 5), row("typing", "batch"), "e"}, CodeBatchOpen},
		"batch at POSITION":              {[]string{at("typing", 5, 5), row("typing", "batch"), at("typing", 5, 5), "e"}, CodeBatchOpen},
		"batch and others":               {[]string{at("typing", 5, 5), at("to_device", 5, 5), row("typing", "batch"), row("to_device", 6), row("to_device", 7), row("typing", 9)}, CodeBatchOpen},
		"batch of two writers": {[]string{at("typing", 5, 5), row("typing", "batch"), "s RDATA typing w9 6 " + typing},
			CodeBatchMixed},
		"own":            {[]string{at("typing", 5, 5), "s RDATA typing w1 9 " + typing}, CodeEcho},
		"after a gap":    {[]string{at("typing", 5, 5), row("typing", 9), row("typing", "batch"), "g", row("typing", 7), row("to_device", 3), "e"}, ""},
		"unknown stream": {[]string{"s RDATA nosuch master 5 [1]"}, CodeUnknownStream},
		"gone stream":    {[]string{at("presence_federation", 1, 1), row("typing", 1), "s POSITION current_state_deltas master 5 5"}, CodeEarlyRdata + " " + CodeUnknownStream},
		"writers": {func() (lines []string) {
			lines = append(lines, at("typing", 5, 5))
			for i := range 2 * maxWriters {
				lines = append(lines, fmt.Sprintf("s RDATA typing w%d 9 %s", i+2, typing))
			}
			return lines
		}(), CodeUnfollowed},
		"echo":           {[]string{"s REMOTE_SERVER_UP y", "c REMOTE_SERVER_UP y"}, CodeEcho},
		"no echo":        {[]string{"s REMOTE_SERVER_UP y", "c REMOTE_SERVER_UP z", "+1s", "c REMOTE_SERVER_UP y"}, ""},
		"two servers":    {[]string{"s SERVER y"}, CodeServerName},
		"same server":    {[]string{"s SERVER x"}, ""},
		"wrong remote":   {[]string{"c ERROR Wrong remote"}, CodeServerName},
		"silence":        {[]string{"s PING 5", "c PING 5", "+10s", "c PING 6", "+10s", "c PING 7", "+6s", "c PING 8", "+5s", "c PING 9"}, CodeSilence},
		"silence, ended": {[]string{"s PING 5", "c PING 5", "x", "+10s", "c PING 6", "+10s", "c PING 7", "+6s", "c PING 8", "e"}, ""},
		"late":           {[]string{"s PING 5", "c PING 5", "+10s", "s PING 6", "+5s", "c PING 6", "s PING 7"}, CodePingLate},
		"every other":    {[]string{"s PING 5", "c PING 5", "+10s", "s PING 6", "c PING 6", "+10s", "s PING 7", "c PING 7", "e"}, ""},
		"not in time":    {[]string{"s PING 5", "c PING 5", "+26s", "e"}, CodeSilence + " " + CodeSilence},
	} {
		c := NewConversation(AllReleases)
		lines := append(strings.Split(greeting, "|"), at("presence", 1, 1))
		if got := strings.Join(hear(c, append(lines, test.lines...)...), " "); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	for name, test := range map[string]struct {
		lines []string
		want  string
	}{
		"catch-up":                {[]string{"c REPLICATE typing 5", old("typing", 7), old("typing", 7), old("typing", 6), "s POSITION typing 9", "+2s", old("typing", 10)}, ""},
		"not asked":               {[]string{"c REPLICATE typing 5", old("to_device", 7)}, CodeEarlyRdata},
		"asked for all":           {[]string{"c REPLICATE ALL NOW", "s POSITION to_device 5", old("to_device", 7)}, ""},
		"lower":                   {[]string{"c REPLICATE typing 5", "s POSITION typing 5", old("typing", 7), old("typing", 6)}, CodeTokenRegress},
		"again":                   {[]string{"c REPLICATE typing 5", "s POSITION typing 5", "+2s", old("typing", 7), old("typing", 7)}, CodeDuplicateToken},
		"what waited":             {[]string{"c REPLICATE typing 5", "s POSITION typing 5", old("typing", 7), old("typing", 7)}, ""},
		"federation repeats":      {[]string{"c REPLICATE federation 5", "s POSITION federation 5", "+2s", old("federation", 7), old("federation", 7)}, ""},
		"account_data goes back":  {[]string{"c REPLICATE account_data 5", "s POSITION account_data 5", old("account_data", 7), old("account_data", 6)}, ""},
		"reset":                   {[]string{"c REPLICATE typing 105", "s POSITION typing 0", old("typing", 1)}, CodeReset},
		"asked again":             {[]string{"c REPLICATE typing 5", "s POSITION typing 5", old("typing", 9), "c REPLICATE typing 5", old("typing", 8), old("typing", 9), "s POSITION typing 9"}, ""},
		"asked twice at once":     {[]string{"c REPLICATE typing 5", "c REPLICATE typing 6", old("typing", 8), "s POSITION typing 8", old("typing", 9), old("typing", 8), "s POSITION typing 8"}, ""},
		"a stream that is not":    {[]string{"c REPLICATE nosuch 5"}, CodeUnknownStream},
		"a stream of other times": {[]string{"c REPLICATE presence_federation 5"}, CodeUnknownStream},
	} {
		c := NewConversation(v1_9.Set().Releases())
		if got := strings.Join(hear(c, append([]string{"s SERVER x", "c NAME w1"}, test.lines...)...), " "); got != test.want {
			t.Errorf("up to 1.12: %s: %q, want %q", name, got, test.want)
		}
	}
}

// TestConversationMisfits: which releases can't talk is said once, however long
// they try.
func TestConversationMisfits(t *testing.T) {
	for want, lines := range map[string][]string{
		"a worker up to 1.12 with a master from 1.13 on":      {"c REPLICATE events 5", "c REPLICATE typing 5", "s POSITION events master 5", "s POSITION typing master 5", "s POSITION caches master 5"},
		"a worker from 1.13 on with a master up to 1.12":      {"c REPLICATE ", "s ERROR failed to parse line for  'REPLICATE': ValueError('x') (''):"},
		"a worker of 1.13 to 1.21 with a master from 1.22 on": {"c REPLICATE ", "s POSITION typing master 5 5", `c ERROR failed to parse line: ValueError("invalid literal for int() with base 10: '5 5'") ('POSITION typing master 5 5'):`},
		"a worker from 1.22 on with a master of 1.13 to 1.21": {"c REPLICATE ", "s POSITION typing master 13", "c ERROR failed to parse line: ValueError('not enough values to unpack (expected 4, got 3)') ('POSITION typing master 13'):"},
		"a worker of 1.13 to 1.17 with a master from 1.18 on": {"c REPLICATE ", `s RDATA caches master 5 ["f",["a"],5]`, "c FEDERATION_ACK 5", "c FEDERATION_ACK 6"},
		"a worker from 1.18 on with a master of 1.13 to 1.17": {"c FEDERATION_ACK w1 5", `s ERROR failed to parse line: ValueError("invalid literal for int() with base 10: 'w1 5'") ('FEDERATION_ACK w1 5'):`},
	} {
		c := NewConversation(AllReleases)
		var found []Finding
		for _, line := range lines {
			dir := S2C
			if line[0] == 'c' {
				dir = C2S
			}
			for _, f := range c.Observe(1, dir, Piece{Text: []byte(line[2:] + "\n")}, nil) {
				if f.Code == CodeMixedReleases {
					found = append(found, f)
				}
			}
		}
		for _, f := range c.End(1) {
			if f.Code == CodeMixedReleases {
				found = append(found, f)
			}
		}
		if len(found) != 1 || !strings.HasPrefix(found[0].Detail, want) {
			t.Errorf("%q: %v, conflict %q", want, found, c.Conflict())
		}
	}
}

// TestConversationDeviceSpace: a device's id may be anything, and then nobody
// can read USER_SYNC.
func TestConversationDeviceSpace(t *testing.T) {
	c := NewConversation(v1_92.Set().Releases())
	got := hear(c, "c USER_SYNC AbCdE @u:x phone start 5", "c USER_SYNC AbCdE @u:x my phone start 5")
	if !slices.Equal(got, []string{CodeDeviceSpace}) {
		t.Errorf("%q", got)
	}
}

// TestConversationIsBounded: names that never end make nothing grow.
func TestConversationIsBounded(t *testing.T) {
	c := NewConversation(v1_29.Set().Releases())
	for i := range 100000 {
		hear(c, fmt.Sprintf("s RDATA x%d w%d 5 [1]", i, i), fmt.Sprintf("s POSITION typing w%d 5 5", i), fmt.Sprintf("s POSITION typing %0300d 5 5", i), "s SERVER "+fmt.Sprint(i))
	}
	n := 0
	for _, tr := range c.tracks {
		if tr != nil {
			n += len(tr.writers)
		}
	}
	if n > maxWriters {
		t.Errorf("%d writers are kept", n)
	}
	if !slices.Equal(hear(c, "s POSITION typing w0 5 5", "s RDATA typing w0 4 "+typing), []string{CodeTokenRegress}) {
		t.Error("a writer that came first is not followed any more")
	}
}
