package wire

import "bytes"

// grammar treats the arguments as every dialect that can read the line sees
// them. It reports false if none can.
func (r *Redactor) grammar(c Command) bool {
	var done *rule
	for _, d := range readersOf[c] {
		rule := ruleOf[d][c]
		if rule == done || d.Parse(r.src, &r.a) != nil {
			continue
		}
		done = rule
		if rule.option&optIgnore != 0 {
			r.ignored()
		}
		for i := range r.a.fields[:r.a.n] {
			r.field(&r.a.fields[i])
		}
	}
	return done != nil
}

// readersOf has, for each command, one of the dialects that read it alike.
var readersOf [NumCommands][]Dialect

func init() {
	type reading struct {
		rule                           *rule
		some, all                      trait
		spaced, compact, slash, object bool
	}
	for c := range NumCommands {
		seen := map[reading]bool{}
		for d := noDialect + 1; d < endDialect; d++ {
			p := d.parser()
			how := reading{ruleOf[d][c], p.some, p.all,
				styledBy[styleSpaced].Has(d), styledBy[styleTight].Has(d), styledBy[styleSlash].Has(d), styledBy[styleObject].Has(d)}
			if how.rule != nil && !seen[how] {
				seen[how] = true
				readersOf[c] = append(readersOf[c], d)
			}
		}
	}
}

// ignored treats arguments that receivers ignore: what can stand there in other
// dialects stays.
func (r *Redactor) ignored() {
	_, rest, _ := cut(r.src)
	few := bytes.Count(rest, space) <= 1
	for more := true; more; {
		var word []byte
		word, rest, more = cut(rest)
		bare := bytes.TrimSuffix(word, []byte{'\r'})
		switch harmless, name := r.isHarmless(bare); {
		case harmless, name && few:
		case isUserID(bare):
			r.text(word, asID)
		default:
			r.text(word, asText)
		}
	}
}

func (r *Redactor) field(f *Field) {
	switch f.Kind {
	case FieldRow:
		r.row(r.a.Stream(), f.JSON())
	case FieldKeys:
		r.keys(r.a.text(FieldCache), f.JSON())
	case FieldVisit:
		r.visit(f.JSON())
	case FieldLock:
		r.lock(f.JSON())
	case FieldDevice:
		r.device(f.Text)
	case FieldIP, FieldDeviceText, FieldAgent:
		r.visitText(f)
	case FieldUser:
		if r.a.Command != CmdUserSync {
			r.secretUser(f.Text)
			break
		}
		r.text(f.Text, r.treats[f.Kind])
	default:
		r.text(f.Text, r.treats[f.Kind])
	}
}

// visitText treats what comes after the token in 0.22's USER_IP. Where the
// address is none, the arguments are not what they should be.
func (r *Redactor) visitText(f *Field) {
	switch ip := r.a.text(FieldIP); {
	case len(ip) == 0 || !isIP(ip) || holdsLine(f.Text):
		r.text(f.Text, asText)
	case f.Kind == FieldDeviceText:
		r.device(f.Text)
	default:
		r.text(f.Text, r.treats[f.Kind])
	}
}

// secretUser treats the user of a command that has secrets: there only what is
// an id may stay. A push key with a space pushes its end into REMOVE_PUSHER's
// last argument.
func (r *Redactor) secretUser(text []byte) {
	head, id := text[:0], bytes.TrimSuffix(text, []byte{'\r'})
	if i := bytes.LastIndexByte(id, ' '); i >= 0 {
		head, id = id[:i], id[i+1:]
	}
	r.text(head, asText)
	if !isUserID(id) {
		r.text(id, asText)
		return
	}
	r.text(id, r.treats[FieldUser])
}

func isUserID(b []byte) bool {
	local, server, ok := cutID(b)
	return ok && local[0] == '@' && isServer(server)
}

// device treats a device's id, where None is none.
func (r *Redactor) device(name []byte) {
	if string(name) != "None" {
		r.text(name, r.treats[FieldDevice])
	}
}

// visit treats USER_IP's JSON. Of any shape but the real one no string stays.
func (r *Redactor) visit(json []byte) {
	var room [maxElements][]byte
	n := elementsOf(json, room[:])
	if n == len(visitColumns) && room[1][0] == '"' && !isIP(room[1][1:len(room[1])-1]) {
		r.within(json, asText)
		return
	}
	r.parts(json, visitColumns)
}

// isIP reports whether it could be an address: short groups of digits. None at
// all is fine too.
func isIP(b []byte) bool {
	group, groups := 0, 0
	for _, c := range b {
		if c == '.' || c == ':' {
			group, groups = 0, groups+1
			continue
		}
		if _, ok := hexDigit(c); !ok || group == 4 {
			return false
		}
		group++
	}
	return len(b) == 0 || groups >= 2 && len(b) <= 45
}

// lock treats LOCK_RELEASED's JSON. Keys of locks are often ids.
func (r *Redactor) lock(json []byte) {
	if r.level == RedactPersonal {
		r.parts(json, lockedColumns)
	}
}

var lockedColumns = []Column{lockColumns[0], lockColumns[1], {Name: "lock_key", Kind: FieldStateKey}}

func (r *Redactor) parts(json []byte, columns []Column) {
	var room [maxElements][]byte
	n := elementsOf(json, room[:])
	if n <= maxElements && json[0] == '[' && fit(room[:n], columns) {
		r.columns(room[:n], columns)
		return
	}
	r.within(json, asText)
}
