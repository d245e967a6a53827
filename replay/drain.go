package replay

// Pending is what the kernel is to be offered, nil when there is nothing. It
// stays valid, and as it is, until Took is called: a goroutine may write it
// while the owner of the outbox goes on sending.
func (o *Outbox) Pending() []byte {
	if o.lost || o.took == len(o.buf) {
		return nil
	}
	return o.buf[o.took:len(o.buf):len(o.buf)]
}

// Took says that the kernel took the first n bytes of what Pending gave. When
// that was all, a paused connection is resumed, and what was queued follows, as
// far as it goes; see Resume for the error.
func (o *Outbox) Took(t int64, n int) error {
	rest := copy(o.buf, o.buf[o.took:])
	o.buf, o.took = o.buf[:rest], n
	if n < rest {
		return nil
	}
	o.buf, o.took = o.buf[:0], 0
	if o.paused {
		o.paused = false
		return o.Resume(t)
	}
	return nil
}

// Drained reports whether the connection was asked to close and nothing is left
// to be written: now it is to be closed.
func (o *Outbox) Drained() bool { return o.closing && o.Buffered() == 0 }

// Pause is what the transport calls when the buffer is over its high water.
func (o *Outbox) Pause() {
	o.note(EventPause)
	o.state = StatePaused
}

// Resume is what the transport calls when the buffer is empty: what was queued
// goes out in order, until that pauses the connection again.
//
// The error is a *TooLongError, of a line in the queue. Nothing catches it in
// Synapse: the connection is to be dropped at once, without a word, and all
// that was queued behind the line is lost.
func (o *Outbox) Resume(t int64) error {
	o.note(EventResume)
	o.state = StateEstablished
	return o.flush(t)
}

func (o *Outbox) flush(t int64) error {
	queue, over := o.queue, o.over
	o.queue, o.over = nil, false
	for _, line := range queue {
		if err := o.Send(t, line); err != nil {
			return err
		}
	}
	if o.over = over; o.state == StateEstablished {
		o.cutNow(t)
	}
	return nil
}
