package main

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"repltap/wire"
)

// checkPrinter writes verdicts for people:
//
//	line dir command              releases         verdict why
//	   1  -> POSITION             0.21.0–1.12.x    error   E-integer: an argument …
//	                                                         ERROR failed to parse …
//	                              1.13.0–1.21.x    accept
type checkPrinter struct {
	style
	releases bool // with a column for them
	header   bool // is written
}

func newCheckPrinter(st style, releases bool) *checkPrinter {
	return &checkPrinter{style: st, releases: releases}
}

// replyShown is how much of an ERROR line is shown to people.
const replyShown = 300

func (p *checkPrinter) append(dst []byte, k *checked) []byte {
	if !p.header {
		p.header = true
		dst = append(append(dst, p.bold...), "line dir command             "...)
		if p.releases {
			dst = append(dst, "releases         "...)
		}
		dst = append(append(dst, "verdict why"...), p.off...)
		dst = append(dst, '\n')
	}
	if k.end {
		return p.appendFindings(append(dst, "at the end\n"...), k)
	}
	begin := fmt.Sprintf("%4d  %s %-20s", k.number, arrowOf(k.direction), k.command)
	for i := range k.judgments {
		j := &k.judgments[i]
		dst = append(dst, begin...)
		width := utf8.RuneCountInString(begin)
		if p.releases {
			dst = append(appendPadded(dst, j.releases(), 16), ' ')
			width += 17
		}
		dst = p.appendVerdict(dst, &j.verdict, width)
		begin = strings.Repeat(" ", utf8.RuneCountInString(begin))
	}
	return p.appendFindings(dst, k)
}

// appendFindings appends those that say more than the verdicts.
func (p *checkPrinter) appendFindings(dst []byte, k *checked) []byte {
	for i := range k.findings {
		if f := &k.findings[i]; !p.said(k, f) {
			dst = append(append(dst, p.yellow...), "      ! "...)
			dst = appendSafe(dst, []byte(f.Code+": "+f.Detail))
			dst = append(append(dst, p.off...), '\n')
		}
	}
	return dst
}

// said says whether a finding only repeats a verdict.
func (p *checkPrinter) said(k *checked, f *wire.Finding) bool {
	for i := range k.judgments {
		if v := &k.judgments[i].verdict; v.Code == f.Code && v.Detail == f.Detail {
			return true
		}
	}
	return false
}

func (p *checkPrinter) appendVerdict(dst []byte, v *wire.Verdict, indent int) []byte {
	color := p.red
	switch v.Action {
	case wire.ActAccept:
		color = p.green
	case wire.ActIgnore:
		color = p.yellow
	}
	dst = append(append(dst, color...), v.Action.String()...)
	dst = append(dst, p.off...)
	if v.Code != "" {
		dst = append(dst, spaces[:8-len(v.Action.String())]...)
		dst = append(append(append(dst, v.Code...), ": "...), v.Detail...)
	}
	dst = append(dst, '\n')
	if v.Reply == "" {
		return dst
	}
	dst = append(dst, strings.Repeat(" ", indent+8)...)
	reply := []byte("ERROR " + v.Reply)
	shown := reply
	if len(shown) > replyShown {
		for shown = shown[:replyShown]; !utf8.RuneStart(reply[len(shown)]); shown = shown[:len(shown)-1] {
		}
	}
	dst = appendSafe(append(dst, p.dim...), shown)
	if len(shown) < len(reply) {
		dst = fmt.Appendf(dst, "… (%s)", plural(int64(len(reply)), "byte"))
	}
	return append(append(dst, p.off...), '\n')
}

func arrowOf(dir wire.Direction) string {
	switch dir {
	case wire.S2C:
		return "->"
	case wire.C2S:
		return "<-"
	}
	return "--"
}

func appendPadded(dst []byte, text string, width int) []byte {
	dst = append(dst, text...)
	return append(dst, spaces[:max(0, width-utf8.RuneCountInString(text))]...)
}

// jsonVerdict is one of a line's verdicts for programs.
type jsonVerdict struct {
	Releases string `json:"releases"`         // for people
	From     string `json:"from,omitempty"`   // the first release that gives it
	Before   string `json:"before,omitempty"` // the first one that does not any more
	Verdict  string `json:"verdict"`
	Code     string `json:"code,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Reply    string `json:"reply,omitempty"`
}

// appendCheckedJSON writes one object a line.
func appendCheckedJSON(dst []byte, k *checked) []byte {
	if k.end {
		return append(appendJSONFindings(append(dst, `{"end":true`...), k.findings), '}', '\n')
	}
	dst = append(dst, `{"number":`...)
	dst = strconv.AppendInt(dst, k.number, 10)
	dst = append(dst, `,"command":"`...)
	dst = append(append(dst, k.command.String()...), `","direction":"`...)
	dst = append(append(dst, k.direction.String()...), `","verdict":"`...)
	dst = append(append(dst, k.verdict()...), `","bytes":`...)
	dst = strconv.AppendInt(dst, k.length, 10)
	dst = append(dst, `,"line":"`...)
	dst, valid := appendJSONText(dst, k.text)
	dst = append(dst, '"')
	if !valid {
		dst = append(dst, `,"line_b64":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, k.text)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"verdicts":`...)
	verdicts := make([]jsonVerdict, len(k.judgments))
	for i := range k.judgments {
		verdicts[i] = k.judgments[i].json()
	}
	dst = appendJSON(dst, verdicts)
	if len(k.findings) > 0 {
		dst = appendJSONFindings(dst, k.findings)
	}
	return append(dst, '}', '\n')
}

func (j *judgment) json() jsonVerdict {
	v := &j.verdict
	out := jsonVerdict{Releases: j.releases(), Verdict: v.Action.String(), Code: v.Code, Detail: v.Detail, Reply: v.Reply}
	if j.name == "" {
		out.From = j.era.First.String()
		if j.era.Before != 0 {
			out.Before = j.era.Before.String()
		}
	}
	return out
}
