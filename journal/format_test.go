package journal_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/klauspost/compress/zstd"
	"go.etcd.io/bbolt"

	"repltap/journal"
	"repltap/wire"
)

// A second reader of journals, written from the package comment and with nothing
// of the package: the comment is complete if it can read what was written.

// stored is what the format keeps of one record.
type stored struct {
	seq   uint64
	time  int64
	conn  uint64
	class byte
	kind  byte
	data  []byte
	note  string
}

// cursor reads the numbers and texts that the comment names.
type cursor struct {
	t *testing.T
	b []byte
}

func (c *cursor) uv() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.t.Fatal("a varint that does not end")
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) v() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.t.Fatal("a varint that does not end")
	}
	c.b = c.b[n:]
	return v
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.b)) {
		c.t.Fatalf("%d bytes wanted, %d left", n, len(c.b))
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b
}

func (c *cursor) text() []byte  { return c.take(c.uv()) }
func (c *cursor) part() *cursor { return &cursor{c.t, c.text()} }

func crc(parts ...[]byte) uint32 {
	return crc32.Checksum(bytes.Join(parts, nil), crc32.MakeTable(crc32.Castagnoli))
}

// checkedJSON is a value of the buckets repltap and conns.
func checkedJSON(t *testing.T, key, value []byte, v any) {
	t.Helper()
	n := len(value) - 4
	if n < 0 || binary.LittleEndian.Uint32(value[n:]) != crc(key, value[:n]) {
		t.Fatalf("%q: the checksum is wrong", key)
	}
	if err := json.Unmarshal(value[:n], v); err != nil {
		t.Fatal(err)
	}
}

// block reads a block as the comment has it.
func block(t *testing.T, b []byte) (out []stored) {
	t.Helper()
	if string(b[:8]) != "\xB7RTBLOCK" {
		t.Fatalf("magic %q", b[:8])
	}
	h, p := binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	header, payload := b[24:24+h], b[24+h:]
	if uint32(len(payload)) != p || binary.LittleEndian.Uint32(b[16:]) != crc(payload) || binary.LittleEndian.Uint32(b[20:]) != crc(b[:20], header) {
		t.Fatal("length or checksum of a block is wrong")
	}
	c := &cursor{t, header}
	first, records := c.uv(), c.uv()
	c.v()
	c.uv()
	var sections [3]*cursor
	body := &cursor{t, payload}
	for i := range sections {
		size, packed := c.uv(), c.uv()
		if packed == 0 {
			sections[i] = &cursor{t, body.take(size)}
			continue
		}
		d, err := zstd.NewReader(nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := d.DecodeAll(body.take(packed), nil)
		d.Close()
		if err != nil || uint64(len(text)) != size {
			t.Fatalf("a section of %d bytes, want %d: %v", len(text), size, err)
		}
		sections[i] = &cursor{t, text}
	}
	return entries(t, first, records, sections)
}

// entries takes the columns apart.
func entries(t *testing.T, first, records uint64, sections [3]*cursor) (out []stored) {
	shape := sections[0]
	classes := shape.text()
	times, conns, numbers := shape.part(), shape.part(), shape.part()
	var templates [][]byte
	for range shape.uv() {
		templates = append(templates, shape.text())
	}
	verbatim, notes := shape.part(), shape.part()
	if uint64(len(classes)) != records {
		t.Fatalf("%d classes for %d records", len(classes), records)
	}
	var now int64
	var conn int64
	of := make([]uint64, len(classes))
	uses := make([]int, len(templates))
	for i, class := range classes {
		switch {
		case i == 0:
			now = times.v()
		case class&128 != 0:
			now += times.v()
		}
		if class&64 != 0 {
			conn += conns.v()
		}
		r := stored{seq: first + uint64(i), time: now, conn: uint64(conn), class: class}
		if class&1 != 0 {
			r.kind = notes.take(1)[0]
		} else if of[i] = numbers.uv(); of[i] > 0 {
			uses[of[i]-1]++
		} else {
			r.data = verbatim.text()
		}
		if class&32 != 0 {
			r.note = string(notes.text())
		}
		out = append(out, r)
	}
	lines := fill(t, templates, uses, sections[1], sections[2])
	for i, n := range of {
		if n > 0 {
			out[i].data, lines[n-1] = lines[n-1][0], lines[n-1][1:]
		}
	}
	return out
}

// fill puts the values into the holes: for each template its lines in order.
func fill(t *testing.T, templates [][]byte, uses []int, numbers, texts *cursor) [][][]byte {
	lines := make([][][]byte, len(templates))
	for i, template := range templates {
		lines[i] = make([][]byte, uses[i])
		for _, c := range template {
			var last int64
			for j := range lines[i] {
				switch c {
				case 1:
					last += numbers.v()
					lines[i][j] = strconv.AppendInt(lines[i][j], last, 10)
				case 2:
					lines[i][j] = append(append(append(lines[i][j], '"'), texts.take(numbers.uv())...), '"')
				case 3:
					lines[i][j] = append(lines[i][j], texts.take(numbers.uv())...)
				default:
					lines[i][j] = append(lines[i][j], c)
				}
			}
		}
	}
	return lines
}

func TestFormatIsAsSpecified(t *testing.T) {
	dir := t.TempDir()
	w, err := journal.Create(dir, journal.Options{Source: "test"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[wire.Direction][]byte{}
	s := journal.NewScribe(w, wire.AllReleases, nil)
	s.Open(1, 7, journal.Event{Peer: "worker:1"})
	clock := int64(1)
	say := func(dir wire.Direction, text string) {
		clock += 1000
		s.Chunk(clock, 7, dir, int64(len(want[dir])), []byte(text))
		want[dir] = append(want[dir], text...)
	}
	say(wire.C2S, "NAME w1\nREPLICATE \n")
	for i := range 3000 {
		n := strconv.Itoa(i * i)
		say(wire.S2C, "RDATA typing master "+n+` ["!r:x",["@u`+n+`:x"]]`+"\nRDATA caches master batch [\"f\",[\"k\"],-"+n+"]\n")
	}
	say(wire.S2C, "RDATA \x01\x02\x03 \xff 007 18446744073709551616 \"\\\"\"\n")
	say(wire.S2C, "PING 1")
	say(wire.S2C, "2\nrest")
	s.Close(clock+1, 7, journal.Event{How: "fin"})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}

	db, err := bbolt.Open(filepath.Join(dir, "0000000001.journal"), 0, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := map[wire.Direction][]byte{}
	var kinds []byte
	db.View(func(tx *bbolt.Tx) error {
		var header struct {
			Format int
			Source string
			Sealed bool
		}
		checkedJSON(t, []byte("header"), tx.Bucket([]byte("repltap")).Get([]byte("header")), &header)
		if header.Format != journal.Format || header.Source != "test" || !header.Sealed {
			t.Errorf("header %+v", header)
		}
		var conn struct {
			Conn   uint64
			Worker string
			Flows  []struct{ Start, Seen int64 }
		}
		key := binary.BigEndian.AppendUint64(nil, 7)
		checkedJSON(t, key, tx.Bucket([]byte("conns")).Get(key), &conn)
		if conn.Worker != "w1" || conn.Flows[0].Seen != int64(len(want[wire.S2C])) {
			t.Errorf("connection %+v", conn)
		}
		next := uint64(1)
		return tx.Bucket([]byte("blocks")).ForEach(func(k, v []byte) error {
			if binary.BigEndian.Uint64(k) != next {
				t.Errorf("a block is under %d, want %d", binary.BigEndian.Uint64(k), next)
			}
			head := tx.Bucket([]byte("index")).Get(k)
			if !bytes.HasPrefix(v, head) || len(head) != 24+int(binary.LittleEndian.Uint32(v[8:])) {
				t.Error("the index has another head than the block")
			}
			for _, r := range block(t, v) {
				next = r.seq + 1
				switch r.class & 7 {
				case 1:
					kinds = append(kinds, r.kind)
				case 2:
					got[wire.S2C] = append(got[wire.S2C], r.data...)
				case 4:
					got[wire.C2S] = append(got[wire.C2S], r.data...)
				}
			}
			return nil
		})
	})
	for _, dir := range []wire.Direction{wire.S2C, wire.C2S} {
		if !bytes.Equal(got[dir], want[dir]) {
			t.Errorf("%s: %d bytes, want %d", dir, len(got[dir]), len(want[dir]))
		}
	}
	if want := []byte{10, 3, 4, 10}; !slices.Equal(kinds, want) {
		t.Errorf("events of kinds %d, want %d", kinds, want)
	}
}
