package main

import (
	"strings"
	"testing"
	"time"

	"repltap/journal"
	"repltap/wire"
)

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1024": 1024, "512k": 512 << 10, "512K": 512 << 10, "64MiB": 64 << 20, "64mib": 64 << 20,
		"10GB": 10e9, "10GiB": 10 << 30, "1.5GiB": 3 << 29, "100 MB": 100e6, "7B": 7, "2T": 2 << 40,
	} {
		if got, err := parseSize(text); err != nil || got != want {
			t.Errorf("parseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.2.3k", "10 apples", "9999999TB", "NaN", "Inf", "1e3x", "k1"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("parseSize(%q) = %d, want an error", text, got)
		}
	}
}

func TestSizeText(t *testing.T) {
	for n, want := range map[int64]string{0: "0B", 1023: "1023B", 64 << 20: "64MiB", 3 << 29: "1.5GiB", 1500: "1.5KiB", 256 << 20: "256MiB"} {
		if got := sizeText(n); got != want {
			t.Errorf("sizeText(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0s": 0, "10s": 10 * time.Second, "168h": 7 * day, "7d": 7 * day, "2w": 14 * day, "1d12h": day + 12*time.Hour,
		"1w1d1h1m1s": 8*day + time.Hour + time.Minute + time.Second, "1.5h": 90 * time.Minute, "0.5d": 12 * time.Hour,
		"250ms": 250 * time.Millisecond, "0": 0,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("parseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "10", "-1s", "+1s", "d", "7days", "1d-1h", "-7d", "99999999999w", "NaNd", "soon", "292y", "106751d24h1h"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", text, got)
		}
	}
}

// What a default looks like in the help has to be something a person can type.
func TestDurationTextIsReadBack(t *testing.T) {
	for _, d := range []time.Duration{time.Second, time.Hour, 168 * time.Hour, 90 * time.Minute, 10 * time.Minute, 1500 * time.Millisecond} {
		got, err := parseDuration(durationText(d))
		if err != nil || got != d {
			t.Errorf("%v is written %q, which is read as %v, %v", d, durationText(d), got, err)
		}
	}
	if got := durationText(168 * time.Hour); got != "168h" {
		t.Errorf("168h is written %q", got)
	}
}

func TestParseBound(t *testing.T) {
	noon := time.Date(2026, 7, 14, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]journal.Bound{
		"+90s":                           {Set: true, Relative: true, Offset: 90 * time.Second},
		"+0s":                            {Set: true, Relative: true},
		"2026-07-14T12:00:00Z":           {Set: true, At: noon},
		"2026-07-14T14:00:00+02:00":      {Set: true, At: noon},
		"2026-07-14T12:00:00.000000001Z": {Set: true, At: noon.Add(1)},
		"2026-07-14 12:00:00":            {Set: true, At: noon},
		"2026-07-14":                     {Set: true, At: noon.Add(-12 * time.Hour)},
	} {
		got, err := parseBound(text)
		if err != nil || got.Relative != want.Relative || got.Offset != want.Offset || !got.At.Equal(want.At) || !got.Set {
			t.Errorf("parseBound(%q) = %+v, %v; want %+v", text, got, err, want)
		}
	}
	ago, err := parseBound("-1h")
	if since := time.Since(ago.At); err != nil || since < time.Hour || since > 2*time.Hour {
		t.Errorf("parseBound(-1h) = %+v, %v", ago, err)
	}
	for _, text := range []string{"", "90s", "+", "+x", "yesterday", "12:00", "2026-13-01"} {
		if got, err := parseBound(text); err == nil {
			t.Errorf("parseBound(%q) = %+v, want an error", text, got)
		}
	}
}

func TestAddrFlag(t *testing.T) {
	for _, text := range []string{"127.0.0.1:9092", ":0", "[::1]:9092", "master:9092"} {
		var a addrFlag
		if err := a.Set(text); err != nil || a.String() != text {
			t.Errorf("Set(%q): %v, %q", text, err, a)
		}
	}
	for text, hint := range map[string]string{"9092": "127.0.0.1:9092", "host": "not an address", "host:http": "not a port", "host:99999": "not a port", "::1:9": "not an address"} {
		var a addrFlag
		if err := a.Set(text); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("Set(%q): %v; want something about %q", text, err, hint)
		}
	}
}

// A release is more than its dialect: it says how lines are judged to the word.
func TestDialectFlag(t *testing.T) {
	for text, want := range map[string]string{"auto": "auto none", "v1.22": "v1.22 none", "1.22": "v1.22 none", "1.22.0": "v1.22 1.22.0", "v1.66": "v1.29 1.66.0"} {
		d := newDialectFlag()
		if err := d.Set(text); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		got := d.name + " none"
		if r, err := wire.ReceiverOf(d.release); err == nil {
			got = d.name + " " + r.Release.String()
		}
		if got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
