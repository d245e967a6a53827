package wire

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

// seedLines have every command in every form, and what is odd about lines.
var seedLines = []string{
	"SERVER example.com:8448\n", "NAME w1\n", "PING 1795187907288\n", "PING\n", "ERROR Wrong remote\n", "SYNC 5\n",
	"ERROR invalid command: \n", "REMOTE_SERVER_UP matrix.org\n",
	`RDATA caches 550953771 ["get_user_by_id", ["@bob:example.com"], 1550574873251]` + "\n",
	`RDATA caches batch ["a\/b",{"x":[1.5e3,-0,null,true,false]}]` + "\n",
	`RDATA presence master batch ["@a:x","online",1,2,3,null,true]` + "\n",
	`RDATA events 7 14 ["ev",["$id","!r:x","m.room.guest_access","",null,null,null,false,false]]` + "\n",
	`RDATA typing master  5 [1] ` + "\n", `RDATA caches master 5 NaN` + "\n", "RDATA caches master 5 \ufeff[1, 2]\r\n",
	"POSITION events 53\n", "POSITION events master 53\n", "POSITION events master 53 54\n", "POSITION events master +5_0 ٣ \n",
	"REPLICATE \n", "REPLICATE\n", "REPLICATE events 53\n", "REPLICATE ALL NOW\n", "REPLICATE ALL now\n",
	"USER_SYNC @u:x start 5\n", "USER_SYNC AbCdE @u:x end 5\n", "USER_SYNC AbCdE @u:x None start 5\n",
	"USER_SYNC AbCdE @u:x DEV start online 5\n", "USER_SYNC AbCdE @u:x my dev start 5\n", "CLEAR_USER_SYNC AbCdE\n",
	"USER_SYNC_KEEPALIVE AbCdE\n", "FEDERATION_ACK 5\n", "FEDERATION_ACK fs1 5\n",
	"REMOVE_PUSHER app key @u:x\n", `INVALIDATE_CACHE f ["a"]` + "\n", "USER_IP @u:x tok 1.2.3.4 DEV 5 Mozilla 5.0\n",
	`USER_IP @u:x ["tok","1.2.3.4","UA","DEV",5]` + "\n", `USER_IP @u:x {"a":1,"b":2,"c":3,"d":4,"\u0065":5}` + "\n",
	`LOCK_RELEASED ["w1","name","key"]` + "\n", "NEW_ACTIVE_TASK abc\n", "CANCEL_TASK abc\n",
	"\n", " \n", "FOO bar\n", "name w1\n", "NAME \xff\n", "NAME a\x00b", "", "RDATA ", "GET / HTTP/1.1\r\n",
}

func TestParseFields(t *testing.T) {
	for _, test := range []struct {
		dialect, line, want string // fields, joined by |
	}{
		{"v1.12", "RDATA caches 2 [1]", "caches|2|[1]"},
		{"v1.13", "RDATA caches master batch [1]", "caches|master|batch|[1]"},
		{"v1.92", "USER_SYNC AbCdE @u:x None start 5", "AbCdE|@u:x|None|start|5"},
		{"next", "USER_SYNC AbCdE @u:x DEV end busy 5", "AbCdE|@u:x|DEV|end|busy|5"},
		{"v0.22", "USER_IP @u:x tok ip dev 5 Moz illa", "@u:x|tok|ip|dev|5|Moz illa"},
		{"v1.22", "REPLICATE whatever", ""},
		{"v1.12", "REPLICATE ALL NOW", "ALL|NOW"},
		{"v1.90", `LOCK_RELEASED ["w1","a","b"]`, `["w1","a","b"]`},
	} {
		d, err := ParseDialect(test.dialect)
		if err != nil {
			t.Fatal(err)
		}
		var p Parsed
		if err := d.Parse([]byte(test.line), &p); err != nil {
			t.Errorf("%s: %q: %v", test.dialect, test.line, err)
		}
		var got []string
		for _, f := range p.Fields() {
			got = append(got, string(f.Text))
		}
		if s := strings.Join(got, "|"); s != test.want {
			t.Errorf("%s: %q has the fields %q, want %q", test.dialect, test.line, s, test.want)
		}
	}
}

func TestParseAccessors(t *testing.T) {
	var p Parsed
	if err := v1_29.Parse([]byte("RDATA typing w1 12  [1, 2] \n"), &p); err != nil {
		t.Fatal(err)
	}
	token, ok := p.Token()
	if token != 12 || !ok || p.Batch() || string(p.Stream()) != "typing" || string(p.Instance()) != "w1" || string(p.Row()) != "[1, 2]" {
		t.Errorf("token %d %v, batch %v, stream %q, instance %q, row %q", token, ok, p.Batch(), p.Stream(), p.Instance(), p.Row())
	}
	if err := v1_29.Parse([]byte("RDATA typing w1 batch [1]"), &p); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Token(); ok || !p.Batch() {
		t.Error("batch is not told from a token")
	}
	if err := v1_29.Parse([]byte("POSITION typing w1 3 5"), &p); err != nil {
		t.Fatal(err)
	}
	if prev, ok := p.Prev(); prev != 3 || !ok || p.User() != nil || p.Row() != nil {
		t.Errorf("prev %d %v, user %q, row %q", prev, ok, p.User(), p.Row())
	}
}

func TestParseErrors(t *testing.T) {
	for _, test := range []struct{ dialect, line, code string }{
		{"v1.12", "PING", CodeNoSpace},
		{"v1.29", "FOO bar", CodeUnknownCommand},
		{"v1.29", "REMOVE_PUSHER a b c", CodeUnknownCommand},
		{"v1.29", "RDATA caches 2 [1]", CodeArity},
		{"v1.29", "RDATA caches master x [1]", CodeInteger},
		{"v1.29", "RDATA caches master 5 [1", CodeJSON},
		{"v1.29", "RDATA caches master 5 NaN", CodeNaN},
		{"v1.29", "USER_SYNC a b stop 5", CodeStateWord},
		{"v1.29", "FEDERATION_ACK a b 5", CodeArity},
		{"v1.29", `USER_IP @u:x [1,2]`, CodeJSON},
		{"v1.29", "NAME \xff", CodeUTF8},
		{"v1.29", "NAME a\nb", CodeNewline},
		{"v1.29", "", CodeBlank},
		{"v1.29", " \t\r\n", CodeBlank},
	} {
		d, _ := ParseDialect(test.dialect)
		var p Parsed
		err := d.Parse([]byte(test.line), &p)
		var e *ParseError
		if !errors.As(err, &e) || e.Code != test.code || e.Error() == "" {
			t.Errorf("%s: %q: %v, want %s", test.dialect, test.line, err, test.code)
		}
	}
	if err := Dialect(0).Parse([]byte("PING 5\n"), new(Parsed)); err == nil {
		t.Error("no dialect parses something")
	}
	if err := Dialect(200).Parse([]byte("PING 5\n"), new(Parsed)); err == nil {
		t.Error("a dialect that does not exist parses something")
	}
}

func TestParseLeniencies(t *testing.T) {
	for _, test := range []struct {
		dialect, line string
		want          Leniency
	}{
		{"v1.29", "POSITION events master 5 +6", LenientInteger},
		{"v1.29", "POSITION events master 5 99999999999999999999", LenientInteger},
		{"v1.29", "NAME w1\r\n", LenientCR},
		{"v1.29", "PING\n", LenientNoSpace},
		{"v1.29", "REPLICATE events 5\n", LenientArguments},
		{"v1.29", "NAME my worker\n", LenientSpaces},
		{"v1.29", "RDATA caches  5 [1]\n", LenientEmpty},
		{"v1.12", "REPLICATE ALL now\n", LenientWord},
		{"v1.29", "RDATA caches master 5  [1]\n", LenientBlanks},
		{"v1.13", "RDATA caches master 5 \ufeff[1]\n", LenientMark},
		{"v1.29", "RDATA caches master 5 [1, 2]\n", LenientStyle},
		{"v1.13", "RDATA caches master 5 [1,2]\n", LenientStyle},
		{"v1.29", "RDATA caches master 5 {}\n", LenientShape},
		{"v1.18", "RDATA caches master 5 [NaN]\n", LenientRelease},
	} {
		d, _ := ParseDialect(test.dialect)
		var p Parsed
		if err := d.Parse([]byte(test.line), &p); err != nil {
			t.Errorf("%s: %q: %v", test.dialect, test.line, err)
		}
		if !slices.Contains(p.Lenient, test.want) || test.want.Code() == "" || test.want.String() == "" {
			t.Errorf("%s: %q: leniencies %v, want %v", test.dialect, test.line, p.Lenient, test.want)
		}
		if err := d.ParseStrict([]byte(test.line), &p); err == nil {
			t.Errorf("%s: %q passes as strict", test.dialect, test.line)
		}
	}
}

func TestParseReleases(t *testing.T) {
	for _, test := range []struct {
		release, line string
		ok            bool
	}{
		{"1.19.3", "RDATA caches master 5 NaN", true},
		{"1.20.0", "RDATA caches master 5 NaN", false},
		{"0.26.0", "RDATA caches 5 NaN", false},
		{"0.27.0", "RDATA caches 5 NaN", true},
		{"1.19.3", "RDATA caches master 5 \ufeff1", true},
		{"1.20.0", "RDATA caches master 5 \ufeff1", false},
	} {
		release, err := ParseRelease(test.release)
		if err != nil {
			t.Fatal(err)
		}
		r, err := ReceiverOf(release)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Parse([]byte(test.line), new(Parsed)); (err == nil) != test.ok {
			t.Errorf("%s: %q: %v", test.release, test.line, err)
		}
	}
	if _, err := ReceiverOf(release(0, 20, 0)); err == nil {
		t.Error("0.20.0 has a receiver")
	}
}

func TestAppendPutsRight(t *testing.T) {
	for line, want := range map[string]string{
		"POSITION events master  5 +0_6 \r\n":                 "",
		"POSITION events master -05 +0_6 \r\n":                "POSITION events master -5 6\n",
		"POSITION events master 5 0099999999999999999999":     "POSITION events master 5 99999999999999999999",
		"POSITION events master 5 -99999999999999999999\n":    "POSITION events master 5 -99999999999999999999\n",
		"REPLICATE events 5\n":                                "REPLICATE \n",
		"PING\n":                                              "PING \n",
		"RDATA caches master 5 \t [1, 2] \n":                  "RDATA caches master 5 [1, 2]\n",
		"POSITION events master 5 \u0663\u0664\n":             "POSITION events master 5 34\n",
		"POSITION events master 5 " + strings.Repeat("0", 50): "POSITION events master 5 0",
	} {
		var p Parsed
		err := v1_29.Parse([]byte(line), &p)
		if (err != nil) != (want == "") {
			t.Errorf("%q: %v", line, err)
		} else if got := string(p.Append(nil)); err == nil && got != want {
			t.Errorf("%q is written again %q, want %q", line, got, want)
		}
	}
}

func TestJSONDepth(t *testing.T) {
	for depth, ok := range map[int]bool{1: true, 750: true, maxDepth: true, maxDepth + 2: false, 1200: false, 8000: false} {
		for _, bracket := range []string{"[]", `{"a":}`} {
			half := len(bracket) - 1
			json := strings.Repeat(bracket[:half], depth) + "1" + strings.Repeat(bracket[half:], depth)
			if got := scanJSON([]byte(json)); (got&jsonFails == 0) != ok {
				t.Errorf("depth %d of %s: %b", depth, bracket, got)
			}
		}
	}
}

func TestParseAllocatesNothing(t *testing.T) {
	line := []byte(`RDATA caches master 5 ["get_user_by_id",["@bob:example.com"],1550574873251]` + "\n")
	var p Parsed
	buf := make([]byte, 0, 200)
	if n := testing.AllocsPerRun(100, func() {
		_ = v1_29.ParseStrict(line, &p)
		buf = p.Append(buf[:0])
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for i, line := range seedLines {
		f.Add([]byte(line), uint8(i))
	}
	f.Fuzz(func(t *testing.T, line []byte, n uint8) {
		d := Dialect(n)%(endDialect-1) + 1
		var strict, lenient Parsed
		strictErr, err := d.ParseStrict(line, &strict), d.Parse(line, &lenient)
		if strictErr == nil && err != nil {
			t.Fatalf("%v: strict accepts %q, lenient says %v", d, line, err)
		}
		if strictErr == nil {
			if again := strict.Append(nil); !bytes.Equal(again, line) {
				t.Fatalf("%v: %q is written again %q", d, line, again)
			}
		}
		if err == nil {
			fuzzAgain(t, d, line, &lenient)
		}
		_ = d.ParseMessage(line, &lenient)
	})
}

// fuzzAgain: what a lenient parse writes again parses, and means the same.
func fuzzAgain(t *testing.T, d Dialect, line []byte, p *Parsed) {
	again := p.Append(nil)
	var q Parsed
	if err := d.Parse(again, &q); err != nil {
		t.Fatalf("%v: %q is written again %q, which gives %v", d, line, again, err)
	}
	if !slices.EqualFunc(p.Fields(), q.Fields(), func(a, b Field) bool {
		return a.Kind == b.Kind && a.Null == b.Null && a.Int == b.Int && a.Big == b.Big && bytes.Equal(a.JSON(), b.JSON())
	}) && !slices.Contains(p.Lenient, LenientInteger) && !slices.Contains(p.Lenient, LenientWord) {
		t.Fatalf("%v: %q is written again %q, with other fields", d, line, again)
	}
}
