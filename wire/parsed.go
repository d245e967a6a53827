package wire

import "strconv"

// Field is one argument of a command.
type Field struct {
	Kind FieldKind
	Null bool   // "batch" for a token, "None" for a device
	Big  bool   // an integer beyond 64 bits: Int is the nearest there is
	Text []byte // as it stood in the line
	Int  int64  // of a token or time
}

// JSON is the JSON of a field without what may stand around it.
func (f Field) JSON() []byte {
	json, _ := trimJSON(f.Text)
	return json
}

// Parsed is a line taken apart. It may be used again and again for one Parse
// after the other; its slices alias the line.
type Parsed struct {
	Command    Command
	Dialect    Dialect
	Terminated bool       // the line had its newline
	Lenient    []Leniency // how it differs from what senders write; empty nearly always

	rule   *rule
	fields [maxArguments]Field
	n      int
}

// Fields are the arguments in their order.
func (p *Parsed) Fields() []Field { return p.fields[:p.n] }

// Field finds the argument of a kind.
func (p *Parsed) Field(kind FieldKind) (Field, bool) {
	for i := range p.fields[:p.n] {
		if p.fields[i].Kind == kind {
			return p.fields[i], true
		}
	}
	return Field{}, false
}

func (p *Parsed) text(kind FieldKind) []byte {
	f, _ := p.Field(kind)
	return f.Text
}

// Stream is the stream that RDATA, POSITION and REPLICATE name, else nil.
func (p *Parsed) Stream() []byte { return p.text(FieldStream) }

// Instance is the writer that RDATA, POSITION and FEDERATION_ACK name, else nil.
func (p *Parsed) Instance() []byte { return p.text(FieldInstance) }

// User is the user that USER_SYNC, USER_IP and REMOVE_PUSHER name, else nil.
func (p *Parsed) User() []byte { return p.text(FieldUser) }

// Token is the token of RDATA, POSITION (the new one), REPLICATE and
// FEDERATION_ACK; false for "batch", NOW and commands without one.
func (p *Parsed) Token() (int64, bool) {
	for i := range p.fields[:p.n] {
		switch f := &p.fields[i]; f.Kind {
		case FieldToken, FieldRowToken, FieldAskToken:
			return f.Int, !f.Null
		}
	}
	return 0, false
}

// Batch reports whether the line is RDATA whose token comes with a later row.
func (p *Parsed) Batch() bool {
	f, ok := p.Field(FieldRowToken)
	return ok && f.Null
}

// Prev is the token a POSITION begins at, from 1.22 on.
func (p *Parsed) Prev() (int64, bool) {
	f, ok := p.Field(FieldPrev)
	return f.Int, ok
}

// Row is the JSON of RDATA without blanks around it, else nil.
func (p *Parsed) Row() []byte {
	f, ok := p.Field(FieldRow)
	if !ok {
		return nil
	}
	return f.JSON()
}

// Append appends the line that a sender would write for what was parsed: after
// ParseStrict that is the very same line, after a lenient Parse what is lenient
// is put right as far as that can be done without a change of meaning. JSON
// stays as it is. The newline is there if the line had one.
func (p *Parsed) Append(dst []byte) []byte {
	dst = append(dst, p.Command.String()...)
	if p.n == 0 {
		dst = append(dst, ' ')
	}
	for i := range p.fields[:p.n] {
		dst = append(dst, ' ')
		dst = p.fields[i].append(dst)
	}
	if p.Terminated {
		dst = append(dst, '\n')
	}
	return dst
}

func (f *Field) append(dst []byte) []byte {
	switch lexisOf[f.Kind] {
	case lexInt, lexBatchInt:
		return f.appendInt(dst)
	case lexNowInt:
		if f.Null {
			return append(dst, "NOW"...)
		}
		return f.appendInt(dst)
	case lexJSON, lexJSON3, lexJSON5:
		return append(dst, f.JSON()...)
	}
	return append(dst, f.Text...)
}

func (f *Field) appendInt(dst []byte) []byte {
	switch {
	case f.Null:
		return append(dst, f.Text...)
	case f.Big:
		dst, _ = appendInt(dst, f.Text)
		return dst
	}
	return strconv.AppendInt(dst, f.Int, 10)
}
