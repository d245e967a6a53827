package explain

import (
	"slices"

	"repltap/wire"
)

// suggested is the release by whose rules workers go if nobody says: of those
// that the traffic fits, the newest that still goes over TCP, if its workers take
// the rows. What is newer goes over Redis only, and is asked for by name.
func (s *survey) suggested() wire.Release {
	set := s.detector.Candidates()
	if set.Len() == 0 {
		set = s.detector.Side(wire.S2C)
	}
	best, least := wire.Eras()[0].First, -1
	for _, r := range s.releases() {
		receiver, err := wire.ReceiverOf(r)
		if err != nil || !set.Has(receiver.Dialect()) {
			continue
		}
		if bad := s.misfits(r); least < 0 || bad < least {
			best, least = r, bad
		}
	}
	return best
}

// releases are those with which something about the stream changed, or what
// receivers do, in the order in which they are tried: those over TCP, the newest
// first, and then the others, the oldest first.
func (s *survey) releases() []wire.Release {
	var all []wire.Release
	for _, e := range wire.Eras() {
		all = append(all, e.First)
	}
	if k := wire.StreamOf([]byte(s.question.Stream)); k != nil {
		all = append(all, k.Since)
		for i := range k.Shapes {
			all = append(all, k.Shapes[i].Since)
		}
	}
	slices.SortFunc(all, func(a, b wire.Release) int {
		switch {
		case a.OverRedis() != b.OverRedis():
			if a.OverRedis() {
				return 1
			}
			return -1
		case a.OverRedis():
			return int(a) - int(b)
		}
		return int(b) - int(a)
	})
	return slices.Compact(all)
}

// misfits counts the sample rows that a worker of a release does not take, as
// far as that is because of their shape.
func (s *survey) misfits(r wire.Release) (bad int) {
	f, err := wire.NewFollower(r, wire.FollowerConfig{})
	if err != nil {
		return len(s.samples) + 1
	}
	f.Connected(1, 0)
	positioned := map[string]bool{}
	for _, line := range s.samples {
		g := wire.GistOf(line)
		if !positioned[string(g.Instance)] && g.Form == wire.FormRdata4 {
			positioned[string(g.Instance)] = true
			text := before(&g)
			if r < firstPrev {
				text = before3(&g)
			}
			f.Receive(1, 0, wire.Piece{Kind: wire.PieceLine, Text: text})
			for _, id := range f.Fetching() {
				f.Fetched(id, nil, 0, false)
			}
		}
		for _, e := range f.Receive(1, 0, wire.Piece{Kind: wire.PieceLine, Text: line}) {
			switch {
			case e.Kind == wire.EffectDiscard && (e.Why == wire.ReasonBadRow || e.Why == wire.ReasonUnknownStream),
				e.Kind == wire.EffectClose, e.Kind == wire.EffectCrash, e.Kind == wire.EffectIgnored:
				bad++
			}
		}
	}
	return bad
}
