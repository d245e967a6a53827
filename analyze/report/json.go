package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"regexp"

	"repltap/analyze/profile"
	"repltap/analyze/safetext"
)

// WriteJSON writes a profile for programs; schema.md says what is in it.
func WriteJSON(w io.Writer, p *profile.Profile) error { return writeJSON(w, p) }

// WriteTableJSON writes one table of a profile, with what has to be known to
// read it: the same document without the other tables.
func WriteTableJSON(w io.Writer, p *profile.Profile, name string) error {
	return writeTableJSON(w, p, name)
}

// writeTableJSON writes a struct without the tables that are not asked for.
func writeTableJSON(w io.Writer, of any, name string) error {
	var b bytes.Buffer
	b.WriteByte('{')
	v := reflect.ValueOf(of).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := jsonName(f)
		if _, isTable := f.Tag.Lookup("table"); isTable && key != name {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(v.Field(i).Interface())
		if err != nil {
			return fmt.Errorf("table %s: %w", key, err)
		}
		fmt.Fprintf(&b, "%q:%s", key, value)
	}
	b.WriteByte('}')
	return writeJSON(w, json.RawMessage(b.Bytes()))
}

// writeJSON writes indented JSON that is safe to be shown on a terminal.
func writeJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	var out bytes.Buffer
	// No control character of ASCII is left in what Marshal makes, and the escapes
	// of the other hazards are those of JSON.
	if err := json.Indent(&out, safetext.Append(nil, text), "", "  "); err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	out.WriteByte('\n')
	_, err = w.Write(series.ReplaceAllFunc(out.Bytes(), func(list []byte) []byte {
		return bytes.Join(bytes.Fields(list), nil)
	}))
	return err
}

// series is a list of numbers as Indent writes it, a line each. People are better
// served by one line for all. In a text there is no line break, so it is no list.
var series = regexp.MustCompile(`\[\n\s+-?[0-9.]+(,\n\s+-?[0-9.]+)*\n\s+\]`)
