package profile

import "repltap/journal"

// ClockRow is where the clock that times are read from was set. Times do not follow
// it.
type ClockRow struct {
	Place
	What string  `json:"what" col:"what"`
	Step Seconds `json:"step_s" col:"step s"` // negative where it went back
	Wall Time    `json:"wall" col:"clock"`    // what the clock says from here on
	May  bool    `json:"may" col:"may,wide"`  // it may be that everything stood still for that long
	Note string  `json:"note" col:"note,wide"`
}

// maxClockRows bounds the steps that are listed.
const maxClockRows = 1000

// clock lists the steps of the clock.
type clock struct{ rows []ClockRow }

func (c *clock) take(e *entry) {
	if e.Kind == journal.KindClock && len(c.rows) < maxClockRows {
		c.rows = append(c.rows, ClockRow{Place: e.place(), What: e.Event.ClockText(), Step: Seconds(e.Event.Step), Wall: Time(e.Event.Wall), May: e.Event.May, Note: e.Event.Note})
	}
}

func (c *clock) finish(p *Profile) { p.Clock = append([]ClockRow{}, c.rows...) }
