package replay

import (
	"log/slog"
	"time"
)

// teller logs what happens, and less and less of what happens again and again.
type teller struct {
	log   *slog.Logger
	clock *clock
	kinds map[string]*telling
}

// telling is what was told of one kind.
type telling struct {
	next    int64         // when it is told again
	pause   time.Duration // since the last time
	skipped int
}

const (
	tellFirst = time.Second // the pause after the first
	tellMost  = time.Minute // it doubles up to this
)

// say tells something of a kind, if it was not told just now.
func (t *teller) say(kind, text string, args ...any) {
	if t.kinds == nil {
		t.kinds = map[string]*telling{}
	}
	k := t.kinds[kind]
	if k == nil {
		k = &telling{}
		t.kinds[kind] = k
	}
	now := t.clock.now()
	if now < k.next {
		k.skipped++
		return
	}
	if k.skipped > 0 {
		args = append(args, "not_told_before", k.skipped)
		k.pause = min(2*k.pause, tellMost)
	} else {
		k.pause = tellFirst
	}
	k.skipped, k.next = 0, now+int64(k.pause)
	t.log.Info(text, args...)
}
