package profile

import (
	"math/bits"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Volume is how much of something there was: lines, and how they came.
type Volume struct {
	Commands int64       `json:"commands" col:"commands"`
	Bytes    int64       `json:"bytes" col:"bytes"`
	Share    Percent     `json:"share_percent" col:"% of bytes"` // of the bytes of all lines that were counted, which fragments are none of
	Rate     Rate        `json:"per_second" col:"per s"`         // commands, over all the time that was looked at
	SizeP50  Count       `json:"size_p50" col:"size p50"`        // bytes of a line with its newline
	SizeP95  Count       `json:"size_p95" col:"p95"`
	SizeP99  Count       `json:"size_p99" col:"p99"`
	SizeMax  Count       `json:"size_max" col:"max"`
	GapP50   AboutMillis `json:"gap_p50_ms" col:"gap ms p50"` // from one to the next
	GapP95   AboutMillis `json:"gap_p95_ms" col:"p95"`
	GapP99   AboutMillis `json:"gap_p99_ms" col:"p99"`
	GapMax   Millis      `json:"gap_max_ms" col:"max"`
}

// volume counts lines, and keeps histograms of their sizes and of the times
// between them.
type volume struct {
	commands, bytes int64
	last            int64 // time of the one before
	size, gap       *histogram
}

func newVolume() *volume {
	return &volume{size: newHistogram(maxSize), gap: newHistogram(maxGap)}
}

const (
	maxSize = 1 << 20                               // bytes; no line is longer
	maxGap  = int64(366*24*time.Hour) / microsecond // beyond it is counted as this
)

const microsecond = int64(time.Microsecond)

func (v *volume) add(time int64, bytes int) {
	if v.commands > 0 && v.gap != nil {
		v.gap.add(max(time-v.last, 0) / microsecond)
	}
	v.commands++
	v.bytes += int64(bytes)
	v.last = time
	if v.size != nil {
		v.size.add(int64(bytes))
	}
}

// row is the volume as it is told: all bytes there were, in so much time.
func (v *volume) row(all int64, over time.Duration) Volume {
	out := Volume{Commands: v.commands, Bytes: v.bytes, Share: share(v.bytes, all), Rate: rate(v.commands, over)}
	s, g := v.size.quantiles(), v.gap.quantiles()
	out.SizeP50, out.SizeP95, out.SizeP99, out.SizeMax = Count(s.p50), Count(s.p95), Count(s.p99), Count(s.max)
	out.GapP50, out.GapP95, out.GapP99, out.GapMax = g.p50.about(), g.p95.about(), g.p99.about(), g.max.millis()
	return out
}

// histogram is an HDR histogram that also knows its exact maximum.
type histogram struct {
	h   *hdrhistogram.Histogram
	max int64
}

// quantileError is what two significant digits come to: one percent.
const quantileError Percent = 1e4

func newHistogram(highest int64) *histogram {
	return &histogram{h: hdrhistogram.New(1, highest, 2)}
}

func (h *histogram) add(v int64) {
	h.max = max(h.max, v)
	h.h.RecordValue(min(v, h.h.HighestTrackableValue())) // can't fail: it is within
}

// quantiles of a histogram; of none or an empty one all are None.
type quantiles struct{ p50, p95, p99, max quantile }

type quantile int64

func (h *histogram) quantiles() quantiles {
	if h == nil || h.h.TotalCount() == 0 {
		return quantiles{None, None, None, None}
	}
	at := func(p float64) quantile { return quantile(roundest(h.h.ValueAtQuantile(p), h.max)) }
	return quantiles{at(50), at(95), at(99), quantile(h.max)}
}

// countBits are the bits of a value by which a histogram of two significant
// digits tells it from others.
const countBits = 8

// roundest is the number with the fewest digits among the values that a histogram
// takes to be the same as one, and that are at most the greatest of all: more
// digits are not known.
func roundest(value, most int64) int64 {
	shift := max(bits.Len64(uint64(value))-countBits, 0)
	low := value >> shift << shift
	high := min(low+(1<<shift)-1, most)
	scale := int64(1)
	for scale <= high/10 {
		scale *= 10
	}
	for ; scale > 1; scale /= 10 {
		if v := (low + scale - 1) / scale * scale; v <= high {
			return v
		}
	}
	return min(low, most)
}

// withOnes are the quantiles of a histogram together with so many ones.
func (h *histogram) withOnes(ones int64) quantiles {
	if h == nil {
		h = newHistogram(2)
	}
	if ones > 0 {
		h.h.RecordValues(1, ones)
		h.max = max(h.max, 1)
	}
	return h.quantiles()
}

// about is a quantile of microseconds.
func (q quantile) about() AboutMillis {
	return AboutMillis(q.millis())
}

// millis is a maximum of microseconds, which is exact.
func (q quantile) millis() Millis {
	if q == None {
		return None
	}
	return Millis(int64(q) * microsecond)
}
