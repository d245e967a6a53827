package main

import (
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"repltap/replay"
)

// registerReplay declares those filters that make sense for a replay.
func (f *filterFlags) registerReplay(fs *pflag.FlagSet) {
	all := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.register(all)
	for _, name := range []string{"from", "to", "conn", "worker", "stream"} {
		fs.AddFlag(all.Lookup(name))
	}
}

// settleLimit is more than a worker's time between two PINGs, 5 s, and what it needs to
// work off what it was sent.
const settleLimit = 7 * time.Second

// config makes of the flags what replay needs.
func (o *replayOptions) config() (cfg replay.MasterConfig, plan replay.PlanOptions, err error) {
	filter, err := o.filter.filter()
	if err != nil {
		return cfg, plan, err
	}
	plan = replay.PlanOptions{Filter: filter, SkipIdle: time.Duration(o.skipIdle), Release: o.dialect.one(), Worker: o.as.value == roleWorker}
	if plan.Until, _, err = tokenFlags("until-token", o.until, ""); err != nil {
		return cfg, plan, err
	}
	cfg = replay.MasterConfig{
		Speed: float64(o.speed), SkipIdle: time.Duration(o.skipIdle), Workers: o.workers, Wait: time.Duration(o.wait), Linger: time.Duration(o.linger), LagLimit: max(time.Duration(o.lagLimit), 1), // 0 means that it is not given

		Limits:  replay.Limits{HighWater: int(o.highWater), MaxQueue: o.maxQueue},
		Rewrite: replay.Rewrite{Server: o.server, Instance: o.instance},
		Link: replay.Link{
			Recorded: o.link.value == "recorded", Bandwidth: int64(o.bandwidth), Latency: time.Duration(o.latency),
			Buffer: int(o.linkBuffer),
		},
	}
	if !o.fs.Changed("linger") {
		cfg.Settle = settleLimit
	}
	if !o.fs.Changed("workers") {
		cfg.Workers = 0 // the verdict is about all that were recorded
	}
	if cfg.Rewrite.Tokens, cfg.Rewrite.Follow, err = tokenFlags("rebase", o.rebase, o.rebaseWord()); err != nil {
		return cfg, plan, err
	}
	switch {
	case o.workers < 1:
		return cfg, plan, usageErrorf("--workers must be at least 1")
	case o.maxQueue < 1:
		return cfg, plan, usageErrorf("--max-queue must be at least 1")
	case o.highWater < 1:
		return cfg, plan, usageErrorf("--high-water must be at least 1")
	case o.linkBuffer < 1:
		return cfg, plan, usageErrorf("--link-buffer must be at least 1")
	case strings.ContainsAny(o.server+o.instance, " \r\n"):
		return cfg, plan, usageErrorf("a name has no spaces in it")
	}
	for _, text := range o.stalls {
		s, err := parseStall(text)
		if err != nil {
			return cfg, plan, err
		}
		cfg.Link.Stalls = append(cfg.Link.Stalls, s)
	}
	return cfg, plan, nil
}

// tokenFlags reads STREAM=N, and a word that may stand there instead.
func tokenFlags(flag string, list []string, word string) (tokens map[string]int64, said bool, err error) {
	for _, text := range list {
		if word != "" && text == word {
			said = true
			continue
		}
		name, number, _ := strings.Cut(text, "=")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || name == "" {
			return nil, false, usageErrorf("--%s %q: write it like events=1234", flag, text)
		}
		if tokens == nil {
			tokens = map[string]int64{}
		}
		tokens[name] = n
	}
	return tokens, said, nil
}

// parseStall reads AT:FOR, and FOR@AT.
func parseStall(text string) (replay.Stall, error) {
	at, span, ok := strings.Cut(text, ":")
	if !ok {
		span, at, ok = strings.Cut(text, "@")
	}
	from, err1 := parseDuration(at)
	long, err2 := parseDuration(span)
	if !ok || err1 != nil || err2 != nil {
		return replay.Stall{}, usageErrorf("--stall %q: write it like 5s:10s, for ten seconds after the first five", text)
	}
	return replay.Stall{At: from, For: long}, nil
}
