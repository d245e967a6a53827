package proxy

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"

	"repltap/journal"
	"repltap/wire"
)

// enforcing is a rig whose tap enforces; dialect "" has to be found out.
func enforcing(t testing.TB, dialect string) *rig {
	return newRig(t, func(_ *RecorderOptions, tap *Tap, _ *sink) {
		dialects := wire.AllDialects
		if dialect != "" {
			d, err := wire.ParseDialect(dialect)
			if err != nil {
				t.Fatal(err)
			}
			dialects = d.Set()
		}
		tap.Enforcer = func() *wire.Enforcer { return wire.NewEnforcer(dialects) }
	})
}

// refusal is what was told of a refused line.
func (s *sink) refusal(t *testing.T) told {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []told
	for _, e := range s.all {
		if e.kind == journal.KindFinding {
			found = append(found, e)
		}
	}
	if len(found) != 1 || len(found[0].ev.Findings) != 1 {
		t.Fatalf("told of %d refusals: %+v", len(found), found)
	}
	return found[0]
}

// rest is all that comes until an orderly end.
func rest(t testing.TB, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Errorf("after %q: %v; want an orderly end", b, err)
	}
	return string(b)
}

var tooLong = "NAME " + strings.Repeat("x", wire.MaxLine) + "\n"

// violation is a line that may not pass.
type violation struct {
	name    string
	dialect string // "" has to be found out
	dir     wire.Direction
	before  string // goes that way first, and passes
	line    string
	code    string
	answer  string // what its sender gets; "" is an end without a word
}

var violations = []violation{
	{"worker sends what only a master may", "1.66.0", wire.C2S, "NAME w1\nPING 1\n", "RDATA events master 5 [1]\n", "E-direction", "ERROR invalid command: RDATA\n"},
	{"the same, to an old master", "1.12.4", wire.C2S, "NAME w1\n", "RDATA events 5 [1]\n", "E-direction", "ERROR invalid command: RDATA\n"},
	{"master sends what only a worker may", "1.66.0", wire.S2C, "SERVER x\n", "NAME w1\n", "E-direction", "ERROR invalid command: NAME\n"},
	{"dialect not known yet", "", wire.C2S, "NAME w1\n", "SERVER x\n", "E-direction", "ERROR invalid command: SERVER\n"},
	{"unknown command", "1.66.0", wire.C2S, "", "FOO bar\n", "E-unknown-command", "ERROR failed to parse line: KeyError('FOO') ('FOO bar'):\n"},
	{"unknown command, old", "1.12.4", wire.S2C, "", "FOO bar\n", "E-unknown-command", "ERROR invalid command: FOO\n"},
	{"too few arguments", "1.66.0", wire.S2C, "SERVER x\nPING 1\n", "POSITION events 5\n", "E-arity",
		"ERROR failed to parse line: ValueError('not enough values to unpack (expected 4, got 2)') ('POSITION events 5'):\n"},
	{"too few arguments, old", "1.12.4", wire.C2S, "", "REPLICATE \n", "E-arity",
		"ERROR failed to parse line for  'REPLICATE': ValueError('not enough values to unpack (expected 2, got 1)') (''):\n"},
	{"what the other side can't read", "", wire.C2S, "REPLICATE events 5\n", "REPLICATE \n", "E-arity",
		"ERROR failed to parse line for  'REPLICATE': ValueError('not enough values to unpack (expected 2, got 1)') (''):\n"},
	{"too long", "1.66.0", wire.S2C, "SERVER x\n", tooLong, "E-toolong", "ERROR Line length exceeded\n"},
	{"too long and no end", "1.66.0", wire.C2S, "PING 1\n", strings.TrimSuffix(tooLong, "\n"), "E-toolong", "ERROR Line length exceeded\n"},
	{"no UTF-8", "1.66.0", wire.C2S, "PING 1\n", "NAME \xff\n", "E-utf8", ""},
	{"no space, old", "1.12.4", wire.C2S, "NAME w\n", "PING\n", "E-no-space", ""},
	{"a percent sign", "1.66.0", wire.C2S, "", "FOO 100%\n", "E-unknown-command", ""},
}

// What goes before a refused line in the same segment is delivered, the line
// and what is behind it is not; its sender gets the receiver's answer and both
// an orderly end; and all of it is on record.
func TestEnforce(t *testing.T) {
	for _, v := range violations {
		t.Run(v.name, func(t *testing.T) {
			r := enforcing(t, v.dialect)
			worker, master := r.pair()
			from, to := worker, master
			if v.dir == wire.S2C {
				from, to = master, worker
			}
			behind := "PING 2\n"
			if !strings.HasSuffix(v.line, "\n") {
				behind = ""
			}
			all := v.before + v.line + behind
			send(t, from, []byte(all))
			if got := rest(t, to); got != v.before {
				t.Errorf("%.100q was passed on, want %q", got, v.before)
			}
			if got := rest(t, from); got != v.answer {
				t.Errorf("the answer is %q, want %q", got, v.answer)
			}
			from.Close()
			to.Close()
			v.check(t, r, all)
		})
	}
}

func (v *violation) check(t *testing.T, r *rig, all string) {
	ev := r.sink.waitClose(t, 1)
	if ev.How != howEnforced || ev.By != byTap || !strings.HasPrefix(ev.Note, v.code+": ") {
		t.Errorf("closed with %+v", ev)
	}
	read, lost := *ev.C2S, ev.C2SUndelivered
	if v.dir == wire.S2C {
		read, lost = *ev.S2C, ev.S2CUndelivered
	}
	// An over-long line may be refused before all of it was read.
	if st := r.sink.stream(t, 1, v.dir); !strings.HasPrefix(all, string(st.data)) || int64(len(st.data)) != read || len(st.eof) != 0 || lost == 0 || read-lost != int64(len(v.before)) {
		t.Errorf("%d bytes recorded, %d said to be read, %d of them undelivered, %d ends", len(st.data), read, lost, len(st.eof))
	}
	if st := r.sink.stream(t, 1, opposite(v.dir)); len(st.data) != 0 {
		t.Errorf("the tap's own words are recorded as a peer's: %q", st.data)
	}
	note := r.sink.refusal(t)
	f := note.ev.Findings[0]
	action := wire.ActError
	if v.answer == "" {
		action = wire.ActDrop
	}
	if note.dir != v.dir || f.Code != v.code || f.Verdict != action.String() || strings.Contains(f.Reply, "bar") {
		t.Errorf("told: %+v", note)
	}
	if n := value(t, r.reg, "repltap_refused_lines_total", v.code, v.dir.String()); n != 1 {
		t.Errorf("%v refused lines counted", n)
	}
	if n := value(t, r.reg, "repltap_closes_total", byTap, howEnforced); n != 1 {
		t.Errorf("%v closes counted", n)
	}
	if n := value(t, r.reg, "repltap_undelivered_bytes_total", v.dir.String()); n != float64(lost) {
		t.Errorf("%v undelivered bytes counted, want %d", n, lost)
	}
	if n := value(t, r.reg, "repltap_bytes_total", v.dir.String()); n != float64(len(v.before)) {
		t.Errorf("%v forwarded bytes counted, want %d", n, len(v.before))
	}
}

// A line that comes in pieces is held back until it has its end, and only it.
func TestEnforceHoldsBackTheUnfinished(t *testing.T) {
	r := enforcing(t, "")
	worker, master := r.pair()
	line := "NAME " + strings.Repeat("w", 5000) + "\n"
	for i := range len(line) - 1 {
		if i%500 == 0 {
			send(t, worker, []byte(line[i:min(i+500, len(line)-1)]))
		}
	}
	r.sink.wait(t, "the beginning", func(all []told) bool {
		n := 0
		for _, e := range all {
			n += len(e.data)
		}
		return n == len(line)-1
	})
	if n := value(t, r.reg, "repltap_bytes_total", "c2s"); n != 0 {
		t.Errorf("%v bytes of an unfinished line were passed on", n)
	}
	send(t, worker, []byte("\nPI"))
	expect(t, master, []byte(line))
	worker.CloseWrite() // what never gets its end does no harm
	if got := rest(t, master); got != "PI" {
		t.Errorf("%q at the end", got)
	}
	master.Close()
	if ev := r.sink.waitClose(t, 1); ev.How != howFin || ev.C2SUndelivered != 0 {
		t.Errorf("closed with %+v", ev)
	}
}

// While the receiver reads nothing, what goes before the refused line has to be
// delivered first; the other direction goes on meanwhile, and its last line
// is not cut by the answer.
func TestEnforceBehindAStall(t *testing.T) {
	r := enforcing(t, "1.66.0")
	worker, master := r.pair()
	before := bytes.Repeat([]byte("RDATA typing master 7 [\"!r:x\",[]]\n"), floodSize/34)
	sent := flood(t, r, master, wire.S2C, append(bytes.Clone(before), "NAME oops\nPING 2\n"...))
	for i := range 100 {
		line := fmt.Appendf(nil, "PING %d\n", i)
		send(t, worker, line)
		expect(t, master, line)
	}
	expect(t, worker, before)
	if got := rest(t, worker); got != "" {
		t.Errorf("%q came too", got)
	}
	if got := rest(t, master); got != "ERROR invalid command: NAME\n" {
		t.Errorf("the answer is %q", got)
	}
	if err := <-sent; err != nil {
		t.Error(err)
	}
	master.Close()
	worker.Close()
	r.sink.waitClose(t, 1)
}

// A sender that is refused while it is being flooded gets whole lines and then
// the answer.
func TestEnforceInTheMiddleOfTraffic(t *testing.T) {
	r := enforcing(t, "1.66.0")
	worker, master := r.pair()
	line := []byte("RDATA typing master 7 [\"!room:example.org\",[]]\n")
	go func() {
		for {
			if _, err := master.Write(bytes.Repeat(line, 1000)[:40_001]); err != nil { // writes end anywhere
				return
			}
			if _, err := master.Write(bytes.Repeat(line, 1000)[40_001:]); err != nil {
				return
			}
		}
	}()
	expect(t, worker, bytes.Repeat(line, 20_000))
	send(t, worker, []byte("PING 1\nSERVER me\n"))
	got := rest(t, worker)
	lines := strings.SplitAfter(got, "\n")
	if n := len(lines); n < 2 || lines[n-2] != "ERROR invalid command: SERVER\n" || lines[n-1] != "" {
		t.Fatalf("the end is %q", got[max(0, len(got)-200):])
	}
	for _, l := range lines[:len(lines)-2] {
		if l != string(line) {
			t.Fatalf("a line is %q", l)
		}
	}
	r.sink.waitClose(t, 1)
}

// A sender that does not read: half a line may have gone to it, and then it gets
// no answer in the middle of that; in any case it is over soon.
func TestEnforceAgainstASenderThatDoesNotRead(t *testing.T) {
	r := enforcing(t, "1.66.0")
	worker, master := r.pair()
	line := []byte("RDATA typing master 7 [\"!room:example.org\",[]]\n")
	sent := flood(t, r, master, wire.S2C, bytes.Repeat(line, floodSize/len(line)))
	send(t, worker, []byte("SERVER me\n"))
	ev := r.sink.waitClose(t, 1)
	if ev.How != howEnforced {
		t.Errorf("closed with %+v", ev)
	}
	<-sent
	got, _ := io.ReadAll(worker) // may end in a reset: the master went on sending
	tail := got[bytes.LastIndexByte(got, '\n')+1:]
	if !bytes.HasPrefix(line, tail) || bytes.Contains(got, []byte("ERROR")) && !bytes.HasSuffix(got, []byte("\nERROR invalid command: SERVER\n")) {
		t.Errorf("the end is %q", got[max(0, len(got)-200):])
	}
}

// Healthy traffic passes to the byte in pieces of any size, both ways at once.
func TestEnforcePassesHealthyTraffic(t *testing.T) {
	for _, dialect := range []string{"", "1.66.0"} {
		r := enforcing(t, dialect)
		var all sync.WaitGroup
		for i := range uint64(4) {
			worker, master := r.pair()
			s2c := append([]byte("SERVER x\n"), text(700_001+int(i), i)...) // ends anywhere
			c2s := bytes.Repeat([]byte("USER_SYNC AbCdE @user:example.org start 1550574873251\nPING 5\n"), 2000)
			all.Go(func() { sendChopped(t, worker, c2s, i) })
			all.Go(func() { sendChopped(t, master, s2c, i+9) })
			all.Go(func() { receive(t, worker, s2c) })
			all.Go(func() { receive(t, master, c2s) })
		}
		all.Wait()
		for i := range uint64(4) {
			if ev := r.sink.waitClose(t, i+1); ev.How != howFin || ev.S2CUndelivered != 0 || ev.C2SUndelivered != 0 {
				t.Errorf("conn %d closed with %+v", i+1, ev)
			}
		}
	}
}

// What comes when all is over is thrown away, and how much it was is told.
func TestEnforceThrowsTheRestAway(t *testing.T) {
	usual := linger
	t.Cleanup(func() { linger = usual }) // after the rig's end
	linger = limit
	r := enforcing(t, "1.66.0")
	worker, master := r.pair()
	send(t, worker, []byte("SERVER me\n"))
	if got := rest(t, worker); got != "ERROR invalid command: SERVER\n" {
		t.Errorf("the answer is %q", got)
	}
	send(t, worker, []byte("PING 1\n"))
	worker.CloseWrite()
	if got := rest(t, master); got != "" {
		t.Errorf("%q was passed on", got)
	}
	master.CloseWrite()
	if ev := r.sink.waitClose(t, 1); *ev.C2S != 10 || !strings.HasSuffix(ev.Note, "; 7 bytes came after that and were thrown away") {
		t.Errorf("closed with %d bytes c2s: %+v", *ev.C2S, ev)
	}
}

// A stop does not wait for a peer that takes no leave.
func TestStopWhileDismissing(t *testing.T) {
	r := enforcing(t, "1.66.0")
	worker, master := r.pair()
	send(t, worker, []byte("SERVER me\n"))
	if got := rest(t, master); got != "" {
		t.Errorf("%q was passed on", got)
	}
	r.stop()
	if got := rest(t, worker); got != "ERROR invalid command: SERVER\n" {
		t.Errorf("the answer is %q", got)
	}
	if ev := r.sink.waitClose(t, 1); ev.How != howEnforced {
		t.Errorf("closed with %+v", ev)
	}
}

// BenchmarkEnforcedStream is BenchmarkStream with a gate.
func BenchmarkEnforcedStream(b *testing.B) {
	r := enforcing(b, "")
	r.sink.deaf = true
	streamThrough(b, r)
}

// BenchmarkEnforcedLine is BenchmarkLine with a gate.
func BenchmarkEnforcedLine(b *testing.B) {
	r := enforcing(b, "")
	r.sink.deaf = true
	lineThrough(b, r, []byte("PING 1550574873251\n"))
}

// Peers that do anything at any time, both at once: whatever happens, every
// connection ends, and the ledger holds (the rig checks it).
func TestEnforceWhateverHappens(t *testing.T) {
	const conns = 60
	r := enforcing(t, "")
	var players sync.WaitGroup
	play := func(c *net.TCPConn, seed uint64, lines []string) {
		dice := rand.New(rand.NewPCG(seed, 3))
		players.Go(func() { io.Copy(io.Discard, c) })
		for range dice.IntN(200) {
			line := strings.Repeat(lines[dice.IntN(len(lines)-2)], 1+dice.IntN(200))
			if dice.IntN(40) == 0 {
				line = lines[len(lines)-1-dice.IntN(2)] // one that may not pass
			}
			if _, err := c.Write([]byte(line[:len(line)-dice.IntN(2)*dice.IntN(3)])); err != nil {
				break
			}
		}
		switch dice.IntN(3) {
		case 0:
			reset(c)
		case 1:
			c.CloseWrite()
		case 2:
			c.Close()
		}
	}
	for i := range uint64(conns) {
		worker, master := r.pair()
		players.Go(func() { play(worker, i, []string{"PING 5\n", "NAME w1\n", "REPLICATE \n", "SERVER x\n", "\xff \n"}) })
		players.Go(func() {
			play(master, i+conns, []string{"PING 5\n", "SERVER x\n", "RDATA typing master 7 [\"!r:x\",[]]\n", "NAME x\n", "FOO\n"})
		})
	}
	hows := map[string]int{}
	for i := range uint64(conns) {
		hows[r.sink.waitClose(t, i+1).How]++
	}
	players.Wait()
	if hows[howEnforced] < conns/4 || hows[howEnforced] == conns {
		t.Errorf("ends: %v", hows)
	}
}
