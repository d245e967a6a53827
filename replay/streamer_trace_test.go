package replay

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

// sendScript is a script of send-* and what Synapse did.
type sendScript struct {
	Release string
	Seed    *int
	Name    string
	Limit   int
	Order   []string
	Start   map[string]int64
	Steps   []sendStep
	Wire    []sendEntry
	End     sendEnd
}

type sendStep struct {
	Conn              int
	Event             string
	Recv              *string
	Write             *sendWrite
	Poke              bool
	Pause, Resume     int
	AdvanceMS         int64         `json:"advance_ms"`
	FetchReturns      *sendFetchEnd `json:"fetch_returns"`
	FetchFails        *sendFetchEnd `json:"fetch_fails"`
	NotifierRoundSeen bool          `json:"notifier_round_seen"`
}

type sendWrite struct {
	Stream string
	Token  int64
}

type sendFetchEnd struct {
	Stream     string
	From, Upto int64
	Which      int
	Rows       json.RawMessage
	NewToken   int64 `json:"new_token"`
	Limited    bool
}

type sendFetch struct {
	Stream     string
	From, Upto int64
	Limit      int
}

type sendEntry struct {
	AfterStep  int `json:"after_step"`
	Conn       int
	Line       *string
	Lines      *sendLines
	Fetch      *sendFetch
	Closed     int
	How        string
	Uncaught   string
	Connection string
	RowLost    string `json:"row_lost"`
}

type sendLines struct {
	Count       int
	First, Last string
}

type sendEnd struct {
	State                  map[string]string
	Subscribed, Connecting map[string][]string
	PendingRdata           map[string]map[string]int `json:"pending_rdata"`
	Streams                map[string]struct{ Last, Upto, Current int64 }
	Fetching               []sendFetch
}

// String is an entry as the test compares it. What kind of exception took a
// connection down is not compared.
func (e sendEntry) String() string {
	at := fmt.Sprintf("step %d: ", e.AfterStep)
	switch {
	case e.Line != nil:
		return fmt.Sprintf("%sconn %d %s", at, e.Conn, *e.Line)
	case e.Lines != nil:
		return fmt.Sprintf("%sconn %d %d lines %s … %s", at, e.Conn, e.Lines.Count, e.Lines.First, e.Lines.Last)
	case e.Fetch != nil:
		return fmt.Sprintf("%sfetch %v", at, *e.Fetch)
	case e.Closed != 0:
		return fmt.Sprintf("%sclosed %d %s", at, e.Closed, e.How)
	case e.Connection != "":
		return at + "dropped without ERROR"
	case e.Uncaught != "":
		return at + "uncaught " + e.Uncaught
	}
	return at + "row lost: " + e.RowLost
}

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

// list is the end as lines.
func (e *sendEnd) list() (list []string) {
	for _, id := range slices.Sorted(maps.Keys(e.State)) {
		slices.Sort(e.Subscribed[id])
		slices.Sort(e.Connecting[id])
		list = append(list, fmt.Sprintf("end: conn %s %s, subscribed %v, connecting %v, waiting %v",
			id, e.State[id], e.Subscribed[id], e.Connecting[id], e.PendingRdata[id]))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Streams)) {
		list = append(list, fmt.Sprintf("end: %s %v", name, e.Streams[name]))
	}
	return append(list, fmt.Sprintf("end: fetching %v", e.Fetching))
}
