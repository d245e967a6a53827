package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"
)

// runFunc does what a command is there for, with its flags parsed. args is what
// is left of the command line.
type runFunc func(ctx context.Context, e *env, args []string) error

// command is one of repltap's subcommands.
type command struct {
	name     string
	args     string   // what the usage line shows after the name
	summary  string   // one line, for the list of commands
	long     string   // what it does, for --help
	examples []string // lines to paste, for --help
	// setup declares the command's flags and returns what runs it. Nothing is
	// shared between two calls.
	setup func(fs *pflag.FlagSet) runFunc
}

// commands lists every command in the order in which a newcomer meets them.
func commands() []*command {
	return []*command{
		demoCommand(), recordCommand(), logCommand(), reportCommand(), explainCommand(), verifyCommand(), importCommand(), checkCommand(),
		replayCommand(), workerCommand(), diffCommand(),
		completionCommand(), versionCommand(),
	}
}

// find gives the command of that name, or nil.
func find(name string) *command {
	for _, c := range commands() {
		if c.name == name {
			return c
		}
	}
	return nil
}

// flagSet makes the command's flags, with the ones that every command has.
func (c *command) flagSet(e *env) (fs *pflag.FlagSet, help *bool, run runFunc) {
	fs = pflag.NewFlagSet(c.name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	run = c.setup(fs)
	return fs, globalFlags(fs, e), run
}

// globalFlags declares what every command understands, before or after its name.
func globalFlags(fs *pflag.FlagSet, e *env) (help *bool) {
	fs.Var(&e.color, "color", "colours: auto (on a terminal, unless NO_COLOR is set), always or never")
	return fs.BoolP("help", "h", false, "show this help")
}

// flagError words what pflag says about a command line.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return usageErrorf("--%s: %w", invalid.GetFlag().Name, errors.Unwrap(invalid))
	}
	return usageErrorf("%w", err)
}

// run is the program without the process around it: it returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (status int) {
	e := newEnv(stdin, stdout, stderr)
	defer func() {
		if p := recover(); p != nil {
			status = e.panicked(p, debug.Stack())
		}
	}()
	name, err := dispatch(ctx, e, args)
	return e.finish(name, err)
}

// dispatch finds the command and runs it. It returns the command's name for the
// message that an error becomes.
func dispatch(ctx context.Context, e *env, args []string) (string, error) {
	root := pflag.NewFlagSet("repltap", pflag.ContinueOnError)
	root.SetInterspersed(false)
	root.SetOutput(io.Discard)
	root.Usage = func() {}
	version := root.Bool("version", false, "")
	help := globalFlags(root, e)
	switch err := root.Parse(args); {
	case err != nil:
		return "", flagError(err)
	case *help:
		return "", e.print(usage())
	case *version:
		return "", e.print(versionText())
	case root.NArg() == 0:
		e.say("%s", usage())
		return "", exitStatus(statusUsage)
	}
	return dispatchCommand(ctx, e, root.Arg(0), root.Args()[1:])
}

func dispatchCommand(ctx context.Context, e *env, name string, args []string) (string, error) {
	if name == "help" {
		return "", help(e, args)
	}
	c := find(name)
	if c == nil {
		return "", unknownCommand(name)
	}
	fs, help, run := c.flagSet(e)
	if err := fs.Parse(args); err != nil {
		return name, flagError(err)
	}
	if *help {
		return name, e.print(c.help(fs))
	}
	return name, run(ctx, e, fs.Args())
}

// help is `repltap help [COMMAND]`.
func help(e *env, args []string) error {
	if len(args) == 0 {
		return e.print(usage())
	}
	c := find(args[0])
	if c == nil {
		return unknownCommand(args[0])
	}
	fs, _, _ := c.flagSet(e)
	return e.print(c.help(fs))
}

func unknownCommand(name string) error {
	var names []string
	for _, c := range commands() {
		names = append(names, c.name)
	}
	return usageErrorf("there is no command %q; there are: %s", name, strings.Join(names, ", "))
}

// usage is what `repltap --help` shows.
func usage() string {
	var b strings.Builder
	b.WriteString("repltap records the replication traffic between Synapse workers and their master,\n" +
		"and shows and checks what it recorded.\n\nUsage: repltap COMMAND [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-11s %s\n", c.name, c.summary)
	}
	b.WriteString("\nSee it work:           repltap demo\n" +
		"Help with a command:   repltap COMMAND --help\n" +
		"Exit status:           0 fine, 1 failed, 2 wrong usage, 3 done but something was found\n" +
		"                       (damage, gaps, findings), 4 inconclusive\n")
	return b.String()
}

// help is what `repltap COMMAND --help` shows.
func (c *command) help(fs *pflag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Usage: repltap %s\n\n%s\n", strings.TrimSpace(c.name+" "+c.args), strings.TrimSpace(c.long))
	if len(c.examples) > 0 {
		b.WriteString("\nExamples:\n")
		for _, x := range c.examples {
			b.WriteString("  " + x + "\n")
		}
	}
	b.WriteString("\nFlags:\n" + strings.TrimRight(fs.FlagUsagesWrapped(100), "\n") + "\n")
	return b.String()
}
