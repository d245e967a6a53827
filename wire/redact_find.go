package wire

import "bytes"

// harmless reports whether a line, by its command and form, certainly needs no
// pseudonym. It is the way that nearly all lines go.
func (r *Redactor) harmless(line []byte, g *Gist) bool {
	switch g.Form {
	case FormRdata3, FormRdata4:
		return r.level == RedactSecrets && r.harmlessRow(g.Stream, g.Row) && isASCII(line)
	case FormPosition2, FormPosition3, FormPosition4, FormReplicateBare, FormReplicateToken, FormAck1, FormAck2:
		return isASCII(line) && (r.level == RedactSecrets || !holdsPerson(g.Stream) && !holdsPerson(g.Instance))
	case FormUserSync3, FormUserSync4, FormUserSync5, FormUserSync6:
		return r.level == RedactSecrets && isASCII(line)
	case FormPlain:
		if !isFree(g.Command) {
			return false
		}
		_, rest, _ := cut(trimNewline(line))
		return isServer(rest) && (r.level == RedactSecrets || namesServer(g.Command) || !holdsAddress(rest))
	}
	return false
}

// isFree reports whether a command has one argument that may be anything, and no
// secret.
func isFree(c Command) bool {
	switch c {
	case CmdServer, CmdPing, CmdName, CmdSync, CmdRemoteServerUp,
		CmdClearUserSync, CmdUserSyncKeepalive, CmdNewActiveTask, CmdCancelTask:
		return true
	}
	return false
}

// namesServer reports whether the argument of a free command is a server.
func namesServer(c Command) bool { return c == CmdServer || c == CmdRemoteServerUp }

func (r *Redactor) harmlessRow(stream, row []byte) bool {
	s := r.streamOf(stream)
	var v rowView
	if s == nil || !v.scan(row) {
		return false
	}
	if s.secret && (s.Name != "caches" || isSecretCache(v.tag)) {
		return false
	}
	_, fault := s.fits(&v, AllReleases)
	return fault == rowFits
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// find notes what in the line needs a pseudonym. It reports false when it can't
// be sure.
func (r *Redactor) find(g *Gist) bool {
	text := r.src
	switch {
	case g.Command == CmdUnknown:
		return len(bytes.TrimSpace(text)) == 0
	case isFree(g.Command):
		_, rest, _ := cut(text)
		return r.free(g.Command, rest)
	case r.plainForm(g):
		return true
	}
	r.edits, r.unusual = r.edits[:0], true
	return r.grammar(g.Command) || r.harmlessWords(g.Command)
}

// free treats an argument that may be anything. No secret belongs there, but a
// line that was put together wrongly could bring one: one word stays, of more
// only the known ones. At personal the one word does not stay if somebody is in
// it.
func (r *Redactor) free(c Command, rest []byte) bool {
	switch {
	case !isUTF8(rest):
		return false
	case !isOneWord(rest):
		eachWord(rest, func(word []byte) { r.add(word, inWords) })
	case r.level == RedactPersonal && !(namesServer(c) && isServer(rest)):
		r.text(rest, asName)
	}
	return true
}

// isOneWord reports whether a text is a single name or number.
func isOneWord(text []byte) bool {
	text = bytes.TrimSuffix(text, []byte{'\r'})
	return isServer(text) || bytes.IndexAny(text, " \t\"[]{}()\\\n") < 0
}

// holdsLine reports whether free text looks as if there were another line in it.
func holdsLine(text []byte) bool {
	for _, name := range lineSigns {
		if bytes.Contains(text, name) {
			return true
		}
	}
	return false
}

var lineSigns = [][]byte{[]byte("USER_IP"), []byte("REMOVE_PUSHER"), []byte("INVALIDATE_CACHE"), []byte("RDATA"), []byte(" @")}

// plainForm treats the commands that are frequent, as senders write them.
func (r *Redactor) plainForm(g *Gist) bool {
	switch g.Form {
	case FormRdata3, FormRdata4:
		json, _ := trimJSON(g.Row)
		var v rowView
		if !v.scan(json) && scanJSON(json)&jsonFails != 0 || !isUTF8(r.src) || bytes.IndexByte(r.src, '\n') >= 0 {
			return false
		}
		r.text(g.Stream, r.treats[FieldStream])
		r.text(g.Instance, r.treats[FieldInstance])
		r.row(g.Stream, json)
		return true
	case FormUserSync3, FormUserSync4, FormUserSync5, FormUserSync6:
		if !isASCII(r.src) || bytes.IndexByte(r.src, '\n') >= 0 {
			return false
		}
		_, rest, _ := cut(r.src)
		var f [6][]byte
		n := fields(rest, f[:])
		if n == 3 {
			r.text(f[0], r.treats[FieldUser])
			return true
		}
		r.text(f[0], r.treats[FieldInstanceID])
		r.text(f[1], r.treats[FieldUser])
		if n > 4 {
			r.device(f[2])
		}
		return true
	case FormUserIPJSON:
		return r.plainVisit()
	}
	return false
}

// plainVisit treats USER_IP in its newer form, if it can't be taken for the older
// one: there an integer stands by itself in the fifth place.
func (r *Redactor) plainVisit() bool {
	_, rest, _ := cut(r.src)
	var f [5][]byte
	fields(rest, f[:])
	if _, isInt := appendInt(nil, f[4]); isInt || !isASCII(r.src) || bytes.IndexByte(r.src, '\n') >= 0 {
		return false
	}
	var v rowView
	user, json, _ := cut(rest)
	json, _ = trimJSON(json)
	if !v.scan(json) || v.whole != typeArray || v.outer.n != len(visitColumns) || v.notes&jsonLoose != 0 {
		return false
	}
	r.secretUser(user)
	r.visit(json)
	return true
}

// harmlessWords reports whether a line that no dialect reads holds nothing but
// what belongs into a command that has no secrets: numbers, streams, states.
func (r *Redactor) harmlessWords(c Command) bool {
	switch c {
	case CmdPosition, CmdReplicate, CmdFederationAck, CmdUserSync:
		_, rest, _ := cut(r.src)
		return r.areHarmless(rest)
	}
	return false
}

func (r *Redactor) areHarmless(rest []byte) bool {
	names := 0
	for more := true; more; {
		var word []byte
		word, rest, more = cut(rest)
		harmless, name := r.isHarmless(bytes.TrimSuffix(word, []byte{'\r'}))
		if name {
			names++
		} else if !harmless {
			return false
		}
	}
	return names <= 1
}

// isHarmless reports whether a word is one of the protocol's, or else whether
// it could be the name of a process.
func (r *Redactor) isHarmless(word []byte) (harmless, name bool) {
	switch {
	case r.level == RedactPersonal && holdsPerson(word):
		return false, false
	case len(word) == 0, isNumberLike(word), StreamOf(word) != nil, knownWord[string(word)]:
		return true, false
	case isUserID(word):
		return true, false
	case len(word) <= maxName && isPlainWord(word):
		return false, true
	}
	_, isInt := appendInt(nil, word)
	return isInt, false
}

// maxName is the longest name of a process that is believed to be one where it
// stands in a line that can't be read.
const maxName = 24

func isNumberLike(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && bytes.IndexByte([]byte("+-_.,"), c) < 0 {
			return false
		}
	}
	return true
}
