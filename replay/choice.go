package replay

import (
	"fmt"
	"slices"
	"strings"

	"repltap/wire"
)

// choose takes the connections on which replication was spoken.
func (p *Plan) choose(conns []*Recorded) error {
	f := &p.options.Filter
	for _, n := range f.Conns {
		if !slices.ContainsFunc(conns, func(r *Recorded) bool { return r.Conn == n }) {
			return fmt.Errorf("there is no connection %d in the journal", n)
		}
	}
	for _, name := range f.Workers {
		if !slices.ContainsFunc(conns, func(r *Recorded) bool { return r.Worker == name }) {
			return fmt.Errorf("there is no worker %q in the journal%s", name, namesOf(conns))
		}
	}
	var s2c, c2s int64
	for _, r := range conns {
		if len(f.Conns) > 0 && !slices.Contains(f.Conns, r.Conn) || len(f.Workers) > 0 && !slices.Contains(f.Workers, r.Worker) {
			continue
		}
		s2c, c2s = s2c+r.Lines[wire.S2C], c2s+r.Lines[wire.C2S]
		if r.Lines[wire.S2C] > 0 && r.Lines[wire.C2S] > 0 {
			p.Conns = append(p.Conns, r)
			p.Gaps += r.Gaps
			if r.asked && (p.first == nil || r.askedAt < p.first.askedAt) {
				p.first = r
			}
			continue
		}
		p.oneSided = append(p.oneSided, r.Conn)
	}
	switch {
	case len(p.Conns) > 0:
		return nil
	case s2c == 0 && c2s == 0:
		return fmt.Errorf("there is nothing in the journal that could be replayed")
	case s2c == 0 && p.options.Worker:
		return fmt.Errorf("the journal has only what workers sent: without what the master said to that it can't be told whether the same happens again")
	case c2s == 0 && p.options.Worker:
		return fmt.Errorf("the journal has only what the master sent: what the workers sent is what a replay of them needs")
	case s2c == 0:
		return fmt.Errorf("the journal has only what workers sent: what the master sent is what a replay needs")
	case c2s == 0:
		return fmt.Errorf("the journal has only what the master sent: without what the workers asked for it can't be told what answered them")
	}
	return fmt.Errorf("on no connection of the journal both sides said something")
}

// namesOf lists workers, for an error.
func namesOf(conns []*Recorded) string {
	var names []string
	for _, r := range conns {
		if r.Worker != "" && !slices.Contains(names, r.Worker) && len(names) < 10 {
			names = append(names, r.Worker)
		}
	}
	if names == nil {
		return ""
	}
	return "; there are " + strings.Join(names, ", ")
}

// decide finds the release to play: what was asked for, else what the journal says.
func (p *Plan) decide(conns []*Recorded) error {
	instances := map[string]int64{}
	for _, r := range p.Conns {
		if p.Server == "" {
			p.Server = r.Server
		}
		for name, n := range r.instances {
			instances[name] += n
		}
	}
	for name, n := range instances {
		if best := instances[p.Instance]; n > best || n == best && name < p.Instance {
			p.Instance = name
		}
	}
	if p.Instance == "" {
		p.Instance = "master"
	}
	p.Choice = releaseOf(p.Conns, conns)
	switch p.Release = p.options.Release; {
	case p.Release != 0:
		if p.Release.OverRedis() {
			return fmt.Errorf("Synapse %s has replication over Redis only; over TCP the last was %s", p.Release, LastTCPRelease)
		}
		return nil
	case p.Choice.Conflict != "":
		return p.mixed()
	}
	return p.decideFrom(p.Choice)
}

// releaseOf is the release of some connections of a journal.
func releaseOf(of, all []*Recorded) wire.Choice {
	var these, beside []*wire.Detector
	for _, r := range all {
		if slices.Contains(of, r) {
			these = append(these, &r.detector)
		} else {
			beside = append(beside, &r.detector)
		}
	}
	return wire.Choose(these, beside)
}

// mixed says why no release fits all that was said.
func (p *Plan) mixed() error {
	for _, r := range p.Conns {
		why := r.detector.Conflict()
		switch {
		case why == "":
		case len(p.Conns) == 1:
			return fmt.Errorf("no one release fits what was said on connection %d: %s; say which dialect to play", r.Conn, why)
		default:
			return fmt.Errorf("no one release fits what was said on connection %d: %s; choose other connections, or say which dialect to play", r.Conn, why)
		}
	}
	return fmt.Errorf("the connections speak dialects that don't go together (%s): choose one connection, or say which dialect to play", dialectsOf(p.Conns))
}

// dialectsOf lists what connections speak, for an error.
func dialectsOf(conns []*Recorded) string {
	var list []string
	for _, r := range conns {
		if len(list) == 6 {
			list = append(list, "…")
			break
		}
		list = append(list, fmt.Sprintf("%d: %s", r.Conn, r.detector.Candidates()))
	}
	return strings.Join(list, ", ")
}

func (p *Plan) decideFrom(c wire.Choice) error {
	if p.Release = c.Play; p.Release.OverRedis() {
		return fmt.Errorf("the release of this journal (%s) talks over Redis only: it can't be replayed over TCP", c.Releases)
	}
	if c.Releases.First().Subscribes() != p.Release.Subscribes() {
		return fmt.Errorf("it can't be told from the journal of which release it is (%s): say which dialect to play", c.Releases)
	}
	return nil
}
