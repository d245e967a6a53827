package main

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// width is how many characters a line on stdout has, or in a file, as COLUMNS says
// or else the terminal; 0 where neither does.
func (e *env) width(file string) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := plainWriter(e.stdout).(*os.File); ok && (file == "" || file == "-") {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 1 {
			return n
		}
	}
	return 0
}

// fitted is a text for people as it fits the screen, where its width is known.
func (e *env) fitted(file string, text []byte) []byte {
	width := e.width(file)
	if width == 0 {
		return text
	}
	var out bytes.Buffer
	for line := range strings.Lines(string(text)) {
		foldLine(&out, strings.TrimSuffix(line, "\n"), max(width, minFold))
		if strings.HasSuffix(line, "\n") {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

// minFold is the narrowest screen that texts are fitted to.
const minFold = 40

// foldLine writes a line as several if it is too wide: the others are indented a
// little more than the first.
func foldLine(out *bytes.Buffer, line string, width int) {
	if columns(line) <= width {
		out.WriteString(line)
		return
	}
	rest := strings.TrimLeft(line, " ")
	indent := min(len(line)-len(rest), width/2)
	out.WriteString(strings.Repeat(" ", indent))
	for at := indent; rest != ""; {
		// What stands between words is theirs: a table keeps its columns.
		space := len(rest) - len(strings.TrimLeft(rest, " "))
		end := len(rest)
		if i := strings.IndexByte(rest[space:], ' '); i >= 0 {
			end = space + i
		}
		word, n := rest[:end], columns(rest[:end])
		next := min(indent+4, width/2)
		if at+n > width && at > next {
			out.WriteString("\n" + strings.Repeat(" ", next))
			word, n, at = word[space:], n-space, next
		}
		for at+n > width {
			head := firstColumns(word, width-at)
			out.WriteString(head + "\n" + strings.Repeat(" ", next))
			word, at = word[len(head):], next
			n = columns(word)
		}
		out.WriteString(word)
		at, rest = at+n, rest[end:]
	}
}

// colorCode is a sequence for the terminal, which takes no room.
var colorCode = regexp.MustCompile("\x1b\\[[0-9;]*m")

// columns is how many characters a text takes on the screen.
func columns(text string) int {
	if strings.Contains(text, "\x1b") {
		text = colorCode.ReplaceAllString(text, "")
	}
	return utf8.RuneCountInString(text)
}

// firstColumns is the beginning of a text that takes so many characters, at least
// one.
func firstColumns(text string, n int) string {
	at := 0
	for taken := 0; at < len(text) && taken < max(n, 1); {
		if code := colorCode.FindStringIndex(text[at:]); code != nil && code[0] == 0 {
			at += code[1]
			continue
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at, taken = at+size, taken+1
	}
	return text[:at]
}
