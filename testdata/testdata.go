// Package testdata holds recorded traffic, and gives a little of it to the
// demo, which has to work from the binary alone.
package testdata

import "embed"

// Captures has the recorded connections that the demo plays: those of a sync
// worker (w1), a federation sender that is killed (w2) and a pusher that is
// restarted (w3, twice) to their master, Synapse 1.66.0.
//
//go:embed captures/1.66.0/01-mix/conn-1.jsonl.zst
//go:embed captures/1.66.0/01-mix/conn-2.jsonl.zst
//go:embed captures/1.66.0/01-mix/conn-3.jsonl.zst
//go:embed captures/1.66.0/01-mix/conn-4.jsonl.zst
var Captures embed.FS

// DemoCaptures are the files of Captures, in order.
var DemoCaptures = []string{
	"captures/1.66.0/01-mix/conn-1.jsonl.zst",
	"captures/1.66.0/01-mix/conn-2.jsonl.zst",
	"captures/1.66.0/01-mix/conn-3.jsonl.zst",
	"captures/1.66.0/01-mix/conn-4.jsonl.zst",
}
