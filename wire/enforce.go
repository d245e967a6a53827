package wire

import "bytes"

// Enforcer decides what of a connection may pass: whole lines that their
// receiver would take. While it is not known what the connection speaks, only
// what no dialect allows is refused, and within a dialect only what no release
// of it allows. It follows both directions, is pure, and belongs to whoever
// calls it: its two callers have to take turns.
type Enforcer struct {
	fixed    DialectSet
	exact    bool // it is one release, not a dialect's
	receiver Receiver
	detector Detector
	parsed   Parsed
}

// NewEnforcer makes one for a connection that speaks one of fixed; AllDialects
// (or the empty set) means that it has to be found out.
func NewEnforcer(fixed DialectSet) *Enforcer {
	if fixed &= AllDialects; fixed == 0 {
		fixed = AllDialects
	}
	return &Enforcer{fixed: fixed}
}

// NewEnforcerOf makes one for a connection between processes of one release.
func NewEnforcerOf(r Receiver) *Enforcer {
	return &Enforcer{fixed: r.dialect.Set(), exact: true, receiver: r}
}

// Refusal is why a line may not pass. The verdict's action is ActError or
// ActDrop: what the receiver would do.
type Refusal struct {
	Verdict
	Command Command
}

// Admit says how much of data may pass, which begins with a line and goes in
// direction dir. Its first seen bytes were shown before, as what Admit left
// behind. What it leaves behind now is the beginning of a line, of at most
// MaxLine bytes, or begins with the line that is refused. The two callers'
// lines may come chopped in any way; the answer for each line is the same.
func (e *Enforcer) Admit(dir Direction, data []byte, seen int) (pass int, refused *Refusal) {
	for {
		line := data[pass:]
		end := bytes.IndexByte(line[seen:], '\n')
		if end >= 0 {
			line = line[:seen+end+1]
		}
		seen = 0
		switch {
		case len(trimNewline(line)) > MaxLine:
			return pass, e.refuse(dir, Piece{Kind: PieceFragment, Text: line[:MaxLine], New: MaxLine, Over: true})
		case end < 0:
			return pass, nil
		}
		if refused := e.line(dir, line); refused != nil {
			return pass, refused
		}
		pass += len(line)
	}
}

// line judges one, and learns from it if it may pass.
func (e *Enforcer) line(dir Direction, line []byte) *Refusal {
	if !e.allowed(dir, line) {
		if r := e.refuse(dir, Piece{Kind: PieceLine, Text: line, New: len(line)}); r != nil {
			return r
		}
	}
	if e.fixed.Len() > 1 {
		g := GistOf(line)
		e.detector.Observe(dir, line, &g)
	}
	return nil
}

// allowed says whether some release that the receiver may be accepts the line.
func (e *Enforcer) allowed(dir Direction, line []byte) bool {
	set := e.receivers(dir)
	for d := set.Last(); d > noDialect; d-- {
		if set.Has(d) && e.parse(d, line) == nil && d.Allows(e.parsed.Command, dir) {
			return true
		}
	}
	return false
}

func (e *Enforcer) parse(d Dialect, line []byte) error {
	if e.exact {
		return e.receiver.Parse(line, &e.parsed)
	}
	return d.Parse(line, &e.parsed)
}

// refuse gives the refusal of what is not allowed; nil if some receiver puts
// up with it. Of several answers the one that ranks highest counts.
func (e *Enforcer) refuse(dir Direction, piece Piece) *Refusal {
	set := e.receivers(dir)
	refusal, best := &Refusal{Command: CommandOf(piece.Text)}, 0
	for d := noDialect + 1; d < endDialect; d++ {
		if !set.Has(d) {
			continue
		}
		r := d.Receiver()
		if e.exact {
			r = e.receiver
		}
		v := r.Judge(dir, piece, &e.parsed)
		if v.Action < ActError {
			return nil
		}
		if rank := rankOf(v, d); rank >= best {
			refusal.Verdict, best = v, rank
		}
	}
	return refusal
}

// rankOf says how fit an answer is where the dialect is not known: words are
// better than none, a dialect in which the line could be read is more likely to
// be the one, and so is one that is spoken over TCP. Among equals it is the
// newest, for there are more such masters and workers than old ones.
func rankOf(v Verdict, d Dialect) (rank int) {
	if v.Action == ActError {
		rank += 4
	}
	if v.Code == CodeDirection {
		rank += 2
	}
	if dialects[d].first < afterTCP {
		rank++
	}
	return rank
}

// receivers are those that may get what goes dir: the dialects that fit all
// that passed or, if that contradicts itself, what the receiver itself has said.
func (e *Enforcer) receivers(dir Direction) DialectSet {
	if e.fixed.Len() == 1 {
		return e.fixed
	}
	if set := e.fixed & e.detector.Candidates(); set != 0 {
		return set
	}
	if set := e.fixed & e.detector.Side(S2C+C2S-dir).Dialects(); set != 0 {
		return set
	}
	return e.fixed
}
