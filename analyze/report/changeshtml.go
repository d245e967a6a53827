package report

import (
	"io"

	"repltap/analyze/page"
	"repltap/analyze/profile"
)

// WriteChangesHTML writes the changes as one self-contained HTML page.
func WriteChangesHTML(w io.Writer, c *Changes) error {
	h := &htmlPage{p: &profile.Profile{}}
	out := &page.Page{
		Title: "What changed from A to B",
		Lead:  "A is " + c.A.Journal.Path + " and B is " + c.B.Journal.Path + ".",
		Foot:  "Times are UTC. A ratio of what is counted is one of how many there were in the same time.",
	}
	read := page.Section{ID: "read", Title: "What was read"}
	for _, side := range []struct {
		name string
		*Side
	}{{"A", &c.A}, {"B", &c.B}} {
		read.Parts = append(read.Parts, page.About{{Name: side.name, Value: side.Journal.Path}, {Name: "when", Value: span(&profile.Profile{Journal: side.Journal})}})
		if text := coverageText(side.Coverage); text != "" {
			read.Parts = append(read.Parts, page.List{{Text: "Of " + side.name + " the numbers are about what the journal has: " + text + ".", Bad: true}})
		}
	}
	if f := c.B.Journal.Filter; f != "" {
		read.Parts = append(read.Parts, page.Text{Text: "Of both only what passes " + f + ".", Note: true})
	}
	for _, n := range c.Notes {
		read.Parts = append(read.Parts, page.Text{Text: n, Note: true})
	}
	out.Sections = append(out.Sections, read)
	for _, t := range c.Tables() {
		s := page.Section{ID: t.Name, Title: t.Title, Question: aboutChanges[t.Name]}
		if len(t.Rows) == 0 {
			s.Parts = append(s.Parts, page.Text{Text: "Nothing.", Note: true})
		} else {
			s.Parts = append(s.Parts, h.table(t))
		}
		out.Sections = append(out.Sections, s)
	}
	return out.Write(w)
}
