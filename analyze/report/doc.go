// Package report shows a profile: as text for a terminal, as JSON, as CSV and as
// a page. It also says what is different between two profiles.
//
// The one idea: a face of a report prints the cells that package profile has
// made, and makes no number of its own. So all faces agree to the digit. Text and
// page set whole numbers in groups of three (1,234) and leave columns out where
// there is no room; JSON and CSV have everything.
//
// # Where things are
//
//   - the order in which a report is told, and the question that each part
//     answers: sections.go
//   - the faces of one profile: text.go with texttable.go, json.go, csv.go, and
//     html.go with htmltable.go, htmlcharts.go, htmlspans.go
//   - two profiles: changes.go and the files that begin with it
package report
