package profile

import (
	"strings"
	"testing"
)

// TestHighlights: what went wrong comes before what is only worth knowing, each
// where it happened.
func TestHighlights(t *testing.T) {
	p := profiled(t, `
		0 1 open
		1 1 > SERVER lab.test
		1 1 < NAME w1
		1 1 < REPLICATE 
		2 1 > POSITION events master 10 10
		2 1 > POSITION typing master 0 0
		100 1 > RDATA events master 11 ["ev",["$a","!r","m.room.message",null,null]]
		200 1 stall s2c {"by":"worker","unread":70000,"unsent":1000}
		900 1 < USER_NONSENSE x
		5000 1 resume s2c {"by":"worker"}
		5001 1 > ERROR Failed to keep up
		5002 1 close fin master
		5100 2 open
		5101 2 < NAME w1
		5101 2 < REPLICATE 
		5102 2 > POSITION events master 11 20
	`)
	var told []string
	notes := false
	for _, h := range p.Highlights {
		told = append(told, h.Severity+" "+h.Text)
		if h.Severity == "problem" && notes {
			t.Errorf("a problem comes after notes: %s", h.Text)
		}
		notes = notes || h.Severity == "note"
		if h.Seq != 0 && (h.At < 0 || h.Time == None) {
			t.Errorf("%s: its place %+v is none", h.Text, h.Place)
		}
	}
	all := strings.Join(told, "\n")
	for _, want := range []string{
		"problem E-unknown-command, once: ",
		"problem A sender gave up on a reader that failed to keep up, once; first on connection 1 (w1)",
		"problem 1 stall; the longest on connection 1 (w1): the worker read nothing for 4.800 s, 71000 bytes waited",
		"problem 1 connection with an ERROR; the first, connection 1 (w1), with “Failed to keep up” by the master.",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("nothing says %q", want)
		}
	}
	if t.Failed() {
		t.Log(all)
	}
	if none := profiled(t, ""); none.Highlights == nil || len(none.Highlights) > 0 {
		t.Errorf("of an empty journal: %#v", none.Highlights)
	}
	if quiet := profiled(t, "0 1 open\n1 1 > SERVER lab.test\n2 1 close fin worker"); len(quiet.Highlights) > 0 && quiet.Highlights[0].Severity == "problem" {
		t.Errorf("of a connection that did nothing: %+v", quiet.Highlights)
	}
}

// TestHighlightsOfSomeLines: that nothing else came is not said of what a filter
// took away.
func TestHighlightsOfSomeLines(t *testing.T) {
	r := told(t, `
		0 1 open
		1 1 > SERVER lab.test
		1 1 < NAME w1
		1 1 < REPLICATE 
		2 1 > PING 1
		40000 1 > RDATA typing master 2 ["!r",[]]
		80000 1 > PING 1`)
	for filter, want := range map[string]bool{"": true, "PING": false} {
		o := Options{}
		if filter != "" {
			o.Filter.Commands = []string{filter}
		}
		p, err := Take(t.Context(), r, o)
		if err != nil {
			t.Fatal(err)
		}
		said := false
		for _, h := range p.Highlights {
			said = said || h.Table == "pings" || h.Table == "lags"
		}
		if said != want {
			t.Errorf("with the filter %q: %+v", filter, p.Highlights)
		}
	}
}
