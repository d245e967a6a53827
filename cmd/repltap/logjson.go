package main

import (
	"encoding/base64"
	"strconv"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// jsonPrinter writes one object a line. It is written by hand since a journal
// has millions of them; a test holds it to what encoding/json reads.
type jsonPrinter struct {
	second int64
	prefix []byte // the second as RFC 3339 up to the point
}

func (p *jsonPrinter) append(dst []byte, r *journal.Record) []byte {
	dst = append(dst, `{"seq":`...)
	dst = strconv.AppendUint(dst, r.Seq, 10)
	dst = append(dst, `,"time":"`...)
	dst = p.appendTime(dst, r.Time)
	dst = append(dst, `","conn":`...)
	dst = strconv.AppendUint(dst, r.Conn, 10)
	dst = append(dst, `,"worker":`...)
	dst = appendJSONString(dst, r.Worker)
	dst = append(dst, `,"dir":"`...)
	dst = append(dst, r.Dir.String()...)
	dst = append(dst, `","kind":"`...)
	dst = append(append(dst, r.Kind.String()...), '"')
	switch r.Kind {
	case journal.KindLine:
		dst = appendJSONGist(dst, &r.Gist)
		dst = appendJSONBytes(dst, r)
	case journal.KindFragment:
		dst = appendJSONBytes(dst, r)
	}
	if len(r.Findings) > 0 {
		dst = appendJSONFindings(dst, r.Findings)
	}
	if r.Event != nil {
		dst = appendJSON(append(dst, `,"event":`...), r.Event)
	}
	return append(dst, '}', '\n')
}

// appendTime appends RFC 3339 with all nine digits, so that times sort as text.
func (p *jsonPrinter) appendTime(dst []byte, ns int64) []byte {
	second, rest := floorDiv(ns, 1e9)
	if second != p.second || p.prefix == nil {
		p.second = second
		p.prefix = time.Unix(second, 0).UTC().AppendFormat(p.prefix[:0], "2006-01-02T15:04:05.")
	}
	return append(appendDigits(append(dst, p.prefix...), rest, 9), 'Z')
}

func appendJSONGist(dst []byte, g *wire.Gist) []byte {
	dst = append(dst, `,"command":"`...)
	dst, _ = appendJSONText(dst, g.Name)
	dst = append(dst, '"')
	if g.Stream != nil {
		dst = append(dst, `,"stream":"`...)
		dst, _ = appendJSONText(dst, g.Stream)
		dst = append(dst, '"')
	}
	if g.Instance != nil {
		dst = append(dst, `,"instance":"`...)
		dst, _ = appendJSONText(dst, g.Instance)
		dst = append(dst, '"')
	}
	switch {
	case g.Batch:
		dst = append(dst, `,"token":"batch"`...)
	case g.HasToken:
		dst = append(dst, `,"token":`...)
		dst = strconv.AppendInt(dst, g.Token, 10)
	}
	return dst
}

// appendJSONBytes appends the number of bytes with the newline, and the text
// without it.
func appendJSONBytes(dst []byte, r *journal.Record) []byte {
	dst = append(dst, `,"bytes":`...)
	dst = strconv.AppendInt(dst, int64(len(r.Data)), 10)
	dst = append(dst, `,"line":"`...)
	text := trimNewline(r.Data)
	dst, valid := appendJSONText(dst, text)
	dst = append(dst, '"')
	if !valid {
		dst = append(dst, `,"line_b64":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, text)
		dst = append(dst, '"')
	}
	if r.ReadEnd {
		dst = append(dst, `,"read_end":true`...)
	}
	if r.Headless {
		dst = append(dst, `,"headless":true`...)
	}
	return dst
}

func appendJSONFindings(dst []byte, list []wire.Finding) []byte {
	dst = append(dst, `,"findings":[`...)
	for i := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendJSON(dst, &list[i])
	}
	return append(dst, ']')
}
