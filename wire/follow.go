package wire

import (
	"fmt"
	"time"
)

// Following the streams of a connection: who asked for what, which tokens were
// seen, which rows still wait for theirs. A line that a receiver would refuse
// changes nothing here.

const (
	// maxWriters is how many writers are followed a stream. Their names come with
	// the traffic, so there has to be an end; the master is the only one on TCP.
	maxWriters = 32
	// maxWriterName is the longest name of a writer that is followed.
	maxWriterName = 255
	// maxOpenRows is how many rows may wait for one token before that is odd. A
	// message to everybody of a large server is one group.
	maxOpenRows = 10000
	// flushTime is how long after a POSITION of releases up to 1.12 rows come that
	// waited for it: without batch.
	flushTime = int64(time.Second)
)

// ledger is what is known of the streams of a connection.
type ledger struct {
	tracks   []*track // by Stream.index
	last     *track   // what the last line was about: mostly the next one too
	open     *track   // whose group is not closed yet
	passed   int      // lines of the master that came since its last row
	askedAll bool     // REPLICATE ALL, up to 1.12
	blind    bool     // something was not shown: what is missing may have been there
}

// track is one stream on a connection.
type track struct {
	stream  *Stream
	writers []writer
	recent  int // of writers: the last that wrote
	open    int // rows that wait for their token
	opener  int // of writers: whose rows these are
	ready   bool
	full    bool // there are more writers than are followed

	early, shape often
	odd          [len(oddCodes)]often

	// Up to 1.12.
	asked   bool
	waiting int   // POSITIONs that are still to come for REPLICATEs
	from    int64 // the token the worker asked for
	hasFrom bool
	readyAt int64
}

// writer is one process's tokens in a stream. Up to 1.12 there is one, without
// a name.
type writer struct {
	name     string
	known    bool
	at       int64 // the last token, of a row or a POSITION
	high     int64 // the highest one since the last POSITION
	stand    int64 // where a receiver is: a counter of the database is never followed back
	row      int64 // the token of the last row
	hasRow   bool
	skipFrom int64 // POSITION said: no rows above this
	skipTo   int64 // up to this
	gapFrom  int64 // a receiver fetches above this
	gapTo    int64 // up to this
}

// find is the track of a stream, nil if no release has one of that name.
func (l *ledger) find(name []byte) *track {
	if l.last != nil && string(name) == l.last.stream.Name {
		return l.last
	}
	s := StreamOf(name)
	if s == nil {
		return nil
	}
	if l.tracks == nil {
		l.tracks = make([]*track, len(streams))
	}
	t := l.tracks[s.index]
	if t == nil {
		t = &track{stream: s, ready: l.blind, asked: l.blind || l.askedAll}
		if l.askedAll {
			t.waiting = 1
		}
		l.tracks[s.index] = t
	}
	l.last = t
	return t
}

// forget is for when something was not shown.
func (l *ledger) forget() {
	l.blind, l.open = true, nil
	for _, t := range l.tracks {
		if t != nil {
			*t = track{stream: t.stream, ready: true, asked: true, waiting: min(t.waiting, 1), early: t.early, odd: t.odd, shape: t.shape}
		}
	}
}

// by finds or makes a writer; nil when there are too many.
func (t *track) by(name []byte) *writer {
	if t.recent < len(t.writers) && string(name) == t.writers[t.recent].name {
		return &t.writers[t.recent]
	}
	for i := range t.writers {
		if string(name) == t.writers[i].name {
			t.recent = i
			return &t.writers[i]
		}
	}
	if len(t.writers) == maxWriters || len(name) > maxWriterName {
		return nil
	}
	t.recent = len(t.writers)
	t.writers = append(t.writers, writer{name: string(name)})
	return &t.writers[t.recent]
}

// writer is by, with what to say the first time that it fails.
func (t *track) writer(name []byte, found []Finding) (*writer, []Finding) {
	w := t.by(name)
	if w == nil && !t.full {
		t.full = true
		found = append(found, Finding{Code: CodeUnfollowed,
			Detail: fmt.Sprintf("%s has more than %d writers, or one with a very long name: the tokens of the others are not followed", t.stream.Name, maxWriters)})
	}
	return w, found
}

// replicate is a worker up to 1.12 asking for a stream from a token on.
func (l *ledger) replicate(g *Gist, found []Finding) []Finding {
	if string(g.Stream) == "ALL" {
		l.askedAll = true
		for _, t := range l.tracks {
			if t != nil {
				t.ask(g)
			}
		}
		return found
	}
	if t := l.find(g.Stream); t != nil {
		t.ask(g)
	}
	return found
}

func (t *track) ask(g *Gist) {
	t.asked, t.ready = true, false
	t.waiting++
	t.from, t.hasFrom = g.Token, g.HasToken
	t.writers = t.writers[:0]
}

// group counts the rows that wait for a token, and ends their waiting.
func (c *Conversation) group(t *track, batch bool, found []Finding) []Finding {
	if t.open > 0 && t.opener != t.recent {
		found = append(found, Finding{Code: CodeBatchMixed, Verdict: ActAccept.String(),
			Detail: fmt.Sprintf("rows of %s by two writers are mixed in one group: receivers keep one list a stream and give all of it the last one's token", t.stream.Name)})
	}
	if !batch {
		if t.open > 0 {
			t.open, c.open = 0, nil
		}
		return found
	}
	c.open, c.passed, t.opener = t, 0, t.recent
	if t.open++; t.open == maxOpenRows+1 {
		found = append(found, t.openFinding("and there is no end to it"))
	}
	return found
}

// between is a line about something else (or about t) while a group is open. A
// master sends a group in one go, so what closes it is lost; but one line alone
// may be what does not belong.
func (c *Conversation) between(t *track, found []Finding) []Finding {
	o := c.open
	if o == nil || o == t {
		return found
	}
	if c.passed++; c.passed > 1 {
		found = append(found, o.openFinding("and other lines follow"))
		o.open, c.open = 0, nil
	}
	return found
}

func (t *track) openFinding(why string) Finding {
	return Finding{Code: CodeBatchOpen, Verdict: ActAccept.String(),
		Detail: fmt.Sprintf("%d rows of %s with batch for a token still wait for it, %s", t.open, t.stream.Name, why)}
}

// isOwn: the master sends a worker what it says the worker wrote itself.
func (c *Conversation) isOwn(instance []byte) bool {
	return c.worker != "" && string(instance) == c.worker
}

func ownFinding(cmd Command) Finding {
	return Finding{Code: CodeEcho, Verdict: ActIgnore.String(),
		Detail: fmt.Sprintf("the worker gets %s with its own name as the writer's, and ignores it", cmd)}
}

// openAtEnd says which groups will never be closed.
func (l *ledger) openAtEnd() (found []Finding) {
	for _, t := range l.tracks {
		if t != nil && t.open > 0 {
			f := t.openFinding("and the connection is over")
			f.Verdict = ""
			found = append(found, f)
		}
	}
	return found
}
