package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"repltap/journal"
	"repltap/wire"
)

// filterFlags are the flags that select records, the same for each command
// that reads a journal.
type filterFlags struct {
	from, to  boundFlag
	conns     []string
	workers   []string
	direction directionFlag
	commands  []string
	streams   []string
	instances []string
	findings  bool

	fs *pflag.FlagSet
}

func (f *filterFlags) register(fs *pflag.FlagSet) {
	f.fs = fs
	fs.Var(&f.from, "from", "from this time on: RFC 3339, +90s after the journal's start, -10m before now, now")
	fs.Var(&f.to, "to", "up to this time, itself not included")
	fs.StringSliceVar(&f.conns, "conn", nil, "only these connections, by `number` (1,3)")
	fs.StringSliceVar(&f.workers, "worker", nil, "only the connections of these workers, by `name`")
	fs.Var(&f.direction, "direction", "s2c (master to worker) or c2s (worker to master) only")
	fs.StringSliceVar(&f.commands, "command", nil, "only lines of these commands, by `name` (RDATA,POSITION)")
	fs.StringSliceVar(&f.streams, "stream", nil, "only lines about these streams, by `name` (events,typing)")
	fs.StringSliceVar(&f.instances, "instance", nil, "only lines that name these instances, by `name`")
	fs.BoolVar(&f.findings, "findings", false, "only lines in which something is odd")
}

// filter gives what the flags say as the journal wants it.
func (f *filterFlags) filter() (journal.Filter, error) {
	out := journal.Filter{
		From: f.from.bound, To: f.to.bound,
		Workers: f.workers, Dir: wire.Direction(f.direction),
		Streams: f.streams, Instances: f.instances, Findings: f.findings,
	}
	// An empty list selects everything, so a script's empty variable would too.
	for _, name := range []string{"conn", "worker", "command", "stream", "instance"} {
		if flag := f.fs.Lookup(name); flag.Changed && flag.Value.String() == "[]" {
			return out, usageErrorf("--%s has no value", name)
		}
	}
	for _, text := range f.conns {
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 64)
		if err != nil || n == 0 {
			return out, usageErrorf("--conn %s: connections have numbers from 1", text)
		}
		out.Conns = append(out.Conns, n)
	}
	for _, name := range f.commands {
		out.Commands = append(out.Commands, commandName(name))
	}
	return out, nil
}

// commandName takes a command as people type it: rdata is RDATA, user-sync is
// USER_SYNC. Names that no release has stay as they are, since such lines are
// in journals too.
func commandName(text string) string {
	upper := strings.ToUpper(strings.ReplaceAll(text, "-", "_"))
	if wire.CommandOf([]byte(upper)) != wire.CmdUnknown {
		return upper
	}
	return text
}

// oneJournal is the argument of commands that read one journal.
func oneJournal(args []string) (string, error) {
	switch len(args) {
	case 0:
		return "", usageErrorf("which journal? Give its directory, or one file of it")
	case 1:
		return args[0], nil
	}
	return "", usageErrorf("one journal at a time, please; there are %d arguments: %s", len(args), strings.Join(args, " "))
}

// openJournal opens a journal for reading. That one can't be opened is told
// with its name.
func openJournal(path string) (*journal.Reader, error) {
	r, err := journal.Open(path)
	if err != nil && !strings.Contains(err.Error(), path) {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return r, err
}
