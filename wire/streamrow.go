package wire

import "fmt"

// stream holds the stream and the row of a line against the table. It reports
// whether the receiver has the stream at all.
func (c *Conversation) stream(g *Gist, set DialectSet, found []Finding) (all []Finding, known bool) {
	t := c.find(g.Stream)
	releases := c.judges
	if t == nil || t.stream.in&releases == 0 {
		if string(g.Stream) == "ALL" && g.Command == CmdReplicate {
			return found, true
		}
		if !c.again(&c.unknown, CodeUnknownStream) {
			return found, false
		}
		return append(found, c.unknown.counted(unknownStream(g, releases))), false
	}
	if g.Row == nil || !c.looked {
		return found, true
	}
	near, fault := t.stream.fits(&c.view, releases)
	if fault != rowFits {
		if !c.again(&t.shape, CodeRowShape) {
			return found, true
		}
		return append(found, t.shape.counted(shapeFinding(t.stream, near, fault, &c.view, releases))), true
	}
	return found, true
}

// unknownStream: a name is shown only if it looks like one.
func unknownStream(g *Gist, set ReleaseSet) Finding {
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
