package wire

import (
	"bytes"
	"strconv"
)

// An ERROR line says which Python exception a line raised. What follows knows
// the exceptions that the parsers of the receivers raise, as Python 3.11 words
// them.

// exception is a Python exception with one argument, a text.
type exception struct {
	kind    string
	message []byte
	echoes  bool // the message holds some of the line
}

// appendRepr appends it as repr() writes it.
func (e exception) appendRepr(dst []byte) []byte {
	dst = append(append(dst, e.kind...), '(')
	return append(AppendRepr(dst, e.message), ')')
}

// exception is what the receiver's parser raises for a line that can't be read.
func (r Receiver) exception(text []byte, p *Parsed, err *ParseError) exception {
	name, rest, _ := cutName(text)
	f, _ := p.Field(err.Field)
	switch {
	case p.rule == nil:
		return exception{"KeyError", name, true}
	case err.Code == CodeArity:
		return unpacking(len(p.rule.args), bytes.Count(rest, space)+1)
	case err.Code == CodeStateWord:
		return exception{"Exception", AppendRepr([]byte("Invalid USER_SYNC state "), f.Text), true}
	case err.Code == CodeInteger:
		return intException(f.Text)
	}
	lib := r.jsonLibrary()
	if e := lib.exception(f.Text); e.kind != "" {
		return e
	}
	return partsException(f.JSON(), partsOf[lexisOf[f.Kind]])
}

// unpacking is what taking a sequence apart raises.
func unpacking(want, got int) exception {
	message := "too many values to unpack (expected " + strconv.Itoa(want) + ")"
	if got < want {
		message = "not enough values to unpack (expected " + strconv.Itoa(want) + ", got " + strconv.Itoa(got) + ")"
	}
	return exception{kind: "ValueError", message: []byte(message)}
}

// partsException is what taking apart JSON, which has been checked, raises.
func partsException(json []byte, want int) exception {
	if got := unpacks(json); got >= 0 {
		return unpacking(want, got)
	}
	return exception{kind: "TypeError", message: []byte("cannot unpack non-iterable " + pythonType(json) + " object")}
}

// pythonType is the type of a JSON value that can't be taken apart.
func pythonType(json []byte) string {
	switch {
	case json[0] == 'n':
		return "NoneType"
	case json[0] == 't', json[0] == 'f':
		return "bool"
	case bytes.ContainsAny(json, ".eENI"):
		return "float"
	}
	return "int"
}

// intException is what int() raises. It counts the digits of what begins like
// an integer before it looks at what follows.
func intException(text []byte) exception {
	if digits := leadingDigits(text); digits > maxIntDigits {
		return longInt(digits)
	}
	quoted := cutRunes(AppendRepr(nil, text), 200)
	return exception{"ValueError", append([]byte("invalid literal for int() with base 10: "), quoted...), true}
}

func longInt(digits int) exception {
	return exception{kind: "ValueError", message: []byte("Exceeds the limit (4300 digits) for integer string conversion: value has " +
		strconv.Itoa(digits) + " digits; use sys.set_int_max_str_digits() to increase the limit")}
}

// leadingDigits counts the digits that text begins with, 0 if an underscore
// stands where none may.
func leadingDigits(text []byte) int {
	text = trimIntBlanks(text)
	if len(text) > 0 && (text[0] == '-' || text[0] == '+') {
		text = text[1:]
	}
	digits, after := 0, '_'
	for _, r := range string(text) {
		_, ok := decimal(r)
		if !ok && r != '_' {
			break
		}
		if r == '_' && after == '_' {
			return 0
		}
		if after = r; ok {
			digits++
		}
	}
	if after == '_' {
		return 0
	}
	return digits
}
