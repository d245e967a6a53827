package proxy

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
)

// A tap whose upstream is itself notices it at the first connection, whatever the
// two addresses look like, and makes no more.
func TestUpstreamLeadsBack(t *testing.T) {
	for _, hosts := range [][2]string{{"127.0.0.1", "127.0.0.1"}, {"127.0.0.1", "localhost"}, {"", "127.0.0.1"}, {"0.0.0.0", ""}} {
		t.Run(hosts[0]+"-"+hosts[1], func(t *testing.T) {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			_, port, _ := net.SplitHostPort(ln.Addr().String())
			ln.Close()
			r := newRig(t, func(_ *RecorderOptions, tap *Tap, _ *sink) {
				tap.Listen, tap.Upstream = net.JoinHostPort(hosts[0], port), net.JoinHostPort(hosts[1], port)
			})
			worker, err := net.Dial("tcp", "127.0.0.1:"+port)
			if err == nil {
				defer worker.Close()
				_, err = worker.Read(make([]byte, 1))
			}
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the worker gets %v", err)
			}
			r.log.wait(t, "leads back to this tap")
			until(t, "the connections end", func() bool { return len(r.tap.Status().Connections) == 0 })
			s := r.tap.Status()
			if s.UpstreamUp || s.ConnectionsTotal > 4 {
				t.Errorf("status %+v", s)
			}
			r.stop()
			if n := len(r.tap.paths); n != 0 {
				t.Errorf("%d paths are left", n)
			}
		})
	}
}

func TestLeadsBack(t *testing.T) {
	addr := func(text string) net.Addr {
		a, err := net.ResolveTCPAddr("tcp", text)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, c := range []struct {
		listen, upstream string
		want             bool
	}{
		{"127.0.0.1:7", "127.0.0.1:7", true},
		{"127.0.0.1:7", "127.0.0.1:8", false},
		{"127.0.0.1:7", "127.0.0.2:7", false},
		{"127.0.0.1:7", "[::1]:7", false},
		{"127.0.0.1:7", "localhost:7", true},
		{"127.0.0.1:7", "[::ffff:127.0.0.1]:7", true},
		{"127.0.0.1:7", "0.0.0.0:7", true},
		{"127.0.0.1:7", ":7", true},
		{"0.0.0.0:7", "127.0.0.1:7", true},
		{"0.0.0.0:7", "127.9.9.9:7", true},
		{"0.0.0.0:7", "[::1]:7", false},
		{"[::]:7", "127.0.0.1:7", true},
		{"[::]:7", "[::1]:7", true},
		{"[::]:7", "192.0.2.1:7", false},
		{"[::1]:7", "127.0.0.1:7", false},
	} {
		if got := LeadsBack(t.Context(), addr(c.listen), c.upstream); got != c.want {
			t.Errorf("LeadsBack(%s, %s) = %v", c.listen, c.upstream, got)
		}
	}
}

// On 0.0.0.0 a tap has the addresses of IPv4 only.
func TestListenIPv4(t *testing.T) {
	r := newRig(t, func(_ *RecorderOptions, tap *Tap, _ *sink) { tap.Network, tap.Listen = "tcp4", "0.0.0.0:0" })
	_, port, _ := net.SplitHostPort(r.addr)
	if c, err := net.Dial("tcp", "[::1]:"+port); err == nil {
		c.Close()
		t.Error("it is reached over IPv6")
	}
	worker, _ := r.pair()
	worker.Close()
}
