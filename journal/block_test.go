package journal

import (
	"bytes"
	"fmt"
	"math/rand"
	"testing"

	"github.com/klauspost/compress/zstd"

	"repltap/wire"
)

// pieces cuts text into entries as the scribe would.
func pieces(text []byte, seq uint64) []entry {
	var out []entry
	for len(text) > 0 {
		n := bytes.IndexByte(text, '\n') + 1
		if n == 0 {
			n = len(text)
		}
		out = append(out, entry{seq: seq, time: 1e18 + int64(seq)*1000, conn: 1 + seq%3, dir: wire.Direction(1 + seq%2), data: text[:n], readEnd: seq%4 == 0})
		text = text[n:]
		seq++
	}
	return out
}

func packAll(b *builder, es []entry) ([]byte, *blockHeader) {
	b.reset()
	for i := range es {
		b.add(&es[i], 0)
		if es[i].kind == KindNone {
			g := wire.GistOf(es[i].data)
			b.count(es[i].dir, &g, len(es[i].data), false)
		}
	}
	return newPacker(zstd.SpeedFastest).pack(b)
}

func checkRoundTrip(t *testing.T, b *builder, es []entry) {
	t.Helper()
	block, _ := packAll(b, es)
	h, err := parseHead(block)
	if err != nil {
		t.Fatal(err)
	}
	n, _, _ := headLen(block)
	u := newUnpacker()
	defer u.close()
	i := 0
	err = u.entries(h, block[n:], func(e *entry) bool {
		w := es[i]
		if e.seq != w.seq || e.time != w.time || e.conn != w.conn || e.dir != w.dir || e.kind != w.kind ||
			e.readEnd != w.readEnd || e.midLine != w.midLine || !bytes.Equal(e.data, w.data) || !bytes.Equal(e.note, w.note) {
			t.Fatalf("entry %d: got %+v want %+v", i, *e, w)
		}
		i++
		return true
	})
	if err != nil || i != len(es) {
		t.Fatalf("%d of %d entries: %v", i, len(es), err)
	}
}

func TestBlockRoundTrip(t *testing.T) {
	b := newBuilder()
	lines := []string{
		"SERVER lab.test\n", "PING 1600000000000\n", "REPLICATE \n", "\n", "   \n", "\r\n", "PING -5\n", "PING -0\n", "PING 007\n",
		"RDATA caches master 12 [\"get_user_by_id\",[\"@a:x\"],1600000000001]\n",
		"RDATA caches master 11 [\"get_user_by_id\",[\"@b:x\"],1600000000000]\n",
		"RDATA events batch [\"ev\", [\"$x\", \"\\\"q\\\\\", null, true, -1.5e3]]\n",
		"RDATA x 1 [\"unterminated]\n", "a\x01b\n", "a\x02\n", "\"\x03k\":1\n", "\"\x03\"\n", "{\"k\":\"v\",\"k2\":99999999999999999999}\n",
		"no newline", "\xff\xfe\x00\n", "\"", "\"\n",
	}
	var es []entry
	for i, l := range lines {
		es = append(es, entry{seq: uint64(i + 1), time: int64(1000 - i), conn: uint64(i % 4), dir: wire.Direction(i % 3), data: []byte(l), midLine: i%5 == 4})
	}
	es = append(es, entry{seq: uint64(len(es) + 1), time: 5, conn: 9, kind: KindOpen, note: []byte(`{"peer":"a"}`)},
		entry{seq: uint64(len(es) + 2), time: 5, conn: 9, dir: wire.S2C, data: []byte("PING 1\n"), note: []byte(`[{"code":"E-x"}]`)})
	for range 3 { // a builder is used again
		checkRoundTrip(t, b, es)
	}
	r := rand.New(rand.NewSource(1))
	for round := range 200 {
		var text []byte
		for range r.Intn(50) {
			l := []byte(lines[r.Intn(len(lines))])
			for range r.Intn(3) {
				if len(l) > 0 {
					l[r.Intn(len(l))] = byte(r.Intn(256))
				}
			}
			text = append(text, l...)
		}
		checkRoundTrip(t, b, pieces(text, uint64(round+1)))
	}
}

func benchLines() []entry {
	var buf bytes.Buffer
	r := rand.New(rand.NewSource(1))
	for i := range 10000 {
		fmt.Fprintf(&buf, "RDATA caches master %d [\"get_user_by_id\",[\"@user%d:server%d.example.org\"],%d]\n", 100000+i, r.Intn(20000), r.Intn(300), 1600000000000+i)
	}
	return pieces(buf.Bytes(), 1)
}

func BenchmarkBuild(b *testing.B) {
	es := benchLines()
	bl := newBuilder()
	bl.reset()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e := &es[i%len(es)]
		bl.add(e, 0)
		g := wire.GistOf(e.data)
		bl.count(e.dir, &g, len(e.data), false)
		if bl.full() {
			bl.reset()
		}
	}
}

func BenchmarkPack(b *testing.B) {
	es := benchLines()
	bl := newBuilder()
	packAll(bl, es)
	p := newPacker(zstd.SpeedFastest)
	for b.Loop() {
		p.pack(bl)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(es)), "ns/line")
}

func BenchmarkUnpack(b *testing.B) {
	es := benchLines()
	block, h := packAll(newBuilder(), es)
	n, _, _ := headLen(block)
	u := newUnpacker()
	defer u.close()
	for b.Loop() {
		if err := u.entries(h, block[n:], func(*entry) bool { return true }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(es)), "ns/line")
}
