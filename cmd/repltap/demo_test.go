package main

import (
	"testing"

	"go.uber.org/goleak"
)

// A recording from its beginning to its end leaves nothing running.
func TestNoGoroutineLeft(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	mustRun(t, "demo")
}
