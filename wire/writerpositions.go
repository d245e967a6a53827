package wire

import "slices"

// WriterPositions is how far the writers of one stream are, as a worker from
// 1.21 on keeps it that is not one of them: they share one sequence of tokens,
// so that all tokens up to the one at which the last of them stands are there,
// and those that follow it without a hole too.
//
// It holds one number for each writer, and one span for each run of tokens that
// came after a hole: with a writer that stands still these grow.
type WriterPositions struct {
	floor  bool // nobody stands lower than upto
	tokens map[string]int64
	upto   int64
	ahead  []tokenRun // tokens above upto that came, in order, apart from one another
}

// tokenRun is the tokens from first to last.
type tokenRun struct{ first, last int64 }

// NewWriterPositions begins with writers that stand at the given tokens.
func NewWriterPositions(r Release, start map[string]int64) *WriterPositions {
	w := &WriterPositions{floor: r >= release(1, 96, 0), tokens: make(map[string]int64, len(start)), upto: 1}
	for name, token := range start {
		w.tokens[name] = token
	}
	if len(start) > 0 {
		w.upto = w.lowest()
	}
	return w
}

// Advance says that a row or position of a writer with the token came.
func (w *WriterPositions) Advance(writer string, token int64) {
	w.tokens[writer] = max(token, w.tokens[writer])
	w.came(token)
	w.upto = max(w.upto, w.lowest())
	for len(w.ahead) > 0 && w.ahead[0].first <= w.upto+1 {
		w.upto = max(w.upto, w.ahead[0].last)
		w.ahead = w.ahead[1:]
	}
}

func (w *WriterPositions) lowest() int64 {
	lowest := int64(1<<63 - 1)
	for _, token := range w.tokens {
		lowest = min(lowest, token)
	}
	return lowest
}

// came adds a token to the spans.
func (w *WriterPositions) came(token int64) {
	if token <= w.upto {
		return
	}
	i, inside := slices.BinarySearchFunc(w.ahead, token, func(s tokenRun, token int64) int {
		switch {
		case s.last < token:
			return -1
		case s.first > token:
			return 1
		}
		return 0
	})
	before := i > 0 && w.ahead[i-1].last+1 == token
	after := i < len(w.ahead) && w.ahead[i].first-1 == token
	switch {
	case inside:
	case before && after:
		w.ahead[i-1].last = w.ahead[i].last
		w.ahead = slices.Delete(w.ahead, i, i+1)
	case before:
		w.ahead[i-1].last = token
	case after:
		w.ahead[i].first = token
	default:
		w.ahead = slices.Insert(w.ahead, i, tokenRun{token, token})
	}
}

// Token is where a writer stands; one never heard of is as far as all are.
func (w *WriterPositions) Token(writer string) int64 {
	token, known := w.tokens[writer]
	if !known || w.floor {
		token = max(token, w.upto)
	}
	return token
}

// Upto is the token up to which all is there.
func (w *WriterPositions) Upto() int64 { return w.upto }
