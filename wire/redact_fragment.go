package wire

// Trail is what a Redactor has to remember between the fragments of an
// over-long line. There is one for each direction of each connection; its zero
// value is ready, and it is set to zero again when bytes were lost in between.
type Trail struct {
	inside bool // an over-long line has begun and not ended
	token  bool // its last fragment ended within a token
	rest   rest
	row    partialJSON // of restRow, as far as it went
	tail   [8]byte     // the last bytes of it
}

// rest is what may follow in an over-long line, going by how it begins.
type rest uint8

const (
	restUnknown rest = iota // secrets
	restPlain               // nothing: it is whole
	restRow                 // more of a row that holds no secrets
	restFree                // more of a single word
	restWords               // an ERROR
)

// Fragment redacts a fragment, which is what the Splitter calls one: a line
// without an end, or a part of an over-long line, which are given in their
// order. Its result is like that of Line. What the beginning of a line does not
// make certain is not kept, and after a part of a line that is not kept neither
// are the others.
func (r *Redactor) Fragment(dst []byte, piece Piece, set DialectSet, t *Trail) (out []byte, ok bool) {
	if r.level == RedactNone {
		return piece.Text, true
	}
	if !piece.Over {
		*t = Trail{}
		return r.unended(dst, piece.Text, set)
	}
	text := piece.Text
	if !t.inside {
		*t = Trail{rest: r.beginning(text)}
	}
	first := !t.inside
	t.inside = len(text) > 0 && text[len(text)-1] != '\n'
	out, ok = r.part(dst, text, t, first)
	if !ok {
		t.rest = restUnknown
	}
	return out, ok
}

// unended redacts the beginning of a line that never ended.
func (r *Redactor) unended(dst, text []byte, set DialectSet) (out []byte, ok bool) {
	if r.saysNothing(text) {
		return r.part(dst, text, &Trail{rest: restPlain}, true)
	}
	g := GistOf(text)
	if out, ok := r.line(dst, text, &g, set); ok {
		// It could be read as a line. A token's end may be missing.
		if len(out) > 0 && len(text) > 0 && &out[0] == &text[0] {
			return r.part(dst, text, &Trail{rest: restPlain}, true)
		}
		return out, true
	}
	return r.part(dst, text, &Trail{rest: r.beginning(text)}, true)
}

// beginning tells from the beginning of a line what may follow.
func (r *Redactor) beginning(text []byte) rest {
	g := GistOf(text)
	switch g.Command {
	case CmdError:
		return restWords
	case CmdRdata:
		if r.level == RedactSecrets && r.isHarmlessStream(&g) {
			return restRow
		}
	case CmdPosition, CmdReplicate, CmdFederationAck, CmdUserSync:
		r.begin(trimNewline(text))
		if len(text) < MaxLine && r.harmlessWords(g.Command) {
			return restPlain
		}
	}
	if isFree(g.Command) && r.level == RedactSecrets {
		return restFree
	}
	return restUnknown
}

// isHarmlessStream reports whether a row that may not be whole is of a stream
// or a cache that holds no secrets.
func (r *Redactor) isHarmlessStream(g *Gist) bool {
	s := r.streamOf(g.Stream)
	if s == nil || g.Form != FormRdata3 && g.Form != FormRdata4 {
		return false
	}
	if s.Name == "caches" {
		name, ok := cacheName(g.Row)
		return ok && !isSecretCache(name)
	}
	return !s.secret
}

// part redacts a part of a line of which it is known what may follow.
func (r *Redactor) part(dst, text []byte, t *Trail, first bool) (out []byte, ok bool) {
	if !t.goesOn(text, first) {
		return nil, false
	}
	out = append(dst, text...)
	part := trimNewline(out[len(dst):])
	changed := false
	if t.rest == restWords {
		if first {
			_, part, _ = cut(part)
		}
		changed = words(r, part)
	} else {
		changed = r.partTokens(part, t)
	}
	if !changed {
		return text, true
	}
	return out, true
}

// goesOn reports whether a part is what was to come.
func (t *Trail) goesOn(text []byte, first bool) bool {
	text = trimNewline(text)
	switch t.rest {
	case restUnknown:
		return false
	case restRow:
		if first {
			g := GistOf(text)
			text = g.Row
		}
		return t.row.goesOn(text)
	case restFree:
		if first {
			_, text, _ = cut(text)
		}
		return isOneWord(text)
	}
	return true
}

// partTokens replaces what looks like tokens in a part, also those that began
// in the part before.
func (r *Redactor) partTokens(part []byte, t *Trail) (changed bool) {
	n := 0
	if t.token {
		for n < len(part) && tokenByte[part[n]] {
			n++
		}
	} else if t.tail[0] != 0 {
		var seam [64]byte
		k := copy(seam[:], t.tail[:])
		m := k + copy(seam[k:], part)
		if lo, hi := nextToken(seam[:m], 0, true); lo >= 0 && lo < k && hi > k {
			for n = hi - k; n < len(part) && tokenByte[part[n]]; n++ {
			}
		}
	}
	if n > 0 {
		r.alias.write(part[:n], part[:n], 0)
		changed = true
	}
	t.tail = [8]byte{}
	if len(part) >= len(t.tail) {
		copy(t.tail[:], part[len(part)-len(t.tail):])
	}
	any, atEnd := r.tokens(part[n:], true)
	t.token = atEnd || n > 0 && n == len(part)
	return changed || any
}
