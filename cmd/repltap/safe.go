package main

import "repltap/analyze/safetext"

// Short names for what is said to people; see package safetext.

func appendSafe(dst, text []byte) []byte { return safetext.Append(dst, text) }

// safe is text that can be shown on a terminal.
func safe(text string) string { return safetext.String(text) }

// longestWorker is how much of a worker's name a table shows: NAME takes 16 KiB.
const longestWorker = 64

// safeWorker is the name of a worker in a table, or its beginning.
func safeWorker(name string) string {
	if short := shortened(name, longestWorker); short != name {
		name = short + "…"
	}
	return safe(name)
}

// workerCell is a worker's name in a table, where one without a name has a dash.
func workerCell(name string) string {
	if name == "" {
		return "-"
	}
	return safeWorker(name)
}

// namedWorker is a worker's name in a sentence.
func namedWorker(name string) string {
	if name == "" {
		return "a worker that never said its name"
	}
	return "worker " + safeWorker(name)
}

// appendJSONText appends text as the inside of a JSON string; valid is false when
// it was not UTF-8.
func appendJSONText(dst, text []byte) (_ []byte, valid bool) { return safetext.AppendJSON(dst, text) }

// appendJSON appends what encoding/json makes of v, safe to show.
func appendJSON(dst []byte, v any) []byte { return safetext.AppendValue(dst, v) }

// appendJSONString appends text as a JSON string.
func appendJSONString(dst []byte, text string) []byte {
	dst, _ = appendJSONText(append(dst, '"'), []byte(text))
	return append(dst, '"')
}
