package profile

// PeriodRow is something that comes again and again in equal intervals.
type PeriodRow struct {
	By string `json:"by" col:"by"`
}

func periods(l *timeline, directions, commands, streams []namedSeries) []PeriodRow {
	return []PeriodRow{}
}
