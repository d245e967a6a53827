package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// next is the end of the story: what it was, and what to do now.
func (d *demo) next(kept bool) string {
	me, dir := self(), d.dir
	var b strings.Builder
	b.WriteString(`
What happened: three Synapse workers talked to their master as they did when they
were recorded, through a tap that passed on every byte and kept a copy. Workers and
master saw each other's bytes, in order, and each other's endings (w2 was killed:
its reset came through; w3 was restarted) as if nothing were between them.

`)
	if !kept {
		dir = "demo-journal"
		fmt.Fprintf(&b, "Keep the journal and look around in it:\n\n  %s demo --keep %s\n", me, dir)
	} else {
		dir = shellPath(dir)
		fmt.Fprintf(&b, "The journal is in %s. Look around in it:\n\n", dir)
	}
	fmt.Fprintf(&b, "  %s log %s --worker w1 --command POSITION,REPLICATE\n", me, dir)
	fmt.Fprintf(&b, "  %s log %s --stream typing --format json\n", me, dir)
	fmt.Fprintf(&b, "  %s verify %s\n\n", me, dir)
	fmt.Fprintf(&b, "Then put it between your own workers and master:\n\n")
	fmt.Fprintf(&b, "  %s record --listen 127.0.0.1:9192 --upstream 127.0.0.1:9092 --journal traffic\n", me)
	return b.String()
}

// self is how to call this program from the shell it was called from.
func self() string {
	exe, err := os.Executable()
	if err != nil {
		return "repltap"
	}
	if strings.Contains(exe, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/repltap"
	}
	if strings.ContainsRune(os.Args[0], filepath.Separator) {
		return shellPath(os.Args[0])
	}
	return "repltap"
}

// shellPath quotes a path for a shell if it needs that.
func shellPath(p string) string {
	plain := func(r rune) bool {
		return r > 0x7f || strings.ContainsRune("/._-+:@%,", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if strings.IndexFunc(p, func(r rune) bool { return !plain(r) }) < 0 {
		return p
	}
	return "'" + strings.ReplaceAll(p, "'", `'\''`) + "'"
}
