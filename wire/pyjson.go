package wire

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// jsonFault is what is wrong with a JSON text, as far as Python's decoders
// tell faults apart.
type jsonFault uint8

const (
	faultNone       jsonFault = iota
	faultValue                // no value where one belongs
	faultFirstValue           // the end just after [
	faultName                 // no name where one belongs
	faultFirstName            // the end just after {
	faultColon                // no colon after a name
	faultArrayEnd             // neither a comma nor the end of an array
	faultObjectEnd            // neither a comma nor the end of an object
	faultExtra                // something after the value
	faultString               // a string without an end
	faultEscape               // a backslash with what is no escape
	faultHex                  // \u without four digits
	faultControl              // a control character in a string
	faultConstant             // NaN or Infinity, where they are refused
	faultLongInt              // an integer of too many digits
	faultDeepArray            // nested too deep, at an array
	faultDeepObject           // the same at an object
	faultDeepCall             // the same at a number

	numFaults
)

// jsonFaults says how the scanner notes a fault and how the decoders word it;
// ours is the text of Python's own json, simple that of simplejson if it is
// another one. %r stands for the character at the fault.
var jsonFaults = [numFaults]struct {
	note         jsonNote
	ours, simple string
}{
	faultValue:      {jsonBad, "Expecting value", ""},
	faultFirstValue: {jsonBad, "Expecting value", "Expecting value or ']'"},
	faultName:       {jsonBad, "Expecting property name enclosed in double quotes", ""},
	faultFirstName:  {jsonBad, "Expecting property name enclosed in double quotes", "Expecting property name enclosed in double quotes or '}'"},
	faultColon:      {jsonBad, "Expecting ':' delimiter", ""},
	faultArrayEnd:   {jsonBad, "Expecting ',' delimiter", "Expecting ',' delimiter or ']'"},
	faultObjectEnd:  {jsonBad, "Expecting ',' delimiter", "Expecting ',' delimiter or '}'"},
	faultExtra:      {jsonBad, "Extra data", ""},
	faultString:     {jsonBadString, "Unterminated string starting at", ""},
	faultEscape:     {jsonBadString, `Invalid \escape`, `Invalid \X escape sequence %r`},
	faultHex:        {jsonBadString, `Invalid \uXXXX escape`, `Invalid \uXXXX escape sequence`},
	faultControl:    {jsonBadString, "Invalid control character at", "Invalid control character %r at"},
	faultConstant:   {jsonBad, "", ""},
	faultLongInt:    {jsonLongInt, "", ""},
	faultDeepArray:  {jsonTooDeep, "decoding a JSON array from a unicode string", ""},
	faultDeepObject: {jsonTooDeep, "decoding a JSON object from a unicode string", ""},
	faultDeepCall:   {jsonTooDeep, "calling a Python object", ""},
}

// faultOf picks by what kind of bracket was opened.
func faultOf(bracket byte, array, object jsonFault) jsonFault {
	if bracket == '[' {
		return array
	}
	return object
}

// jsonLibrary is how a decoder differs from others in what it says.
type jsonLibrary struct {
	simple      bool // its words are simplejson's
	skipsMark   bool // it swallows a byte order mark
	noConstants bool // receivers have it refuse NaN and Infinity
	callsInt    bool // it reads an integer one level of calls deeper
}

// jsonLibrary is the decoder that the receiver has.
func (r Receiver) jsonLibrary() jsonLibrary {
	simple := r.has&traitSimplejson != 0
	return jsonLibrary{
		simple:      simple,
		skipsMark:   r.has&traitBOM != 0,
		noConstants: r.has&traitConstants == 0,
		callsInt:    simple,
	}
}

// exception is what the decoder raises for a text; "" if it raises nothing.
func (lib *jsonLibrary) exception(text []byte) exception {
	s := jsonScanner{b: text, py: lib}
	if lib.skipsMark {
		s.i = markLength(text)
	}
	s.blanks()
	s.scan()
	word := &jsonFaults[s.fault]
	switch s.fault {
	case faultNone:
		return exception{}
	case faultConstant:
		return exception{"ValueError", []byte("Invalid JSON value: '" + constantAt(text[s.at:]) + "'"), false}
	case faultLongInt:
		return longInt(digitsOf(text[s.at:]))
	case faultDeepArray, faultDeepObject, faultDeepCall:
		return exception{"RecursionError", []byte("maximum recursion depth exceeded while " + word.ours), false}
	}
	message := word.ours
	if lib.simple && word.simple != "" {
		message = word.simple
	}
	if strings.Contains(message, "%r") {
		_, n := utf8.DecodeRune(text[s.at:])
		message = strings.Replace(message, "%r", string(AppendRepr(nil, text[s.at:s.at+n])), 1)
	}
	line, column, char := pythonPosition(text, s.at)
	out := append([]byte(message), ": line "...)
	if s.fault != faultExtra || !lib.simple {
		out = append(appendPosition(out, line, column), " (char "...)
		return exception{"JSONDecodeError", append(strconv.AppendInt(out, int64(char), 10), ')'), false}
	}
	lastLine, lastColumn, last := pythonPosition(text, len(text))
	out = append(appendPosition(out, line, column), " - line "...)
	out = append(appendPosition(out, lastLine, lastColumn), " (char "...)
	out = append(strconv.AppendInt(out, int64(char), 10), " - "...)
	return exception{"JSONDecodeError", append(strconv.AppendInt(out, int64(last), 10), ')'), false}
}

func constantAt(text []byte) string {
	for _, word := range [...]string{"NaN", "Infinity"} {
		if bytes.HasPrefix(text, []byte(word)) {
			return word
		}
	}
	return string(negativeInfinity)
}

func digitsOf(number []byte) int {
	number = bytes.TrimPrefix(number, []byte{'-'})
	return len(number) - len(bytes.TrimLeft(number, "0123456789"))
}

// pythonPosition is where a byte of a text is in characters: its line and
// column, from 1, and its place from 0.
func pythonPosition(text []byte, at int) (line, column, char int) {
	before := text[:at]
	char = utf8.RuneCount(before)
	line = 1 + bytes.Count(before, []byte{'\n'})
	column = 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return line, column, char
}

func appendPosition(dst []byte, line, column int) []byte {
	dst = strconv.AppendInt(dst, int64(line), 10)
	return strconv.AppendInt(append(dst, " column "...), int64(column), 10)
}
