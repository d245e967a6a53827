package main

import (
	"fmt"
	"strconv"
	"time"

	"repltap/journal"
	"repltap/wire"
)

// textPrinter writes records for people:
//
//	=== 2026-11-20 UTC ===
//	17:05:04.722610  1 -> w1 SERVER lab.test
//	17:05:04.722731  1 <- w1 NAME w1
//	17:05:09.118002  1  * w1 closed (fin, by worker): 44 bytes s2c, 8 bytes c2s
//
// The columns of connection and worker grow with what they hold.
type textPrinter struct {
	style
	day         int64 // days since the epoch, of the last heading
	second      int64
	clock       [9]byte // hh:mm:ss. of second
	connWidth   int
	workerWidth int
}

func newTextPrinter(st style) *textPrinter {
	return &textPrinter{style: st, day: -1 << 62, second: -1 << 62, connWidth: 2, workerWidth: 2}
}

const spaces = "                                "

func (p *textPrinter) append(dst []byte, r *journal.Record) []byte {
	dst = p.appendTime(dst, r.Time)
	dst = p.appendWho(dst, r)
	switch r.Kind {
	case journal.KindLine:
		dst = p.appendLine(dst, r)
	case journal.KindFragment:
		dst = appendSafe(dst, trimNewline(r.Data))
		dst = append(dst, p.dim...)
		dst = fmt.Appendf(dst, " [fragment of %s]", plural(int64(len(r.Data)), "byte"))
		dst = append(dst, p.off...)
	default:
		dst = p.appendEvent(dst, r)
	}
	dst = append(dst, '\n')
	for i := range r.Findings {
		dst = p.appendFinding(dst, &r.Findings[i])
	}
	return dst
}

// appendTime appends the time of day, after a heading when the day is another.
func (p *textPrinter) appendTime(dst []byte, ns int64) []byte {
	second, rest := floorDiv(ns, 1e9)
	if second != p.second {
		t := time.Unix(second, 0).UTC()
		p.second = second
		t.AppendFormat(p.clock[:0], "15:04:05.")
		if day, _ := floorDiv(second, 86400); day != p.day {
			p.day = day
			dst = append(dst, p.bold...)
			dst = t.AppendFormat(dst, "=== 2006-01-02 UTC ===")
			dst = append(append(dst, p.off...), '\n')
		}
	}
	dst = append(append(dst, p.dim...), p.clock[:]...)
	dst = appendDigits(dst, rest/1000, 6)
	return append(dst, p.off...)
}

// appendWho appends connection, arrow and worker.
func (p *textPrinter) appendWho(dst []byte, r *journal.Record) []byte {
	if r.Conn == 0 {
		return append(dst, spaces[:p.connWidth+p.workerWidth+6]...)
	}
	var digits [20]byte
	conn := strconv.AppendUint(digits[:0], r.Conn, 10)
	p.connWidth = max(p.connWidth, len(conn))
	dst = append(append(dst, spaces[:1+p.connWidth-len(conn)]...), conn...)
	switch {
	case r.Kind != journal.KindLine && r.Kind != journal.KindFragment:
		dst = append(dst, "  * "...)
	case r.Dir == wire.S2C:
		dst = append(append(append(dst, p.cyan...), " -> "...), p.off...)
	case r.Dir == wire.C2S:
		dst = append(append(append(dst, p.yellow...), " <- "...), p.off...)
	default:
		dst = append(dst, "  - "...)
	}
	return p.appendWorker(dst, r.Worker)
}

func (p *textPrinter) appendWorker(dst []byte, name string) []byte {
	if name == "" {
		name = "?"
	}
	start := len(dst)
	dst = appendSafe(dst, []byte(name))
	width := len(dst) - start
	// A worker with a very long name must not push everybody's lines aside.
	p.workerWidth = max(p.workerWidth, min(width, len(spaces)/2))
	return append(dst, spaces[:1+max(0, p.workerWidth-width)]...)
}

// appendLine appends a line of the protocol, its command coloured by who sent it.
func (p *textPrinter) appendLine(dst []byte, r *journal.Record) []byte {
	text := trimNewline(r.Data)
	name := min(len(r.Gist.Name), len(text))
	color := p.cyan
	switch {
	case r.Gist.Command == wire.CmdError:
		color = p.red
	case r.Gist.Command == wire.CmdPing:
		color = p.dim
	case r.Dir == wire.C2S:
		color = p.yellow
	}
	dst = append(appendSafe(append(dst, color...), text[:name]), p.off...)
	return appendSafe(dst, text[name:])
}

func (p *textPrinter) appendFinding(dst []byte, f *wire.Finding) []byte {
	text := f.Code + ": " + f.Detail
	if f.Verdict != "" {
		text += " (a real receiver: " + f.Verdict + ")"
	}
	dst = append(append(append(dst, spaces[:15]...), p.red...), "  ! "...)
	dst = append(appendSafe(dst, []byte(text)), p.off...)
	return append(dst, '\n')
}

func (p *textPrinter) appendEvent(dst []byte, r *journal.Record) []byte {
	color := p.dim
	if r.Kind == journal.KindGap {
		color = p.red
	}
	dst = appendSafe(append(dst, color...), []byte(eventText(r)))
	return append(dst, p.off...)
}

func trimNewline(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		return b[:n-1]
	}
	return b
}

// floorDiv divides rounding down, also before 1970.
func floorDiv(a, b int64) (quotient, remainder int64) {
	quotient, remainder = a/b, a%b
	if remainder < 0 {
		quotient, remainder = quotient-1, remainder+b
	}
	return quotient, remainder
}

// appendDigits appends n with leading zeros.
func appendDigits(dst []byte, n int64, width int) []byte {
	dst = append(dst, "000000000"[:width]...)
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}
