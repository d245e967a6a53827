package report

import (
	"math"
	"reflect"
	"slices"
	"strings"

	"repltap/analyze/profile"
)

// keys are the tables that are compared, each with the columns that say what a
// row is about.
var keys = map[string][]string{
	"commands":  {"command", "direction"},
	"streams":   {"stream"},
	"instances": {"instance"},
	"workers":   {"worker", "conn"},
	"findings":  {"code"},
	"talkers":   {"topic", "by", "name"},
	"tokens":    {"stream", "instance", "generation"},
	"positions": {"stream", "instance"},
	"lags":      {"worker", "stream", "instance"},
	"fan_out":   {"stream"},
	"bursts":    {"span", "by", "name"},
}

// notNew are tables of which it is no news that a row is new or gone: of bursts
// and talkers only those are told that are most, and new streams are news already.
var notNew = []string{"bursts", "talkers", "tokens", "positions", "lags", "fan_out"}

// renamed are tables whose names are new with each start of a process.
var renamed = []string{"instances"}

// matching compares the tables of two profiles.
type matching struct {
	c            *Changes
	a, b         *profile.Profile
	spanA, spanB float64 // seconds
}

func (m *matching) all() {
	va, vb := reflect.ValueOf(m.a).Elem(), reflect.ValueOf(m.b).Elem()
	for i := range va.NumField() {
		f := va.Type().Field(i)
		if _, ok := f.Tag.Lookup("table"); !ok || f.Type.Kind() != reflect.Slice {
			continue
		}
		if name := jsonName(f); keys[name] != nil {
			m.table(name, va.Field(i), vb.Field(i))
		}
	}
}

// table compares the rows of a table, in the order of B and then those of A that
// B has not.
func (m *matching) table(name string, a, b reflect.Value) {
	rowsA := map[string]reflect.Value{}
	for i := range a.Len() {
		rowsA[keyOf(name, a.Index(i))] = a.Index(i)
	}
	for i := range b.Len() {
		row := b.Index(i)
		key := keyOf(name, row)
		old, both := rowsA[key]
		if !both && skipped(a, row) || numbered(row) {
			continue
		}
		if !both {
			old = reflect.New(row.Type()).Elem() // all zero
			m.lone(name, key, isNew, row)
		}
		delete(rowsA, key)
		m.row(name, key, statusOf(both, isNew), old, row)
	}
	for i := range a.Len() {
		row := a.Index(i)
		if key := keyOf(name, row); rowsA[key].IsValid() && !skipped(b, row) && !numbered(row) {
			m.lone(name, key, isGone, row)
			m.row(name, key, isGone, row, reflect.New(row.Type()).Elem())
		}
	}
}

// skipped says whether a row that a table has not may yet be known to its profile:
// of talkers only the first are told, and it would have been beyond them.
func skipped(table, row reflect.Value) bool {
	talker, ok := row.Interface().(profile.TalkerRow)
	if !ok {
		return false
	}
	n := 0
	for _, r := range table.Interface().([]profile.TalkerRow) {
		if r.Kind == talker.Kind && r.Topic == talker.Topic && r.By == talker.By {
			n++
		}
	}
	return n >= profile.MaxTalkers
}

// numbered says whether a row is about somebody who is only numbered, which each
// profile does anew.
func numbered(row reflect.Value) bool {
	r, ok := row.Interface().(profile.TalkerRow)
	return ok && strings.HasPrefix(r.Name, r.By+" ")
}

func statusOf(both bool, otherwise string) string {
	if both {
		return inBoth
	}
	return otherwise
}

// lone lists a row that only one of the profiles has.
func (m *matching) lone(table, key, status string, row reflect.Value) {
	if slices.Contains(renamed, table) || slices.Contains(notNew, table) {
		return
	}
	m.c.New = append(m.c.New, NewRow{Table: table, What: key, Status: status, Count: countIn(row)})
}

// row compares two rows about the same.
func (m *matching) row(table, key, status string, a, b reflect.Value) {
	if va, ok := volumeOf(a, m.a); ok {
		vb, _ := volumeOf(b, m.b)
		m.traffic(table, key, status, va, vb)
	}
	if status == inBoth && enough(a) && enough(b) {
		m.numbers(table, key, a, b)
	}
}

// volumeOf is how much traffic a row is about.
func volumeOf(row reflect.Value, p *profile.Profile) (profile.Volume, bool) {
	if v := row.FieldByName("Volume"); v.IsValid() {
		return v.Interface().(profile.Volume), true
	}
	if r, ok := row.Interface().(profile.TalkerRow); ok {
		return profile.Volume{Commands: r.Commands, Bytes: r.Bytes, Share: r.Share, Rate: perSecond(r.Commands, p)}, true
	}
	return profile.Volume{}, false
}

// fewest is of how many lines there must be for their quantiles to be compared.
const fewest = 20

func enough(row reflect.Value) bool {
	v := row.FieldByName("Volume")
	return !v.IsValid() || v.Interface().(profile.Volume).Commands >= fewest
}

func (m *matching) traffic(table, key, status string, a, b profile.Volume) {
	t := TrafficChange{
		Table: table, What: key, Status: status, CommandsA: a.Commands, CommandsB: b.Commands, RateA: a.Rate, RateB: b.Rate,
		BytesA: a.Bytes, BytesB: b.Bytes, ShareA: a.Share, ShareB: b.Share, Points: profile.None,
		Ratio: ratio(float64(a.Commands)*m.spanB, float64(b.Commands)*m.spanA),
	}
	if a.Share != profile.None && b.Share != profile.None {
		t.Points = difference(a.Share, b.Share).(profile.Percent)
	}
	t.score = m.score(profile.Count(a.Commands), profile.Count(b.Commands), true)
	if t.Points == 0 && t.score == 0 {
		return
	}
	m.c.Traffic = append(m.c.Traffic, t)
}

// numbers compares the other columns of two rows.
func (m *matching) numbers(table, key string, a, b reflect.Value) {
	for i := range a.NumField() {
		f := a.Type().Field(i)
		if f.Anonymous {
			m.numbers(table, key, a.Field(i), b.Field(i))
			continue
		}
		name := jsonName(f)
		if _, ok := f.Tag.Lookup("col"); !ok || inTraffic(name) || isName(name) {
			continue
		}
		x, counts := number(a.Field(i))
		y, _ := number(b.Field(i))
		if x == nil {
			continue
		}
		n := NumberChange{Table: table, What: key, Number: name, A: x, B: y, Difference: difference(x, y), InTime: counts}
		if va, vb := value(x), value(y); counts {
			n.Ratio = ratio(va*m.spanB, vb*m.spanA)
		} else {
			n.Ratio = ratio(va, vb)
		}
		if n.score = m.score(x, y, counts); n.score > 0 {
			m.c.Numbers = append(m.c.Numbers, n)
		}
	}
}

// inTraffic says whether a column is one of those that TrafficChange tells.
func inTraffic(name string) bool {
	return slices.Contains([]string{"commands", "bytes", "share_percent", "per_second"}, name)
}

// score is by how much a number changed, for their order only: 1 is twice as
// much, or half. Of what there is no number of it is 0.
func (m *matching) score(x, y profile.Number, counts bool) float64 {
	a, b, u := value(x), value(y), unit(x)
	if counts && m.spanA > 0 && m.spanB > 0 {
		// As many as there would be in the longer of the two.
		longer := max(m.spanA, m.spanB)
		a, b = a*longer/m.spanA, b*longer/m.spanB
	}
	s := math.Abs(math.Log2((max(b, 0) + u) / (max(a, 0) + u)))
	if math.IsNaN(s) {
		return 0
	}
	return s
}

// unit is what is added to numbers before their ratio says which changed most.
func unit(n profile.Number) float64 {
	switch n.(type) {
	case profile.Millis, profile.AboutMillis:
		return 1e6 // 1 ms
	case profile.Seconds, profile.AboutSeconds:
		return 1e8 // 0.1 s
	case profile.Percent:
		return 1e4 // a point
	case profile.Rate:
		return 1e3 // 1 a second
	case profile.Ratio:
		return 1e3
	}
	return 10
}

// countIn is the first count of a row.
func countIn(row reflect.Value) int64 {
	if v := row.FieldByName("Volume"); v.IsValid() {
		return v.Interface().(profile.Volume).Commands
	}
	for i := range row.NumField() {
		if n, counts := number(row.Field(i)); counts {
			return int64(n.(profile.Count))
		}
	}
	return 0
}

// keyOf is what a row is about, in words.
func keyOf(table string, row reflect.Value) string {
	var words []string
	for _, want := range keys[table] {
		for _, f := range reflect.VisibleFields(row.Type()) {
			if jsonName(f) == want && !f.Anonymous {
				if word := keyWord(row.FieldByIndex(f.Index)); word != "" {
					words = append(words, word)
				}
			}
		}
	}
	return strings.Join(words, " ")
}

// keyWord is a name as it stands in a key: that of a worker that said no NAME is
// empty. A number that there is none of is no part of a key.
func keyWord(v reflect.Value) string {
	if n, ok := v.Interface().(profile.Number); ok {
		return n.Digits()
	}
	if s := v.String(); v.Kind() != reflect.String || s != "" {
		return s
	}
	return "(none)"
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
