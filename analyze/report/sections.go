package report

import (
	"slices"

	"repltap/analyze/profile"
)

// Section is a part of a report: some tables that together answer a question.
type Section struct {
	Name     string // an anchor in a page
	Title    string
	Question string // what it answers, in one sentence
	Tables   []profile.Table
}

// order is the order of a report: from what is in it, over what hurts, to where
// each thing stands. A table that is not named here comes last.
var order = []struct {
	name, title, question string
	tables                []string
}{
	{"standout", "At a glance", "What should be looked at first?", []string{"highlights"}},
	{"traffic", "What fills the wire", "Which commands, streams, writers and names make the traffic, and who has a use for it?",
		[]string{"totals", "commands", "streams", "talkers", "receivers", "fan_out", "instances", "workers"}},
	{"time", "Over time", "How much came when, and were there bursts?",
		[]string{"timeline", "bursts", "clock"}},
	{"streams", "Streams and tokens", "How far did each stream come, and did tokens go on as they should?",
		[]string{"tokens", "discards", "token_gaps", "positions", "position_outliers", "silence"}},
	{"lag", "Lag", "Who was behind, by how much, and how long did it take to catch up?",
		[]string{"lag_timeline", "lags", "catch_ups", "acks"}},
	{"pressure", "Back-pressure", "Who stopped reading, for how long, and what filled the queue?",
		[]string{"stalls", "overflows", "samples"}},
	{"connections", "Connections", "Who was connected, for how long, and who ended it?",
		[]string{"namesakes", "endings", "connections", "reconnects", "pings"}},
	{"presence", "Presence", "Whose users are said to be syncing, and did it ever end?",
		[]string{"sessions", "session_events", "open_sessions"}},
	{"lengths", "Line lengths", "How long are the lines, and is one near the limit at which receivers refuse it?",
		[]string{"line_lengths", "stream_longest", "long_lines", "near_limit"}},
	{"findings", "Findings", "What is odd, and what would a receiver do with it?",
		[]string{"findings"}},
	{"missing", "What is missing", "Is there traffic that the journal does not have?",
		[]string{"gaps", "damage"}},
}

// Sections are the tables of a profile in the order in which they are told. A
// section that none of the tables is in is left out.
func Sections(tables []profile.Table) []Section {
	var out []Section
	var told []string
	for _, o := range order {
		s := Section{Name: o.name, Title: o.title, Question: o.question}
		for _, name := range o.tables {
			for _, t := range tables {
				if t.Name == name {
					s.Tables = append(s.Tables, t)
					told = append(told, name)
				}
			}
		}
		if s.Tables != nil {
			out = append(out, s)
		}
	}
	rest := Section{Name: "more", Title: "More", Question: "What else is there?"}
	for _, t := range tables {
		if !slices.Contains(told, t.Name) {
			rest.Tables = append(rest.Tables, t)
		}
	}
	if rest.Tables != nil {
		out = append(out, rest)
	}
	return out
}
