package replay_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"repltap/replay"
	"repltap/wire"
)

// scenarioBegan is when the clock of every scenario starts.
const scenarioBegan = 1_600_000_000_000 * int64(time.Millisecond)

// worker is what a scenario does with a wire.Follower, or with a flawed one.
type worker interface {
	Connected(conn int, now int64) []wire.Effect
	Receive(conn int, now int64, piece wire.Piece) []wire.Effect
	Lost(conn int) []wire.Effect
	Tick(now int64) []wire.Effect
	NextTick() (int64, bool)
	Fetching() []int
	Fetched(fetch int, rows []wire.FetchedRow, token int64, limited bool) []wire.Effect
	FetchFailed(fetch int) []wire.Effect
	Token(stream, instance string) int64
}

// scenarioRun plays a scenario in one release: the worker, the master, or both,
// and whoever is missing by the words of the scenario.
type scenarioRun struct {
	*scenario
	release wire.Release
	now     int64
	worker  worker
	master  *replay.Streamer
	backoff *wire.Backoff
	rows    map[string][]scenarioRow // all that were written, by stream
	wanted  map[int]wire.Effect      // the worker's fetches under way

	conn    int // the last connection
	other   int // that of another worker, told by the scenario
	open    map[int]bool
	back    int64 // when the worker connects again by itself
	pending []func()
	halves  map[string]*wire.Splitter

	wire     []wireEvent
	streams  map[string]*streamOutcome
	waits    []time.Duration
	ends     []string
	rowsLost int
	failed   int // rounds of the master
}

// wireEvent is a line, or part of one, or the begin or end of a connection.
type wireEvent struct {
	at    int64
	conn  int
	dir   wire.Direction
	text  []byte
	event string
}

func playScenario(s *scenario, version string, honest bool) (run *scenarioRun, err error) {
	r, dev, err := scenarioRelease(version)
	if err != nil {
		return nil, err
	}
	run = &scenarioRun{scenario: s, release: r, now: scenarioBegan, rows: map[string][]scenarioRow{}, open: map[int]bool{},
		wanted: map[int]wire.Effect{}, halves: map[string]*wire.Splitter{}, streams: map[string]*streamOutcome{}}
	defer func() {
		if p := recover(); p != nil {
			run, err = nil, fmt.Errorf("%s in %s: %v", s.name, version, p)
		}
	}()
	run.begin(dev)
	steps := s.steps
	if honest {
		steps = s.honest
	}
	for _, step := range steps {
		run.now += int64(time.Millisecond)
		run.step(step)
	}
	return run, nil
}

// begin makes who takes part: "events 5", "events of w2 5", "rows events r1..r5"
// or, where both take part, "worker events 5" and "master events 10".
func (r *scenarioRun) begin(dev bool) {
	of, at := r.starts()
	if r.side != "master" {
		config := wire.FollowerConfig{Name: "w1", InstanceID: "AbCdE", Server: "example.com", Start: 1, Streams: of}
		f, err := wire.NewFollower(r.release, config)
		must(err)
		r.worker, r.backoff = f, wire.NewBackoff(r.release, nil)
		if dev {
			r.worker = flawed(r.flaw, f)
		}
	}
	if r.side != "worker" {
		var err error
		r.master, err = replay.NewStreamer(replay.StreamerConfig{Release: r.release, Server: "example.com", Streams: at,
			Began: r.now, Limits: replay.Limits{HighWater: 1 << 40}})
		must(err)
	}
}

func (r *scenarioRun) starts() (of []wire.FollowedStream, at []replay.StreamStart) {
	for _, line := range r.start {
		f := strings.Fields(line)
		token, err := strconv.ParseInt(f[len(f)-1], 10, 64)
		switch {
		case f[0] == "rows":
			r.wrote(f[1], f[2:])
			continue
		case err != nil:
			panic(err)
		case f[0] == "master":
			at = append(at, replay.StreamStart{Name: f[1], Token: token})
		case f[0] == "worker":
			of = append(of, wire.FollowedStream{Name: f[1], Token: token})
		case f[1] == "of":
			i := slices.IndexFunc(of, func(s wire.FollowedStream) bool { return s.Name == f[0] })
			if i < 0 {
				panic("where does " + f[0] + " stand?")
			}
			if of[i].Tokens == nil {
				of[i].Tokens = map[string]int64{}
			}
			of[i].Tokens[f[2]] = token
		default:
			of = append(of, wire.FollowedStream{Name: f[0], Token: token})
			at = append(at, replay.StreamStart{Name: f[0], Token: token})
		}
	}
	return of, at
}

func (r *scenarioRun) wrote(stream string, names []string) (last int64) {
	for _, name := range names {
		rows, ok := rowRange(name)
		if !ok {
			panic("no rows: " + name)
		}
		r.rows[stream] = append(r.rows[stream], rows...)
		last = rows[len(rows)-1].token
	}
	return last
}

func (r *scenarioRun) step(step string) {
	what, rest, _ := strings.Cut(step, " ")
	switch what {
	case "S>":
		for _, text := range linesFor(r.release, rest) {
			r.said(r.conn, wire.S2C, text)
		}
	case "W>", "W2>":
		conn := r.conn
		if what == "W2>" {
			conn = r.other
		}
		for _, text := range linesFor(r.release, rest) {
			r.said(conn, wire.C2S, text)
		}
	case "--":
		r.happens(rest)
	default:
		panic("what is " + step + "?")
	}
	r.settle()
}

func (r *scenarioRun) happens(what string) {
	f := strings.Fields(what)
	switch {
	case what == "connect":
		r.connect()
	case what == "another connects":
		r.other = r.conn + 1
		r.conn++
		r.connectMaster(r.other, "w2")
		r.conn--
	case what == "lost":
		r.lost()
	case what == "poke":
		r.master.Poke(r.now)
	case what == "master reads", what == "master reads all", what == "master reads second":
		r.read(f[len(f)-1])
	case what == "master's read fails":
		r.master.Fail(r.now, r.master.Fetching()[0].ID, "OperationalError('canceling statement due to statement timeout')")
	case what == "worker fetches":
		r.fetch()
	case what == "worker fetches all":
		for r.fetch() {
			r.settle()
		}
	case what == "worker's fetch fails":
		if asked := r.worker.Fetching(); len(asked) > 0 {
			r.did(r.worker.FetchFailed(asked[0]))
		}
	case f[0] == "written":
		if last := r.wrote(f[1], f[2:]); r.master != nil {
			r.master.Wrote(f[1], last)
		}
	case f[0] == "position":
		token, err := strconv.ParseInt(f[2], 10, 64)
		must(err)
		r.master.Wrote(f[1], token)
	case f[0] == "wait", f[0] == "run":
		d, err := time.ParseDuration(f[1])
		must(err)
		r.pass(r.now+int64(d), f[0] == "run")
	default:
		panic("what is -- " + what + "?")
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// connect makes the next connection, with the greeting of whoever is told by the
// scenario.
func (r *scenarioRun) connect() {
	r.conn = max(r.conn, r.other) + 1
	r.back = 0
	if r.side != "worker" {
		r.connectMaster(r.conn, "w1")
	} else {
		r.opened(r.conn)
		r.said(r.conn, wire.S2C, []byte("SERVER example.com\n"))
		r.said(r.conn, wire.S2C, fmt.Appendf(nil, "PING %d\n", r.now/int64(time.Millisecond)))
	}
	if r.worker != nil {
		r.backoff.Connected()
		r.did(r.worker.Connected(r.conn, r.now))
	}
}

func (r *scenarioRun) connectMaster(conn int, name string) {
	r.opened(conn)
	r.master.Connect(r.now, conn)
	if r.worker == nil || name != "w1" {
		r.said(conn, wire.C2S, []byte("NAME "+name+"\n"))
		r.said(conn, wire.C2S, fmt.Appendf(nil, "PING %d\n", r.now/int64(time.Millisecond)))
	}
}

func (r *scenarioRun) opened(conn int) {
	r.open[conn] = true
	r.wire = append(r.wire, wireEvent{at: r.now, conn: conn, event: "open"})
}

// lost ends the last connection, if it is still there, and waits as the worker
// does before it connects again.
func (r *scenarioRun) lost() {
	r.gone("lost")
	if r.back > 0 {
		r.now = max(r.now, r.back)
	}
}

// gone says that the last connection ended.
func (r *scenarioRun) gone(how string) {
	if !r.open[r.conn] {
		return
	}
	r.open[r.conn] = false
	r.ends = append(r.ends, how)
	if end := map[string]string{"worker": "eof_c2s", "master": "eof_s2c"}[how[strings.LastIndex(how, " ")+1:]]; end != "" {
		r.wire = append(r.wire, wireEvent{at: r.now, conn: r.conn, event: end})
	}
	r.wire = append(r.wire, wireEvent{at: r.now, conn: r.conn, event: "close"})
	if r.master != nil {
		r.master.Lost(r.conn)
	}
	if r.worker != nil {
		r.did(r.worker.Lost(r.conn))
		wait := r.backoff.Next()
		r.waits = append(r.waits, wait)
		r.back = r.now + int64(wait)
	}
}

// said takes what a side sends, in the words of the scenario or by itself, to
// the other one and to the record.
func (r *scenarioRun) said(conn int, dir wire.Direction, text []byte) {
	if !r.open[conn] {
		return
	}
	r.wire = append(r.wire, wireEvent{at: r.now, conn: conn, dir: dir, text: text})
	key := fmt.Sprint(conn, dir)
	if r.halves[key] == nil {
		r.halves[key] = &wire.Splitter{}
	}
	for piece := range r.halves[key].Split(text) {
		piece.Text = bytes.Clone(piece.Text)
		switch {
		case dir == wire.S2C && r.worker != nil && conn == r.conn:
			r.pending = append(r.pending, func() { r.did(r.worker.Receive(conn, r.now, piece)) })
		case dir == wire.C2S && r.master != nil:
			r.pending = append(r.pending, func() { r.master.Receive(r.now, conn, piece) })
		}
	}
}

// settle lets all that was said arrive.
func (r *scenarioRun) settle() {
	for {
		r.tookPart()
		if len(r.pending) == 0 {
			return
		}
		next := r.pending[0]
		r.pending = r.pending[1:]
		next()
	}
}

// tookPart takes what the master did. The kernel takes all at once.
func (r *scenarioRun) tookPart() {
	if r.master == nil {
		return
	}
	for _, e := range slices.Clone(r.master.Events.Take()) {
		switch e.Kind {
		case replay.EventLine:
			r.said(e.Conn, wire.S2C, append(bytes.Clone(e.Line), '\n'))
		case replay.EventRowLost:
			r.rowsLost++
		case replay.EventRoundFailed:
			r.failed++
		case replay.EventClose:
			r.after(e.Conn, "closed by the master")
		case replay.EventDrop:
			r.after(e.Conn, "dropped by the master")
		case replay.EventServerUp:
			r.master.ServerUp(r.now, e.Line)
		}
	}
	for conn, open := range r.open {
		if o := r.master.Outbox(conn); open && o != nil {
			r.master.Took(r.now, conn, len(o.Pending()))
		}
	}
}

// after ends a connection when what was said before has arrived.
func (r *scenarioRun) after(conn int, how string) {
	r.pending = append(r.pending, func() {
		if conn == r.conn {
			r.gone(how)
		}
	})
}

// did does and notes what a worker did.
func (r *scenarioRun) did(effects []wire.Effect) {
	for _, e := range effects {
		s := r.stream(e.Stream)
		switch e.Kind {
		case wire.EffectWrite:
			r.said(e.Conn, wire.C2S, append(bytes.Clone(e.Line), '\n'))
		case wire.EffectClose:
			r.after(e.Conn, "closed by the worker")
		case wire.EffectCrash:
			r.after(e.Conn, "dropped by the worker")
		case wire.EffectFinished:
			r.backoff.Finished()
		case wire.EffectFetch:
			s.asked(e)
			if e.Query {
				e.Line, e.Rows = nil, nil
				r.wanted[e.Fetch] = e
			}
		case wire.EffectDeliver:
			s.deliver(e)
		case wire.EffectDiscard:
			s.throw(e.Why.String(), max(1, e.Count))
		case wire.EffectDropBatch:
			s.throw("cut-short", e.Count)
		case wire.EffectFailed:
			s.throw(e.Why.String(), 1)
		}
	}
}

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
		r.master.Answer(r.now, q.ID, page)
		r.settle()
	}
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
