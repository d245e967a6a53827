package replay

import "time"

// Link is what lies between the replayed master and its workers, besides the
// real network: it takes from the master what a kernel would, and gives it to the
// worker when it is due. The zero value is no link at all.
type Link struct {
	Recorded  bool          // it stands still where the recorded one did
	Bandwidth int64         // bytes a second; 0: no limit
	Latency   time.Duration // of each byte
	Stalls    []Stall
	Buffer    int // bytes it holds at most; 0: DefaultLinkBuffer
}

// Stall is a time in which a link gives nothing to the worker.
type Stall struct {
	At, For time.Duration // after the beginning of the replay, in real time
}

// DefaultLinkBuffer is what the kernels of recorded masters held before Synapse's
// own buffer filled: about 2.8 MB, with Linux' usual settings.
const DefaultLinkBuffer = 2_799_891

// linkState is the link of one connection.
type linkState struct {
	Link
	stalled bool // by the recording
	chunks  []linkChunk
	held    int   // bytes of them
	credit  int64 // bytes that may go now, of the bandwidth
	topped  int64 // when that was added to last
}

type linkChunk struct {
	due  int64 // when it may arrive
	data []byte
}

// mostChunk is how much is taken in at once, so that each part has its own time.
const mostChunk = 16 << 10

// plain reports whether the link does nothing: what is sent may go to the kernel
// directly.
func (l *linkState) plain() bool {
	return l.held == 0 && !l.stalled && l.Bandwidth == 0 && l.Latency == 0 && len(l.Stalls) == 0
}

// room is how many bytes it takes.
func (l *linkState) room() int {
	size := l.Buffer
	if size == 0 {
		size = DefaultLinkBuffer
	}
	return min(mostChunk, size-l.held)
}

func (l *linkState) take(now int64, data []byte) {
	l.chunks = append(l.chunks, linkChunk{now + int64(l.Latency), append([]byte(nil), data...)})
	l.held += len(data)
}

// due is what may go to the worker now. Since is how long the replay lasts.
func (l *linkState) due(now int64, since time.Duration) []byte {
	if l.stalled || l.standing(since) || len(l.chunks) == 0 || l.chunks[0].due > now {
		return nil
	}
	data := l.chunks[0].data
	if l.Bandwidth == 0 {
		return data
	}
	l.top(now)
	return data[:min(int64(len(data)), max(l.credit, 0))]
}

// top adds to the credit what the time since the last look allows: at most that
// of a hundredth of a second, or one segment.
func (l *linkState) top(now int64) {
	if l.topped != 0 {
		more := int64(float64(now-l.topped) / float64(time.Second) * float64(l.Bandwidth))
		if more == 0 {
			return // or what is less than a byte would be lost each time
		}
		l.credit += more
	}
	l.credit = min(l.credit, max(l.Bandwidth/100, 1500))
	l.topped = now
}

// went says that n bytes of what was due went.
func (l *linkState) went(n int) {
	l.held -= n
	l.credit -= int64(n)
	if l.chunks[0].data = l.chunks[0].data[n:]; len(l.chunks[0].data) == 0 {
		l.chunks[0] = linkChunk{}
		if l.chunks = l.chunks[1:]; len(l.chunks) == 0 {
			l.chunks = nil
		}
	}
}

func (l *linkState) standing(since time.Duration) bool {
	for _, s := range l.Stalls {
		if s.At <= since && since < s.At+s.For {
			return true
		}
	}
	return false
}

// next is when to look again: false when only something else changes that.
func (l *linkState) next(now int64, since time.Duration) (at int64, ok bool) {
	if len(l.chunks) == 0 || l.stalled {
		return 0, false
	}
	at = max(now, l.chunks[0].due)
	for _, s := range l.Stalls {
		if s.At <= since && since < s.At+s.For {
			at = max(at, now+int64(s.At+s.For-since))
		}
	}
	if l.Bandwidth > 0 && at == now {
		at += int64(time.Millisecond)
	}
	return at, true
}
