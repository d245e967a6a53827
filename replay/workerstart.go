package replay

import (
	"fmt"
	"maps"
	"slices"

	"repltap/wire"
)

// genericStreams are what a generic worker of 1.12 asks for, in its order. One
// of an earlier release asks for those that there were.
var genericStreams = []string{"caches", "presence", "public_rooms", "events", "backfill", "pushers", "tag_account_data", "groups",
	"push_rules", "receipts", "device_lists", "user_signature", "to_device", "account_data", "typing"}

// beginsAtZero reports whether a new process begins at 0 in a stream, since no
// database has its tokens. That of federation senders has where they stood.
func beginsAtZero(name string) bool {
	return wire.StreamOf([]byte(name)).Tokens&wire.TokensInMemory != 0 && name != "federation"
}

func hasStream(r wire.Release, name string) bool {
	s := wire.StreamOf([]byte(name))
	return s != nil && s.In().Has(r)
}

// isUnlimited reports whether up to 1.12 a worker may be behind by any number.
func isUnlimited(name string) bool {
	s := wire.StreamOf([]byte(name))
	return s != nil && s.Unlimited
}

// askedStreams are what a worker of a release asks for.
func askedStreams(c *WorkerConfig, r wire.Release) []string {
	names := c.Streams
	if names == nil {
		names = genericStreams
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !hasStream(r, name) })
}

// startStreams is where a worker stands before anything was received.
func startStreams(c *WorkerConfig) ([]wire.FollowedStream, error) {
	named := slices.Clone(c.Streams)
	for _, s := range c.Start {
		if s.Stream != "" {
			named = append(named, s.Stream)
		}
	}
	for _, name := range named {
		if wire.StreamOf([]byte(name)) == nil || !c.Adapt && !hasStream(c.Release, name) {
			return nil, fmt.Errorf("Synapse %s has no stream %q", c.Release, name)
		}
	}
	var list []wire.FollowedStream
	for _, name := range askedStreams(c, c.Release) {
		list = append(list, startOf(c, name))
	}
	for _, name := range named {
		if hasStream(c.Release, name) && !follows(list, name) && !c.Release.Subscribes() {
			list = append(list, startOf(c, name))
		}
	}
	return list, nil
}

func follows(list []wire.FollowedStream, name string) bool {
	return slices.ContainsFunc(list, func(s wire.FollowedStream) bool { return s.Name == name })
}

// startOf is where a worker stands in one stream.
func startOf(c *WorkerConfig, name string) wire.FollowedStream {
	f := wire.FollowedStream{Name: name, Token: startOfAll(c.Start), Tokens: map[string]int64{}}
	for _, s := range c.Start {
		switch {
		case s.Stream != name:
		case s.Instance == "":
			f.Token = s.Token
		default:
			f.Tokens[s.Instance] = s.Token
		}
	}
	return f
}

// startOfAll is where it stands in streams that are not named.
func startOfAll(starts []StartToken) (token int64) {
	for _, s := range starts {
		if s.Stream == "" {
			token = s.Token
		}
	}
	return token
}

// carriedStreams is where the next follower begins: where the last one stood.
func carriedStreams(c *WorkerConfig, last *wire.Follower, r wire.Release, another bool) []wire.FollowedStream {
	list := []wire.FollowedStream{}
	add := func(name string) {
		f := startOf(c, name)
		if hasStream(last.Release(), name) {
			f.Token, f.Tokens = last.Tokens(name)
		}
		if another && beginsAtZero(name) {
			f.Token, f.Tokens = 0, nil
		}
		list = append(list, f)
	}
	for _, name := range askedStreams(c, r) {
		add(name)
	}
	if r.Subscribes() {
		return list
	}
	for _, name := range slices.Sorted(maps.Keys(overHTTP)) {
		if hasStream(r, name) && !follows(list, name) {
			add(name)
		}
	}
	for _, name := range last.Streams() {
		if hasStream(r, name) && !follows(list, name) {
			add(name)
		}
	}
	return list
}

// Check says what a worker can't begin with.
func (c *WorkerConfig) Check() error {
	_, err := startStreams(c)
	return err
}
