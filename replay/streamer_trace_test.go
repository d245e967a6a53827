package replay

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

func TestSendTraces(t *testing.T) {
	eachTrace(t, "send-*.jsonl.zst", func(s *sendScript) (name, difference string) {
		name = s.Name
		if s.Seed != nil {
			name = itoa(*s.Seed)
		}
		r := newSendRun(s)
		for i := range s.Steps {
			r.step(&s.Steps[i])
			r.take(i)
		}
		var want []string
		for _, e := range s.Wire {
			want = append(want, e.String())
		}
		if d := firstDifference(r.got, want); d != "" {
			return name, d
		}
		return name, firstDifference(r.end(), s.End.list())
	})
}

// sendRun drives a Streamer with a script.
type sendRun struct {
	script  *sendScript
	release wire.Release
	s       *Streamer
	now     int64
	got     []string
	run     *sendEntry // RDATA lines that may be told as one entry
}

func newSendRun(script *sendScript) *sendRun {
	r := &sendRun{script: script, release: release(script.Release), now: traceBegan}
	if script.Limit > 1000 {
		script.Limit = 0 // what the release has by itself
	}
	config := StreamerConfig{Release: r.release, Server: "example.com", Began: r.now, Behind: script.Limit,
		Limits: Limits{HighWater: 1 << 40}} // the transport was faked, and takes everything
	for _, name := range script.Order {
		config.Streams = append(config.Streams, StreamStart{name, script.Start[name]})
	}
	s, err := NewStreamer(config)
	if err != nil {
		panic(err)
	}
	r.s = s
	return r
}

func (r *sendRun) step(st *sendStep) {
	switch {
	case st.Event == "new":
		r.s.Connect(r.now, st.Conn)
	case st.Event == "lost":
		r.s.Lost(st.Conn)
	case st.Recv != nil:
		r.s.Receive(r.now, st.Conn, wire.Piece{Kind: wire.PieceLine, Text: []byte(*st.Recv + "\n")})
	case st.Write != nil:
		r.s.Wrote(st.Write.Stream, st.Write.Token)
	case st.Poke:
		r.s.Poke(r.now)
	case st.Pause != 0:
		r.s.Outbox(st.Pause).Pause()
	case st.Resume != 0:
		r.s.Resume(r.now, st.Resume)
	case st.NotifierRoundSeen:
		r.s.look()
	case st.FetchReturns != nil:
		r.answer(st.FetchReturns, false)
	case st.FetchFails != nil:
		r.answer(st.FetchFails, true)
	default:
		r.advance(st.AdvanceMS * int64(time.Millisecond))
	}
}

func (r *sendRun) advance(by int64) {
	until := r.now + by
	for t, ok := r.s.Next(); ok && t <= until; t, ok = r.s.Next() {
		r.s.Advance(t)
	}
	r.now = until
}

func (r *sendRun) answer(end *sendFetchEnd, fails bool) {
	asked := r.s.Fetching()
	if end.Which >= len(asked) || asked[end.Which].Stream != end.Stream || asked[end.Which].From != end.From {
		r.got = append(r.got, fmt.Sprintf("an answer to what was not asked: %v of %v", end, asked))
		return
	}
	if fails {
		r.s.Fail(r.now, asked[end.Which].ID, "FetchFail('scripted')")
		return
	}
	r.s.Answer(r.now, asked[end.Which].ID, Page{Rows: r.rows(end.Rows), Upto: end.NewToken, Limited: end.Limited})
}

// rows are given one by one, or as one row and the number of them.
func (r *sendRun) rows(raw json.RawMessage) (rows []Row) {
	var many struct {
		Count int
		Row   json.RawMessage
	}
	if json.Unmarshal(raw, &many) == nil {
		for i := range many.Count {
			rows = append(rows, Row{int64(i + 1), rowJSON(r.release, many.Row)})
		}
		return rows
	}
	var pairs [][2]json.RawMessage
	if err := json.Unmarshal(raw, &pairs); err != nil {
		panic(err)
	}
	for _, pair := range pairs {
		var token int64
		if err := json.Unmarshal(pair[0], &token); err != nil {
			panic(err)
		}
		rows = append(rows, Row{token, rowJSON(r.release, pair[1])})
	}
	return rows
}

// take notes what happened at a step.
func (r *sendRun) take(step int) {
	for _, ev := range r.s.Events.Take() {
		e := sendEntry{AfterStep: step, Conn: ev.Conn}
		switch ev.Kind {
		case EventLine:
			line := string(ev.Line)
			e.Line = &line
		case EventFetch:
			e.Fetch = &sendFetch{ev.Fetch.Stream, ev.Fetch.From, ev.Fetch.Upto, ev.Fetch.Limit}
		case EventClose:
			e.Closed, e.How = ev.Conn, "loseConnection"
		case EventAbort:
			e.Closed, e.How = ev.Conn, "abortConnection"
		case EventDrop:
			e.Connection = "dropped"
		case EventRoundFailed:
			e.Uncaught, _, _ = strings.Cut(ev.Text, "(")
		case EventRowLost:
			e.RowLost = ev.Text[:len("Failed to send command RDATA")]
		default:
			continue
		}
		r.note(e)
	}
	r.flush()
}

// note joins the RDATA of the scripts with thousands of rows.
func (r *sendRun) note(e sendEntry) {
	many := strings.HasPrefix(r.script.Name, "class2-") && r.script.Limit == 0
	if !many || e.Line == nil || !strings.HasPrefix(*e.Line, "RDATA ") {
		r.flush()
		r.got = append(r.got, e.String())
		return
	}
	if r.run == nil {
		r.run = &sendEntry{AfterStep: e.AfterStep, Conn: e.Conn, Lines: &sendLines{First: *e.Line}}
	}
	r.run.Lines.Count++
	r.run.Lines.Last = *e.Line
}

func (r *sendRun) flush() {
	if r.run != nil {
		r.got = append(r.got, r.run.String())
		r.run = nil
	}
}

// end is what the streamer believes at the end, as list has it.
func (r *sendRun) end() []string {
	end := sendEnd{State: map[string]string{}, Streams: map[string]struct{ Last, Upto, Current int64 }{}}
	if r.s.has&traitSubscribes != 0 {
		end.Subscribed, end.Connecting, end.PendingRdata = map[string][]string{}, map[string][]string{}, map[string]map[string]int{}
	}
	for _, c := range r.s.all {
		id := itoa(c.id)
		end.State[id] = c.out.State().String()
		if end.Subscribed == nil {
			continue
		}
		end.Subscribed[id], end.Connecting[id] = r.s.Subscribed(c.id)
		end.PendingRdata[id] = map[string]int{}
		for name, rows := range c.waiting {
			end.PendingRdata[id][name] = len(rows)
		}
	}
	for _, st := range r.s.streams {
		at := struct{ Last, Upto, Current int64 }{st.last, st.upto, st.current}
		if end.Subscribed == nil {
			at.Upto = 0
		}
		end.Streams[st.name] = at
	}
	for _, f := range r.s.Fetching() {
		end.Fetching = append(end.Fetching, sendFetch{f.Stream, f.From, f.Upto, f.Limit})
	}
	return end.list()
}
