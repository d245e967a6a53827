package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// env is what a command has of the world around it.
type env struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	color          colorFlag
}

func newEnv(stdin io.Reader, stdout, stderr io.Writer) *env {
	return &env{stdin: stdin, stdout: output{stdout}, stderr: stderr, color: "auto"}
}

// output marks the errors of writing to stdout, see isClosedPipe.
type output struct{ io.Writer }

func (o output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if err != nil {
		err = &outputError{err}
	}
	return n, err
}

// print writes data: stdout is for what was asked for and nothing else.
func (e *env) print(s string) error {
	_, err := io.WriteString(e.stdout, s)
	return err
}

// say writes to the person in front of the screen. That nobody listens is no
// reason to stop, so there is no error to look at.
func (e *env) say(format string, args ...any) {
	fmt.Fprintf(e.stderr, format, args...)
}

// plainWriter is what w was before its errors were given a type.
func plainWriter(w io.Writer) io.Writer {
	if o, ok := w.(output); ok {
		return o.Writer
	}
	return w
}

// isTerminal says whether w is a screen.
func isTerminal(w io.Writer) bool {
	f, ok := plainWriter(w).(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colored says whether to colour what goes to w: as --color says, and when it
// leaves it open only on a terminal of somebody who did not set NO_COLOR.
func (e *env) colored(w io.Writer) bool {
	switch e.color {
	case "always":
		return true
	case "never":
		return false
	}
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}

// colorFlag is the value of --color.
type colorFlag string

func (c *colorFlag) String() string { return string(*c) }
func (c *colorFlag) Type() string   { return "when" }

func (c *colorFlag) Set(s string) error {
	switch s {
	case "auto", "always", "never":
		*c = colorFlag(s)
		return nil
	}
	return fmt.Errorf("%q is not one of auto, always, never", s)
}

// style holds the terminal sequences of a text, all empty without colour.
type style struct {
	dim, bold, red, green, yellow, cyan, off string
}

func newStyle(colored bool) style {
	if !colored {
		return style{}
	}
	return style{
		dim: "\x1b[2m", bold: "\x1b[1m", red: "\x1b[31m", green: "\x1b[32m",
		yellow: "\x1b[33m", cyan: "\x1b[36m", off: "\x1b[0m",
	}
}

// plural gives "1 line", "2 lines", "1,204 lines".
func plural(n int64, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + one + "s"
}

// thousands writes a number as people read it: 1,234,567.
func thousands(n int64) string {
	s := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
