package profile

import (
	"fmt"
	"slices"

	"repltap/wire"
)

// wentBack is streams of the database whose tokens are lower than they were.
func (h *highlighter) wentBack() {
	for i := range h.p.Tokens {
		r := &h.p.Tokens[i]
		if r.Generation == None || !r.persistent || r.fell.place.Seq == 0 {
			continue
		}
		lost := h.lostIn(r.Stream, r.Instance, r.Generation)
		// A writer that is one of several may say less than it said before of tokens
		// that others wrote.
		if r.falls && len(lost) == 0 {
			continue
		}
		if r.fell.row <= r.fell.to && len(lost) == 0 && r.Instance != "" && r.Instance != masterInstance {
			continue
		}
		text := fmt.Sprintf("%s went back from %d to %d%s: its tokens are kept in the database and never go back", r.Stream, r.fell.from, r.fell.to, writtenBy(r.Instance))
		table := "tokens"
		if len(lost) > 0 {
			table = "discards"
			text += "; " + thrownAway(lost)
		}
		h.problem(table, r.fell.place, "%s.", text)
	}
}

// masterInstance is what the main process calls itself, which is the only writer
// over TCP.
const masterInstance = "master"

func writtenBy(instance string) string {
	if instance == "" || instance == masterInstance {
		return ""
	}
	return ", says " + instance
}

// lostIn are the rows thrown away and lost of one generation of a writer.
func (h *highlighter) lostIn(stream, instance string, generation Count) (rows []*DiscardRow) {
	for i := range h.p.Discards {
		d := &h.p.Discards[i]
		if d.Lost > 0 && d.Stream == stream && d.Instance == instance && d.Generation == generation {
			rows = append(rows, d)
		}
	}
	return rows
}

// thrownAway says how many rows how many workers threw away. Each was sent its
// own copy: most often all throw away the same ones.
func thrownAway(rows []*DiscardRow) string {
	all, most, workers := int64(0), int64(0), map[string]int64{}
	for _, d := range rows {
		key := d.Worker + "\x00" + d.Apart.Digits()
		if d.Worker == "" {
			key += connKey(d.Conn)
		}
		workers[key] += d.Lost
		all, most = all+d.Lost, max(most, workers[key])
	}
	even := true
	for _, n := range workers {
		even = even && n == most
	}
	what := many(most, "row") + " so far " + isOrAre(most)
	who := "worker " + rows[0].Worker
	if rows[0].Worker == "" {
		who = fmt.Sprintf("the worker on connection %d", rows[0].Conn)
	}
	switch {
	case len(workers) > 1 && even:
		what, who = fmt.Sprintf("%s so far, %d in all, are", many(most, "row"), all), fmt.Sprintf("each of %d workers", len(workers))
	case len(workers) > 1:
		what, who = many(all, "row")+" so far are", fmt.Sprintf("%d workers, at most %d by one", len(workers), most)
	}
	return fmt.Sprintf("%s thrown away by %s, as by every worker from %s", what, who, discardedIn(rows))
}

// discardedIn is in which releases all of the rows are thrown away.
func discardedIn(rows []*DiscardRow) string {
	for _, d := range rows {
		if d.Why == wire.ReasonOldToken.String() {
			return discardReleases[wire.ReasonOldToken]
		}
	}
	return rows[0].Releases
}

func isOrAre(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// maxDiscardsTold is how many streams are named of which rows are thrown away.
const maxDiscardsTold = 4

// discards is rows that are lost since workers throw them away. Of streams whose
// tokens are in no order that is usual, and of those that went back it is told
// already.
func (h *highlighter) discards() {
	type group struct {
		stream, instance, why string
		generation            Count
	}
	var groups []group
	of := map[group][]*DiscardRow{}
	for i := range h.p.Discards {
		d := &h.p.Discards[i]
		if d.Lost == 0 || !d.ordered || d.Generation != None && h.toldBack(d) {
			continue
		}
		g := group{d.Stream, d.Instance, d.Why, d.Generation}
		if of[g] == nil {
			groups = append(groups, g)
		}
		of[g] = append(of[g], d)
	}
	for i, g := range groups {
		rows := of[g]
		if i == maxDiscardsTold {
			h.problem("discards", rows[0].Place, "Rows of %s are thrown away and lost, too.", many(int64(len(groups)-i), "more stream"))
			return
		}
		first := slices.MinFunc(rows, func(a, b *DiscardRow) int { return int(int64(a.Seq) - int64(b.Seq)) })
		h.problem("discards", first.Place, "Rows of %s%s are lost: %s, %s.", g.stream, ofWriter(g.instance), thrownAway(rows), whyThrown(first))
	}
}

func ofWriter(instance string) string {
	if instance == "" || instance == masterInstance {
		return ""
	}
	return " by " + instance
}

func (h *highlighter) toldBack(d *DiscardRow) bool {
	return slices.ContainsFunc(h.p.Tokens, func(r TokenRow) bool {
		return r.persistent && r.Stream == d.Stream && r.Instance == d.Instance && r.Generation == d.Generation && r.fell.place.Seq > 0
	})
}

// whyThrown is why rows were thrown away, in a sentence.
func whyThrown(d *DiscardRow) string {
	switch {
	case d.Why == wire.ReasonNotConnected.String():
		return "since no POSITION of the stream had come on the connection, and the one after them makes no worker fetch them"
	case d.Why == wire.ReasonCutShort.String():
		return "since a POSITION came before the row that has their token"
	case d.fell.place.Seq > 0 && d.fell.to <= int64(d.To):
		return fmt.Sprintf("since its tokens began anew at %d (at %s s), below %s, where the worker was", d.fell.to, d.fell.place.At.Digits(), d.Current.Digits())
	}
	return fmt.Sprintf("since their tokens, the first of them %s, are not after %s, where the worker was", d.From.Digits(), d.Current.Digits())
}
