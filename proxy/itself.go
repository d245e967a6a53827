package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// A tap whose upstream leads back to its own listener makes a connection for each
// that it accepts, until it runs out of descriptors. It notices that at the first
// one: a TCP connection that it has both made and accepted.

// errLeadsBack is why such an upstream counts as down.
var errLeadsBack = errors.New("it leads back to this tap: --upstream is not the address of the master")

// path is a TCP connection: who made it, and to where. An address alone would not
// do, since the kernel gives the same port to connections to different places.
type path struct{ from, to string }

func pathTo(c net.Conn) path   { return path{c.LocalAddr().String(), c.RemoteAddr().String()} }
func pathFrom(c net.Conn) path { return path{c.RemoteAddr().String(), c.LocalAddr().String()} }

// pathSeen adds a path to the tap's list for as long as the link lives, and says
// whether it was there: then the link's socket has its other end in this tap.
func (l *link) pathSeen(p path) bool {
	t := l.tap
	t.mu.Lock()
	defer t.mu.Unlock()
	l.paths = append(l.paths, p)
	t.paths[p]++
	return t.paths[p] > 1
}

// LeadsBack says whether a tap that listens at an address would be its own upstream,
// as far as this machine's addresses and names tell.
func LeadsBack(ctx context.Context, listen net.Addr, upstream string) bool {
	const patience = 2 * time.Second // with a name server; the first connection tells as well
	tcp, ok := listen.(*net.TCPAddr)
	host, port, err := net.SplitHostPort(upstream)
	if !ok || err != nil || tcp.Port == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if n, err := net.DefaultResolver.LookupPort(ctx, "tcp", port); err != nil || n != tcp.Port {
		return false
	}
	ips := []netip.Addr{netip.IPv4Unspecified(), netip.IPv6Unspecified()}
	if host != "" {
		if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
			return false
		}
	}
	for _, ip := range ips {
		if reaches(tcp.AddrPort().Addr().Unmap(), ip.Unmap()) {
			return true
		}
	}
	return false
}

// reaches says whether a connection to an address of a machine comes to what listens
// there. A connection to an unspecified address goes to the machine itself.
func reaches(listen, to netip.Addr) bool {
	if to.IsUnspecified() {
		if to.Is4() {
			to = netip.AddrFrom4([4]byte{127, 0, 0, 1})
		} else {
			to = netip.IPv6Loopback()
		}
	}
	if !listen.IsUnspecified() {
		return listen == to
	}
	return (listen.Is6() || to.Is4()) && (to.IsLoopback() || isOwnAddress(to))
}

func isOwnAddress(ip netip.Addr) bool {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return false
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if own, ok := netip.AddrFromSlice(n.IP); ok && own.Unmap() == ip.WithZone("") {
				return true
			}
		}
	}
	return false
}
