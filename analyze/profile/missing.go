package profile

import (
	"errors"

	"repltap/journal"
	"repltap/wire"
)

// Coverage is how much of the traffic the journal has. What it lacks was
// forwarded and not journalled.
type Coverage struct {
	Percent  Percent `json:"percent"` // of bytes; all numbers of the profile are about these; none where parts are damaged: how much was there is not known
	Bytes    int64   `json:"bytes"`
	GapBytes int64   `json:"gap_bytes"`
	GapLines int64   `json:"gap_lines"`       // as far as is known
	Unknown  int64   `json:"gaps_unknown"`    // gaps of which it is not known how many lines they were
	Gaps     int64   `json:"gaps"`            // how many
	Removed  int64   `json:"removed_records"` // that retention took while the journal was read
	Damage   int64   `json:"damaged_parts"`   // parts that can't be read; what was in them is in no number
}

// GapRow is traffic that was forwarded and is not in the journal.
type GapRow struct {
	Place
	Worker    string `json:"worker" col:"worker"`
	Direction string `json:"direction" col:"dir"`
	Bytes     int64  `json:"bytes" col:"bytes"`
	Lines     Count  `json:"lines" col:"lines"`
	From      At     `json:"from_s" col:"from s"`
	To        At     `json:"to_s" col:"to s"`
	Reason    string `json:"reason" col:"reason"`
}

// DamageRow is a part of the journal that can't be read.
type DamageRow struct {
	File   string `json:"file" col:"file"`
	Seq    uint64 `json:"seq" col:"record"` // first record of it, 0 when unknown
	Detail string `json:"detail" col:"what"`
}

func damageRow(err error) DamageRow {
	row := DamageRow{Detail: err.Error()}
	var d *journal.DamageError
	if errors.As(err, &d) {
		row.File, row.Seq, row.Detail = d.File, d.Seq, d.Err.Error()
	}
	return row
}

// maxGapRows bounds the gaps that are listed; all are counted.
const maxGapRows = 1000

// missing keeps account of what is not in the journal.
type missing struct {
	sum  Coverage
	rows []GapRow
}

func (m *missing) take(e *entry) {
	if e.Kind != journal.KindGap {
		return
	}
	ev := e.Event
	if ev.Last != 0 {
		m.sum.Removed += int64(ev.Last - ev.First + 1)
	} else {
		m.gap(ev)
	}
	if len(m.rows) >= maxGapRows {
		return
	}
	start := e.Time - e.at
	row := GapRow{Place: e.place(), Bytes: ev.Bytes, Lines: Count(ev.Lines), From: At(ev.From - start), To: At(ev.To - start), Reason: ev.Reason}
	if ev.Lines < 0 {
		row.Lines = None
	}
	if e.conn != nil {
		row.Worker = e.conn.worker
	}
	if e.Dir != wire.NoDirection {
		row.Direction = e.Dir.String()
	}
	m.rows = append(m.rows, row)
}

func (m *missing) gap(ev *journal.Event) {
	m.sum.Gaps++
	m.sum.GapBytes += ev.Bytes
	if ev.Lines >= 0 {
		m.sum.GapLines += ev.Lines
	} else {
		m.sum.Unknown++
	}
}

func (m *missing) finish(p *Profile) {
	p.Gaps = append([]GapRow{}, m.rows...)
	c := m.sum
	c.Bytes, c.Damage = p.Totals.Bytes, int64(len(p.Damage))
	c.Percent = share(c.Bytes, c.Bytes+c.GapBytes)
	if c.Damage > 0 || c.Removed > 0 {
		c.Percent = None
	}
	p.Coverage = c
}
