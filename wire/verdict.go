package wire

import "strconv"

// Action is what a receiver does with a line.
type Action uint8

// The actions, from the mildest to the one that the sender notices most.
const (
	ActAccept Action = iota // it is read and handed on
	ActIgnore               // nothing happens
	ActLog                  // it is dropped with a line in the receiver's log
	ActError                // the receiver sends an ERROR line and closes
	ActDrop                 // the receiver closes without a word

	numActions
)

var actionNames = [numActions]string{"accept", "ignore", "log", "error", "drop"}

// String is the name in output: "accept", "ignore", "log", "error" or "drop".
func (a Action) String() string {
	if a < numActions {
		return actionNames[a]
	}
	return ""
}

// Verdict is what a receiver does with a line, and why.
type Verdict struct {
	Action Action
	Reply  string // the text of the ERROR line that it answers with, after "ERROR "
	Code   string // the code of why; "" when the line is accepted
	Detail string // why, in words that hold nothing of the line

	plain string
}

// WithoutEcho is Reply with an ellipsis for all that it repeats of the line.
func (v Verdict) WithoutEcho() string { return v.plain }

// Judge says what the receiver does with a line or fragment that came from dir,
// by itself: whether it can be read and may come that way. What depends on what
// came before, or on what is behind the protocol (whether a stream is known,
// its rows fit, the server is the right one), is for [Conversation] to say.
//
// NoDirection is Redis: the text is a message, which has no terminator. What
// is not complete yet is accepted: nothing has happened. If p is not nil it
// gets the parse, as far as that went.
func (r Receiver) Judge(dir Direction, piece Piece, p *Parsed) Verdict {
	if p == nil {
		p = new(Parsed)
	}
	if dir == NoDirection {
		return r.judgeMessage(piece.Text, p)
	}
	switch piece.Kind {
	case PieceLine:
		return r.judgeLine(dir, piece.Text, p)
	case PieceFragment:
		*p = Parsed{Dialect: r.dialect, Lenient: p.Lenient[:0]}
		return r.judgeFragment(piece)
	}
	*p = Parsed{Dialect: r.dialect, Lenient: p.Lenient[:0]}
	return Verdict{}
}

// judgeFragment: of what never got its end a receiver sees nothing.
func (r Receiver) judgeFragment(piece Piece) Verdict {
	if !piece.Over {
		return Verdict{Action: ActIgnore}
	}
	v := Verdict{Action: ActDrop, Code: CodeTooLong, Detail: tooLongText}
	if r.has&traitLengthError != 0 {
		v.Action, v.Reply, v.plain = ActError, tooLongReply, tooLongReply
	}
	return v
}

const tooLongReply = "Line length exceeded"

var tooLongText = "the line is longer than " + strconv.Itoa(MaxLine) + " bytes"

// judgeMessage: over Redis anything may come, and what can't be read is logged.
func (r Receiver) judgeMessage(payload []byte, p *Parsed) Verdict {
	err := r.parser(true).parse(payload, p)
	switch {
	case err == nil:
		return Verdict{}
	case err.Code == CodeBlank:
		return Verdict{Action: ActIgnore, Code: err.Code, Detail: err.Detail}
	}
	return Verdict{Action: ActLog, Code: err.Code, Detail: err.Detail}
}

func (r Receiver) judgeLine(dir Direction, line []byte, p *Parsed) Verdict {
	err := r.parser(false).parse(line, p)
	if err == nil && r.dialect.Allows(p.Command, dir) {
		return Verdict{}
	}
	return r.refuse(dir, trimNewline(line), p, err)
}

// refuse says how a line that is not accepted is refused; err is nil if it is
// for its direction alone.
func (r Receiver) refuse(dir Direction, text []byte, p *Parsed, err *ParseError) Verdict {
	forbidden := !r.dialect.Allows(p.Command, dir)
	if err == nil {
		err = directionError
	}
	v := Verdict{Code: err.Code, Detail: err.Detail}
	name, _, spaced := cutName(text)
	switch {
	case err.Code == CodeBlank && r.has&traitBlankIgnored != 0:
		v.Action = ActIgnore
	case err.Code == CodeUTF8, !spaced && r.has&traitNeedsSpace != 0:
		v.Action = ActDrop
	case forbidden && r.has&traitDirectionFirst != 0:
		if p.rule != nil {
			v.Code, v.Detail = directionError.Code, directionError.Detail
		}
		r.answer(&v, invalidCommand(name, p.rule != nil))
	case err == directionError:
		r.answer(&v, invalidCommand(name, true))
	default:
		r.answer(&v, r.parseFailure(text, p, err))
	}
	return v
}

var directionError = &ParseError{Code: CodeDirection, Detail: "its sender may not send this command"}

// Same reports whether both receivers do the same with all that is a line of
// that command, or of none if it is CmdUnknown.
func (r Receiver) Same(as Receiver, c Command) bool {
	return c < NumCommands && r.has == as.has && ruleOf[r.dialect][c] == ruleOf[as.dialect][c]
}

// Receiver is the receiver that stands for the dialect where no release is
// named: that of the release which stands for all of its releases.
func (d Dialect) Receiver() Receiver {
	if d >= endDialect {
		d = noDialect
	}
	return dialectReceivers[d]
}

var dialectReceivers = func() (all [endDialect]Receiver) {
	for _, d := range Dialects() {
		all[d] = receiverAt(dialectReleases[d].Play())
	}
	return all
}()

// Judge judges by every dialect in the set. The verdict is that of the oldest
// one; agreed says that all take the same action, and without a common text
// there is no Reply.
func (s DialectSet) Judge(dir Direction, piece Piece, p *Parsed) (v Verdict, agreed bool) {
	agreed = true
	last := s.First().Receiver()
	v = last.Judge(dir, piece, p)
	command := CommandOf(piece.Text)
	for d := last.dialect + 1; d < endDialect; d++ {
		r := d.Receiver()
		if !s.Has(d) || r.Same(last, command) {
			continue
		}
		last = r
		w := r.Judge(dir, piece, nil)
		agreed = agreed && w.Action == v.Action
		if w.Reply != v.Reply {
			v.Reply, v.plain = "", ""
		}
	}
	return v, agreed
}
