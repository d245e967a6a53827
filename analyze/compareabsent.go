package analyze

import (
	"fmt"
	"slices"
	"strings"

	"repltap/journal"
)

// absent leaves out what nobody took part in. Who takes part in the run of a master is
// up to its user: recorded workers that did not come are not compared, unless the run
// waited for more workers than came. That they need not come has to be said, by a
// filter or by how many to wait for; else the verdict can't be about all. Recorded
// workers that are played are all to be there.
func (c *comparer) absent(pairs []*pairing) []*pairing {
	if c.run == nil {
		return pairs
	}
	here, strangers := map[string]bool{}, 0
	for _, p := range pairs {
		if p.conns[1] == nil {
			continue
		}
		if p.worker == "" {
			strangers++ // each may be another one
		}
		here[p.worker] = true
	}
	came := len(here) + max(0, strangers-1)
	c.out.Coverage.missingWorkers = max(0, c.run.Expected-came)
	var gone []*pairing
	if ofWorker(c.run) || c.out.Coverage.missingWorkers > 0 {
		return pairs
	}
	left := slices.DeleteFunc(slices.Clone(pairs), func(p *pairing) bool {
		out := !here[p.worker]
		if out {
			gone = append(gone, p)
		}
		return out
	})
	if len(left) == 0 {
		return pairs
	}
	for _, p := range gone {
		v := p.conns[0]
		c.side(0).Connections--
		c.side(0).Lines -= v.lines[0] + v.lines[1]
	}
	c.absentees = append(c.absentees, gone...)
	workers := c.tellAbsent(gone)
	switch {
	case workers == 0:
	case c.run.Expected == 0:
		c.absence = fmt.Sprintf("%d of %s did not come, and nothing says that they need not (--workers, --worker)", workers, count(int64(workers+came), "recorded worker"))
	default:
		c.aside = fmt.Sprintf("Not compared are %d of %s, which did not come", workers, count(int64(workers+came), "recorded worker"))
	}
	return left
}

// oneSided puts aside the recorded connections that a run had nothing to play of.
func (c *comparer) oneSided(recorded []*surveyed) []*surveyed {
	var ids []uint64
	left := slices.DeleteFunc(slices.Clone(recorded), func(v *surveyed) bool {
		l := c.reason(v.id)
		p := &pairing{conns: [2]*surveyed{v}, worker: v.worker}
		if l == nil || l.Why != journal.LeftOneSided {
			return false
		}
		if c.chosen(p) {
			ids, c.absentees = append(ids, v.id), append(c.absentees, p)
		}
		return true
	})
	if len(ids) > 0 {
		c.note(fmt.Sprintf("only one side said something on recorded %s: there is nothing to be replayed, and nothing is compared", listed("connection", ids)))
	}
	return left
}

// tellAbsent says what is not compared, and of how many workers that is.
func (c *comparer) tellAbsent(gone []*pairing) (workers int) {
	var names []string
	var nameless []uint64
	for _, p := range gone {
		switch {
		case p.worker == "":
			nameless = append(nameless, p.conns[0].id)
		case !slices.Contains(names, p.worker):
			names = append(names, p.worker)
		}
	}
	if len(names) > 0 {
		c.note(fmt.Sprintf("nobody was %s in the run, so what was recorded of %s is not compared", listed("worker", names), itOrThem(len(names))))
	}
	if len(nameless) > 0 {
		c.note(fmt.Sprintf("nobody was the worker of recorded %s, which never said its name, in the run, so what was recorded of it is not compared", listed("connection", nameless)))
	}
	return len(names) + len(nameless)
}

func itOrThem(n int) string {
	if n == 1 {
		return "it"
	}
	return "them"
}

// listed is "worker a", or "workers a, b and 7 others".
func listed[T any](what string, list []T) string {
	const most = 10
	if len(list) == 1 {
		return fmt.Sprintf("%s %v", what, list[0])
	}
	var out []string
	for _, x := range list[:min(len(list), most)] {
		out = append(out, fmt.Sprint(x))
	}
	if more := len(list) - most; more > 0 {
		return fmt.Sprintf("%ss %s and %d more", what, strings.Join(out, ", "), more)
	}
	last := len(out) - 1
	return fmt.Sprintf("%ss %s and %s", what, strings.Join(out[:last], ", "), out[last])
}
