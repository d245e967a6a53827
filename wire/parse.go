package wire

import (
	"bytes"
	"math"
	"unicode"
	"unicode/utf8"
)

// ParseError says why a line can't be read. Its text never holds any of the
// line, which may be secret.
type ParseError struct {
	Code   string    // E-arity, E-integer, …
	Field  FieldKind // the argument it is about, if it is about one
	Detail string
}

func (e *ParseError) Error() string { return e.Detail }

// parser is one reading of the tables: by a dialect, or by one release of it.
type parser struct {
	dialect   Dialect
	some, all trait // what some and what all of the releases do
	message   bool  // from Redis: no terminator, newlines may stand inside
}

// Parse reads a line, with or without its terminator, as receivers of the
// dialect do, and says in p.Lenient where they are lenient. What some releases
// of the dialect accept is accepted. The error is a *ParseError.
//
// It does not look at the length, which is the Splitter's, nor at who sent the
// line: see Allows.
func (d Dialect) Parse(line []byte, p *Parsed) error {
	return d.parser().parse(line, p).orNil()
}

// ParseMessage is Parse for a message that came over Redis: nothing terminates
// it, and newlines inside are like other characters.
func (d Dialect) ParseMessage(payload []byte, p *Parsed) error {
	r := d.parser()
	r.message = true
	return r.parse(payload, p).orNil()
}

// ParseStrict reads a line only if it is as real senders of the dialect write
// it. p.Append gives the same line back.
func (d Dialect) ParseStrict(line []byte, p *Parsed) error {
	if err := d.parser().parse(line, p); err != nil {
		return err
	}
	if len(p.Lenient) > 0 {
		l := p.Lenient[0]
		return &ParseError{Code: l.Code(), Detail: l.String()}
	}
	return nil
}

func (d Dialect) parser() parser {
	if d >= endDialect {
		d = noDialect
	}
	return dialectParsers[d]
}

var dialectParsers = func() (all [endDialect]parser) {
	for _, d := range Dialects() {
		r := &dialects[d]
		all[d].dialect = d
		all[d].some, all[d].all = traitsIn(r.first, r.last)
	}
	return all
}()

// Parse reads a line as this release does.
func (r Receiver) Parse(line []byte, p *Parsed) error {
	return r.parser(false).parse(line, p).orNil()
}

// ParseMessage reads a message that came over Redis as this release does.
func (r Receiver) ParseMessage(payload []byte, p *Parsed) error {
	return r.parser(true).parse(payload, p).orNil()
}

func (r Receiver) parser(message bool) parser {
	return parser{dialect: r.dialect, some: r.has, all: r.has, message: message}
}

// orNil makes an error of it that is nil when there is none.
func (e *ParseError) orNil() error {
	if e == nil {
		return nil
	}
	return e
}

func (r parser) parse(line []byte, p *Parsed) *ParseError {
	*p = Parsed{Dialect: r.dialect, Lenient: p.Lenient[:0]}
	text := line
	if !r.message {
		text = trimNewline(line)
		p.Terminated = len(text) < len(line)
	}
	if err := r.whole(text, p); err != nil {
		return err
	}
	name, rest, spaced := cutName(text)
	p.Command = commandNamed(name)
	p.rule = ruleOf[r.dialect][p.Command]
	if p.rule == nil {
		return &ParseError{Code: CodeUnknownCommand, Detail: "there is no command of that name"}
	}
	if !spaced {
		if r.all&traitNeedsSpace != 0 {
			return &ParseError{Code: CodeNoSpace, Detail: "there is no space after the name"}
		}
		p.lenient(LenientNoSpace)
	}
	return r.arguments(rest, p)
}

// whole looks at what concerns the line as a whole.
func (r parser) whole(text []byte, p *Parsed) *ParseError {
	if !utf8.Valid(text) {
		return &ParseError{Code: CodeUTF8, Detail: "the line is not UTF-8"}
	}
	if r.blank(text) {
		return &ParseError{Code: CodeBlank, Detail: "the line is blank"}
	}
	if bytes.IndexByte(text, '\n') >= 0 {
		if !r.message {
			return &ParseError{Code: CodeNewline, Detail: "there is a newline inside the line"}
		}
		p.lenient(LenientNewline)
	}
	if text[len(text)-1] == '\r' {
		p.lenient(LenientCR)
	}
	return nil
}

// blank reports whether there are only blanks: those of ASCII in a line, all
// that Python strips in a message.
func (r parser) blank(text []byte) bool {
	for len(text) > 0 {
		c, n := utf8.DecodeRune(text)
		if !unicode.IsSpace(c) && (!r.message || c < 0x1C || c > 0x1F) {
			return false
		}
		if c >= utf8.RuneSelf && !r.message {
			return false
		}
		text = text[n:]
	}
	return true
}

func (p *Parsed) lenient(l Leniency) {
	for _, have := range p.Lenient {
		if have == l {
			return
		}
	}
	p.Lenient = append(p.Lenient, l)
}

// arguments splits and then reads: receivers look at the number of arguments
// before they look at any of them.
func (r parser) arguments(rest []byte, p *Parsed) *ParseError {
	if p.rule.option&optIgnore != 0 {
		if len(rest) > 0 {
			p.lenient(LenientArguments)
		}
		return nil
	}
	if err := p.split(rest); err != nil {
		return err
	}
	for i := range p.fields[:p.n] {
		if err := r.field(&p.fields[i], p); err != nil {
			return err
		}
	}
	return nil
}

func (p *Parsed) split(rest []byte) *ParseError {
	last := len(p.rule.args) - 1
	for i, kind := range p.rule.args[:last] {
		head, tail, ok := cut(rest)
		if !ok {
			return &ParseError{Code: CodeArity, Detail: "there are too few arguments"}
		}
		p.fields[i].Kind, p.fields[i].Text = kind, head
		rest = tail
	}
	if p.rule.option&optExact != 0 && bytes.IndexByte(rest, ' ') >= 0 {
		return &ParseError{Code: CodeArity, Detail: "there are too many arguments"}
	}
	p.fields[last].Kind, p.fields[last].Text = p.rule.args[last], rest
	p.n = last + 1
	return nil
}

// field reads one argument by how its kind is written.
func (r parser) field(f *Field, p *Parsed) *ParseError {
	switch lex := lexisOf[f.Kind]; lex {
	case lexWord:
		p.word(f.Text)
	case lexNone:
		f.Null = string(f.Text) == "None"
		p.word(f.Text)
	case lexState:
		if !isState(f.Text) {
			return &ParseError{CodeStateWord, f.Kind, "the state is neither start nor end"}
		}
	case lexInt:
		return p.integer(f)
	case lexBatchInt:
		if f.Null = string(f.Text) == "batch"; !f.Null {
			return p.integer(f)
		}
	case lexNowInt:
		now := string(f.Text) == "now"
		if now {
			p.lenient(LenientWord)
		}
		if f.Null = now || string(f.Text) == "NOW"; !f.Null {
			return p.integer(f)
		}
	case lexJSON, lexJSON3, lexJSON5:
		return r.json(f, lex, p)
	}
	return nil
}

func (p *Parsed) word(text []byte) {
	if len(text) == 0 {
		p.lenient(LenientEmpty)
	}
	if bytes.IndexByte(text, ' ') >= 0 {
		p.lenient(LenientSpaces)
	}
}

func (p *Parsed) integer(f *Field) *ParseError {
	var ok bool
	if f.Int, ok = plainInt(f.Text); ok {
		return nil
	}
	digits, ok := appendInt(nil, f.Text)
	if !ok {
		return &ParseError{CodeInteger, f.Kind, "an argument that should be an integer is none"}
	}
	p.lenient(LenientInteger)
	if f.Int, ok = plainInt(digits); !ok {
		if f.Big, f.Int = true, math.MaxInt64; digits[0] == '-' {
			f.Int = math.MinInt64
		}
	}
	return nil
}

// json checks a JSON argument and judges its style and shape.
func (r parser) json(f *Field, lex lexis, p *Parsed) *ParseError {
	text, around := trimJSON(f.Text)
	notes := scanJSON(text) | around
	if notes&jsonFails != 0 {
		return &ParseError{CodeJSON, f.Kind, jsonTrouble(notes)}
	}
	if notes&jsonConstant != 0 && r.some&traitConstants == 0 {
		return &ParseError{CodeNaN, f.Kind, "NaN and Infinity are refused in JSON"}
	}
	if notes&jsonMark != 0 && r.some&traitBOM == 0 {
		return &ParseError{CodeJSON, f.Kind, "a byte order mark before JSON is refused"}
	}
	if want := partsOf[lex]; want != 0 && unpacks(text) != want {
		return &ParseError{CodeJSON, f.Kind, "the JSON has not as many parts as it should"}
	}
	r.jsonLeniency(text, notes, p)
	return nil
}

// partsOf is into how many parts JSON must unpack; 0: any value will do.
var partsOf = map[lexis]int{lexJSON3: 3, lexJSON5: 5}

func jsonTrouble(notes jsonNote) string {
	switch {
	case notes&jsonTooDeep != 0:
		return "the JSON is nested too deep"
	case notes&jsonLongInt != 0:
		return "an integer in the JSON has too many digits"
	case notes&jsonBadString != 0:
		return "a string in the JSON has a bad escape, a control character or no end"
	}
	return "the argument is not JSON"
}

// jsonLeniency holds the JSON against what the releases of the dialect write.
func (r parser) jsonLeniency(text []byte, notes jsonNote, p *Parsed) {
	if notes&jsonAround != 0 {
		p.lenient(LenientBlanks)
	}
	if notes&jsonMark != 0 {
		p.lenient(LenientMark)
	}
	if notes&jsonConstant != 0 && r.all&traitConstants == 0 || notes&jsonMark != 0 && r.all&traitBOM == 0 {
		p.lenient(LenientRelease)
	}
	if notes&(jsonLoose|jsonNonASCII) != 0 ||
		notes&jsonSpaced != 0 && !styledBy[styleSpaced].Has(r.dialect) ||
		notes&jsonTight != 0 && !styledBy[styleTight].Has(r.dialect) ||
		notes&jsonSlash != 0 && !styledBy[styleSlash].Has(r.dialect) {
		p.lenient(LenientStyle)
	}
	object := text[0] == '{' && p.Command == CmdRdata && styledBy[styleObject].Has(r.dialect)
	if text[0] != '[' && !object {
		p.lenient(LenientShape)
	}
}
