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
	releases wire.ReleaseSet // that the receiver stands for
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
	one := &judgeOf{receiver: d.Receiver(), releases: d.Set().Releases(), name: d.Releases()}
	if name := d.String(); text != name && "v"+text != name {
		release, err := wire.ParseRelease(text)
		if err != nil {
			return err
		}
		if one.receiver, err = wire.ReceiverOf(release); err != nil {
			return err
		}
		one.releases, one.name = release.Set(), release.String()
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
	untold    int  // what is odd besides, as it was on many lines before
	end       bool // it is no line, but what is odd about all of them
}

// odd reports whether there is something to say about the line.
func (k *checked) odd() bool { return len(k.findings)+k.untold > 0 }

// verdict is what all receivers do, "" when they differ.
func (k *checked) verdict() string {
	if k.end {
		return ""
	}
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
	if len(k.judgments) == 1 && k.judgments[0].verdict.Action > wire.ActIgnore {
		return true
	}
	return slices.ContainsFunc(k.findings, func(f wire.Finding) bool {
		switch f.Verdict {
		case "", wire.ActAccept.String(), wire.ActIgnore.String():
			return strings.HasPrefix(f.Code, "E-")
		}
		return true
	})
}

// lineJudge judges line after line. The lines are those of a conversation, as if
// they had been recorded: by one receiver it is judged as log has it.
type lineJudge struct {
	talk      *wire.Conversation
	split     [wire.C2S + 1]wire.Splitter
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
	of := wire.AllReleases
	if len(judges) == 1 {
		of = judges[0].releases
	}
	return &lineJudge{
		judges: judges, direction: dir, talk: wire.NewConversation(of),
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
	if found, verdict := l.follow(line); len(l.judges) == 1 {
		l.verdicts[0], l.checked.findings = verdict, append(l.checked.findings, found...)
		l.group()
	} else {
		l.each(line)
		l.group()
		l.find()
		l.context(found)
	}
	return &l.checked
}

// follow takes the line in as part of the conversation.
func (l *lineJudge) follow(line []byte) (found []wire.Finding, verdict wire.Verdict) {
	l.checked.untold = 0
	dir, whole := l.tcp(), wire.Piece{Kind: wire.PieceLine, Text: line, New: len(line)}
	if len(l.judges) == 1 && l.judges[0].redis {
		if l.checked.length > maxCheckedLine {
			return []wire.Finding{finding(&hugeMessage, hugeMessage.Code, hugeMessage.Detail)}, hugeMessage
		}
		l.observe(wire.NoDirection, whole, &found, &verdict)
		return found, verdict
	}
	for piece := range l.split[dir].Split(line) {
		l.observe(dir, piece, &found, &verdict)
	}
	return found, verdict
}

// hugeMessage is for what is too long to be held.
var hugeMessage = wire.Verdict{Action: wire.ActLog, Code: wire.CodeTooLong, Detail: "the line is longer than 16 MiB and was not judged as a message"}

// lineTime is when all lines come, so that none comes late: some time of today's.
const lineTime = 1 << 60

func (l *lineJudge) observe(dir wire.Direction, piece wire.Piece, found *[]wire.Finding, verdict *wire.Verdict) {
	*found = append(*found, l.talk.Observe(lineTime, dir, piece, nil)...)
	l.checked.untold += len(l.talk.Untold())
	if verdict.Action != wire.ActAccept {
		return
	}
	*verdict = l.talk.Verdict()
	for _, f := range *found {
		if f.Code == verdict.Code {
			verdict.Detail = f.Detail
		}
	}
	if verdict.Code != "" && verdict.Detail == "" {
		verdict.Detail = "as before"
	}
}

// tcp is the direction of the line, where either way is the same.
func (l *lineJudge) tcp() wire.Direction {
	if l.checked.direction == wire.NoDirection {
		return wire.S2C
	}
	return l.checked.direction
}

// context adds what is odd about the line after those before it, where every
// release judges it by itself.
func (l *lineJudge) context(found []wire.Finding) {
	k := &l.checked
	for _, f := range found {
		switch {
		case strings.HasPrefix(f.Code, "E-"), f.Code == wire.CodeOneSideMixed, f.Code == wire.CodeUnknownStream, f.Code == wire.CodeRowShape:
		case slices.ContainsFunc(k.findings, func(have wire.Finding) bool { return have.Code == f.Code }):
		case slices.ContainsFunc(k.judgments, func(j judgment) bool { return j.verdict.Code == f.Code }):
		default:
			k.findings = append(k.findings, f)
		}
	}
}

// end is what is odd about all lines together, nil when nothing is.
func (l *lineJudge) end() *checked {
	found := l.talk.End(lineTime)
	if len(found) == 0 {
		return nil
	}
	return &checked{findings: found, end: true}
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
	dir := l.tcp()
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
			*v = hugeMessage
		case j.redis:
			*v = j.receiver.Take(wire.NoDirection, wire.Piece{Text: l.checked.text}, &l.parsed)
		default:
			*v = j.receiver.Take(dir, piece, &l.parsed)
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
	switch l.checked.command {
	case wire.CmdRdata, wire.CmdPosition, wire.CmdReplicate: // whose streams and rows differ
		if l.verdicts[i-1].Action == wire.ActAccept || l.verdicts[i-1].Code == wire.CodeUnknownStream || l.verdicts[i-1].Code == wire.CodeRowShape {
			return false
		}
	}
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
