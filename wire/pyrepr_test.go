package wire

import "testing"

func TestRepr(t *testing.T) {
	for text, want := range map[string]string{
		``:                 `''`,
		`abc`:              `'abc'`,
		`it's`:             `"it's"`,
		`say "hi"`:         `'say "hi"'`,
		`it's "hi"`:        `'it\'s "hi"'`,
		`a\b`:              `'a\\b'`,
		"\t\n\r\x00\x1f":   `'\t\n\r\x00\x1f'`,
		"\x7f\u0080\u00a0": `'\x7f\x80\xa0'`,
		"é日本😀":             `'é日本😀'`,
		"\u00ad\u200b":     `'\xad\u200b'`,
		"\u2028\ufeff":     `'\u2028\ufeff'`,
		"\u3000\U0010ffff": `'\u3000\U0010ffff'`,
		"\U0001fae8":       `'\U0001fae8'`, // assigned in Unicode 15
		"\U0001fae7":       "'\U0001fae7'", // and in 14
		"%s":               `'%s'`,
	} {
		if got := string(AppendRepr(nil, []byte(text))); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestPercent(t *testing.T) {
	for text, want := range map[string]string{"": "", "a": "a", "%%": "%", "a%%b%%%%": "a%b%%"} {
		if got, ok := percent([]byte(text)); !ok || string(got) != want {
			t.Errorf("%q: %q %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"%", "%%%", "%s", "%5%", "% %", "a%%b%"} {
		if got, ok := percent([]byte(text)); ok {
			t.Errorf("%q: %q, want a failure", text, got)
		}
	}
}

func TestIntExceptions(t *testing.T) {
	long := func(s string) string {
		for len(s) < maxIntDigits+1 {
			s += "7"
		}
		return s
	}
	const limit = "ValueError('Exceeds the limit (4300 digits) for integer string conversion: value has 4301 digits; use sys.set_int_max_str_digits() to increase the limit')"
	for text, want := range map[string]string{
		"":               `ValueError("invalid literal for int() with base 10: ''")`,
		"it's":           `ValueError('invalid literal for int() with base 10: "it\'s"')`,
		long(""):         limit,
		long("") + "x":   limit,
		long("") + " ":   limit,
		"-" + long(""):   limit,
		"x" + long(""):   `ValueError("invalid literal for int() with base 10: 'x` + long("")[:198] + `")`,
		long("") + "_":   `ValueError("invalid literal for int() with base 10: '` + long("")[:199] + `")`,
		"_" + long(""):   `ValueError("invalid literal for int() with base 10: '_` + long("")[:198] + `")`,
		"5__" + long(""): `ValueError("invalid literal for int() with base 10: '5__` + long("")[:196] + `")`,
	} {
		e := intException([]byte(text))
		if got := string(e.appendRepr(nil)); got != want {
			t.Errorf("%.20q…: %s, want %s", text, got, want)
		}
	}
}
