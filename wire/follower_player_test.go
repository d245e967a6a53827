package wire

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"
)

// player plays a script to a Follower and writes the trace that comes of it.
type player struct {
	*script
	f     *Follower
	step  int
	asked map[int]any // what each fetch under way asked for
	conns []int       // all there were
	trace []map[string]any
}

func (s *script) play(t testing.TB) *player {
	config := FollowerConfig{Name: s.Own, Server: "example.com", Start: 1}
	for _, stream := range s.Start {
		rule := s.Rules[stream.Name]
		stream.Rule = StreamRule{
			Move: map[string]Move{"max": MoveMax, "set": MoveSet, "zero": MoveZero}[rule.Move],
			Key:  map[string]Keying{"stream": KeyStream, "instance": KeyInstance}[rule.Key]}
		config.Streams = append(config.Streams, stream)
	}
	f, err := NewFollower(receiver(t, s.Release).Release, config)
	if err != nil {
		t.Fatal(err)
	}
	p := &player{script: s, f: f, asked: map[int]any{}}
	for i := range s.Steps {
		p.step = i
		p.play(&s.Steps[i])
	}
	return p
}

// scriptNow is the time of every step.
const scriptNow = 1600000000000 * 1e6

func (p *player) play(step *scriptStep) {
	switch {
	case step.Event == "new":
		p.conns = append(p.conns, step.Conn)
		p.note(p.f.Connected(step.Conn, scriptNow))
	case step.Event == "lost":
		p.note(p.f.Lost(step.Conn))
	case step.Recv != nil:
		var split Splitter
		for piece := range split.Split([]byte(*step.Recv + "\n")) {
			p.note(p.f.Receive(step.Conn, scriptNow, piece))
			break // of an over-long line one part is enough
		}
	default:
		fetching := p.f.Fetching()
		if len(fetching) == 0 {
			p.trace = append(p.trace, object{"after_step": p.step, "nothing": "is fetched"})
			return
		}
		oldest := fetching[0]
		delete(p.asked, oldest)
		if step.Fails != nil {
			p.note(p.f.FetchFailed(oldest))
			return
		}
		r := step.Returns
		var rows []FetchedRow
		for _, row := range r.Rows {
			token, _ := strconv.ParseInt(string(row[0]), 10, 64)
			rows = append(rows, FetchedRow{token, row[1]})
		}
		p.note(p.f.Fetched(oldest, rows, r.NewToken, r.Limited))
	}
}

func (p *player) note(effects []Effect) {
	for i := range effects {
		e := &effects[i]
		entry := p.entry(e)
		if entry == nil {
			continue
		}
		entry["after_step"] = p.step
		p.trace = append(p.trace, asDecoded(entry).(map[string]any))
		if e.Kind == EffectFetch && e.Query {
			asked := asDecoded(entry["fetch"]).(map[string]any)
			delete(asked, "query")
			p.asked[e.Fetch] = asked
		}
	}
}

type object = map[string]any

// since says how the traces of the release are written.
func (p *player) since(major, minor uint32) bool { return p.f.Release() >= release(major, minor, 0) }

// entry is an effect as the traces have it.
func (p *player) entry(e *Effect) object {
	at := object{"stream": e.Stream}
	if p.since(1, 13) {
		at["instance"] = e.Instance
	}
	with := func(name string, v any) object { at[name] = v; return at }
	switch e.Kind {
	case EffectWrite:
		return object{"wire": string(e.Line), "conn": e.Conn}
	case EffectClose:
		return object{"closed": e.Conn, "how": "loseConnection"}
	case EffectCrash:
		return object{"uncaught": e.Text}
	case EffectIgnored:
		return object{"ignored": string(e.Line), "why": "closing"}
	case EffectDeliver:
		at["token"], at["via"] = e.Token, map[bool]string{false: "live", true: "fetch"}[e.Fetched]
		return object{"deliver": with("rows", rowsOf(e.Rows))}
	case EffectPosition:
		if !p.since(1, 14) {
			delete(at, "instance")
		}
		return object{"position": with("token", e.Token)}
	case EffectFetch:
		at["from"], at["upto"] = e.From, e.Token
		return object{"fetch": with("query", e.Query)}
	case EffectHold:
		return object{"hold": with("rows", e.Count)}
	case EffectDropBatch:
		return object{"drop_pending": object{"stream": e.Stream, "rows": rowsOf(e.Rows)}}
	case EffectDiscard:
		return p.discarded(e, at)
	case EffectFailed:
		if !p.since(1, 18) {
			at = object{}
		} else {
			p.tokens(e, at)
		}
		return object{"failed": with("cmd", e.Command.String()), "why": e.Why.String()}
	case EffectFinished:
		return object{"finished_connecting": true}
	case EffectServerUp:
		return object{"remote_server_up": e.Text}
	}
	return nil
}

func (p *player) discarded(e *Effect, at object) object {
	at["cmd"] = e.Command.String()
	if e.Why != ReasonOwnEcho {
		p.tokens(e, at)
	}
	out := object{"discard": at, "why": e.Why.String()}
	switch e.Why {
	case ReasonOldToken:
		out["rows"], out["current"] = e.Count, e.Current
	case ReasonRedundant:
		out["when"] = map[bool]string{false: "arrival", true: "dequeue"}[e.Late]
	}
	return out
}

// tokens writes those of a command.
func (p *player) tokens(e *Effect, at object) {
	switch {
	case e.Batch:
		at["token"] = "batch"
	case e.Command == CmdPosition && p.since(1, 22):
		at["prev"], at["new"] = e.Prev, e.Token
	default:
		at["token"] = e.Token
	}
}

func rowsOf(rows [][]byte) []any {
	out := []any{}
	for _, row := range rows {
		var v any
		if json.Unmarshal(row, &v) != nil {
			v = string(row) // NaN
		}
		out = append(out, v)
	}
	return out
}

// end is the state as the traces have it.
func (p *player) end() any {
	end := object{"positions": p.positions(), "pending_batches": p.batches(), "state": p.byConn(func(c int) any {
		return map[ConnState]string{ConnEstablished: "established", ConnClosed: "closed"}[p.f.State(c)]
	})}
	if !p.since(1, 13) && p.since(1, 0) {
		end["connecting"] = p.byConn(func(c int) any {
			return slices.DeleteFunc(p.caughtUp(c, false), func(s string) bool { return !p.asks(s) })
		})
	}
	if p.since(1, 13) {
		end["connected"] = p.byConn(func(c int) any { return p.caughtUp(c, true) })
		after := object{}
		for _, c := range p.conns {
			if streams := p.caughtUp(c, true); len(streams) > 0 && p.f.State(c) == ConnNone {
				after[strconv.Itoa(c)] = streams
			}
		}
		if len(after) > 0 {
			end["connected_after_loss"] = after
		}
		fetching := []any{}
		for _, id := range p.f.Fetching() {
			fetching = append(fetching, p.asked[id])
		}
		end["fetching"] = fetching
	}
	if p.since(1, 18) {
		end["queued"] = p.byStream(func(s string) (any, bool) { n := p.f.Waiting(s); return n, n > 0 })
	}
	return asDecoded(end)
}

func (p *player) asks(stream string) bool {
	return slices.ContainsFunc(p.Start, func(s FollowedStream) bool { return s.Name == stream })
}

func (p *player) byConn(value func(conn int) any) object {
	out := object{}
	for _, c := range p.f.Connections() {
		out[strconv.Itoa(c)] = value(c)
	}
	return out
}

// byStream has what value gives for every stream there is.
func (p *player) byStream(value func(stream string) (any, bool)) object {
	out := object{}
	for name := range p.f.streams {
		if v, ok := value(name); ok {
			out[name] = v
		}
	}
	return out
}

// caughtUp lists the streams that have on a connection, or those that have not.
func (p *player) caughtUp(conn int, want bool) []string {
	out := []string{}
	for name := range p.f.streams {
		if p.f.CaughtUp(conn, name) == want {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (p *player) positions() any {
	out := object{}
	for _, s := range p.Start {
		common, of := p.f.Tokens(s.Name)
		tokens := object{"*": common}
		for instance, token := range of {
			tokens[instance] = token
		}
		out[s.Name] = tokens
	}
	return out
}

func (p *player) batches() any {
	of := func(conn int) object {
		return p.byStream(func(s string) (any, bool) {
			rows := p.f.Batch(conn, s)
			return rowsOf(rows), len(rows) > 0
		})
	}
	if p.since(1, 13) {
		return of(0)
	}
	return p.byConn(func(c int) any { return of(c) })
}
