package replay

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// flood writes rows until the end, and counts the bytes that were taken.
func (c *masterConn) flood(group *sync.WaitGroup, written *atomic.Int64, line string) {
	text := []byte(strings.Repeat(line+"\n", 100))
	group.Go(func() {
		for {
			n, err := c.Write(text)
			written.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
}

// A worker that does not read is felt by the master, and says PING meanwhile.
func TestWorkerStalls(t *testing.T) {
	m := newTestMaster(t)
	w := m.start(WorkerConfig{ReceiveBuffer: 4096, Faults: []Fault{{FaultStall, 0, time.Hour}}}, testSpeed)
	c := m.accept()
	c.SetWriteBuffer(4096)
	c.expect("NAME w1", "PING", "REPLICATE ")
	var written atomic.Int64
	var group sync.WaitGroup
	c.flood(&group, &written, `RDATA to_device master 5 ["@a:x"]`)
	full := int64(0)
	for before := int64(-1); before != full || full == 0; { // nothing is taken between two PINGs
		before = full
		c.expect("PING")
		full = written.Load()
	}
	r := w.stop()
	c.Close()
	group.Wait()
	if r.Bytes != 0 || r.Ended[0].S2C != 0 {
		t.Errorf("the worker has read %d bytes, the kernel took %d", r.Bytes, full)
	}
}

// After a stall it goes on where it was.
func TestWorkerReadsAgain(t *testing.T) {
	m := newTestMaster(t)
	w := m.start(WorkerConfig{ReceiveBuffer: 4096, Once: true, Faults: []Fault{{FaultStall, 0, 10e9}, {FaultStall, 12e9, 5e9}}}, testSpeed)
	c := m.accept()
	c.expect("NAME w1", "PING", "REPLICATE ")
	c.send("POSITION to_device master 0 0")
	const rows = 100_000
	for i := range rows {
		if _, err := fmt.Fprintf(c, "RDATA to_device master %d [\"@a:x\"]\n", i+1); err != nil {
			t.Fatal(err)
		}
	}
	c.CloseWrite()
	if s := w.end().of(t, "to_device"); s.Delivered != rows || s.Token != rows {
		t.Errorf("%+v", s)
	}
}

// A frozen worker does nothing. When it goes on it does what is due before it
// reads what has come: real ones then find that the master was silent.
func TestWorkerFreezes(t *testing.T) {
	m := newTestMaster(t)
	w := m.start(WorkerConfig{Once: true, Faults: []Fault{{FaultFreeze, 12e9, 60e9}}}, testSpeed)
	c := m.accept()
	c.send("SERVER lab.test", "PING 1")
	c.expect("NAME w1", "PING", "REPLICATE ", "PING")
	pings, line := 0, ""
	for line = c.line(); strings.HasPrefix(line, "PING "); line = c.line() {
		pings++
	}
	if line != "ERROR ping timeout" || pings == 0 || pings > 2 {
		t.Errorf("%d PINGs and %q", pings, line)
	}
	c.expect("")
	if e := w.end().Ended[0]; e.Said != "ping timeout" || e.By != "worker" || e.Seconds < 72 {
		t.Errorf("%+v", e)
	}
}

// What it reads slowly fills the buffers too.
func TestWorkerReadRate(t *testing.T) {
	m := newTestMaster(t)
	w := m.start(WorkerConfig{ReceiveBuffer: 4096, ReadRate: 2000}, 1)
	c := m.accept()
	begin := time.Now()
	c.SetWriteBuffer(4096)
	var written atomic.Int64
	var group sync.WaitGroup
	c.flood(&group, &written, `RDATA to_device master 5 ["@a:x"]`)
	for before := int64(-1); before != written.Load() || before == 0; <-time.After(20 * time.Millisecond) {
		before = written.Load()
	}
	r := w.stop()
	took := time.Since(begin)
	c.Close()
	group.Wait()
	if most := int64(took.Seconds()*2000) + 200; r.Bytes == 0 || r.Bytes > most {
		t.Errorf("%d bytes read in %v, at most %d", r.Bytes, took, most)
	}
}

// What waits for a fetch is bounded: the worker reads no more.
func TestWorkerHoldsNoMoreThanItMay(t *testing.T) {
	answer := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-answer:
			fmt.Fprint(w, `{"updates":[],"upto_token":9,"limited":false}`)
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	m := newTestMaster(t)
	const most = 100_000
	w := m.start(WorkerConfig{ReceiveBuffer: 4096, MaxHeld: most, CatchUp: &CatchUp{URL: server.URL}}, testSpeed)
	c := m.accept()
	c.expect("NAME w1", "PING", "REPLICATE ")
	c.send("POSITION typing master 9 9")
	c.SetWriteBuffer(4096)
	var written atomic.Int64
	var group sync.WaitGroup
	c.flood(&group, &written, `RDATA typing master batch ["!r",[]]`)
	for before, now := int64(-1), int64(0); before != now || now == 0; now = written.Load() {
		before = now
		c.expect("PING")
	}
	full := written.Load()
	close(answer) // the rows that waited are a batch now, which is too much as well
	<-w.done
	c.Close()
	group.Wait()
	var held *HeldError
	if !errors.As(w.err, &held) || held.Bytes < most {
		t.Errorf("ended with %v after %d bytes", w.err, full)
	}
	if s := w.report.of(t, "typing"); s.Positions != 1 || w.report.HeldBytes > 10*most {
		t.Errorf("%d bytes held, %+v", w.report.HeldBytes, s)
	}
}
