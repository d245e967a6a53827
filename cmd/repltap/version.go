package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/pflag"
)

// version is that of the program. Journals say which version wrote them.
const version = "0.1.0"

// program is how the program calls itself in a journal.
const program = "repltap " + version

func versionCommand() *command {
	return &command{
		name:     "version",
		summary:  "print the version",
		long:     "Prints the version, the commit it was built from if known, and the Go release.",
		examples: []string{"repltap version"},
		setup: func(*pflag.FlagSet) runFunc {
			return func(_ context.Context, e *env, _ []string) error { return e.print(versionText()) }
		},
	}
}

func versionText() string {
	text := program
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				text += " (" + s.Value[:12] + ")"
			}
		}
	}
	return fmt.Sprintf("%s, %s %s/%s\n", text, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
