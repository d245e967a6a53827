package profile

import (
	"cmp"
	"slices"
	"strings"
)

// traffic is lines near the limit, and the busiest second.
func (h *highlighter) traffic() {
	if n := h.p.LineLimit.Lines; n > 0 && len(h.p.NearLimit) > 0 {
		h.note("near_limit", h.p.NearLimit[0].Place, "%s near the limit of %d bytes, at which receivers refuse them.", many(n, "line"), h.p.LineLimit.Limit)
	}
	for i := range h.p.Bursts {
		if b := &h.p.Bursts[i]; b.Span == "second" && b.By == "all" && b.Times >= bursting && b.Commands >= burstLeast {
			what, part := b.Command, b.CmdShare
			if b.Stream != "" && 2*b.StrShare >= b.CmdShare {
				what, part = "of stream "+b.Stream, b.StrShare
			}
			h.note("bursts", Place{At: b.At, Time: b.Time}, "The busiest second had %s, %s times the mean; %s %% were %s.", many(b.Commands, "command"), b.Times.Digits(), part.Digits(), what)
		}
	}
	h.fills()
}

// fills is what most of the bytes are, and a name that has much of them.
func (h *highlighter) fills() {
	type part struct {
		what  string
		share Percent
		bytes int64
	}
	var parts []part
	for _, s := range h.p.Streams {
		parts = append(parts, part{"stream " + s.Stream, s.Share, s.Bytes})
	}
	for _, c := range h.p.Commands {
		switch c.Command {
		case "RDATA", "POSITION", "REPLICATE": // streams
		default:
			parts = append(parts, part{c.Command + " " + c.Direction, c.Share, c.Bytes})
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(b.bytes, a.bytes) })
	var told []string
	for _, p := range parts[:min(3, len(parts))] {
		if p.share >= muchOfAll {
			told = append(told, p.what+" "+p.share.Digits()+" %")
		}
	}
	if told != nil {
		h.note("streams", nowhere, "What fills the wire, by bytes: %s.", are(told))
	}
	var top *TalkerRow
	for i := range h.p.Talkers {
		r := &h.p.Talkers[i]
		switch r.By {
		case "user", "room", "server", "function":
			if r.Share >= muchOfAll && r.OfTopic >= mostOfTopic && r.Commands >= manyOfName && (top == nil || r.Share > top.Share) {
				top = r
			}
		}
	}
	if top != nil {
		most := ""
		if top.MoreBytes > 0 {
			most = "up to "
		}
		h.note("talkers", nowhere, "Of %s %s, %s%s %% of the bytes are of one %s, %s: %s%s %% of all bytes.", top.Kind, top.Topic, most, top.OfTopic.Digits(), top.By, top.Name, most, top.Share.Digits())
	}
}

// Parts of the bytes that are worth telling.
const (
	muchOfAll   = Percent(10e4)
	mostOfTopic = Percent(50e4)
	manyOfName  = 1000 // commands
)

// are is a list in a sentence.
func are(what []string) string {
	if len(what) == 1 {
		return what[0]
	}
	return strings.Join(what[:len(what)-1], ", ") + " and " + what[len(what)-1]
}

// A second is a burst that has to be told if it is so much busier than the mean,
// and has so many commands.
const (
	bursting   = Rate(3e3)
	burstLeast = 50
)
