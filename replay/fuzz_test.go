package replay

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"repltap/wire"
)

// FuzzStreamer plays a master with rows that are numbered, to peers that count.
// Whatever happens, and however little a peer reads:
//
//   - every line is one that the release's workers accept
//   - buffers and queues keep to their limits
//   - rows come in order and without a hole, and who is still connected when
//     all is quiet has every row since it asked, or since it came
//   - an ERROR is the last line of a connection, and after a close nothing is sent
func FuzzStreamer(f *testing.F) {
	for i := range fuzzReleases {
		f.Add([]byte{byte(i), 0, 22, 2, 3, 1, 4, 5, 2, 3, 4, 5, 6, 8})
	}
	f.Fuzz(func(t *testing.T, ops []byte) {
		runOps(t, ops)
	})
}

// TestRandomStreamers does the same for some random inputs.
func TestRandomStreamers(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		ops := make([]byte, 1+random.IntN(300))
		for i := range ops {
			ops[i] = byte(random.IntN(256))
		}
		runOps(t, ops)
	}
}

// runOps: the first byte says which release, and any other what to do, and to
// whom.
func runOps(t *testing.T, ops []byte) {
	if len(ops) == 0 || len(ops) > 400 {
		return
	}
	w := newFuzzWorld(t, fuzzReleases[int(ops[0])%len(fuzzReleases)])
	for i, op := range ops[1:] {
		w.do(fuzzOps[int(op)%len(fuzzOps)], int(op)/len(fuzzOps)+i)
		w.settle()
	}
	w.quiet()
}

// fuzzOps has the frequent ones several times.
const fuzzOps = "crwpat+Pfl" + "wpatwpatratt"

var fuzzReleases = []string{"0.99.2", "1.12.4", "1.13.0", "1.22.0", "1.66.0", "1.97.0"}

var fuzzLimits = Limits{HighWater: 400, MaxQueue: 12}

type fuzzWorld struct {
	t        *testing.T
	receiver wire.Receiver
	s        *Streamer
	now      int64
	rows     map[string][]Row
	peers    []*fuzzPeer // all that ever were; the first has number 1
}

// fuzzPeer is a worker, and what it heard.
type fuzzPeer struct {
	id      int
	open    bool
	closed  bool
	split   wire.Splitter
	ended   bool // with an ERROR
	streams map[string]*fuzzSeen
}

// fuzzSeen is what a peer knows of a stream. Rows are numbered from 0 on.
type fuzzSeen struct {
	first    int // the row that it has to have at last
	asked    bool
	position bool
	next     int // the row that has to come next; -1 when any may
	upto     int // it has all rows from first to here, without it
}

func newFuzzWorld(t *testing.T, version string) *fuzzWorld {
	w := &fuzzWorld{t: t, now: traceBegan, rows: map[string][]Row{}}
	var err error
	if w.receiver, err = wire.ReceiverOf(release(version)); err != nil {
		t.Fatal(err)
	}
	w.s, err = NewStreamer(StreamerConfig{Release: release(version), Server: "x", Began: w.now, Limits: fuzzLimits,
		Streams: []StreamStart{{"events", 0}, {"typing", 0}}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *fuzzWorld) do(op byte, arg int) {
	name := []string{"events", "typing"}[arg%2]
	switch op {
	case 'c':
		w.connect()
	case 'l':
		if p := w.peer(arg); p != nil {
			w.lose(p)
		}
	case 'r':
		if p := w.peer(arg); p != nil {
			w.replicate(p, name, arg)
		}
	case 'P':
		if p := w.peer(arg); p != nil {
			w.s.receive(p.id, "PING 1")
		}
	case 'w':
		w.write(name, arg)
	case 'p':
		w.s.Poke(w.now)
	case 'a', 'f':
		if asked := w.s.Fetching(); len(asked) > 0 {
			w.answer(asked[arg%len(asked)], op == 'f')
		}
	case 't':
		if p := w.peer(arg); p != nil {
			w.read(p, 1+arg%200)
		}
	case '+':
		w.now += int64(time.Second)
		w.s.Advance(w.now)
	}
}

func (w *fuzzWorld) connect() {
	if len(w.peers) == 6 {
		return
	}
	p := &fuzzPeer{id: len(w.peers) + 1, open: true, streams: map[string]*fuzzSeen{}}
	for _, name := range []string{"events", "typing"} {
		p.streams[name] = &fuzzSeen{next: -1, first: len(w.rows[name]), upto: len(w.rows[name])}
	}
	w.peers = append(w.peers, p)
	w.s.Connect(w.now, p.id)
}

// peer is one of those that are connected.
func (w *fuzzWorld) peer(n int) *fuzzPeer {
	if len(w.peers) == 0 {
		return nil
	}
	if p := w.peers[n%len(w.peers)]; p.open {
		return p
	}
	return nil
}

func (w *fuzzWorld) lose(p *fuzzPeer) {
	p.open = false
	w.s.Lost(p.id)
}

// replicate asks once for each stream, from where the last round came to or
// before; what is asked for twice comes twice.
func (w *fuzzWorld) replicate(p *fuzzPeer, name string, arg int) {
	if w.s.has&traitSubscribes == 0 {
		w.s.receive(p.id, "REPLICATE ")
		return
	}
	seen := p.streams[name]
	if seen.asked || p.closed {
		return
	}
	token := w.s.stream(name).upto
	word := "NOW"
	if token > 0 && arg%4 != 0 {
		token = int64(arg) % (token + 1)
		word = fmt.Sprint(token)
	}
	seen.asked = true
	seen.first = 0
	for seen.first < len(w.rows[name]) && w.rows[name][seen.first].Token <= token {
		seen.first++
	}
	seen.upto = seen.first
	w.s.receive(p.id, "REPLICATE "+name+" "+word)
}

// write adds rows, some of which share a token.
func (w *fuzzWorld) write(name string, arg int) {
	_, token, _ := w.s.Position(name)
	for i := range arg % 5 {
		if i == 0 || arg>>i&1 == 0 {
			token++
		}
		w.rows[name] = append(w.rows[name], Row{token, fmt.Appendf(nil, `[%d]`, len(w.rows[name]))})
	}
	w.s.Wrote(name, token+int64(arg%3/2))
}

func (w *fuzzWorld) answer(f Fetch, fails bool) {
	if fails {
		w.s.Fail(w.now, f.ID, "FetchFail('fuzz')")
		return
	}
	page := Page{Upto: f.Upto}
	for _, row := range w.rows[f.Stream] {
		if row.Token <= f.From || row.Token > f.Upto {
			continue
		}
		last := len(page.Rows) - 1
		if w.s.has&traitSubscribes == 0 && last >= 2 && page.Rows[last].Token != row.Token {
			page.Limited, page.Upto = true, page.Rows[last].Token
			break
		}
		page.Rows = append(page.Rows, row)
	}
	w.s.Answer(w.now, f.ID, page)
}
