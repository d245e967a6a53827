package wire

import "maps"

// streamPositions is what a worker's store knows of one stream.
type streamPositions struct {
	rule    StreamRule
	common  int64            // of the stream, or of a writer that is not in by
	by      map[string]int64 // KeyInstance
	writers *WriterPositions // KeyWriters
}

func newStreamPositions(r Release, s FollowedStream) streamPositions {
	p := streamPositions{rule: s.Rule.or(StreamRuleOf(r, s.Name)), common: s.Token, by: map[string]int64{}}
	maps.Copy(p.by, s.Tokens)
	if p.rule.Key == KeyWriters {
		p.writers = NewWriterPositions(r, s.Tokens)
	}
	return p
}

// current is the token that the worker takes to be its own.
func (p *streamPositions) current(instance string) int64 {
	switch {
	case p.rule.Move == MoveZero:
		return 0
	case p.rule.Key == KeyWriters:
		return p.writers.Token(instance)
	case p.rule.Key == KeyInstance:
		if token, known := p.by[instance]; known {
			return token
		}
	}
	return p.common
}

// move is what a row or position with the token does.
func (p *streamPositions) move(instance string, token int64) {
	if p.rule.Move == MoveZero {
		return
	}
	if p.rule.Key == KeyWriters {
		p.writers.Advance(instance, token)
		return
	}
	if p.rule.Move == MoveMax {
		token = max(token, p.current(instance))
	}
	if p.rule.Key == KeyInstance {
		p.by[instance] = token
	} else {
		p.common = token
	}
}
