package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"repltap/journal"
	"repltap/wire"
)

func checkCommand() *command {
	return &command{
		name: "check", args: "FILE|- [flags]",
		summary: "judge lines of the protocol: what each release of Synapse does with them",
		long: `
Reads lines of the protocol from a text file, or from stdin, and says of each
what a real receiver does with it:

  accept  it is read and handed on
  ignore  nothing happens
  log     it is dropped, with a line in the receiver's log: a stream that the
          release has not, a row of another shape, what can't be read (Redis)
  error   the receiver answers with an ERROR line, which is shown, and closes
  drop    the receiver closes without a word

Without --dialect a line is judged by every release, and verdicts that differ
are shown with the releases that give them. A release (--dialect 1.66.0) judges
exactly as that release does, a dialect (--dialect v1.29) as the last release
with TCP that speaks it. The lines are then judged one after the other, as those
of a connection: what is said of them is what log says when they are imported.

Without --direction a line is taken to have come the way in which its command
may come, and as a message over Redis for releases that have nothing else (from
1.67 on). With it, who may send what is checked too, as over TCP. A last line
without its newline is judged as if it had one.

--format json prints one object a line: number, command, direction ("" when it
does not matter), verdict ("" when releases differ), bytes, line ("line_b64" has
the exact bytes of what is not UTF-8), verdicts (releases, from, before, verdict,
code, detail, reply) and findings (code, detail, verdict, reply); and one with
end and findings for what is odd about all of them together.

Exit status 3 says that something is wrong: a line that is not accepted, or one
that no release accepts which accepts those before it. What is only unusual
(codes that begin with W-) is shown and leaves the status 0.`,
		examples: []string{
			"repltap check saved.txt",
			"repltap check saved.txt --dialect 1.66.0 --direction s2c --findings",
			"printf 'POSITION events master 5\\n' | repltap check -",
			"repltap check - --dialect v1.22 --format json < lines.txt | jq -r 'select(.verdict != \"accept\").number'",
		},
		setup: setupCheck,
	}
}

// checkOptions are the flags of check.
type checkOptions struct {
	receivers receiverFlag
	direction directionFlag
	format    choiceFlag
	findings  bool
	output    *string
}

func setupCheck(fs *pflag.FlagSet) runFunc {
	o := &checkOptions{receivers: receiverFlag{name: "auto"}, format: choiceFlag{"text", []string{"text", "json"}}}
	fs.Var(&o.receivers, "dialect", "who judges: auto (every release), a dialect like v1.22, or a release like 1.66.0")
	fs.Var(&o.direction, "direction", "the way all lines went: s2c (from the master) or c2s (from a worker)")
	fs.BoolVar(&o.findings, "findings", false, "show only lines with findings")
	fs.Var(&o.format, "format", "how to print verdicts")
	o.output = outputFlag(fs)
	return o.run
}

func (o *checkOptions) run(ctx context.Context, e *env, args []string) error {
	if len(args) != 1 {
		return usageErrorf("which file? Give one file with lines of the protocol, or - for stdin")
	}
	in, closeIn, err := openLines(ctx, e, args[0])
	if err != nil {
		return err
	}
	defer closeIn()
	out, closeOut, err := openOutput(e, *o.output)
	if err != nil {
		return err
	}
	c := &checkRun{
		name:  args[0],
		lines: in,
		judge: newLineJudge(o.receivers.judges(wire.Direction(o.direction)), wire.Direction(o.direction)),
		out:   newStreamWriter(out),
		all:   !o.findings,
	}
	if o.format.value == "json" {
		c.print = appendCheckedJSON
	} else {
		c.print = newCheckPrinter(newStyle(e.colored(out)), o.receivers.every()).append
	}
	err = errors.Join(c.run(), c.out.Close(), closeOut())
	if err != nil {
		return err
	}
	e.say("%s\n", c.summary(o.receivers.every()))
	if c.wrong > 0 {
		return exitStatus(statusFound)
	}
	return nil
}

// openLines opens a text file, which may be compressed, or stdin.
func openLines(ctx context.Context, e *env, path string) (*lineReader, func(), error) {
	var r io.Reader = &interruptible{ctx: ctx, r: e.stdin}
	closeFile := func() {}
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, nil, err
		}
		if st, err := f.Stat(); err == nil && st.IsDir() {
			f.Close()
			return nil, nil, withHint(fmt.Errorf("%s is a directory", path), "check reads text; for a journal there is repltap log %s --findings", path)
		}
		r, closeFile = &interruptible{ctx: ctx, r: f}, func() { f.Close() }
	}
	br, stop, err := decompress(r)
	if err != nil {
		closeFile()
		return nil, nil, named(path, err)
	}
	if err := notText(path, br); err != nil {
		stop()
		closeFile()
		return nil, nil, err
	}
	return &lineReader{r: br}, func() { stop(); closeFile() }, nil
}

// notText refuses what people may take for a text file of lines.
func notText(path string, r *bufio.Reader) error {
	head, _ := r.Peek(512)
	what, _ := journal.Foreign(head)
	if journal.IsFile(head) {
		what = "a file of a journal, or another bbolt database"
	}
	if what != "" {
		return withHint(fmt.Errorf("%s is %s", path, what), "check reads lines of text, plain or compressed with zstd")
	}
	if bytes.HasPrefix(head, []byte(`{"t":`)) {
		return withHint(fmt.Errorf("%s looks like a capture", path), "import it, which checks it too: repltap import %s --journal DIR; repltap log DIR --findings", path)
	}
	return nil
}

// checkRun is one run over the lines, and what came of it.
type checkRun struct {
	name  string // of the file
	lines *lineReader
	judge *lineJudge
	out   io.WriteCloser
	print func([]byte, *checked) []byte
	all   bool // also lines without findings
	buf   []byte

	number, wrong, odd int64 // lines, those that are wrong, and the merely unusual
}

func (c *checkRun) run() error {
	for {
		line, length, err := c.lines.next()
		if errors.Is(err, io.EOF) {
			return c.end()
		}
		if err != nil {
			return named(c.name, err)
		}
		c.number++
		k := c.judge.line(c.number, line, length)
		switch {
		case k.wrong():
			c.wrong++
		case k.odd():
			c.odd++
		}
		if !c.all && !k.odd() {
			continue
		}
		if err := c.write(k); err != nil {
			return err
		}
	}
}

func (c *checkRun) write(k *checked) error {
	c.buf = c.print(c.buf[:0], k)
	_, err := c.out.Write(c.buf)
	return err
}

// end says what is odd about all lines together.
func (c *checkRun) end() error {
	k := c.judge.end()
	if k == nil {
		return nil
	}
	return c.write(k)
}

// summary is the last word, for people.
func (c *checkRun) summary(every bool) string {
	if c.number == 0 {
		return "no lines"
	}
	text := plural(c.number, "line") + ": "
	if c.wrong == 0 {
		text += "nothing wrong"
	} else {
		text += thousands(c.wrong) + " wrong"
	}
	if c.odd > 0 {
		text += ", " + thousands(c.odd) + " unusual"
	}
	switch names := c.judge.accepting(); {
	case !every, c.wrong == c.number:
	case c.wrong > 0:
		text += "; the others are accepted by " + names
	default:
		text += "; accepted by " + names
	}
	return text
}
