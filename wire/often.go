package wire

import "fmt"

// often counts what is odd again and again on a connection: every row of a stream
// that the worker is not ready for, of another release, with blanks in it. All of
// the first of these are told, then ever fewer, so that neither the teller nor
// whoever keeps it is busy with nothing else. How many there were is told too, at
// the latest when the connection is over.
type often struct{ all, told uint64 }

// allTold is how many are told without leaving any out: more than people read.
const allTold = 100

// again counts one more and reports whether it is to be told.
func (c *Conversation) again(n *often, code string) bool {
	n.all++
	if n.all <= allTold || n.all&(n.all-1) == 0 {
		return true
	}
	c.untold = append(c.untold, code)
	return false
}

// counted says in a finding for how many it stands.
func (n *often) counted(f Finding) Finding {
	if n.all > n.told+1 {
		f.Count = n.all - n.told
		f.Detail += fmt.Sprintf("; this is number %d of these", n.all)
	}
	n.told = n.all
	return f
}

// Untold are the codes of what is odd about the line that Observe was last shown
// and not among its findings, because there are so many of these already. It is
// valid until the next Observe.
func (c *Conversation) Untold() []string { return c.untold }

// leftUntold says at the end how many were not told since the last that was.
func (c *Conversation) leftUntold(found []Finding) []Finding {
	left := func(n *often, code, what string) {
		if more := n.all - n.told; more > 0 {
			found = append(found, Finding{Code: code, Count: more, Detail: fmt.Sprintf("%d more%s like those told before", more, what)})
		}
	}
	for _, t := range c.tracks {
		if t == nil {
			continue
		}
		what := " rows of " + t.stream.Name
		left(&t.early, CodeEarlyRdata, what)
		left(&t.shape, CodeRowShape, what)
		left(&t.odd[0], oddCodes[0], what)
		left(&t.odd[1], oddCodes[1], what)
		left(&t.odd[2], oddCodes[2], what)
	}
	left(&c.unknown, CodeUnknownStream, "")
	for i := range c.lenient {
		left(&c.lenient[i], Leniency(i).Code(), " lines")
	}
	return found
}
