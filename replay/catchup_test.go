package replay

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// catchUpServer serves the catch-up endpoint, a page of two tokens at a time.
type catchUpServer struct {
	*httptest.Server
	mu      sync.Mutex
	asked   []string
	refuses int // with 504, before it answers
}

var catchUpRequest = regexp.MustCompile(`^/_synapse/replication/get_repl_stream_updates/(\w+)/[a-zA-Z]{10}\?from_token=(-?\d+)&upto_token=(-?\d+)$`)

func newCatchUpServer(t *testing.T, secret string) *catchUpServer {
	s := &catchUpServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		m := catchUpRequest.FindStringSubmatch(r.RequestURI)
		switch {
		case m == nil || r.Header.Get("User-Agent") != "Synapse/1.66.0":
			t.Errorf("asked for %s by %s", r.RequestURI, r.Header.Get("User-Agent"))
		case r.Header.Get("Authorization") != "Bearer "+secret:
			http.Error(w, "RuntimeError", http.StatusInternalServerError)
			return
		case s.refuses > 0 && m[1] == "typing":
			s.refuses--
			w.WriteHeader(http.StatusGatewayTimeout)
			return
		}
		s.asked = append(s.asked, fmt.Sprintf("%s %s..%s", m[1], m[2], m[3]))
		if m[1] != "typing" {
			http.Error(w, `{"error":"Unknown stream"}`, http.StatusBadRequest)
			return
		}
		var from, upto int64
		fmt.Sscan(m[2], &from)
		fmt.Sscan(m[3], &upto)
		next := min(from+2, upto)
		fmt.Fprintf(w, `{"updates":[[%d,["!a:x",[]]],[%[1]d,["!b:x",["@u:x"]]]],"upto_token":%[1]d,"limited":%v}`, next, next < upto)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestWorkerFetches(t *testing.T) {
	server := newCatchUpServer(t, "s3cret")
	server.refuses = 2
	m := newTestMaster(t)
	w := m.start(WorkerConfig{Once: true, CatchUp: &CatchUp{server.URL + "/", "s3cret"}}, testSpeed)
	c := m.accept()
	c.send("SERVER lab.test", "POSITION typing master 5 5", `RDATA typing master 6 ["!c:x",[]]`,
		`RDATA typing master 6 ["!old:x",[]]`, "POSITION events master 4 8", `RDATA nothing master 7 []`)
	c.expect("NAME w1", "PING", "REPLICATE ", "PING") // by then it has fetched
	c.CloseWrite()
	r := w.end()
	slices.Sort(server.asked)
	if want := []string{"events 0..8", "typing 0..5", "typing 2..5", "typing 4..5"}; !slices.Equal(server.asked, want) {
		t.Errorf("asked for %q", server.asked)
	}
	if s := r.of(t, "typing"); s.Fetched != 6 || s.Delivered != 1 || s.Token != 6 || s.Discarded["old-token"] != 1 || s.Fetches != 3 || s.Assumed != 0 {
		t.Errorf("typing: %+v", s)
	}
	if s := r.of(t, "events"); s.Assumed != 1 || s.Token != 8 || s.Positions != 1 {
		t.Errorf("events: %+v", s)
	}
	if r.Assumed != 1 || len(r.Faults) != 1 {
		t.Errorf("%d assumed, faults %q", r.Assumed, r.Faults)
	}
}

// Without the secret there is an error: the stream waits for the next POSITION.
func TestWorkerFetchFails(t *testing.T) {
	server := newCatchUpServer(t, "s3cret")
	m := newTestMaster(t)
	w := m.start(WorkerConfig{Once: true, CatchUp: &CatchUp{URL: server.URL}}, testSpeed)
	c := m.accept()
	c.send("POSITION typing master 5 5", `RDATA typing master 6 ["!c:x",[]]`)
	c.expect("NAME w1", "PING", "REPLICATE ", "PING")
	c.CloseWrite()
	r := w.end()
	if s := r.of(t, "typing"); s.Failed["fetch-failed"] != 1 || s.Discarded["not-connected"] != 1 || s.Token != 0 || len(r.Faults) != 1 {
		t.Errorf("typing: %+v, faults %q", s, r.Faults)
	}
}

// Nothing is there to ask: what was missed is taken to be nothing.
func TestWorkerAssumes(t *testing.T) {
	m := newTestMaster(t)
	w := m.start(WorkerConfig{Once: true, Start: []StartToken{{Token: 2}, {Stream: "events", Instance: "master", Token: 4}}}, 1)
	c := m.accept()
	c.send("POSITION typing master 5 5", "POSITION events master 4 8", `RDATA typing master 6 ["!c:x",[]]`)
	c.CloseWrite()
	r := w.end()
	if s := r.of(t, "typing"); s.Assumed != 1 || s.Delivered != 1 || s.Token != 6 {
		t.Errorf("typing: %+v", s)
	}
	if s := r.of(t, "events"); s.Assumed != 0 || s.Token != 8 || len(r.Faults) != 0 {
		t.Errorf("events: %+v, faults %q", s, r.Faults)
	}
}

// nobody counts requests to where nobody is.
type nobody int

func (n *nobody) RoundTrip(*http.Request) (*http.Response, error) {
	*n++
	return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
}

// From 1.55 on it is tried some times more, with longer and longer pauses;
// before that it is a failure at once.
func TestCatchUpTriesAgain(t *testing.T) {
	for release, tries := range map[string]nobody{"1.54.0": 1, "1.66.0": 7} {
		clock := newClock()
		clock.speed = 1000
		c := newCatchUpClient(CatchUp{URL: "http://nobody"}, testRelease(t, release), clock)
		var n nobody
		c.http.Transport = &n
		begin := clock.now()
		_, _, _, err := c.fetch(t.Context(), "typing", 0, 5, true)
		if took := time.Duration(clock.now() - begin); !isNobody(err) || n != tries || tries > 1 && took < 63*time.Second {
			t.Errorf("%s: %v after %d requests and %v", release, err, n, took)
		}
	}
}

// What is no page of rows is a failure, not rows.
func TestCatchUpAnswers(t *testing.T) {
	for _, body := range []string{"", "{}", `{"updates":[[1]],"upto_token":1,"limited":false}`, `{"updates":[["batch",[]]],"upto_token":1}`,
		`{"updates":[],"limited":false}`, `[1,2]`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, body) }))
		c := newCatchUpClient(CatchUp{URL: server.URL}, LastTCPRelease, newClock())
		if rows, _, _, err := c.fetch(t.Context(), "typing", 0, 5, false); err == nil {
			t.Errorf("%q is taken for %v", body, rows)
		}
		c.close()
		server.Close()
	}
}
