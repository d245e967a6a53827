package profile

import (
	"reflect"
	"strings"
	"unicode/utf8"
)

// Names come out of the traffic, which may hold any bytes. JSON may not: so that
// all faces show the same, bytes that are not UTF-8 are written out as \xff
// before anybody sees them.

// cleanTexts goes over all texts of a value.
func cleanTexts(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if s := v.String(); !utf8.ValidString(s) {
			v.SetString(cleanText(s))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			cleanTexts(v.Field(i))
		}
	case reflect.Slice:
		if kind := v.Type().Elem().Kind(); kind != reflect.String && kind != reflect.Struct && kind != reflect.Slice {
			return
		}
		for i := range v.Len() {
			cleanTexts(v.Index(i))
		}
	}
}

func cleanText(s string) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			b.WriteString(`\x`)
			b.WriteByte(digits[s[0]>>4])
			b.WriteByte(digits[s[0]&15])
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}
