package report

import (
	"fmt"

	"repltap/analyze/page"
	"repltap/analyze/profile"
)

// htmlCharts are drawn from a table's numbers, before it.
var htmlCharts = map[string]func(*profile.Profile) []page.Part{
	"commands": drawCommands,
	"streams":  drawStreams,
	"workers":  drawWorkers,
}

// onlyDrawn are tables that are too long to be read: a page has them as charts.
var onlyDrawn = map[string]bool{}

// maxBars is how many bars a chart has; what is beyond it is one bar.
const maxBars = 12

func drawCommands(p *profile.Profile) []page.Part {
	var all []profile.Volume
	var names []string
	for _, r := range p.Commands {
		all, names = append(all, r.Volume), append(names, r.Command+" "+r.Direction)
	}
	return shares("Bytes by command and direction", names, all)
}

func drawStreams(p *profile.Profile) []page.Part {
	var all []profile.Volume
	var names []string
	for _, r := range p.Streams {
		all, names = append(all, r.Volume), append(names, r.Stream)
	}
	return shares("Bytes by stream", names, all)
}

func drawWorkers(p *profile.Profile) []page.Part {
	var all []profile.Volume
	var names []string
	for _, r := range p.Workers {
		name := r.Worker
		if name == "" {
			name = "(no name)"
		}
		all, names = append(all, r.Volume), append(names, name)
	}
	return shares("Bytes by worker", names, all)
}

// shares is a bar for each thing, the largest first as they come.
func shares(title string, names []string, all []profile.Volume) []page.Part {
	if len(all) < 2 {
		return nil
	}
	out := page.Bars{Title: title, Unit: "bytes of lines"}
	var rest, commands int64
	for i, v := range all {
		if i >= maxBars {
			rest, commands = rest+v.Bytes, commands+v.Commands
			continue
		}
		out.Bars = append(out.Bars, page.Bar{
			Name: names[i], Value: float64(v.Bytes), Text: grouped(fmt.Sprint(v.Bytes)),
			More: fmt.Sprintf("%s %% of bytes, %s", v.Share.Digits(), count(v.Commands, "command")),
		})
	}
	if n := len(all) - len(out.Bars); n > 0 {
		out.Bars = append(out.Bars, page.Bar{
			Name: fmt.Sprintf("%d others", n), Value: float64(rest), Text: grouped(fmt.Sprint(rest)), More: count(commands, "command"), Rest: true,
		})
	}
	return []page.Part{out}
}
