package journal

import (
	"bytes"
	"time"

	"repltap/wire"
)

// Bound is one end of a span of time: nothing, a wall clock time, or an offset
// from the journal's first record.
type Bound struct {
	Set      bool
	Relative bool
	At       time.Time     // when not Relative
	Offset   time.Duration // when Relative
}

// resolve gives the bound in Unix nanoseconds for a journal that starts at start.
func (b Bound) resolve(start int64) int64 {
	if b.Relative {
		return start + int64(b.Offset)
	}
	return b.At.UnixNano()
}

// Filter selects records. The zero value selects all. Values of one field are
// alternatives; fields are combined with "and". What is not a line, nor a part of
// an over-long one, passes the filters on command, stream and instance only when
// none of these is set; but a gap always does, since what is missing there may be
// what was asked for.
type Filter struct {
	From, To  Bound // From is included, To is not
	Conns     []uint64
	Workers   []string
	Dir       wire.Direction // None: both
	Commands  []string       // by wire name, as RDATA
	Streams   []string
	Instances []string
	Findings  bool // only records with findings
}

// byContent says whether the filter asks for something only a line has.
func (f *Filter) byContent() bool {
	return len(f.Commands) > 0 || len(f.Streams) > 0 || len(f.Instances) > 0
}

// Match says whether r passes everything but the time bounds, which need the
// journal's start.
func (f *Filter) Match(r *Record) bool {
	if len(f.Conns) > 0 && !contains(f.Conns, r.Conn) ||
		len(f.Workers) > 0 && !contains(f.Workers, r.Worker) ||
		f.Dir != wire.NoDirection && r.Dir != f.Dir ||
		f.Findings && len(r.Findings) == 0 && r.Kind != KindGap {
		return false
	}
	if !f.byContent() || r.Kind == KindGap {
		return true
	}
	return (r.Kind == KindLine || r.Part > 0) &&
		(len(f.Commands) == 0 || hasBytes(f.Commands, r.Gist.Name)) &&
		(len(f.Streams) == 0 || hasBytes(f.Streams, r.Gist.Stream)) &&
		(len(f.Instances) == 0 || hasBytes(f.Instances, r.Gist.Instance))
}

func contains[T comparable](list []T, v T) bool {
	for _, x := range list {
		if x == v {
			return true
		}
	}
	return false
}

func hasBytes(list []string, v []byte) bool {
	for _, x := range list {
		if bytes.Equal([]byte(x), v) {
			return true
		}
	}
	return false
}
