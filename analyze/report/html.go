package report

import (
	"fmt"
	"io"
	"strings"

	"repltap/analyze/page"
	"repltap/analyze/profile"
)

// WriteHTML writes a profile as one self-contained HTML page.
func WriteHTML(w io.Writer, p *profile.Profile) error {
	h := &htmlPage{p: p}
	out := &page.Page{
		Title: "Report of " + p.Journal.Path,
		Lead:  span(p),
		Foot:  fmt.Sprintf("p50, p95 and p99 are within %s %% of a value that was there; counts and max are exact. Times are UTC, and “at” is in seconds since the start of the journal, %s.", p.QuantileError.Digits(), clock(p.Journal.Start)),
	}
	out.Sections = append(out.Sections, h.summary())
	for _, s := range Sections(p.Tables()) {
		if s.Name == "standout" {
			continue // the summary has it
		}
		out.Sections = append(out.Sections, h.section(s))
	}
	return out.Write(w)
}

// htmlPage is a page being made.
type htmlPage struct{ p *profile.Profile }

// span is when it was.
func span(p *profile.Profile) string {
	j := p.Journal
	if j.First.Digits() == "" {
		return "Nothing was found" + when(j.Filter != "", " that passes the filter") + "."
	}
	return fmt.Sprintf("%s to %s, %s s%s", clock(j.First), clock(j.Last), j.Duration.Digits(), when(j.Live, "; it is being recorded"))
}

// summary is what is looked at first.
func (h *htmlPage) summary() page.Section {
	p := h.p
	s := page.Section{ID: "summary", Title: "Summary"}
	covered := page.Fact{Name: "coverage", Value: "all", Unit: "no gaps"}
	if text := CoverageText(p); text != "" {
		covered = page.Fact{Name: "coverage", Value: p.Coverage.Percent.Digits(), Unit: "% of the bytes", Bad: true}
		if p.Coverage.Percent == profile.None {
			covered.Value, covered.Unit = "not known", "damaged"
		}
	}
	s.Parts = append(s.Parts, page.Facts{
		{Name: "commands", Value: page.Grouped(fmt.Sprint(p.Totals.Commands))},
		{Name: "bytes", Value: page.Grouped(fmt.Sprint(p.Totals.Bytes))},
		{Name: "connections", Value: page.Grouped(fmt.Sprint(p.Totals.Connections))},
		{Name: "workers", Value: page.Grouped(fmt.Sprint(p.Totals.Workers))},
		{Name: "duration", Value: p.Journal.Duration.Digits(), Unit: "s"},
		covered,
	})
	if text := CoverageText(p); text != "" {
		s.Parts = append(s.Parts, page.List{{Text: "All numbers are about what the journal has: " + text + ".", Bad: true}})
	}
	s.Parts = append(s.Parts, overTime(p, "stream", false)...)
	var list page.List
	for _, x := range p.Highlights {
		item := page.Item{Text: page.Sentence(x.Text), Bad: x.Severity == "problem"}
		if at, ok := placeOf(x.Place); ok {
			item.Command = at.command(p.Journal.Path)
		}
		list = append(list, item)
	}
	if list != nil {
		s.Parts = append(s.Parts, page.Heading("What stands out"), list)
	}
	read := page.About{
		{Name: "source", Value: p.Journal.Source}, {Name: "recorded by", Value: p.Journal.Program}, {Name: "redacted", Value: p.Journal.Redact},
	}
	if p.Journal.Filter != "" {
		read = append(read, page.Fact{Name: "filter", Value: p.Journal.Filter + " (all numbers are about what passes it)"})
	}
	s.Parts = append(s.Parts, read)
	for _, n := range p.Notes {
		s.Parts = append(s.Parts, page.Text{Text: page.Sentence(n), Note: true})
	}
	return s
}

// section shows the tables of a section, each after the charts that are drawn
// from it.
func (h *htmlPage) section(s Section) page.Section {
	out := page.Section{ID: s.Name, Title: s.Title, Question: s.Question}
	var none []string
	for _, t := range s.Tables {
		if len(t.Rows) == 0 {
			none = append(none, strings.ToLower(t.Title))
			continue
		}
		if draw := htmlCharts[t.Name]; draw != nil {
			out.Parts = append(out.Parts, draw(h.p)...)
		}
		if !onlyDrawn[t.Name] {
			out.Parts = append(out.Parts, h.table(t))
		}
	}
	if none != nil {
		out.Parts = append(out.Parts, page.Text{Text: "None: " + strings.Join(none, ", ") + ".", Note: true})
	}
	return out
}
