package journal

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Times are those of the wall clock at a recording's start, and of a clock that
// nobody sets since. So a recording looks now and then at the wall clock, and notes
// where it was set: who compares the journal with the logs of a system finds there
// what those say. Where a recording begins before the one before it ended, a reader
// notes the same.

// clockStep is the least step that is noted.
const clockStep = int64(2 * time.Second)

// ClockText says what became of the clock, of an event of KindClock.
func (ev *Event) ClockText() string {
	verb, way := "went", "on"
	if ev.May {
		verb = "may have gone"
	}
	if ev.Step < 0 {
		way = "back"
	}
	seconds := math.Round(math.Abs(float64(ev.Step))/1e8) / 10
	text := fmt.Sprintf("the clock %s %s by %s s", verb, way, strconv.FormatFloat(seconds, 'f', -1, 64))
	if ev.May {
		text += ", or everything stood still for that long"
	}
	return text
}

// watchClock notes that the wall clock was set, under the lock. A clock that is
// steered is followed.
func (w *Writer) watchClock() {
	if w.opts.Past {
		return
	}
	now := w.opts.Anchor.UnixNano() + int64(time.Since(w.opts.Anchor))
	wall := w.wall()
	step := wall - now - w.ahead
	w.ahead += step
	if max(step, -step) < clockStep {
		return
	}
	ev := &Event{Step: step, Wall: wall, May: step > 0}
	w.opts.Log.Warn("the wall clock was set; the times of the recording are not", "step", time.Duration(step).Round(time.Millisecond))
	w.append(&Record{Time: max(now, w.last), Kind: KindClock, Event: ev})
}

func wallClock() int64 { return time.Now().UnixNano() }
