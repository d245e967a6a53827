package wire

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// probeFindings are the findings of the probes where the dialect has to be
// found out: by whose line (or, at the end, nobody's), code and verdict.
// Probes that are not here give none.
var probeFindings = map[string][]string{
	"1.12.4/09-probes/blank-line":                  {"c2s W-blank"},
	"1.12.4/09-probes/crlf":                        {"c2s W-crlf accept", "c2s W-crlf accept", "c2s W-crlf"},
	"1.12.4/09-probes/invalid-utf8":                {"c2s E-utf8 drop"},
	"1.12.4/09-probes/len-16385":                   {"c2s E-toolong"},
	"1.12.4/09-probes/len-20000-noeol":             {"c2s E-toolong"},
	"1.12.4/09-probes/lowercase":                   {"c2s E-unknown-command error"},
	"1.12.4/09-probes/name-noarg":                  {"c2s W-lenient"},
	"1.12.4/09-probes/name-with-spaces":            {"c2s W-trailing-space accept", "s2c E-mixed-releases error"},
	"1.12.4/09-probes/no-ping-31s":                 {"s2c E-mixed-releases error"},
	"1.12.4/09-probes/one-ping-then-silent":        {"s2c W-silence error"},
	"1.12.4/09-probes/percent-in-error":            {"c2s E-unknown-command"},
	"1.12.4/09-probes/ping-noarg":                  {"c2s W-lenient"},
	"1.12.4/09-probes/position-from-client":        {"c2s E-direction error"},
	"1.12.4/09-probes/rdata-bad-json":              {"c2s E-direction error"},
	"1.12.4/09-probes/rdata-from-client":           {"c2s E-direction error"},
	"1.12.4/09-probes/replicate-future-token":      {"s2c I-reset accept"},
	"1.12.4/09-probes/replicate-no-space":          {"c2s W-lenient accept"},
	"1.12.4/09-probes/replicate-unknown-stream":    {"c2s W-unknown-stream error"},
	"1.12.4/09-probes/server-cmd-from-client":      {"c2s E-direction error"},
	"1.12.4/09-probes/unknown-command":             {"c2s E-unknown-command error"},
	"1.12.4/09-probes/user_sync":                   {"c2s E-state-word error", "c2s E-state-word error", "c2s E-unknown-command error"},
	"1.12.4/09-probes/wrong-name-twice":            {"s2c E-mixed-releases error"},
	"1.66.0/09-probes/blank-line":                  {"c2s W-blank"},
	"1.66.0/09-probes/crlf":                        {"c2s W-crlf accept", "c2s W-crlf accept", "c2s W-crlf"},
	"1.66.0/09-probes/invalid-utf8":                {"c2s E-utf8 drop"},
	"1.66.0/09-probes/len-16385":                   {"c2s E-toolong"},
	"1.66.0/09-probes/len-20000-noeol":             {"c2s E-toolong"},
	"1.66.0/09-probes/lowercase":                   {"c2s E-unknown-command error"},
	"1.66.0/09-probes/name-noarg":                  {"c2s W-lenient"},
	"1.66.0/09-probes/name-with-spaces":            {"c2s W-trailing-space accept"},
	"1.66.0/09-probes/no-ping-31s":                 {"W-silence accept"},
	"1.66.0/09-probes/one-ping-then-silent":        {"s2c W-silence error"},
	"1.66.0/09-probes/percent-in-error":            {"c2s E-unknown-command"},
	"1.66.0/09-probes/ping-noarg":                  {"c2s W-lenient"},
	"1.66.0/09-probes/position-from-client":        {"c2s E-direction error"},
	"1.66.0/09-probes/rdata-bad-json":              {"c2s E-direction error"},
	"1.66.0/09-probes/rdata-from-client":           {"c2s E-direction error"},
	"1.66.0/09-probes/replicate-ALL-NOW":           {"s2c E-integer error", "s2c E-mixed-releases"},
	"1.66.0/09-probes/replicate-no-space":          {"c2s W-lenient accept"},
	"1.66.0/09-probes/replicate-old-dialect":       {"s2c E-integer error", "s2c E-mixed-releases"},
	"1.66.0/09-probes/server-cmd-from-client":      {"c2s E-direction error"},
	"1.66.0/09-probes/unknown-command":             {"c2s E-unknown-command error"},
	"1.66.0/10-fakemaster/batch-never-ends":        {"W-batch-open"},
	"1.66.0/10-fakemaster/blank-line":              {"s2c W-blank error"},
	"1.66.0/10-fakemaster/client-cmd":              {"s2c E-direction error"},
	"1.66.0/10-fakemaster/crlf":                    {"s2c W-crlf accept", "s2c W-crlf"},
	"1.66.0/10-fakemaster/long-16385":              {"s2c E-toolong error"},
	"1.66.0/10-fakemaster/position-1.19-dialect":   {"c2s E-mixed-releases error"},
	"1.66.0/10-fakemaster/position-old-dialect":    {"s2c E-arity error", "c2s E-mixed-releases error"},
	"1.66.0/10-fakemaster/position-unknown-stream": {"s2c W-unknown-stream log"},
	"1.66.0/10-fakemaster/rdata-backwards":         {"s2c W-token-regress ignore", "s2c W-token-regress ignore"},
	"1.66.0/10-fakemaster/rdata-bad-json":          {"s2c E-json error"},
	"1.66.0/10-fakemaster/rdata-bad-row":           {"s2c W-row-shape log"},
	"1.66.0/10-fakemaster/rdata-before-position":   {"s2c W-rdata-before-position ignore"},
	"1.66.0/10-fakemaster/rdata-old-dialect":       {"s2c E-arity error", "c2s E-mixed-releases error"},
	"1.66.0/10-fakemaster/rdata-spaces-json":       {"s2c W-lenient accept"},
	"1.66.0/10-fakemaster/rdata-unknown-stream":    {"s2c W-unknown-stream log"},
	"1.66.0/10-fakemaster/remote-server-up":        {"s2c E-direction error", "s2c E-unknown-command error"},
	"1.66.0/10-fakemaster/server-lowercase":        {"s2c E-unknown-command error"},
	"1.66.0/10-fakemaster/silent-after-ping":       {"c2s W-silence error"},
	"1.66.0/10-fakemaster/silent-never-ping":       {"W-silence accept"},
	"1.66.0/10-fakemaster/unknown-cmd":             {"s2c E-unknown-command error"},
	"1.66.0/10-fakemaster/wrong-server":            {"c2s W-server-name error"},
}

func TestProbesFindings(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range captures(t) {
		if !c.handMade() {
			continue
		}
		var got []string
		c.play(NewConversation(AllReleases), func(dir Direction, _ Piece, found []Finding) {
			for _, f := range found {
				got = append(got, strings.TrimSpace(strings.Join([]string{dir.String(), f.Code, f.Verdict}, " ")))
			}
		})
		want := probeFindings[c.String()]
		seen[c.String()] = true
		if !slices.Equal(got, want) {
			t.Errorf("%s: findings %q, want %q", &c, got, want)
		}
	}
	for name := range probeFindings {
		if !seen[name] && os.Getenv("REPLTAP_CAPTURES") == "" {
			t.Errorf("no capture %s", name)
		}
	}
}

// TestProbesAnswers: what a finding says that a receiver does is what the real
// one at the other end did, up to its last word.
func TestProbesAnswers(t *testing.T) {
	for _, c := range captures(t) {
		if !c.handMade() {
			continue
		}
		d, err := ParseDialect(c.release)
		if err != nil {
			t.Fatal(err)
		}
		real := S2C
		if c.madeBy(S2C) {
			real = C2S
		}
		var said []string
		var told Finding // the first that ends the connection
		c.play(NewConversation(d.Set().Releases()), func(dir Direction, p Piece, found []Finding) {
			if text, ok := strings.CutPrefix(string(p.Text), "ERROR "); ok && dir == real {
				said = append(said, strings.TrimSuffix(text, "\n"))
			}
			for _, f := range found {
				if told.Code == "" && (f.Verdict == "error" || f.Verdict == "drop") {
					told = f
				}
			}
		})
		switch told.Verdict {
		case "error":
			if len(said) == 0 || said[0] != told.Reply {
				t.Errorf("%s: answered %q, but %+v", &c, said, told)
			}
		case "drop":
			if len(said) > 0 || !c.events["eof_"+real.String()] {
				t.Errorf("%s: answered %q (%v), but %+v", &c, said, c.events, told)
			}
		default:
			if len(said) > 0 || c.events["eof_"+real.String()] && !c.events["eof_"+(S2C+C2S-real).String()] {
				t.Errorf("%s: answered %q (%v), but nothing was found", &c, said, c.events)
			}
		}
	}
}
