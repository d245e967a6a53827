package main

import (
	"context"
	"fmt"

	"repltap/replay"
)

// resemble takes from the journal of --like what no flag says.
func (o *workerOptions) resemble(ctx context.Context) error {
	if o.like == "" {
		return nil
	}
	r, err := openJournal(o.like)
	if err != nil {
		return err
	}
	defer r.Close()
	name := ""
	if o.changed("name") && o.likeConn == 0 {
		name = o.name
	}
	l, err := replay.LikeRecorded(ctx, r, o.likeConn, name)
	if err != nil {
		if hintFor(err) != "" {
			return named(o.like, err)
		}
		return withHint(fmt.Errorf("%s: %w", o.like, err), "see who is in the journal with: repltap log %s --command NAME,REPLICATE", o.like)
	}
	if !o.changed("name") && l.Worker != "" {
		o.name = l.Worker
	}
	if !o.changed("dialect") {
		o.liked = l.Release
	}
	if !o.changed("streams") {
		o.streams = l.Streams
	}
	if !o.changed("start") {
		o.starts = l.Start
	}
	if !o.changed("syncing") {
		o.syncing = l.Syncing
	}
	if !o.changed("freeze") {
		o.freezes.list = l.Faults
	}
	o.sendsFederation = o.sendsFederation || l.SendsFederation && !o.changed("federation-sender")
	return nil
}
