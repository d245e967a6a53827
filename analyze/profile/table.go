package profile

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Table is one table of a profile, as CSV has it: cells are text, with the
// digits that JSON has for the same number.
type Table struct {
	Name    string // in JSON, and of --table
	Title   string // for people
	Columns []Column
	Rows    [][]string
}

// Column is a column of a table.
type Column struct {
	Name    string // the field's name in JSON
	Title   string // for people, with the unit
	Numeric bool
	// Wide says that it is only for programs: people are shown the others.
	Wide bool
}

// Tables are all tables of a profile, in the order in which they are told.
func (p *Profile) Tables() []Table { return TablesOf(p) }

// TablesOf are the tables of a struct as Profile is one, given by its address.
//
// A list of structs becomes a table if its field has the tag
// `table:"title"`. A column's title is in the tag `col:"title"`; a field without
// that tag is no column, and `col:"title,wide"` is one for programs only. Fields
// of embedded structs stand where the struct stands. What is no list of structs
// makes its table by itself (see tabler).
func TablesOf(of any) []Table {
	var out []Table
	v := reflect.ValueOf(of).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		title, ok := f.Tag.Lookup("table")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		var t Table
		if own, ok := v.Field(i).Interface().(tabler); ok {
			t = own.table()
		} else {
			t = tableOf(v.Field(i))
		}
		t.Name, t.Title = name, title
		out = append(out, t)
	}
	return out
}

// Table finds a table by its name.
func (p *Profile) Table(name string) (Table, bool) {
	for _, t := range p.Tables() {
		if t.Name == name {
			return t, true
		}
	}
	return Table{}, false
}

// TableNames are the names of all tables.
func TableNames() []string {
	var out []string
	for _, t := range (&Profile{}).Tables() {
		out = append(out, t.Name)
	}
	return out
}

// tabler is a field of Profile that is no list of structs.
type tabler interface{ table() Table }

func tableOf(list reflect.Value) Table {
	t := Table{Columns: columnsOf(list.Type().Elem(), nil)}
	for i := range list.Len() {
		t.Rows = append(t.Rows, cellsOf(list.Index(i), nil))
	}
	return t
}

func columnsOf(row reflect.Type, out []Column) []Column {
	for i := range row.NumField() {
		f := row.Field(i)
		if f.Anonymous {
			out = columnsOf(f.Type, out)
			continue
		}
		title, ok := f.Tag.Lookup("col")
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		title, wide := strings.CutSuffix(title, ",wide")
		out = append(out, Column{Name: name, Title: title, Wide: wide, Numeric: isNumber(f.Type)})
	}
	return out
}

var numberType = reflect.TypeFor[Number]()

func isNumber(t reflect.Type) bool {
	return t.Implements(numberType) && t != reflect.TypeFor[Time]() || t.Kind() == reflect.Int64 && !t.Implements(numberType) || t.Kind() == reflect.Uint64 || t.Kind() == reflect.Int
}

func cellsOf(row reflect.Value, out []string) []string {
	for i := range row.NumField() {
		f := row.Type().Field(i)
		if f.Anonymous {
			out = cellsOf(row.Field(i), out)
		} else if _, ok := f.Tag.Lookup("col"); ok {
			out = append(out, cell(row.Field(i)))
		}
	}
	return out
}

func cell(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case Number:
		return x.Digits()
	case string:
		return x
	case []string:
		return strings.Join(x, " ")
	case bool:
		return strconv.FormatBool(x)
	default:
		return fmt.Sprint(x)
	}
}
