package main

import (
	"slices"
	"strings"

	"repltap/wire"
)

// judgeOf is one of those who judge: a receiver, and the releases for which it
// stands.
type judgeOf struct {
	receiver wire.Receiver
	era      wire.Era
	name     string // of the releases, where they are no era
	redis    bool   // the line is a message
}

// receiverFlag is who judges: every release, a dialect or one release.
type receiverFlag struct {
	name string
	one  *judgeOf // nil: every release
}

func (r *receiverFlag) String() string { return r.name }
func (r *receiverFlag) Type() string   { return "dialect" }
func (r *receiverFlag) every() bool    { return r.one == nil }

// Set takes "auto", a dialect's name or a release. 1.22 names a dialect, 1.22.0
// a release.
func (r *receiverFlag) Set(text string) error {
	if text == "auto" {
		*r = receiverFlag{name: text}
		return nil
	}
	d, err := wire.ParseDialect(text)
	if err != nil {
		return err
	}
	one := &judgeOf{receiver: d.Receiver(), name: d.Releases()}
	if name := d.String(); text != name && "v"+text != name {
		release, err := wire.ParseRelease(text)
		if err != nil {
			return err
		}
		if one.receiver, err = wire.ReceiverOf(release); err != nil {
			return err
		}
		one.name = release.String()
	}
	*r = receiverFlag{name: text, one: one}
	return nil
}

// judges lists who judges. A direction means TCP, which leaves out releases
// that have none unless one was asked for.
func (r *receiverFlag) judges(dir wire.Direction) []judgeOf {
	if r.one != nil {
		one := *r.one
		one.redis = dir == wire.NoDirection && one.receiver.Release.OverRedis()
		return []judgeOf{one}
	}
	var all []judgeOf
	for _, e := range wire.Eras() {
		if !e.Redis || dir == wire.NoDirection {
			all = append(all, judgeOf{receiver: e.Receiver, era: e, redis: e.Redis})
		}
	}
	return all
}

// judgment is a verdict and the releases that give it.
type judgment struct {
	era     wire.Era
	name    string
	verdict wire.Verdict
}

// releases names them.
func (j *judgment) releases() string {
	if j.name != "" {
		return j.name
	}
	return j.era.String()
}

// checked is what came of one line.
type checked struct {
	number    int64
	text      []byte // without the newline
	length    int64  // with it
	command   wire.Command
	direction wire.Direction // NoDirection: either, neither, or Redis
	judgments []judgment
	findings  []wire.Finding
}

// verdict is what all receivers do, "" when they differ.
func (k *checked) verdict() string {
	first := k.judgments[0].verdict.Action
	for _, j := range k.judgments {
		if j.verdict.Action != first {
			return ""
		}
	}
	return first.String()
}

// wrong says whether something about the line is wrong, not merely unusual.
func (k *checked) wrong() bool {
	return slices.ContainsFunc(k.findings, func(f wire.Finding) bool {
		return strings.HasPrefix(f.Code, "E-") || f.Verdict != wire.ActAccept.String() && f.Verdict != wire.ActIgnore.String()
	})
}

// lineJudge judges line after line.
type lineJudge struct {
	judges    []judgeOf
	direction wire.Direction
	takes     []bool // by judge: all lines so far that anybody takes
	parsed    wire.Parsed
	verdicts  []wire.Verdict // by judge, of the line at hand
	lenient   []wire.Leniency
	checked   checked
	whole     []byte // a copy with a newline, for a line that lacks it
}

func newLineJudge(judges []judgeOf, dir wire.Direction) *lineJudge {
	return &lineJudge{
		judges: judges, direction: dir,
		takes:    slices.Repeat([]bool{true}, len(judges)),
		verdicts: make([]wire.Verdict, len(judges)),
	}
}

// line judges one line, of which at most maxCheckedLine bytes are given. The
// result is valid until the next call.
func (l *lineJudge) line(number int64, line []byte, length int64) *checked {
	terminated := len(line) > 0 && line[len(line)-1] == '\n' && int64(len(line)) == length
	if !terminated {
		l.whole = append(append(l.whole[:0], line...), '\n')
		line = l.whole
	}
	text := line[:len(line)-1]
	command := wire.CommandOf(line)
	l.checked = checked{
		number: number, text: text, length: length, command: command, direction: l.way(command),
		judgments: l.checked.judgments[:0], findings: l.checked.findings[:0],
	}
	l.each(line)
	l.group()
	l.find()
	return &l.checked
}

// way is the direction in which a command may come, NoDirection if it may come
// either way or not at all.
func (l *lineJudge) way(c wire.Command) wire.Direction {
	if l.direction != wire.NoDirection {
		return l.direction
	}
	s2c, c2s := false, false
	for i := range l.judges {
		d := l.judges[i].receiver.Dialect()
		s2c = s2c || !l.judges[i].redis && d.Allows(c, wire.S2C)
		c2s = c2s || !l.judges[i].redis && d.Allows(c, wire.C2S)
	}
	switch {
	case s2c && !c2s:
		return wire.S2C
	case c2s && !s2c:
		return wire.C2S
	}
	return wire.NoDirection
}

// each takes the verdict of everybody, and which leniencies all of those have
// in common that accept the line.
func (l *lineJudge) each(line []byte) {
	piece := wire.Piece{Kind: wire.PieceLine, Text: line}
	if len(line) > wire.MaxLine+1 {
		piece = wire.Piece{Kind: wire.PieceFragment, Text: line[:wire.MaxLine], Over: true}
	}
	dir := l.checked.direction
	if dir == wire.NoDirection {
		dir = wire.S2C // either way is the same
	}
	first := true
	for i := range l.judges {
		j := &l.judges[i]
		v := &l.verdicts[i]
		if i > 0 && l.same(i) {
			*v = l.verdicts[i-1]
			continue
		}
		switch {
		case j.redis && l.checked.length > maxCheckedLine:
			*v = wire.Verdict{Action: wire.ActLog, Code: wire.CodeTooLong, Detail: "the line is longer than 16 MiB and was not judged as a message"}
		case j.redis:
			*v = j.receiver.Judge(wire.NoDirection, wire.Piece{Text: l.checked.text}, &l.parsed)
		default:
			*v = j.receiver.Judge(dir, piece, &l.parsed)
		}
		if v.Action != wire.ActAccept {
			continue
		}
		if first {
			l.lenient, first = append(l.lenient[:0], l.parsed.Lenient...), false
			continue
		}
		l.lenient = slices.DeleteFunc(l.lenient, func(x wire.Leniency) bool { return !slices.Contains(l.parsed.Lenient, x) })
	}
	if first {
		l.lenient = l.lenient[:0]
	}
}

// same says whether judge i need not be asked after the one before it, which
// was: it does the same, and there are no leniencies about which it may differ.
func (l *lineJudge) same(i int) bool {
	j, before := &l.judges[i], &l.judges[i-1]
	return j.redis == before.redis && j.receiver.Same(before.receiver, l.checked.command) &&
		(l.verdicts[i-1].Action != wire.ActAccept || len(l.lenient) == 0)
}

// group puts neighbours of one verdict together.
func (l *lineJudge) group() {
	k := &l.checked
	for i := range l.judges {
		if n := len(k.judgments); n > 0 && k.judgments[n-1].verdict == l.verdicts[i] {
			k.judgments[n-1].era = k.judgments[n-1].era.Join(l.judges[i].era)
			continue
		}
		k.judgments = append(k.judgments, judgment{l.judges[i].era, l.judges[i].name, l.verdicts[i]})
	}
}

// find says what is odd about the line, by itself and after those before it.
func (l *lineJudge) find() {
	k := &l.checked
	if k.number == 1 && k.command == wire.CmdUnknown {
		if what, ok := wire.Sniff(k.text); ok {
			k.findings = append(k.findings, finding(&k.judgments[0].verdict, wire.CodeNotReplication, what))
		}
	}
	both, any := false, false
	for i, v := range l.verdicts {
		takes := v.Action <= wire.ActIgnore
		any = any || takes
		both = both || takes && l.takes[i]
	}
	switch {
	case !any:
		for i := range k.judgments {
			v := &k.judgments[i].verdict
			k.findings = append(k.findings, finding(v, v.Code, v.Detail))
		}
	case isBlankLine(l.verdicts):
		v := &l.verdicts[l.newest()]
		k.findings = append(k.findings, finding(v, v.Code, v.Detail))
	case !both:
		v := &l.verdicts[l.newest()]
		k.findings = append(k.findings, finding(v, v.Code, v.Detail+"; the lines before it are those of "+l.accepting()))
	default:
		for i, v := range l.verdicts {
			l.takes[i] = l.takes[i] && v.Action <= wire.ActIgnore
		}
	}
	for _, x := range l.lenient {
		k.findings = append(k.findings, wire.Finding{Code: x.Code(), Detail: x.String(), Verdict: wire.ActAccept.String()})
	}
}

// isBlankLine says whether somebody takes the line for a blank one, which says
// nothing about who speaks.
func isBlankLine(verdicts []wire.Verdict) bool {
	return slices.ContainsFunc(verdicts, func(v wire.Verdict) bool { return v.Code == wire.CodeBlank })
}

// newest is the newest of those who accept the lines before this one; of these
// the newest that takes this one too, if there is any.
func (l *lineJudge) newest() int {
	best := -1
	for i, v := range l.verdicts {
		if l.takes[i] && (best < 0 || v.Action <= wire.ActIgnore || l.verdicts[best].Action > wire.ActIgnore) {
			best = i
		}
	}
	return best
}

func finding(v *wire.Verdict, code, detail string) wire.Finding {
	return wire.Finding{Code: code, Detail: detail, Verdict: v.Action.String(), Reply: v.Reply}
}

// accepting names the releases that accept all lines that anybody accepts.
func (l *lineJudge) accepting() string {
	var names []string
	for i := 0; i < len(l.judges); i++ {
		if !l.takes[i] {
			continue
		}
		era := l.judges[i].era
		for i+1 < len(l.judges) && l.takes[i+1] {
			i++
			era = era.Join(l.judges[i].era)
		}
		names = append(names, (&judgment{era: era, name: l.judges[i].name}).releases())
	}
	return strings.Join(names, ", ")
}
