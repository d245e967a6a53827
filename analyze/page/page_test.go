package page

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, parts ...Part) string {
	t.Helper()
	var b strings.Builder
	p := Page{Title: "title", Sections: []Section{{ID: "one", Title: "One", Parts: parts}}}
	if err := p.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestNamesOfStrangers: whatever a name is, it is only text, in every part.
func TestNamesOfStrangers(t *testing.T) {
	for _, name := range []string{
		`</script><script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onload='alert(1)`, `</title></style><b>`, `]]><b>`,
	} {
		out := write(t,
			Text{Text: name}, Heading(name), About{{Name: name, Value: name}}, Facts{{Name: name, Value: name, Unit: name}}, List{{Text: name, Command: name}},
			Verdict{Word: name, Why: name}, Cases{{Kind: name, Text: name, Places: []CasePlace{{Name: name, Where: name, Line: name, Command: name}}}},
			Table{Name: "t", Title: name, Note: name, Columns: []Column{{Title: name, Name: name}, {Title: name, Name: name, Numeric: true}}, Rows: [][]Cell{{{Text: name}, {Text: name, Value: name}}, {{Text: name, Command: true}, {}}}},
			Over{Title: name, Unit: name, Note: name, Step: time.Second, Series: []Series{{Name: name, Values: []float64{1}}}, Events: []Event{{Text: name, To: 1}}},
			Bars{Title: name, Unit: name, Note: name, Bars: []Bar{{Name: name, Value: 1, Text: name, More: name}}},
			Columns{Title: name, Unit: name, Note: name, Columns: []Bin{{Label: name, Said: name, Value: 1}}},
			Spans{Title: name, Note: name, To: 2, Rows: []Span{{Name: name, To: 1, Said: []string{name}, End: name, Inner: []Stretch{{To: 1, Text: name}}}}, Legend: []Kind{{ClassSpan, name}}},
		)
		for _, never := range []string{name, "<img", "<b>", `onload='`} {
			if strings.Contains(out, never) {
				t.Errorf("%q is in the page as it is (%q)", name, never)
			}
		}
		if n := strings.Count(out, "<script>"); n != 1 {
			t.Errorf("%q: %d scripts", name, n)
		}
	}
}

// TestVisible: what could change the text around it is written out, and what is
// too long is cut.
func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"events": "events", "ü ✓": "ü ✓", "a\u202eb": `a\u202eb`, "\x1b[0m\n": `\x1b[0m\x0a`, "\xff": `\xff`,
		strings.Repeat("é", 160): strings.Repeat("é", 160), strings.Repeat("é", 10000): strings.Repeat("é", 160) + "… (20000 bytes)",
		strings.Repeat("\x1b", 100): strings.Repeat(`\x1b`, 40) + "… (100 bytes)",
	} {
		if got := Visible(in); got != want {
			t.Errorf("Visible(%.40q) = %.400q, not %.400q", in, got, want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for in, want := range map[string]string{"": "", "7": "7", "999": "999", "1000": "1,000", "-1234567": "-1,234,567", "1234.5": "1234.5", "master": "master"} {
		if got := Grouped(in); got != want {
			t.Errorf("Grouped(%q) = %q, not %q", in, got, want)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		max   float64
		whole bool
		want  []float64
	}{
		{0, true, []float64{0, 1}}, {1, true, []float64{0, 1}}, {3, true, []float64{0, 1, 2, 3}}, {7, true, []float64{0, 2, 4, 6, 8}},
		{95, true, []float64{0, 50, 100}}, {1, false, []float64{0, 0.5, 1}}, {1200, true, []float64{0, 500, 1000, 1500}}, {math.NaN(), true, []float64{0, 1}},
	} {
		if got := niceTicks(c.max, 4, c.whole); !slices.Equal(got, c.want) {
			t.Errorf("niceTicks(%v) = %v, not %v", c.max, got, c.want)
		}
	}
	for span := time.Millisecond; span < 20*365*24*time.Hour; span = span * 13 / 10 {
		ticks := timeTicks(7*time.Second, 7*time.Second+span)
		if len(ticks) > 25 || span > 10*time.Millisecond && len(ticks) == 0 {
			t.Fatalf("%d ticks for %v", len(ticks), span)
		}
	}
	for d, want := range map[time.Duration]string{0: "+0 s", 1500 * time.Millisecond: "+1.5 s", 90 * time.Second: "+1m30s", 30 * time.Hour: "+1d6h", -time.Minute: "−1m"} {
		if got := moment(d); got != want {
			t.Errorf("moment(%v) = %q, not %q", d, got, want)
		}
	}
	for v, want := range map[float64]string{0: "0", 500: "500", 1000: "1k", 1500: "1.5k", 20000: "20k", 2e6: "2M", 0.5: "0.5"} {
		if got := shortNumber(v); got != want {
			t.Errorf("shortNumber(%v) = %q, not %q", v, got, want)
		}
	}
}

// TestFold: slots drawn together hold what they held apart.
func TestFold(t *testing.T) {
	values := make([]float64, 1000)
	for i := range values {
		values[i] = float64(i)
	}
	values[999] = math.NaN()
	for _, largest := range []bool{false, true} {
		o := Over{Step: time.Second, Largest: largest, Series: []Series{{Values: values}, {Values: []float64{1}}}}
		o.fold()
		if n := len(o.Series[0].Values); n != 200 || o.Step != 5*time.Second {
			t.Fatalf("%d slots of %v", n, o.Step)
		}
		var sum, top float64
		for _, v := range o.Series[0].Values {
			sum, top = sum+v, max(top, v)
		}
		if largest && top != 998 || !largest && sum != 998*999/2 {
			t.Errorf("largest %v: %v, at most %v", largest, sum, top)
		}
	}
}
