package wire

// Leniency is a way in which a line that receivers accept is not as senders
// write it.
type Leniency uint8

// The leniencies.
const (
	LenientNone      Leniency = iota
	LenientInteger            // an integer that only int() takes
	LenientCR                 // a CR before the newline
	LenientNewline            // a newline inside (Redis only)
	LenientNoSpace            // no space after the name
	LenientArguments          // arguments where the receiver ignores all
	LenientSpaces             // a space inside or after a name
	LenientEmpty              // an empty name
	LenientWord               // now for NOW
	LenientBlanks             // blanks around JSON
	LenientMark               // a byte order mark before JSON
	LenientStyle              // JSON as no release of the dialect writes it
	LenientShape              // JSON of another shape than senders use
	LenientRelease            // only some releases of the dialect accept it

	numLeniencies
)

var leniencies = [numLeniencies]struct{ code, text string }{
	LenientInteger:   {CodeLenientInteger, "an integer is written as no sender writes it"},
	LenientCR:        {CodeCRLF, "the line ends in CR LF; the CR is part of the last argument"},
	LenientNewline:   {CodeLenient, "there is a newline inside"},
	LenientNoSpace:   {CodeLenient, "there is no space after the name"},
	LenientArguments: {CodeLenient, "the arguments are ignored"},
	LenientSpaces:    {CodeTrailingSpace, "a name has a space in it"},
	LenientEmpty:     {CodeLenient, "a name is empty"},
	LenientWord:      {CodeLenient, "NOW is written in lower case"},
	LenientBlanks:    {CodeTrailingSpace, "there are blanks around the JSON"},
	LenientMark:      {CodeLenient, "there is a byte order mark before the JSON"},
	LenientStyle:     {CodeLenient, "the JSON is written as no release of this dialect writes it"},
	LenientShape:     {CodeLenient, "the JSON has a shape that no sender writes"},
	LenientRelease:   {CodeLenient, "only some releases of this dialect accept it"},
}

// String says it in a sentence without its end.
func (l Leniency) String() string {
	if l < numLeniencies {
		return leniencies[l].text
	}
	return ""
}

// Code is the code of the finding that it makes.
func (l Leniency) Code() string {
	if l < numLeniencies {
		return leniencies[l].code
	}
	return ""
}
