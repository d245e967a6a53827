package main

import (
	"os"
	"runtime/debug"
)

// readingMemory is how much the collector lets a command take that reads a whole
// journal. What they keep is bounded and mostly far below; without it there may be
// as much again of what they let go of.
const readingMemory = 224 << 20

// boundMemory has a command stay within readingMemory, where it can, unless
// GOMEMLIMIT says otherwise.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(readingMemory)
	}
}
