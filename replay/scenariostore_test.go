package replay_test

import (
	"slices"

	"repltap/replay"
	"repltap/wire"
)

// What was written, for those who ask for it; and time that passes.

// within is what was written after from and up to upto.
func (r *scenarioRun) within(stream string, from, upto int64) []scenarioRow {
	all := r.rows[stream]
	at := func(token int64) int {
		i, _ := slices.BinarySearchFunc(all, token+1, func(row scenarioRow, t int64) int { return int(row.token - t) })
		return i
	}
	if from >= upto {
		return nil
	}
	return all[at(from):at(upto)]
}

// paged is the beginning of rows that is sent at once, with no token cut.
func paged(rows []scenarioRow, limit int) (page []scenarioRow, limited bool) {
	if len(rows) <= limit {
		return rows, false
	}
	for limit < len(rows) && rows[limit].token == rows[limit-1].token {
		limit++
	}
	return rows[:limit], limit < len(rows)
}

// read answers what the master asked for.
func (r *scenarioRun) read(which string) {
	for n := 0; ; n++ {
		asked := r.master.Fetching()
		i := 0
		if which == "second" {
			i = 1
		}
		if len(asked) <= i || n > 0 && which != "all" {
			return
		}
		q := asked[i]
		r.master.Answer(r.now, q.ID, r.page(q))
		r.settle()
	}
}

// page is what the master's database answers. One that was made is kept: half a
// million rows are read at every attempt of class 2.
func (r *scenarioRun) page(q replay.Fetch) replay.Page {
	q.ID = 0
	if page, made := r.pages[q]; made {
		return page
	}
	rows, page := r.within(q.Stream, q.From, q.Upto), replay.Page{Upto: q.Upto}
	switch {
	case q.Limit > 0 && r.release < since1_13:
		rows = rows[:min(len(rows), q.Limit)]
	case q.Limit > 0:
		if rows, page.Limited = paged(rows, q.Limit); page.Limited {
			page.Upto = rows[len(rows)-1].token
		}
	}
	for _, row := range rows {
		page.Rows = append(page.Rows, replay.Row{Token: row.token, JSON: rowFor(r.release, q.Stream, row)})
	}
	r.pages[q] = page
	return page
}

// fetch answers the oldest fetch of the worker.
func (r *scenarioRun) fetch() bool {
	asked := r.worker.Fetching()
	if len(asked) == 0 {
		return false
	}
	e := r.wanted[asked[0]]
	delete(r.wanted, asked[0])
	rows, limited := paged(r.within(e.Stream, e.From, e.Token), 100)
	upto := e.Token
	if limited {
		upto = rows[len(rows)-1].token
	}
	var answer []wire.FetchedRow
	for _, row := range rows {
		answer = append(answer, wire.FetchedRow{Token: row.token, Row: rowFor(r.release, e.Stream, row)})
	}
	r.did(r.worker.Fetched(asked[0], answer, upto, limited))
	return true
}

// pass lets time pass: with what is due and, if they are left to themselves,
// with what each side wants and the worker's way of coming back.
func (r *scenarioRun) pass(until int64, alone bool) {
	for {
		for alone && (r.master != nil && len(r.master.Fetching()) > 0 || len(r.worker.Fetching()) > 0) {
			if r.master != nil {
				r.read("all")
			}
			r.fetch()
			r.settle()
		}
		next := until
		if r.master != nil {
			next = earlier(next, r.master.Next)
		}
		if r.worker != nil {
			next = earlier(next, r.worker.NextTick)
		}
		if alone && r.back > 0 {
			next = min(next, r.back)
		}
		if r.now = max(r.now, next); r.now >= until {
			r.now = until
			return
		}
		if alone && r.back > 0 && r.now >= r.back {
			r.connect()
		}
		if r.master != nil {
			r.master.Advance(r.now)
		}
		if r.worker != nil {
			r.did(r.worker.Tick(r.now))
		}
		r.settle()
	}
}

func earlier(t int64, next func() (int64, bool)) int64 {
	if at, ok := next(); ok {
		return min(t, at)
	}
	return t
}
