package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"repltap/replay"
)

// rateFlag is bytes a second: 100KiB/s. The /s may be left out.
type rateFlag int64

func (r *rateFlag) Type() string { return "rate" }

func (r *rateFlag) String() string {
	if *r == 0 {
		return ""
	}
	return sizeText(int64(*r)) + "/s"
}

func (r *rateFlag) Set(text string) error {
	n, err := parseSize(strings.TrimSuffix(text, "/s"))
	if err != nil || n <= 0 || n > math.MaxInt32 {
		return fmt.Errorf("%q is not a rate; write it like 100KiB/s", text)
	}
	*r = rateFlag(n)
	return nil
}

// faultFlag is times at which something is wrong for a while, as AT:FOR.
type faultFlag struct {
	kind replay.FaultKind
	list []replay.Fault
}

func (f *faultFlag) Type() string { return "AT:FOR" }

func (f *faultFlag) String() string {
	var texts []string
	for _, x := range f.list {
		texts = append(texts, durationText(x.At)+":"+durationText(x.For))
	}
	return strings.Join(texts, ",")
}

func (f *faultFlag) Set(text string) error {
	at, lasts, found := strings.Cut(text, ":")
	from, err := parseDuration(at)
	d, err2 := parseDuration(lasts)
	if !found || err != nil || err2 != nil || d == 0 {
		return fmt.Errorf("%q is not a time and how long; write it like 10s:5s, for 5 s from 10 s on", text)
	}
	f.list = append(f.list, replay.Fault{Kind: f.kind, At: time.Duration(from), For: d})
	return nil
}

// startFlag is tokens, as STREAM=TOKEN or STREAM/INSTANCE=TOKEN.
type startFlag []replay.StartToken

func (s *startFlag) Type() string { return "STREAM[/INSTANCE]=TOKEN" }

func (s *startFlag) String() string {
	var texts []string
	for _, x := range *s {
		name := x.Stream
		if name == "" {
			name = "*"
		}
		if x.Instance != "" {
			name += "/" + x.Instance
		}
		texts = append(texts, fmt.Sprintf("%s=%d", name, x.Token))
	}
	return strings.Join(texts, ",")
}

func (s *startFlag) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		name, token, _ := strings.Cut(part, "=")
		stream, instance, has := strings.Cut(name, "/")
		n, err := strconv.ParseInt(token, 10, 64)
		if err != nil || stream == "" || has && instance == "" || stream == "*" && has {
			return fmt.Errorf("%q is not a place in a stream; write it like events=4711, events/persister1=4711 or *=4711", part)
		}
		if stream == "*" {
			stream = ""
		}
		*s = append(*s, replay.StartToken{Stream: stream, Instance: instance, Token: n})
	}
	return nil
}
