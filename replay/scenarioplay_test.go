package replay_test

import (
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
	pages   map[replay.Fetch]replay.Page
	wanted  map[int]wire.Effect // the worker's fetches under way

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
	run = &scenarioRun{scenario: s, release: r, now: scenarioBegan, rows: map[string][]scenarioRow{}, pages: map[replay.Fetch]replay.Page{}, open: map[int]bool{},
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
