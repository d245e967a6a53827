package replay

import (
	"bytes"
	"strconv"

	"repltap/wire"
)

// Rewrite is what differs between the recorded installation and the one that the
// workers are of.
type Rewrite struct {
	Server   string           // the server's name; "" as recorded
	Instance string           // the writer's; "" as recorded
	Tokens   map[string]int64 // where streams stand at the beginning, instead of where they did
	// Follow moves each stream to where the first worker that asks for it stands.
	// Only up to 1.12 do workers say that.
	Follow bool
}

// rewriter moves tokens and names.
type rewriter struct {
	Rewrite
	server, instance string
	renamed          bool
	begin            map[string]int64 // where streams stood
	shifts           map[string]int64
	absent           map[string]bool // streams that the master had, and of which nothing is known
}

func newRewriter(w Rewrite, p *Plan) rewriter {
	r := rewriter{Rewrite: w, server: w.Server, instance: w.Instance, begin: map[string]int64{}, shifts: map[string]int64{}}
	if r.server == "" {
		r.server = p.Server
	}
	if r.instance == "" {
		r.instance = p.Instance
	}
	r.renamed = r.instance != p.Instance && !p.Subscribes()
	for _, s := range p.Streams {
		r.begin[s.Name] = s.Token
		if to, ok := w.Tokens[s.Name]; ok {
			r.shifts[s.Name] = to - s.Token
		}
	}
	return r
}

// shift is what is added to a stream's recorded tokens.
func (r *rewriter) shift(stream string) int64 { return r.shifts[stream] }

// others are the streams that a master up to 1.12 has, and that no worker asked for
// in what is replayed. Today's may do so: it is told that nothing was written.
func (r *rewriter) others(p *Plan) (list []StreamStart) {
	f, err := wire.NewFollower(p.Release, wire.FollowerConfig{})
	if err != nil || !p.Subscribes() {
		return nil
	}
	r.absent = map[string]bool{}
	for _, name := range f.Streams() {
		if _, known := r.begin[name]; !known {
			r.absent[name] = true
			list = append(list, StreamStart{Name: name})
		}
	}
	return list
}

// asked is told of each REPLICATE, with the stream and token that it had up to 1.12.
func (r *rewriter) asked(s *Streamer, now int64, g *wire.Gist, begun bool) {
	name := string(g.Stream)
	if r.absent[name] && g.HasToken {
		s.Move(now, name, g.Token, nil)
	}
	start, known := r.begin[name]
	if !r.Follow || begun || !known || !g.HasToken {
		return
	}
	if _, moved := r.shifts[name]; !moved {
		r.shifts[name] = g.Token - start
		s.Move(now, name, g.Token, nil)
	}
}

// rowLine is an act's row as it is to be sent: the recorded bytes, unless they
// have to be others.
func (r *rewriter) rowLine(s *Streamer, a *Act) []byte {
	if !r.renamed && r.shifts[a.Stream] == 0 {
		return a.Line
	}
	return s.rowLine(a.Stream, Row{Token: a.Token + r.shifts[a.Stream], JSON: a.JSON}, a.Batch)
}

func (r *rewriter) positionLine(s *Streamer, a *Act) []byte {
	shift := r.shifts[a.Stream]
	if !r.renamed && shift == 0 {
		return a.Line
	}
	prev := a.Prev
	if text := a.Line; s.has&traitPositionPrev != 0 {
		// What the line says; where it was seen to stand may be something else.
		if f := bytes.Fields(text); len(f) == 5 {
			if n, err := strconv.ParseInt(string(f[3]), 10, 64); err == nil {
				prev = n
			}
		}
	}
	return s.positionLine(a.Stream, prev+shift, a.Token+shift)
}

func trimLine(b []byte) []byte { return bytes.Trim(b, " \r\n") }
