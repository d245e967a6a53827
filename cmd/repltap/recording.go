package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"repltap/journal"
	"repltap/proxy"
	"repltap/wire"
)

// recording is a tap with all that it needs to keep what it sees:
//
//	proxy.Tap -> proxy.Recorder -> journal.Scribe -> journal.Writer
//
// The first hands over what it has forwarded, the second queues it, the third
// makes records of it, the last keeps them.
type recording struct {
	tap      *proxy.Tap
	recorder *proxy.Recorder
	scribe   *journal.Scribe
	writer   *journal.Writer
}

// recordingOptions are what a recording needs to know.
type recordingOptions struct {
	listen   addrFlag
	upstream string
	dir      string
	dialect  wire.ReleaseSet
	enforcer func() *wire.Enforcer // nil: everything passes
	queue    int64
	block    bool
	journal  journal.Options
	registry *prometheus.Registry // gets the metrics; may be nil
	log      *slog.Logger
	ready    func(net.Addr)
}

// newRecording opens the journal. run is to be called then, since it is what
// closes it.
func newRecording(o recordingOptions) (*recording, error) {
	anchor := time.Now()
	var reg prometheus.Registerer
	if o.registry != nil {
		reg = o.registry
	}
	metrics := proxy.NewMetrics(reg)
	o.journal.Anchor, o.journal.Log, o.journal.Program, o.journal.Lost = anchor, o.log, program, metrics.Lost
	w, err := journal.Create(o.dir, o.journal)
	if err != nil {
		return nil, err
	}
	if o.registry != nil {
		registerProcess(o.registry, w)
	}
	observer := proxy.NewObserver(metrics, o.log)
	r := &recording{writer: w, scribe: journal.NewScribe(w, o.dialect, observer)}
	r.recorder = proxy.NewRecorder(r.scribe, proxy.RecorderOptions{
		Queue: o.queue, Block: o.block, Why: func() string { return troubleOf(w) }, NextConn: w.NextConn, Anchor: anchor, Metrics: metrics, Observer: observer,
	})
	r.tap = &proxy.Tap{
		Network: o.listen.network(), Listen: string(o.listen), Upstream: o.upstream, Recorder: r.recorder, Metrics: metrics, Log: o.log, Ready: o.ready,
		Enforcer: o.enforcer,
	}
	return r, nil
}

// beginWait is how long a disk may take to open a journal once ctx has ended.
const beginWait = 5 * time.Second

// beginRecording is newRecording, except that a disk that hangs does not keep the
// program from ending: then it leaves the goroutine that waits for it.
func beginRecording(ctx context.Context, o recordingOptions) (*recording, error) {
	done := make(chan struct{})
	var r *recording
	var failed error
	go func() {
		defer close(done)
		r, failed = newRecording(o)
	}()
	select {
	case <-done:
		return r, failed
	case <-ctx.Done():
	}
	select {
	case <-done:
		return r, failed
	case <-time.After(beginWait):
		return nil, errors.New("the disk has not answered, and there is no journal")
	}
}

// troubleOf is what the journal can't do right now, "" when all is well.
func troubleOf(w *journal.Writer) string {
	if err := w.Stats().Err; err != nil {
		return err.Error()
	}
	return ""
}

// drained waits until no connection is open: whoever made them knows that they
// have ended before the tap has seen to the last of them.
func (r *recording) drained(ctx context.Context) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for len(r.tap.Status().Connections) > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// run taps until ctx ends, then journals what is still queued and seals the
// journal. When the disk hangs it gives that up after some seconds, and says so.
func (r *recording) run(ctx context.Context) error {
	err := r.tap.Serve(ctx)
	r.writer.End() // the recorder waits for it
	r.recorder.Close()
	return errors.Join(err, r.writer.Close())
}
