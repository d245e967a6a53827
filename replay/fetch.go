package replay

import "slices"

// Row is a row of a stream: its token, and its JSON as it stands in RDATA.
type Row struct {
	Token int64
	JSON  []byte
}

// Fetch asks for the rows of a stream with tokens above From up to Upto, in the
// order of the stream's source. From may be above Upto, and below zero.
type Fetch struct {
	ID     int // for Answer and Fail
	Conn   int // who is to be caught up with them, up to 1.12; 0: the live loop asks
	Stream string
	From   int64
	Upto   int64
	// Limit, if not 0, is the number of rows that are enough. Up to 1.12 a
	// source gives no more; from 1.13 it may give more rather than end inside a
	// token, and says whether there are more to come.
	Limit int
}

// Page is the answer to a Fetch.
type Page struct {
	Rows []Row
	// Upto is how far the rows go, and Limited says that there are more after
	// it. Both count from 1.13 on.
	Upto    int64
	Limited bool
}

// question is a fetch that has no answer yet. Without a subscription it is the
// live loop's.
type question struct {
	Fetch
	stream *stream
	sub    *subscription
}

func (s *Streamer) ask(st *stream, from, upto int64, sub *subscription) {
	s.lastAsk++
	q := &question{
		Fetch:  Fetch{ID: s.lastAsk, Stream: st.name, From: from, Upto: upto, Limit: pageRows},
		stream: st,
		sub:    sub,
	}
	if s.has&traitSubscribes != 0 {
		if q.Limit = 0; sub != nil {
			q.Conn = sub.conn.id
		}
		if st.limited {
			q.Limit = s.config.Behind + 1
		}
	}
	s.asked = append(s.asked, q)
	s.Events.add(Event{Kind: EventFetch, Fetch: &q.Fetch})
}

// Fetching lists what has no answer yet, the oldest first.
func (s *Streamer) Fetching() []Fetch {
	list := make([]Fetch, len(s.asked))
	for i, q := range s.asked {
		list[i] = q.Fetch
	}
	return list
}

func (s *Streamer) answered(id int) *question {
	i := slices.IndexFunc(s.asked, func(q *question) bool { return q.ID == id })
	if i < 0 {
		return nil
	}
	q := s.asked[i]
	s.asked = slices.Delete(s.asked, i, i+1)
	return q
}

// Answer gives the rows that were asked for. An answer that nobody waits for is
// left alone.
func (s *Streamer) Answer(t int64, id int, page Page) {
	q := s.answered(id)
	switch {
	case q == nil:
	case s.tooMany(q, page.Rows):
		s.fail(t, q, "Exception('stream "+q.Stream+" has fallen behin"+s.behindEnd()+"')")
	case q.sub != nil:
		s.catchUp(t, q.sub, page.Rows, q.Upto)
	default:
		s.live(t, q, page)
		s.walk(t)
	}
}

// Fail says that the rows can't be had; why is Python's repr of the exception.
func (s *Streamer) Fail(t int64, id int, why string) {
	if q := s.answered(id); q != nil {
		s.fail(t, q, why)
	}
}

func (s *Streamer) fail(t int64, q *question, why string) {
	if q.sub != nil {
		s.subscriptionFailed(t, q.sub, why)
		return
	}
	s.roundFailed(why)
}

// tooMany: as many rows as the limit are too many already.
func (s *Streamer) tooMany(q *question, rows []Row) bool {
	return q.stream.limited && len(rows) >= s.config.Behind
}

func (s *Streamer) behindEnd() string {
	if s.has&traitBehindTypo != 0 {
		return "ed"
	}
	return "d"
}
