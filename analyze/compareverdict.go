package analyze

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Tally counts lines that are not compared: what a worker's users made it say, or
// a master's rows.
type Tally struct {
	Worker   string `json:"worker"`
	Dir      string `json:"dir"`
	Command  string `json:"command"`
	Recorded int64  `json:"recorded"`
	Replayed int64  `json:"replayed"`
}

// gaps makes the comparison inconclusive where bytes of what is compared are
// missing.
func (c *comparer) gaps(pairs []*pairing) {
	told := map[*surveyed]bool{}
	for _, p := range pairs {
		for side, v := range p.conns {
			if v == nil || told[v] {
				continue
			}
			told[v] = true
			for _, g := range v.gaps {
				c.doubt(fmt.Sprintf("the %s journal has a gap: %s", sideNames[side], g))
				c.gapTold = c.gapTold || side == 0
			}
		}
	}
}

// tallies tells of what is not compared.
func (c *comparer) tallies(pairs []*pairing) {
	type key struct{ worker, what string }
	counts := map[key]*[2]int64{}
	for _, p := range pairs {
		for side, v := range p.conns {
			if v == nil {
				continue
			}
			for what, n := range v.aside {
				k := key{p.worker, what}
				if counts[k] == nil {
					counts[k] = &[2]int64{}
				}
				counts[k][side] += n
			}
		}
	}
	for k, n := range counts {
		dir, command, _ := strings.Cut(k.what, " ")
		c.out.NotCompared = append(c.out.NotCompared, Tally{k.worker, dir, command, n[0], n[1]})
	}
	slices.SortFunc(c.out.NotCompared, func(a, b Tally) int {
		return cmp.Or(cmp.Compare(a.Worker, b.Worker), cmp.Compare(a.Dir, b.Dir), cmp.Compare(a.Command, b.Command))
	})
}

// decide gives the verdict.
func (c *comparer) decide(pairs []*pairing) {
	c.tallies(pairs)
	out := c.out
	lag := time.Duration(out.Lag.P99) * time.Microsecond
	doubts, causes := c.ran(pairs)
	c.unsure = append(doubts, c.unsure...)
	switch {
	case c.run == nil || c.run.Speed == 0 || c.opts.MaxLag < 0:
	case lag > c.opts.MaxLag:
		c.doubt(fmt.Sprintf("the replay could not keep time: 1 of 100 lines was more than %v late, of %v that are allowed", lag, c.opts.MaxLag))
	}
	for side, s := range c.surveys {
		switch {
		case len(s.order) == 0:
			c.doubt("the " + sideNames[side] + " journal has no connection")
		case side == 0 && (s.lines == 0 || out.Recorded.Lines == 0 && out.Recorded.Connections > 0):
			c.doubt("there is nothing in the recorded journal to compare")
		}
	}
	c.related(pairs)
	if len(pairs) == 0 && len(c.unsure) == 0 {
		c.doubt("no connection was chosen")
	}
	if c.run != nil {
		out.Notes = append(out.Notes, c.run.Notes...)
	}
	total := out.Total()
	switch {
	case c.absence == "":
	case total > 0:
		causes = append(causes, c.absence)
	default:
		c.doubt(c.absence)
	}
	switch {
	case len(c.unsure) > 0:
		out.Verdict, out.Why = Inconclusive, "It can't be told: "+strings.Join(append(c.unsure, causes...), "; ")+"."
		if total > 0 {
			out.Why += " So far there " + are(total, "difference") + " (" + c.kinds() + ")."
		} else if c.absence != "" {
			out.Why += " In the " + count(out.Recorded.Lines, "line") + " of " + count(int64(len(pairs)), "connection") + " that are compared there is no difference."
		}
	case total > 0:
		out.Verdict = Different
		for _, cause := range causes {
			out.Why += upper(cause) + ". "
		}
		out.Why += fmt.Sprintf("There %s: %s.", are(total, "difference"), c.kinds())
		if len(out.Differences) > 0 {
			out.Why += " The first: " + out.Differences[0].sentence() + "."
		}
	default:
		out.Verdict, out.Why = Same, "All "+count(out.Recorded.Lines, "line")+" of "+count(int64(len(pairs)), "connection")+" that are compared "
		if c.run != nil {
			out.Why += "came again, in order"
		} else {
			out.Why += "are in both, in order"
		}
		if c.timed() {
			out.Why += " and in time"
		}
		out.Why += "."
		if c.aside != "" {
			out.Why += " " + c.aside + "."
		}
		if n := out.Coverage.Untaken; n > 0 {
			out.Why += " Whether the worker had taken the last of them is not known on " + count(int64(n), "connection") + "."
		}
	}
}

// upper is a sentence that begins with a capital letter.
func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// related makes the comparison inconclusive where journals are about different
// things: then what is different says nothing.
func (c *comparer) related(pairs []*pairing) {
	both := 0
	for _, p := range pairs {
		a, b := p.conns[0], p.conns[1]
		if a == nil || b == nil {
			continue
		}
		both++
		x, y := a.writers, b.writers
		if few(x[0]) && few(y[1]) && !few(x[1]) && !few(y[0]) || few(x[1]) && few(y[0]) && !few(x[0]) && !few(y[1]) {
			c.doubt(fmt.Sprintf("recorded connection %d and replayed connection %d speak different dialects, one of releases up to 1.12 and one from 1.13 on", a.id, b.id))
		}
	}
	if both == 0 && len(pairs) > 0 && len(c.surveys[0].order) > 0 && len(c.surveys[1].order) > 0 {
		c.doubt("no connection of the one journal is that of a worker in the other: they are about different things")
	}
}

// few is too little to tell a dialect by.
func few(lines int64) bool { return lines < 3 }

// kinds is how many differences of which kinds there are.
func (c *comparer) kinds() string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(c.out.Counts)) {
		out = append(out, fmt.Sprintf("%d %s", c.out.Counts[k], k))
	}
	return strings.Join(out, ", ")
}

func count(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

func are(n int64, one string) string {
	if n == 1 {
		return "is 1 " + one
	}
	return "are " + count(n, one)
}

// sentence is a difference in words, without any line.
func (d *Difference) sentence() string {
	out := d.Kind + " " + d.What
	if d.What == AboutLine {
		out = count(d.Count, d.Kind+" line")
	}
	if d.Stream != "" {
		out += " in stream " + d.Stream
	}
	var places []string
	for side, p := range []*Place{d.Recorded, d.Replayed} {
		if p == nil {
			continue
		}
		where := fmt.Sprintf("%s connection %d", sideNames[side], p.Conn)
		switch {
		case p.Seq == 0:
		case p.After:
			where += fmt.Sprintf(" after record %d", p.Seq)
		default:
			where += fmt.Sprintf(" record %d", p.Seq)
		}
		places = append(places, where)
	}
	return out + " (" + strings.Join(places, ", ") + ")"
}
