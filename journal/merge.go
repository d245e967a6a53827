package journal

import (
	"cmp"
	"context"
	"iter"
	"slices"
)

// A journal may hold several recordings: a tap was restarted, or imports were
// added one after the other. Those of a tap follow one another in time too, but
// imports may be of the same hour, and then the journal's order is not that in
// which things happened.

// InTime gives the same records as Records, but where recordings of the journal
// overlap in time, it goes through them side by side, by their times. So Seq does
// not always rise. While the journal is being recorded, and where more than
// maxSideBySide recordings are of the same time, the order is that of Records.
func (r *Reader) InTime(ctx context.Context, f Filter) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		parts := r.recordings()
		if !overlap(parts) {
			r.Records(ctx, f)(yield)
			return
		}
		if r.sideBySide(ctx, f, parts, yield) {
			if lost := r.noted(); len(lost) > 0 {
				p := r.newPass(ctx, f)
				defer p.u.close()
				p.fail = func(err error) bool { return yield(nil, err) }
				p.unwritten(lost)
			}
		}
	}
}

// maxSideBySide bounds the recordings that are read at the same time, each of
// which takes the memory of a block.
const maxSideBySide = 32

// recording is what one run of a recorder left in the journal.
type recording struct {
	id         string
	past       bool // an import: taps follow one another, whatever the clock said
	files      []string
	tmin, tmax int64  // of its records
	done, upTo uint64 // the last file and record before it, as pass has them
}

// recordings looks at the heads of all files. It gives nothing for one file, or
// a journal that is being recorded.
func (r *Reader) recordings() []*recording {
	if r.file != "" || r.info.Live {
		return nil
	}
	paths, err := r.paths()
	if err != nil {
		return nil // reading says so
	}
	var parts []*recording
	var done, upTo uint64
	for _, path := range paths {
		number, _ := fileNumber(path)
		j, err := openToRead(path)
		if err != nil { // reading says so, in its place
			if parts == nil {
				parts = append(parts, &recording{tmin: 1<<63 - 1, tmax: -1 << 63})
			}
			p := parts[len(parts)-1]
			p.files, done, upTo = append(p.files, path), number, 0
			continue
		}
		if n := len(parts); n == 0 || parts[n-1].id != j.header.Recording {
			parts = append(parts, &recording{id: j.header.Recording, past: j.header.past(), tmin: 1<<63 - 1, tmax: -1 << 63, done: done, upTo: upTo})
		}
		p := parts[len(parts)-1]
		p.files, done, upTo = append(p.files, path), number, j.upTo()
		for i := range j.blocks {
			h := j.blocks[i].head
			p.tmin, p.tmax = min(p.tmin, h.tmin), max(p.tmax, h.tmax)
		}
		j.close()
	}
	return parts
}

// upTo is the number of the last record in the file, or before it; 0 where parts
// of it are missing.
func (j *file) upTo() uint64 {
	if len(j.problems) > 0 {
		return 0
	}
	last := j.header.After
	for i := range j.blocks {
		h := j.blocks[i].head
		last = max(last, h.first+uint64(h.count)-1)
	}
	return last
}

// overlap says whether recordings are of the same time, and few enough of them to
// be read side by side.
func overlap(parts []*recording) bool {
	var any bool
	for i, p := range parts {
		n := 0
		for k, q := range parts {
			if q.tmin <= p.tmin && p.tmin <= q.tmax {
				n++
			}
			any = any || k < i && p.tmin < q.tmax && (p.past || q.past)
		}
		if n > maxSideBySide {
			return false
		}
	}
	return any
}

// cursor is one recording that is being read.
type cursor struct {
	rec  *Record
	next func() (*Record, error, bool)
	stop func()
}

// sideBySide merges recordings; false when it was told to stop.
func (r *Reader) sideBySide(ctx context.Context, f Filter, parts []*recording, yield func(*Record, error) bool) bool {
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b *recording) int { return cmp.Compare(a.tmin, b.tmin) })
	var open []*cursor
	defer func() {
		for _, c := range open {
			c.stop()
		}
	}()
	// forward goes on to the next record of the cursor at i, or takes it out.
	forward := func(i int) bool {
		c := open[i]
		for {
			rec, err, ok := c.next()
			switch {
			case !ok:
				c.stop()
				open = slices.Delete(open, i, i+1)
				return true
			case err != nil:
				if !yield(nil, err) {
					return false
				}
			default:
				c.rec = rec
				return true
			}
		}
	}
	for {
		first := -1
		for i, c := range open {
			if first < 0 || c.rec.Time < open[first].rec.Time {
				first = i
			}
		}
		if len(parts) > 0 && (first < 0 || parts[0].tmin <= open[first].rec.Time) {
			p := parts[0]
			parts = parts[1:]
			sub := &Reader{info: r.info, dir: r.dir, part: p}
			next, stop := iter.Pull2(sub.Records(ctx, f))
			open = append(open, &cursor{next: next, stop: stop})
			if !forward(len(open) - 1) {
				return false
			}
			continue
		}
		if first < 0 {
			return true
		}
		if !yield(open[first].rec, nil) || !forward(first) {
			return false
		}
	}
}
