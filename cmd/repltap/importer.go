package main

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// importer does the second reading of an import: it merges the files by time
// and tells the scribe what they say.
type importer struct {
	w         *journal.Writer
	scribe    *journal.Scribe
	told      map[*clockStep]bool // steps of the clock that are in the journal
	fixed     wire.ReleaseSet
	direction wire.Direction // of plain text
	progress  *progress
	files     []*planned
	total     int64 // bytes of the files

	conns    map[uint64]*importConn
	results  []*importResult // by number, in order
	byConn   map[uint64]*importResult
	backward int64 // lines whose time was before the line before
}

// importConn is a connection that is being imported.
type importConn struct {
	id     uint64
	last   int64 // time of its last record
	bytes  [3]int64
	opened bool
	end    journal.Event // what is known of how it ended
	ended  bool          // a close was read
}

// importResult is what the summary says of one connection.
type importResult struct {
	Conn    uint64 `json:"conn"`
	File    string `json:"file"`
	Key     string `json:"conn_in_file,omitempty"`
	Worker  string `json:"worker"`
	Lines   int64  `json:"lines"`
	Bytes   int64  `json:"bytes"`
	Dialect string `json:"dialect"`

	Findings    int64 `json:"findings"`
	first, last int64
}

// feedHeap has the feed with the earliest line on top, and of equal ones the
// one that was given first.
type feedHeap []*feed

func (h feedHeap) Len() int { return len(h) }
func (h feedHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].order < h[j].order
}
func (h feedHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *feedHeap) Push(x any)   { *h = append(*h, x.(*feed)) }
func (h *feedHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// all imports every feed to its end.
func (im *importer) all(ctx context.Context, feeds []*feed) error {
	h := feedHeap(feeds)
	heap.Init(&h)
	for n := 0; len(h) > 0; n++ {
		f := h[0]
		if err := im.one(ctx, f); err != nil {
			return err
		}
		switch err := f.next(); {
		case errors.Is(err, io.EOF):
			heap.Pop(&h)
		case err != nil:
			return err
		default:
			heap.Fix(&h, 0)
		}
		if n%1024 == 0 {
			im.tick()
			if err := errors.Join(ctx.Err(), im.scribe.Err()); err != nil {
				return err
			}
		}
	}
	return im.scribe.Err()
}

// tick shows how much of the files has been read.
func (im *importer) tick() {
	var read int64
	for _, f := range im.files {
		read += f.read
	}
	im.progress.at(read, im.total)
}

// one imports the line at hand of a feed, or all of a plain text.
func (im *importer) one(ctx context.Context, f *feed) error {
	if f.capture == nil {
		return im.plainText(ctx, f)
	}
	l, pc := &f.capture.line, &f.pl.conns[f.capture.conn]
	for _, step := range f.passed {
		if err := im.step(f, step.clockStep); err != nil {
			return err
		}
	}
	c := im.conn(f, f.capture.conn, l)
	if l.Event != "" {
		im.event(c, l)
	} else {
		im.data(c, l.direction, l.Data)
	}
	if f.capture.number == pc.lastLine {
		im.close(c)
	}
	return nil
}

// conn gives the connection a line is about, opened.
func (im *importer) conn(f *feed, index int, l *captureLine) *importConn {
	id := f.first + uint64(index)
	c := im.conns[id]
	if c == nil {
		c = &importConn{id: id, last: f.at}
		im.conns[id] = c
	}
	if f.at < c.last {
		im.backward++
	}
	c.last = max(c.last, f.at)
	if !c.opened {
		c.opened = true
		ev := journal.Event{Upstream: f.pl.conns[index].upstream}
		if l.Event == "open" {
			ev.Peer, ev.Note = l.Peer, l.Note
		}
		im.scribe.Open(c.last, id, ev)
		im.byConn[id].first = c.last
	}
	return c
}

func (im *importer) data(c *importConn, dir wire.Direction, data []byte) {
	im.scribe.Chunk(c.last, c.id, dir, c.bytes[dir], data)
	c.bytes[dir] += int64(len(data))
	im.byConn[c.id].Bytes += int64(len(data))
}

// plainText imports a file of lines in one direction. It knows of no times, so
// all of it happened at once.
func (im *importer) plainText(ctx context.Context, f *feed) error {
	c := &importConn{id: f.first, last: f.at, opened: true}
	im.scribe.Open(f.at, c.id, journal.Event{Note: "plain text: the times are not those of the traffic"})
	im.byConn[c.id].first = f.at
	buf := make([]byte, 64<<10)
	for {
		n, err := f.text.Read(buf)
		if n > 0 {
			im.data(c, im.direction, buf[:n])
		}
		if errors.Is(err, io.EOF) || err != nil && f.pl.cut != nil {
			break
		}
		if err := errors.Join(err, ctx.Err(), im.scribe.Err()); err != nil {
			return fmt.Errorf("%s: %w", f.pl.name, err)
		}
		im.tick()
	}
	im.close(c)
	return nil
}

// event translates an event of a capture into what a journal says.
func (im *importer) event(c *importConn, l *captureLine) {
	end := func(how, by string) {
		if c.end.How == "" || c.end.How == "fin" && how != "fin" { // of two FINs the second is an answer
			c.end.How, c.end.By = how, by
		}
		im.scribe.Event(c.last, c.id, l.direction, journal.KindEOF, journal.Event{How: how, By: by, Error: l.Note})
	}
	name := l.Event
	switch from := sender(l.direction); {
	case name == "open", name == "dialed":
		// The opening has been written, with both addresses.
	case name == "close":
		c.ended = true
	case name == "dial_error":
		c.ended = true
		c.end.How, c.end.By, c.end.Error = "refused", "master", l.Note
	case l.direction == wire.NoDirection:
		im.note(c, l)
	case strings.HasPrefix(name, "eof_"):
		end("fin", from)
	case strings.HasPrefix(name, "reset_"):
		end("reset", from)
	case strings.HasPrefix(name, "read_error_"):
		end("error", from)
	case strings.HasPrefix(name, "write_error_"):
		// It is the receiver that went away.
		c.end.How, c.end.By, c.end.Error = "error", receiver(l.direction), l.Note
	case isStall(name):
		im.scribe.Event(c.last, c.id, l.direction, journal.KindStall, journal.Event{Note: l.Note})
	case isResume(name):
		im.scribe.Event(c.last, c.id, l.direction, journal.KindResume, journal.Event{Note: l.Note})
	default:
		im.note(c, l)
	}
}

func isStall(name string) bool {
	return strings.HasPrefix(name, "stall") && !isResume(name)
}

func isResume(name string) bool {
	return strings.HasPrefix(name, "resume") || strings.HasPrefix(name, "stall_end") ||
		strings.HasPrefix(name, "stall_over") || strings.HasPrefix(name, "unstall") || strings.HasPrefix(name, "drain")
}

// note keeps an event that a journal has no record for.
func (im *importer) note(c *importConn, l *captureLine) {
	text := l.Event
	if l.Note != "" {
		text += ": " + l.Note
	}
	im.scribe.Event(c.last, c.id, l.direction, journal.KindFinding, journal.Event{Note: text})
}

// close writes the end of a connection, with the bytes as they were counted
// here, for the ledger.
func (im *importer) close(c *importConn) {
	ev := c.end
	s2c, c2s := c.bytes[wire.S2C], c.bytes[wire.C2S]
	ev.S2C, ev.C2S = &s2c, &c2s
	if ev.How == "" {
		ev.How = "unknown"
	}
	if !c.ended && ev.Note == "" {
		ev.Note = "the capture ends here"
	}
	im.byConn[c.id].Dialect = im.scribe.Dialect(c.id)
	im.scribe.Close(c.last, c.id, ev)
	im.byConn[c.id].last = c.last
	delete(im.conns, c.id)
}

// Line, Finding, Worker and Gap make an importer a journal.Observer.

// Line counts a line.
func (im *importer) Line(_ int64, conn uint64, _ wire.Direction, _ *wire.Gist, _ int) {
	im.byConn[conn].Lines++
}

// Finding counts a finding.
func (im *importer) Finding(conn uint64, _ wire.Direction, _ *wire.Finding, _ []byte) {
	im.byConn[conn].Findings++
}

// Untold counts what is not told because there is so much of it.
func (im *importer) Untold(conn uint64, _ wire.Direction, _ string) { im.byConn[conn].Findings++ }

// Worker notes a worker's name.
func (im *importer) Worker(conn uint64, name string) { im.byConn[conn].Worker = name }

// Gap does nothing: an import has none.
func (im *importer) Gap(uint64, wire.Direction, *journal.Event) {}

// span is the time from the first to the last record of an import.
func (im *importer) span() (first, last time.Time) {
	var from, to int64
	for i, r := range im.results {
		if i == 0 || r.first < from {
			from = r.first
		}
		if i == 0 || r.last > to {
			to = r.last
		}
	}
	return time.Unix(0, from).UTC(), time.Unix(0, to).UTC()
}
