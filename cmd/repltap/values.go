package main

import (
	"fmt"
	"math"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// sizeFlag is a number of bytes as people write it: 64MiB, 10GB, 512k.
type sizeFlag int64

func (s *sizeFlag) String() string { return sizeText(int64(*s)) }
func (s *sizeFlag) Type() string   { return "size" }

func (s *sizeFlag) Set(text string) error {
	n, err := parseSize(text)
	if err == nil {
		*s = sizeFlag(n)
	}
	return err
}

// sizeUnits holds factors by lower-case unit. A bare letter is the power of two
// that dd and ulimit mean with it.
var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
	"t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
}

func parseSize(text string) (int64, error) {
	digits := strings.TrimRight(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit := strings.ToLower(strings.TrimSpace(text[len(digits):]))
	n, err := strconv.ParseFloat(digits, 64)
	factor, ok := sizeUnits[unit]
	if err != nil || !ok || math.IsNaN(n) {
		return 0, fmt.Errorf("%q is not a size; write it like 64MiB, 10GB or 512k", text)
	}
	if n < 0 || n*factor >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a possible size", text)
	}
	return int64(n * factor), nil
}

// sizeText writes a number of bytes with the unit that makes it short.
func sizeText(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, i := float64(n), 0
	for f >= 1024 && i < len(units)-1 {
		f, i = f/1024, i+1
	}
	if i == 0 || f == math.Trunc(f) {
		return strconv.FormatFloat(f, 'f', 0, 64) + units[i]
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + units[i]
}

// durationFlag is a span of time as people write it: 10s, 168h, 7d, 1d12h.
type durationFlag time.Duration

func (d *durationFlag) String() string { return durationText(time.Duration(*d)) }
func (d *durationFlag) Type() string   { return "duration" }

func (d *durationFlag) Set(text string) error {
	v, err := parseDuration(text)
	if err == nil {
		*d = durationFlag(v)
	}
	return err
}

// parseDuration is time.ParseDuration with days (d) and weeks (w), and without
// a sign.
func parseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("%q is not a duration; write it like 10s, 168h, 7d or 1h30m", text)
	var total time.Duration
	rest := text
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		head, tail, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(head, 64)
		if err != nil || !(n >= 0 && n*float64(unit.of) < math.MaxInt64/2) {
			return 0, bad
		}
		total, rest = total+time.Duration(n*float64(unit.of)), tail
	}
	if rest == "" && text != "" {
		return total, nil
	}
	if strings.ContainsAny(rest, "+-") {
		return 0, bad
	}
	d, err := time.ParseDuration(rest)
	if err != nil || total+d < 0 {
		return 0, bad
	}
	return total + d, nil
}

// durationText writes a duration without zero parts: 168h, 1h30m, 1s.
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// addrFlag is HOST:PORT.
type addrFlag string

func (a *addrFlag) String() string { return string(*a) }
func (a *addrFlag) Type() string   { return "addr" }

func (a *addrFlag) Set(text string) error {
	_, port, err := net.SplitHostPort(text)
	if err != nil {
		if _, e := strconv.Atoi(text); e == nil {
			return fmt.Errorf("%q has no host; write it like 127.0.0.1:%s", text, text)
		}
		return fmt.Errorf("%q is not an address; write it like 127.0.0.1:9092", text)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q is not a port; it is a number from 0 to 65535", port)
	}
	*a = addrFlag(text)
	return nil
}

// network is what to listen on at the address: for Go 0.0.0.0 means IPv6 as well, for
// everybody else all addresses of IPv4.
func (a addrFlag) network() string {
	host, _, _ := net.SplitHostPort(string(a))
	if ip, err := netip.ParseAddr(host); err == nil && ip.Is4() {
		return "tcp4"
	}
	return "tcp"
}

// boundFlag is one end of a span of time in a journal.
type boundFlag struct{ bound journal.Bound }

func (b *boundFlag) Type() string { return "time" }

func (b *boundFlag) String() string {
	switch {
	case !b.bound.Set:
		return ""
	case b.bound.Relative:
		return "+" + durationText(b.bound.Offset)
	}
	return b.bound.At.UTC().Format(time.RFC3339Nano)
}

// timeLayouts are what is taken for a time besides offsets. Without a zone it
// is UTC, as `log` prints it.
var timeLayouts = []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"}

func (b *boundFlag) Set(text string) error {
	bound, err := parseBound(text)
	if err == nil {
		b.bound = bound
	}
	return err
}

func parseBound(text string) (journal.Bound, error) {
	switch {
	case text == "now":
		return at(time.Now()), nil
	case strings.HasPrefix(text, "+"):
		d, err := parseDuration(text[1:])
		return journal.Bound{Set: true, Relative: true, Offset: d}, err
	case strings.HasPrefix(text, "-"):
		d, err := parseDuration(text[1:])
		return at(time.Now().Add(-d)), err
	}
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return at(t), nil
		}
	}
	return journal.Bound{}, fmt.Errorf("%q is not a time; write RFC 3339 (2026-07-14T12:00:00Z), +90s from the journal's start, -10m before now, or now", text)
}

func at(t time.Time) journal.Bound { return journal.Bound{Set: true, At: t} }

// directionFlag is s2c or c2s.
type directionFlag wire.Direction

func (d *directionFlag) String() string { return wire.Direction(*d).String() }
func (d *directionFlag) Type() string   { return "direction" }

func (d *directionFlag) Set(text string) error {
	v, err := wire.ParseDirection(text)
	if err != nil || v == wire.NoDirection {
		return fmt.Errorf("%q is not a direction; it is s2c (master to worker) or c2s (worker to master)", text)
	}
	*d = directionFlag(v)
	return nil
}

// choiceFlag is one word of a few.
type choiceFlag struct {
	value string
	of    []string
}

func (c *choiceFlag) String() string { return c.value }
func (c *choiceFlag) Type() string   { return strings.Join(c.of, "|") }

func (c *choiceFlag) Set(text string) error {
	for _, x := range c.of {
		if x == text {
			c.value = text
			return nil
		}
	}
	return fmt.Errorf("%q is not one of %s", text, strings.Join(c.of, ", "))
}

// redactFlag is what is made unreadable.
type redactFlag wire.Redaction

// redactUsage is its help, in every command that writes a journal.
const redactUsage = "what to make unreadable before it is written: secrets, personal (secrets, and who) or none"

func (r *redactFlag) String() string { return wire.Redaction(*r).String() }
func (r *redactFlag) Type() string   { return "secrets|personal|none" }

func (r *redactFlag) Set(text string) error {
	level, err := wire.ParseRedaction(text)
	if err == nil {
		*r = redactFlag(level)
	}
	return err
}

// dialectFlag is the dialect of the traffic, or auto.
type dialectFlag struct {
	name    string
	set     wire.DialectSet
	release wire.Release // if that was given, else zero
}

func newDialectFlag() *dialectFlag { return &dialectFlag{name: "auto", set: wire.AllDialects} }

// releases are those of the traffic.
func (d *dialectFlag) releases() wire.ReleaseSet {
	if d.release != 0 {
		return d.release.Set()
	}
	return d.set.Releases()
}

// one is the release to be, zero for auto.
func (d *dialectFlag) one() wire.Release {
	switch {
	case d.name == "auto":
		return 0
	case d.release != 0:
		return d.release
	}
	return d.set.Releases().Play()
}

func (d *dialectFlag) String() string { return d.name }
func (d *dialectFlag) Type() string   { return "dialect" }

func (d *dialectFlag) Set(text string) error {
	if text == "auto" {
		*d = *newDialectFlag()
		return nil
	}
	v, err := wire.ParseDialect(text)
	if err != nil {
		return err
	}
	*d = dialectFlag{name: v.String(), set: v.Set()}
	if text != d.name && "v"+text != d.name { // 1.22 is a dialect, 1.22.0 a release
		d.release, _ = wire.ParseRelease(text)
	}
	return nil
}
