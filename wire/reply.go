package wire

// reply is the text of an ERROR line, and the same with an ellipsis for what
// it repeats of the line that it answers.
type reply struct {
	text, plain []byte
	fits        bool // it could be put together
}

const ellipsis = "…"

// answer makes the verdict that of a receiver which wants to send the reply:
// when it can't, its connection drops.
func (r Receiver) answer(v *Verdict, say reply) {
	const keyword = len("ERROR ")
	if !say.fits || r.has&traitReplyLimit != 0 && keyword+len(say.text) > MaxLine {
		v.Action = ActDrop
		return
	}
	v.Action, v.Reply, v.plain = ActError, string(say.text), string(say.plain)
}

// invalidCommand answers a command that may not come; known says that it is
// a command at all, whose name can be shown.
func invalidCommand(name []byte, known bool) reply {
	const text = "invalid command: "
	say := reply{text: append([]byte(text), name...), plain: []byte(text + ellipsis), fits: true}
	if known {
		say.plain = say.text
	}
	return say
}

// parseFailure answers a line that can't be read. The text is put through
// formatting once more than was meant, so that percent signs in it do harm.
func (r Receiver) parseFailure(text []byte, p *Parsed, err *ParseError) reply {
	e := r.exception(text, p, err)
	begin, echo := []byte("failed to parse line: "), text
	if r.has&traitEchoArguments != 0 {
		var name []byte
		name, echo, _ = cutName(text)
		begin = append(AppendRepr([]byte("failed to parse line for  "), name), ": "...)
	}
	var say reply
	full := append(make([]byte, 0, len(echo)+len(echo)/8+256), begin...)
	full = append(e.appendRepr(full), " ("...)
	full = append(AppendRepr(full, echo), "):"...)
	if say.text, say.fits = percent(full); !say.fits {
		return say
	}
	if e.echoes {
		e.message = nil
		say.plain = append(append(begin, e.kind...), "("+ellipsis+")"...)
	} else {
		say.plain = e.appendRepr(begin)
	}
	say.plain = append(say.plain, " ("+ellipsis+"):"...)
	return say
}
