package replay

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"repltap/wire"
)

func TestBackPressureTraces(t *testing.T) {
	eachTrace(t, "backpressure-*.jsonl.zst", func(s *pressureScript) (name, difference string) {
		p := newPressureRun(s)
		var samples []pressureSample
		for i := range s.Steps {
			p.at = i
			p.step(&s.Steps[i])
			p.pump()
			p.flush()
			samples = append(samples, pressureSample{i, p.ms(), p.out.State().String(), p.out.Queued(), p.out.Buffered()})
		}
		var want []string
		for i := range s.Wire {
			want = append(want, s.Wire[i].String())
		}
		if d := firstDifference(p.got, want); d != "" {
			return s.Name, d
		}
		return s.Name, firstDifference(sampleList(samples), sampleList(s.Samples))
	})
}

func sampleList(samples []pressureSample) (list []string) {
	for _, s := range samples {
		list = append(list, fmt.Sprintf("sample %+v", s))
	}
	return list
}

// pressureRun drives an Outbox with a script, and is its transport: Twisted's,
// with a kernel that takes as much as the script says.
type pressureRun struct {
	script   *pressureScript
	receiver wire.Receiver
	events   Events
	out      *Outbox
	now      int64
	at       int
	room     int
	line     []byte // the part of a line that the kernel took
	run      *pressureEntry
	got      []string
}

func newPressureRun(script *pressureScript) *pressureRun {
	receiver, err := wire.ReceiverOf(release(script.Release))
	if err != nil {
		panic(err)
	}
	p := &pressureRun{script: script, receiver: receiver, now: traceBegan, room: math.MaxInt}
	p.out = NewOutbox(receiver.Release, Limits{}, 1, &p.events)
	return p
}

func (p *pressureRun) ms() int64 { return millis(p.now - traceBegan) }

func (p *pressureRun) step(st *pressureStep) {
	switch {
	case st.Connect:
		p.connect()
	case st.Pause:
		p.out.Pause()
	case st.Resume:
		p.resumed(p.out.Resume(p.now))
	case st.Close:
		p.out.Close(p.now)
	case st.PeerCloses:
		p.lose("ConnectionDone")
	case st.SendError != "":
		p.out.SendError(p.now, st.SendError)
	case st.Room != nil:
		p.room = math.MaxInt
		if string(st.Room) != "null" {
			p.room = int(mustInt(st.Room))
		}
	case st.Recv != "":
		p.receive(st.Recv)
	case st.Send != nil:
		p.send(st.Send.Count, st.Send.First, st.Send.Pad)
	default:
		p.advance(st.AdvanceMS * int64(time.Millisecond))
	}
}

func mustInt(raw json.RawMessage) (n int64) {
	if err := json.Unmarshal(raw, &n); err != nil {
		panic(err)
	}
	return n
}

func (p *pressureRun) connect() {
	greeting := "SERVER example.com"
	if p.script.Side == "client" {
		greeting = "NAME w1"
	}
	p.out.Connected(p.now, []byte(greeting))
	if p.script.Side == "client" && p.receiver.Release >= release("1.13.0") {
		p.out.Send(p.now, []byte("REPLICATE "))
	}
}

func (p *pressureRun) receive(line string) {
	if p.out.Closing() {
		return
	}
	dir := wire.C2S
	if p.script.Side == "client" {
		dir = wire.S2C
	}
	var parsed wire.Parsed
	switch v := judge(p.receiver, dir, line, &parsed); v.Action {
	case wire.ActAccept:
		p.out.Received(p.now, parsed.Command == wire.CmdPing)
	case wire.ActError:
		p.out.SendError(p.now, v.Reply)
	}
}

func (p *pressureRun) send(count, first, pad int) {
	if pad == 0 {
		pad = 4
	}
	instance := "master "
	if p.out.has&traitSubscribes != 0 {
		instance = ""
	}
	for i := range count {
		line := fmt.Sprintf(`RDATA to_device %s%d ["@%s:x"]`, instance, first+i, strings.Repeat("u", pad))
		if err := p.out.Send(p.now, []byte(line)); err != nil {
			p.take()
			p.note(pressureEntry{SendRaised: err.Error()})
		}
	}
}

func (p *pressureRun) resumed(err error) {
	if err != nil {
		p.take()
		p.note(pressureEntry{Uncaught: err.Error()})
		p.pump()
		p.lose("Exception")
	}
}

func (p *pressureRun) lose(why string) {
	p.out.Lost()
	p.take()
	p.note(pressureEntry{ConnectionLost: why})
}

func (p *pressureRun) advance(by int64) {
	until := p.now + by
	for t, ok := p.out.NextTick(); ok && t <= until; t, ok = p.out.NextTick() {
		p.now = t
		p.out.Tick(t)
		p.pump()
	}
	p.now = until
}

// pump is the reactor: it writes for as long as the kernel takes something.
func (p *pressureRun) pump() {
	p.take()
	for p.room > 0 && len(p.out.Pending()) > 0 {
		part := p.out.Pending()
		part = part[:min(len(part), p.room)]
		if p.room != math.MaxInt {
			p.room -= len(part)
		}
		for _, c := range part {
			if c == '\n' {
				p.took(string(p.line))
				p.line = p.line[:0]
				continue
			}
			p.line = append(p.line, c)
		}
		p.resumed(p.out.Took(p.now, len(part)))
		p.take()
	}
	if p.out.Drained() && !p.out.lost {
		p.lose("ConnectionDone")
	}
}

// took notes a line that the kernel took.
func (p *pressureRun) took(line string) {
	if !strings.HasPrefix(line, "RDATA ") {
		p.note(pressureEntry{Line: &line})
		return
	}
	if p.run == nil {
		p.run = &pressureEntry{AfterStep: p.at, TMS: p.ms(), RdataLines: &sendLines{First: line}}
	}
	p.run.RdataLines.Count++
	p.run.RdataLines.Last = line
}

// take notes what the outbox did.
func (p *pressureRun) take() {
	for _, ev := range p.events.Take() {
		switch ev.Kind {
		case EventPause:
			p.note(pressureEntry{Log: "Pause producing"})
		case EventResume:
			p.note(pressureEntry{Log: "Resume producing"})
		case EventStop:
			p.note(pressureEntry{Log: "Stop producing"})
		case EventKeepUp:
			p.note(pressureEntry{Log: "Remote failed to keep up"})
		case EventSilent:
			p.note(pressureEntry{Log: "Connection hasn't"})
		case EventClose:
			p.note(pressureEntry{CloseAsked: true})
		case EventAbort:
			p.note(pressureEntry{Log: "Failed to close connection gracefully, aborting"})
			p.note(pressureEntry{Aborted: true})
			p.lose("ConnectionLost")
		}
	}
}

func (p *pressureRun) note(e pressureEntry) {
	p.flush()
	e.AfterStep, e.TMS = p.at, p.ms()
	p.got = append(p.got, e.String())
}

func (p *pressureRun) flush() {
	if p.run != nil {
		p.got = append(p.got, p.run.String())
		p.run = nil
	}
}
