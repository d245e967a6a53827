package wire

import "fmt"

// stream holds the stream and the row of a line against the table. It reports
// whether the receiver has the stream at all.
func (c *Conversation) stream(g *Gist, set DialectSet, found []Finding) (all []Finding, known bool) {
	t := c.find(g.Stream)
	if t == nil || t.stream.in&set == 0 {
		if string(g.Stream) == "ALL" && g.Command == CmdReplicate {
			return found, true
		}
		if !c.again(&c.unknown, CodeUnknownStream) {
			return found, false
		}
		return append(found, c.unknown.counted(unknownStream(g, set))), false
	}
	if g.Row == nil || !c.looked {
		return found, true
	}
	near, fault := t.stream.fits(&c.view, set)
	if fault != rowFits {
		if !c.again(&t.shape, CodeRowShape) {
			return found, true
		}
		return append(found, t.shape.counted(shapeFinding(t.stream, near, fault, &c.view, set))), true
	}
	if near.Since > c.span.since || near.Before < c.span.before {
		return c.span.narrow(t.stream, near, found), true
	}
	return found, true
}

// unknownStream: a name is shown only if it looks like one.
func unknownStream(g *Gist, set DialectSet) Finding {
	name, plain := "that", isStreamLike(g.Stream)
	if plain {
		name = string(g.Stream)
	}
	f := Finding{Code: CodeUnknownStream, Verdict: ActLog.String(), Detail: fmt.Sprintf("%s has no stream %s", set, name)}
	if g.Command != CmdReplicate {
		return f
	}
	if plain {
		return f.answered("failed to handle replicate: Exception('unknown stream %s', '" + name + "')")
	}
	f.Verdict = ActError.String()
	return f
}

func isStreamLike(name []byte) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 40
}

// span is the releases that the master can be of, by the rows it sent: finer
// than dialects are. A row of another time is odd, but when a second one comes
// it is what came before that was.
type span struct {
	since, before Release
	doubt         *RowShape
}

func (s *span) narrow(stream *Stream, r *RowShape, found []Finding) []Finding {
	since, before := max(s.since, r.Since), min(s.before, r.Before)
	if since < before {
		s.since, s.before, s.doubt = since, before, nil
		return found
	}
	if s.doubt == r {
		s.since, s.before, s.doubt = r.Since, r.Before, nil
		return found
	}
	s.doubt = r
	return append(found, Finding{Code: CodeRowShape, Verdict: ActLog.String(),
		Detail: fmt.Sprintf("%s has %d elements: releases that do so are not those that the rows before it came from", r.title(stream), r.elements())})
}
