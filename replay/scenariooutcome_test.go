package replay_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"repltap/wire"
)

// streamOutcome is what became of a stream at the worker.
type streamOutcome struct {
	taken                  []takenRow
	groups                 []string // "w2 6 r6a r6b": rows taken in at once
	fetches, queries, down int
	thrown                 []thrown
}

type takenRow struct {
	row     scenarioRow
	raw     string // of a row without a name
	fetched bool
}

type thrown struct {
	why   string
	count int
}

func (r *scenarioRun) stream(name string) *streamOutcome {
	if r.streams[name] == nil {
		r.streams[name] = &streamOutcome{}
	}
	return r.streams[name]
}

func (s *streamOutcome) asked(e wire.Effect) {
	s.fetches++
	if e.Query {
		s.queries++
	}
	if e.From > e.Token {
		s.down++
	}
}

func (s *streamOutcome) deliver(e wire.Effect) {
	begin := len(s.taken)
	defer func() { s.group(e, s.taken[begin:]) }()
	for _, row := range e.Rows {
		taken := takenRow{fetched: e.Fetched, raw: string(row)}
		if m := rowName.FindSubmatch(row); m != nil {
			token, _ := strconv.ParseInt(string(m[1]), 10, 64)
			taken.row, taken.raw = scenarioRow{token, string(m[2])}, ""
		}
		s.taken = append(s.taken, taken)
	}
}

// group notes which rows share a token. Most have one of their own.
func (s *streamOutcome) group(e wire.Effect, taken []takenRow) {
	var rows []scenarioRow
	for _, t := range taken {
		rows = append(rows, t.row)
	}
	if len(s.groups) < 100 {
		s.groups = append(s.groups, strings.TrimSpace(fmt.Sprintf("%s %d %s", e.Instance, e.Token, named(rows))))
	}
}

func (s *streamOutcome) throw(why string, n int) {
	i := slices.IndexFunc(s.thrown, func(t thrown) bool { return t.why == why })
	if i < 0 {
		i = len(s.thrown)
		s.thrown = append(s.thrown, thrown{why: why})
	}
	s.thrown[i].count += n
}

// took is what was taken in, in order: "fetched r1..r4, live r5".
func (s *streamOutcome) took() string {
	var out []string
	for i := 0; i < len(s.taken); {
		first := s.taken[i]
		var rows []scenarioRow
		for ; i < len(s.taken) && s.taken[i].fetched == first.fetched && s.taken[i].raw == first.raw; i++ {
			rows = append(rows, s.taken[i].row)
		}
		text := named(rows)
		if first.raw != "" {
			text = strings.Repeat(first.raw, len(rows))
		}
		out = append(out, map[bool]string{true: "fetched ", false: "live "}[first.fetched]+text)
	}
	return list(out)
}

func list(of []string) string {
	if len(of) == 0 {
		return "nothing"
	}
	return strings.Join(of, ", ")
}

// measure is the value of an expectation: what the key asks for.
func (r *scenarioRun) measure(key string) (string, error) {
	f := strings.Fields(key)
	switch key {
	case "connection":
		return r.connection(), nil
	case "connections":
		return strconv.Itoa(r.count("open")), nil
	case "waits":
		return r.waited(), nil
	case "answers":
		return list(r.answers()), nil
	case "findings":
		return list(r.findings()), nil
	case "lines sent":
		return strconv.Itoa(len(r.sent(wire.S2C))), nil
	case "over Redis":
		return r.overRedis(), nil
	case "rows lost":
		return strconv.Itoa(r.rowsLost), nil
	case "rounds failed":
		return strconv.Itoa(r.failed), nil
	}
	if len(f) < 2 || r.worker == nil || wire.StreamOf([]byte(f[0])) == nil {
		return "", fmt.Errorf("there is no measure %q", key)
	}
	s := r.stream(f[0])
	switch f[1] {
	case "at":
		writer := "master"
		if len(f) == 4 {
			writer = f[3]
		}
		return strconv.FormatInt(r.worker.Token(f[0], writer), 10), nil
	case "taken":
		return s.took(), nil
	case "groups":
		return list(s.groups), nil
	case "fetches":
		return strconv.Itoa(s.fetches), nil
	case "queries":
		if s.down > 0 {
			return fmt.Sprintf("%d, %d downward", s.queries, s.down), nil
		}
		return strconv.Itoa(s.queries), nil
	case "discarded":
		var out []string
		for _, t := range s.thrown {
			out = append(out, fmt.Sprintf("%d %s", t.count, t.why))
		}
		return list(out), nil
	}
	return "", fmt.Errorf("there is no measure %q", key)
}

func (r *scenarioRun) connection() string {
	if r.open[r.conn] {
		return "open"
	}
	if len(r.ends) == 0 {
		return "none"
	}
	return r.ends[len(r.ends)-1]
}

func (r *scenarioRun) count(event string) (n int) {
	for _, e := range r.wire {
		if e.event == event {
			n++
		}
	}
	return n
}

// overRedis is what the release does with what the worker said last, as a
// message.
func (r *scenarioRun) overRedis() string {
	var last []byte
	for _, e := range r.wire {
		if e.dir == wire.C2S {
			last = e.text
		}
	}
	piece := wire.Piece{Kind: wire.PieceLine, Text: bytes.TrimSuffix(last, []byte{'\n'})}
	v := mustReceiver(r.release).Judge(wire.NoDirection, piece, nil)
	return strings.TrimSpace(v.Action.String() + " " + v.Code)
}

// waited is how long the worker waited each time, with repetitions counted.
func (r *scenarioRun) waited() string {
	var out []string
	for i := 0; i < len(r.waits); {
		j := i
		for j < len(r.waits) && r.waits[j] == r.waits[i] {
			j++
		}
		text := strconv.FormatFloat(float64(r.waits[i].Round(10*time.Millisecond)/time.Millisecond)/1000, 'f', -1, 64) + " s"
		if j-i > 1 {
			text = fmt.Sprintf("%d × %s", j-i, text)
		}
		out = append(out, text)
		i = j
	}
	return list(out)
}

// ordinary are the commands that begin a conversation or keep it alive.
var ordinary = map[wire.Command]bool{wire.CmdServer: true, wire.CmdPing: true, wire.CmdName: true, wire.CmdReplicate: true}

// answers are the lines that the worker wrote beyond those, of two that are the
// same one.
func (r *scenarioRun) answers() (out []string) {
	for _, e := range r.wire {
		if e.dir == wire.C2S && !ordinary[wire.CommandOf(e.text)] {
			if line := abbreviated(string(bytes.TrimSuffix(e.text, []byte{'\n'}))); !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}

func abbreviated(line string) string {
	if len(line) > 200 {
		return line[:100] + "…"
	}
	return line
}

// sent is what one side sent beyond the ordinary, on the last connection.
func (r *scenarioRun) sent(dir wire.Direction) (out []string) {
	for _, e := range r.wire {
		if e.dir == dir && e.conn == r.conn && !ordinary[wire.CommandOf(e.text)] {
			out = append(out, string(e.text))
		}
	}
	return out
}

// findings are the codes that a tap of the release's dialect tells of, and how
// often.
func (r *scenarioRun) findings() (out []string) {
	var codes []string
	times := map[string]int{}
	note := func(found []wire.Finding) {
		for _, f := range found {
			if times[f.Code]++; times[f.Code] == 1 {
				codes = append(codes, f.Code)
			}
		}
	}
	set := mustReceiver(r.release).Dialect().Set()
	for conn := 1; conn <= max(r.conn, r.other); conn++ {
		c := wire.NewConversation(set.Releases())
		var split [3]wire.Splitter
		last := scenarioBegan
		for _, e := range r.wire {
			if e.conn != conn || e.event != "" {
				continue
			}
			for piece := range split[e.dir].Split(e.text) {
				note(c.Observe(e.at, e.dir, piece, nil))
			}
			last = e.at
		}
		note(c.End(last))
	}
	for _, code := range codes {
		if times[code] > 1 {
			code = fmt.Sprintf("%d × %s", times[code], code)
		}
		out = append(out, code)
	}
	return out
}

// outcome is all that can be measured, for telling two runs apart.
func (r *scenarioRun) outcome() string {
	var b strings.Builder
	for _, key := range []string{"connection", "connections", "waits", "answers", "findings", "rows lost", "rounds failed"} {
		value, _ := r.measure(key)
		fmt.Fprintf(&b, "%s: %s\n", key, value)
	}
	for _, s := range slices.Sorted(keys(r.streams)) {
		for _, what := range []string{" at", " taken", " groups", " discarded", " queries", " fetches"} {
			if value, err := r.measure(s + what); err == nil {
				fmt.Fprintf(&b, "%s%s: %s\n", s, what, value)
			}
		}
	}
	if r.worker == nil {
		for _, line := range r.sent(wire.S2C) {
			b.WriteString("S> " + abbreviated(line))
		}
	}
	return b.String()
}
