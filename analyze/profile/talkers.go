package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"repltap/wire"
)

// TalkerRow is one of those who fill the wire: a cache's function, a user, a room.
// A row that went to several workers counts for each.
type TalkerRow struct {
	Kind      string  `json:"kind" col:"of"`    // "stream" or "command"
	Topic     string  `json:"topic" col:"what"` // which one
	By        string  `json:"by" col:"by"`      // "function", "type", "tag", "user", "room", "server", "app", "group"
	Rank      int64   `json:"rank" col:"rank"`
	Name      string  `json:"name" col:"name"`
	Commands  int64   `json:"commands" col:"commands"`
	Bytes     int64   `json:"bytes" col:"bytes"`
	OfTopic   Percent `json:"of_topic_percent" col:"% of its bytes"`
	Share     Percent `json:"share_percent" col:"% of all bytes"`
	MoreCmds  int64   `json:"commands_error" col:"commands may be more by"` // 0: exact
	MoreBytes int64   `json:"bytes_error" col:"bytes by"`
}

// MaxTalkers is how many names are told of each aspect.
const MaxTalkers = 20

// talkers looks into rows, and into the commands that name somebody.
type talkers struct {
	names    *subjects
	naming   *naming
	streams  [maxSubjects]*talk
	commands [wire.NumCommands]*talk
	all      int64 // bytes of lines

	// Of the row that is being read.
	now  *talk
	size int
	each func(aspect, []byte)
}

// talk is what is known of one stream or command.
type talk struct {
	picks *rowPicks
	by    [numAspects]*sketch
	bytes int64
}

func newTalkers(names *subjects, naming *naming) *talkers {
	t := &talkers{names: names, naming: naming}
	t.each = t.count // once, since a method value is an allocation
	return t
}

// spoken are the commands that name somebody, with what their first argument is.
var spoken = [wire.NumCommands]aspect{
	wire.CmdUserIP: aspectUser, wire.CmdUserSync: aspectUser, wire.CmdRemoteServerUp: aspectServer, wire.CmdInvalidateCache: aspectFunction,
}

func (t *talkers) take(e *entry) {
	if !e.line() {
		return
	}
	t.all += int64(len(e.Data))
	g := &e.Gist
	if g.Row != nil {
		t.row(e)
	} else if a := spoken[g.Command]; a != noAspect {
		c := t.commands[g.Command]
		if c == nil {
			c = &talk{}
			t.commands[g.Command] = c
		}
		c.bytes += int64(len(e.Data))
		t.now, t.size = c, len(e.Data)
		if g.Command == wire.CmdUserSync {
			if s, ok := syncOf(e); ok {
				t.count(a, s.user)
			}
		} else if word := argument(e); len(word) > 0 {
			t.count(a, word)
		}
	}
}

func (t *talkers) row(e *entry) {
	s := t.streams[e.stream]
	if s == nil {
		s = &talk{picks: picksOf(e.Gist.Stream)}
		t.streams[e.stream] = s
	}
	s.bytes += int64(len(e.Data))
	if s.picks == nil {
		return
	}
	t.now, t.size = s, len(e.Data)
	s.picks.read(e.Gist.Row, t.each)
}

// count counts for one name.
func (t *talkers) count(a aspect, name []byte) {
	if a == aspectUser && len(name) > 0 && name[0] != '@' {
		a = aspectServer // streams about devices have a server's name for those of other servers
	}
	k := t.now.by[a]
	if k == nil {
		k = newSketch()
		t.now.by[a] = k
	}
	k.add(name, t.size)
}

// argument is a command's first one.
func argument(e *entry) []byte {
	rest := e.Data[:lineLength(e.Data)]
	if len(rest) <= len(e.Gist.Name) {
		return nil
	}
	rest = rest[len(e.Gist.Name)+1:]
	for i, c := range rest {
		if c == ' ' {
			return rest[:i]
		}
	}
	return rest
}

func (t *talkers) finish(p *Profile) {
	p.Talkers = []TalkerRow{}
	type topic struct {
		kind, name string
		*talk
	}
	var topics []topic
	for i, name := range t.names.names {
		if s := t.streams[i]; s != nil {
			topics = append(topics, topic{byStream, name, s})
		}
	}
	for c, s := range t.commands {
		if s != nil {
			topics = append(topics, topic{byCommand, commandName(wire.Command(c)), s})
		}
	}
	slices.SortFunc(topics, func(x, y topic) int {
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(x.name, y.name))
	})
	t.number(func(each func(*talk)) {
		for _, s := range topics {
			each(s.talk)
		}
	})
	var inexact []string
	for _, s := range topics {
		for a, k := range s.by {
			if k == nil {
				continue
			}
			if k.lost.commands > 0 {
				inexact = append(inexact, s.name+" by "+aspectNames[a])
			}
			for i, h := range k.top(MaxTalkers) {
				p.Talkers = append(p.Talkers, TalkerRow{
					Kind: s.kind, Topic: s.name, By: aspectNames[a], Rank: int64(i + 1), Name: t.naming.of(aspect(a), h.key),
					Commands: h.commands, Bytes: h.bytes, OfTopic: share(h.bytes, s.bytes), Share: share(h.bytes, t.all),
					MoreCmds: h.missed.commands, MoreBytes: h.missed.bytes,
				})
			}
		}
	}
	if len(inexact) > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("What fills the wire is counted for at most %d names at a time, and there were more of these: %s. "+
			"Their counts may be too low, by no more than what stands beside them.", maxKeys, strings.Join(inexact, ", ")))
	}
}

// number gives the users, rooms and groups their numbers: those who fill more of
// the wire, in all streams and commands together, come first.
func (t *talkers) number(topics func(func(*talk))) {
	for a := range numAspects {
		if !a.private() {
			continue
		}
		sum := map[string]int64{}
		topics(func(s *talk) {
			if k := s.by[a]; k != nil {
				for _, h := range k.top(MaxTalkers) {
					sum[h.key] += h.bytes
				}
			}
		})
		names := sortedKeys(sum)
		slices.SortStableFunc(names, func(x, y string) int { return cmp.Compare(sum[y], sum[x]) })
		for _, name := range names {
			t.naming.of(a, name)
		}
	}
}
