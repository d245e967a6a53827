// Command repltap is a tap for Synapse replication traffic: it sits between
// workers and their master, passes every byte on, and keeps what it saw in a
// journal that can be read, followed and checked. This package is the process
// around the packages that do the work: flags, signals, exit statuses, metrics
// and what people see on their terminal.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(realMain())
}

// realMain sets the process up and runs one command. It returns instead of
// exiting so that the tests can run it under another name.
func realMain() int {
	// Both are reported by write as an error, which says more than dying does:
	// a file size limit must become a gap in the journal, and a closed pipe on
	// stderr must not end a recording.
	signal.Ignore(syscall.SIGXFSZ, syscall.SIGPIPE)

	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	// The first signal asks for an orderly end. From then on the signals do what
	// they always do, so a second one ends the process at once.
	go func() {
		<-ctx.Done()
		stop()
	}()
	return run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// endSignals are the signals that ask for an orderly end. A hang-up counts only
// when nobody said (nohup) that it should not.
func endSignals() []os.Signal {
	sigs := []os.Signal{syscall.SIGINT, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		sigs = append(sigs, syscall.SIGHUP)
	}
	return sigs
}
