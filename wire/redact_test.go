package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var levels = []Redaction{RedactSecrets, RedactPersonal}

// redactors has one of each level, under one key.
func redactors() (all [RedactPersonal + 1]*Redactor) {
	for l := range all {
		all[l] = NewRedactor(Redaction(l), []byte("0123456789abcdef0123456789abcdef"))
	}
	return all
}

func TestRedactionNames(t *testing.T) {
	for _, l := range append(levels, RedactNone) {
		if got, err := ParseRedaction(l.String()); err != nil || got != l {
			t.Errorf("%v is read as %v, %v", l, got, err)
		}
	}
	if _, err := ParseRedaction("some"); err == nil {
		t.Error("a level that does not exist is read")
	}
}

// skeleton is a line with every JSON string but the first emptied, so that rows
// can be compared by their shape.
func skeleton(json []byte) []byte {
	var out []byte
	for i := 0; i < len(json); i++ {
		out = append(out, json[i])
		if json[i] == '"' {
			i = endOfString(json, i)
			out = append(out, '"')
		}
	}
	return out
}

// check holds a line to what redaction promises of it, at a level. It reports
// whether the line was kept.
func checkRedacted(t testing.TB, r *Redactor, line []byte) (out []byte, kept bool) {
	t.Helper()
	before := bytes.Clone(line)
	out, ok := r.Line(nil, line, nil, AllDialects)
	if !bytes.Equal(before, line) {
		t.Fatalf("%v: the line was written to: %q", r.Level(), before)
	}
	if !ok {
		if out != nil {
			t.Errorf("%v: %q is not kept, but there is %q", r.Level(), line, out)
		}
		return nil, false
	}
	out = bytes.Clone(out)
	if len(out) != len(line) {
		t.Errorf("%v: %q became %q, of another length", r.Level(), line, out)
	}
	if bytes.Equal(out, line) {
		return out, true
	}
	var a, b Parsed
	for _, d := range Dialects() {
		for dir := NoDirection; dir <= C2S; dir++ {
			was := d.Receiver().Judge(dir, Piece{Text: line}, nil)
			if is := d.Receiver().Judge(dir, Piece{Text: out}, nil); is.Action != was.Action {
				t.Errorf("%v: %v %v: %q became %q, which is judged %v, not %v", r.Level(), d, dir, line, out, is.Action, was.Action)
			}
		}
		if d.Parse(line, &a) != nil {
			continue
		}
		if err := d.Parse(out, &b); err != nil {
			t.Errorf("%v: %v: %q became %q: %v", r.Level(), d, line, out, err)
			continue
		}
		if !slices.Equal(a.Lenient, b.Lenient) {
			t.Errorf("%v: %v: %q became %q: leniencies %v, not %v", r.Level(), d, line, out, b.Lenient, a.Lenient)
		}
		checkFields(t, r, d, &a, &b, line, out)
	}
	if again, ok := r.Line(nil, out, nil, AllDialects); !ok || len(again) != len(out) {
		t.Errorf("%v: %q became %q, which can't be redacted again", r.Level(), line, out)
	}
	return out, true
}

func checkFields(t testing.TB, r *Redactor, d Dialect, a, b *Parsed, line, out []byte) {
	t.Helper()
	if a.Command != b.Command || len(a.Fields()) != len(b.Fields()) {
		t.Errorf("%v: %q became %q: another command or number of fields", d, line, out)
		return
	}
	for i, f := range a.Fields() {
		g := b.Fields()[i]
		if f.Kind != g.Kind || f.Null != g.Null || f.Int != g.Int || f.Big != g.Big || len(f.Text) != len(g.Text) {
			t.Errorf("%v: %q became %q: field %d", d, line, out, i)
		}
		switch lexisOf[f.Kind] {
		case lexInt, lexBatchInt, lexNowInt, lexState:
			if !bytes.Equal(f.Text, g.Text) {
				t.Errorf("%v: %q became %q: field %d", d, line, out, i)
			}
		case lexJSON, lexJSON3, lexJSON5:
			if !bytes.Equal(skeleton(f.Text), skeleton(g.Text)) {
				t.Errorf("%v: %q became %q: the JSON has another shape", d, line, out)
			}
		}
	}
}

// TestRedactVectors: what any release can read of the vectors stays readable.
func TestRedactVectors(t *testing.T) {
	all := redactors()
	files, _ := filepath.Glob(filepath.Join("..", "testdata", "vectors", "*.jsonl.zst"))
	lines, parse, kept := 0, 0, [3]int{}
	seen := map[string]bool{}
	for _, file := range files {
		for text := range bytes.Lines(readZstd(t, file)) {
			var v vector
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			input, _ := base64.StdEncoding.DecodeString(v.Line)
			if len(input) > MaxLine+1 || seen[v.Line] {
				continue
			}
			seen[v.Line] = true
			lines++
			readable := slices.ContainsFunc(Dialects(), func(d Dialect) bool { return d.Parse(input, new(Parsed)) == nil })
			if readable {
				parse++
			}
			for _, level := range levels {
				_, ok := checkRedacted(t, all[level], input)
				if ok {
					kept[level]++
				} else if readable && !oddlyUnpacked(input) {
					t.Errorf("%v: not kept: %.150q", level, input)
				}
			}
		}
	}
	t.Logf("%d lines, %d of them readable; kept at secrets %d, at personal %d", lines, parse, kept[RedactSecrets], kept[RedactPersonal])
}

// oddlyUnpacked is JSON that receivers take apart although it is no array: how
// many parts that gives hangs on the very characters, so it can't be redacted.
func oddlyUnpacked(line []byte) bool {
	var p Parsed
	if v1_90.Parse(line, &p) != nil {
		return false
	}
	if p.n == 0 {
		return false
	}
	f := p.Fields()[p.n-1]
	return (f.Kind == FieldVisit || f.Kind == FieldLock) && f.JSON()[0] != '['
}

// TestRedactCaptures: of what a real Synapse sent every line is kept, and at
// personal nobody's name is left.
func TestRedactCaptures(t *testing.T) {
	all := redactors()
	lines := 0
	for _, c := range captures(t) {
		c.play(NewConversation(AllReleases), func(dir Direction, p Piece, _ []Finding) {
			if p.Kind != PieceLine {
				return
			}
			lines++
			for _, level := range levels {
				var out []byte
				ok := true
				if lines%7 == 0 || c.handMade() { // all of it takes long
					out, ok = checkRedacted(t, all[level], p.Text)
				} else {
					out, ok = all[level].Line(nil, p.Text, nil, AllDialects)
				}
				if !ok {
					if !c.madeBy(dir) {
						t.Errorf("%s: %v: not kept: %.200q", &c, level, p.Text)
					}
					continue
				}
				for _, secret := range leftOvers[:int(level)*2] {
					if bytes.Contains(out, []byte(secret)) {
						t.Errorf("%s: %v: %q is in %.200q, of %.200q", &c, level, secret, out, p.Text)
					}
				}
			}
		})
	}
	t.Logf("%d lines", lines)
}

// leftOvers is what the captures are full of: at secrets the first two must not
// be left, at personal none.
var leftOvers = []string{"key-", "access-token", "@user", "127.0.0.1"}

// TestRedactSame: a value has one pseudonym wherever it stands, and another one
// under another key.
func TestRedactSame(t *testing.T) {
	first := map[string]string{}
	for _, test := range []struct{ value, before, after string }{
		{"alice", "USER_SYNC AbCdE @", ":lab.test start 5"},
		{"alice", "USER_SYNC AbCdE @", ":lab.test DEVICE start 5"},
		{"alice", "USER_SYNC @", ":lab.test end 5"},
		{"alice", `RDATA presence master 5 ["@`, `:lab.test","online",1,2,3,null,true]`},
		{"alice", `RDATA presence 5 ["@`, `:lab.test", "online", 1, 2, 3, null, true]`},
		{"alice", `RDATA typing master 5 ["!r:x",["@`, `:lab.test"]]`},
		{"alice", `RDATA caches master 5 ["get_user_by_id",["@`, `:lab.test"],5]`},
		{"alice", `RDATA caches master 5 {"cache_func":"get_user_by_id","keys":["@`, `:lab.test"],"invalidation_ts":5}`},
		{"alice", `RDATA federation master 5 ["k",{"key":["typing","!r:x"],"edu":{"edu_type":"m.typing","content":{"user_id":"@`, `:lab.test"},"origin":"a","destination":"b"}}]`},
		{"alice", `RDATA new_one master 5 [{"@`, `:lab.test":5}]`},
		{"alice", `INVALIDATE_CACHE get_user_by_id ["@`, `:lab.test"]`},
		{"alice", "REMOVE_PUSHER app key @", ":lab.test"},
		{"alice", `USER_IP @`, `:lab.test ["tok","::1","UA",null,5]`},
		{"alice", `LOCK_RELEASED ["w1","lock","@`, `:lab.test"]`},
		{"alice", `ERROR failed to parse line: KeyError('x') ('USER_IP @`, `:lab.test ["tok","::1","it\'s",null,5]'):`},
		{"alice", `ERROR failed to parse line for  'USER_SYNC': ValueError('x') ('@`, `:lab.test start 5'):`},
		{"sesame-1234", `USER_IP @a:x ["`, `","::1","UA",null,5]`},
		{"sesame-1234", `USER_IP @a:x `, ` ::1 None 5 UA`},
		{"sesame-1234", `RDATA caches master 5 ["get_user_by_access_token",["`, `"],5]`},
		{"sesame-1234", `INVALIDATE_CACHE get_user_by_access_token ["`, `"]`},
		{"sesame-1234", `REMOVE_PUSHER app `, ` @a:x`},
		{"sesame-1234", `RDATA pushers 5 ["@a:x","app","`, `",false]`},
		{"sesame-1234", `ERROR failed to parse line: KeyError('x') ('REMOVE_PUSHER app `, ` @a:x'):`},
		{"sesame-1234", `ERROR `, ``},
		{"syt_sesame_1234", `USER_IP @a:x ["`, `","::1","UA",null,5]`},
		{"syt_sesame_1234", `PING `, ``},
		{"syt_sesame_1234", `RDATA typing 5 ["!r:x",["`, `"]]`},
		{"syt_sesame_1234", `RDATA receipts 5 ["!r:x","m.read","@a:x","Bearer `, `",{}]`},
	} {
		level := RedactSecrets
		if test.value == "alice" {
			level = RedactPersonal
		}
		line := []byte(test.before + test.value + test.after + "\n")
		pseudonym := func(key string) string {
			out, ok := NewRedactor(level, []byte(key)).Line(nil, line, nil, AllDialects)
			if !ok || len(out) != len(line) {
				t.Errorf("%q became %q, %v", line, out, ok)
				return ""
			}
			return string(out[len(test.before):][:len(test.value)])
		}
		a, b := pseudonym("one key"), pseudonym("another")
		if first[test.value] == "" {
			first[test.value] = a
		}
		if want := first[test.value]; a != want || a == b || a == test.value {
			t.Errorf("%q: %q is %q, under another key %q; want %q", line, test.value, a, b, want)
		}
	}
}

// TestRedactLines: what becomes of whole lines. x stands for any of a
// pseudonym's letters.
func TestRedactLines(t *testing.T) {
	for _, test := range []struct {
		level      Redaction
		line, want string // want "" for what is not kept
	}{
		{RedactSecrets, `USER_IP @a:x ["tok","::1","UA","DEV",5]`, `USER_IP @a:x ["xxx","::1","UA","DEV",5]`},
		{RedactSecrets, `USER_IP @a:x ["::1","tok","UA","DEV",5]`, `USER_IP @a:x ["xxx","xxx","xx","xxx",5]`},
		{RedactSecrets, `USER_IP @a:x ["127.0.0.1","0123456789abcdef",null,null,5]`, `USER_IP @a:x ["xxxxxxxxx","xxxxxxxxxxxxxxxx",null,null,5]`},
		{RedactSecrets, `RDATA caches m 5 ["get_user_by_id",["@a:x"],5]`, `RDATA caches m 5 ["get_user_by_id",["@a:x"],5]`},
		{RedactSecrets, `RDATA caches m 5 ["get_user_by_access_token",null,5]`, `RDATA caches m 5 ["get_user_by_access_token",null,5]`},
		{RedactSecrets, `RDATA pushers m 5 ["@a:x","lab.app","k\/ey",0]`, `RDATA pushers m 5 ["@a:x","lab.app","x\/xx",0]`},
		{RedactSecrets, `RDATA pushers m 5 ["@a:x","0123456789abcdef","im.vector.app.ios",0]`, `RDATA pushers m 5 ["@a:x","xxxxxxxxxxxxxxxx","xxxxxxxxxxxxxxxxx",0]`},
		{RedactSecrets, `RDATA pushers m 5 ["@a:x","app","k e y",0]`, `RDATA pushers m 5 ["@a:x","xxx","x x x",0]`},
		{RedactSecrets, `RDATA account_data 5 ["@a:x", null, "m.direct", "{}"]`, `RDATA account_data 5 ["@a:x", null, "m.direct", "xx"]`},
		{RedactSecrets, `RDATA receipts 5 ["!r:x", "m.read", "@a:x", "$e:x", "{}"]`, `RDATA receipts 5 ["!r:x", "m.read", "@a:x", "$e:x", "{}"]`},
		{RedactSecrets, `RDATA to_device m 5 ["@a:x"`, ""},
		{RedactSecrets, `RDATA to_device m 5 ["@a:x","key"]`, `RDATA to_device m 5 ["@x:x","xxx"]`},
		{RedactSecrets, `RDATA events m 5 ["ev",["$e","tok"],"tok"]`, `RDATA events m 5 ["ev",["$x","xxx"],"xxx"]`},
		{RedactSecrets, `REMOVE_PUSHER m.email key with spaces @a:x`, `REMOVE_PUSHER m.email xxx xxxx xxxxxx @a:x`},
		{RedactSecrets, `REMOVE_PUSHER sesame lab.app @a:x`, `REMOVE_PUSHER xxxxxx xxxxxxx @a:x`},
		{RedactSecrets, `ERROR failed to parse line: KeyError('REMOVE_PUSHER') ('REMOVE_PUSHER sesame lab.app @a:x'):`,
			`ERROR failed to parse line: KeyError('REMOVE_PUSHER') ('REMOVE_PUSHER xxxxxx xxxxxxx @a:x'):`},
		{RedactSecrets, `POSITION events master 5 6 7`, `POSITION events master 5 6 7`},
		{RedactSecrets, `POSITION events master "5"`, ""},
		{RedactSecrets, `FOO bar`, ""},
		{RedactSecrets, ` `, ` `},
		{RedactSecrets, `NAME w1`, `NAME w1`},
		{RedactSecrets, `NAME w1 and others`, `NAME xx xxx xxxxxx`},
		{RedactSecrets, `ERROR ping timeout`, `ERROR ping timeout`},
		{RedactSecrets, `ERROR Failed to keep up`, `ERROR Failed to keep up`},
		{RedactSecrets, `ERROR server shutting down`, `ERROR server shutting down`},
		{RedactSecrets, `ERROR Line length exceeded`, `ERROR Line length exceeded`},
		{RedactSecrets, `ERROR Wrong remote`, `ERROR Wrong remote`},
		{RedactSecrets, `ERROR invalid command: USER_IP`, `ERROR invalid command: USER_IP`},
		{RedactSecrets, `ERROR invalid command: ohno`, `ERROR invalid command: xxxx`},
		{RedactSecrets, `ERROR failed to handle replicate: Exception('unknown stream %s', 'nosuch')`, `ERROR failed to handle replicate: Exception('unknown stream %s', 'xxxxxx')`},
		{RedactSecrets, `ERROR failed to parse line: ValueError('not enough values to unpack (expected 4, got 3)') ('POSITION events w1 5'):`,
			`ERROR failed to parse line: ValueError('not enough values to unpack (expected 4, got 3)') ('POSITION events w1 5'):`},
		{RedactSecrets, `ERROR failed to parse line: KeyError('INVALIDATE_CACHE') ('INVALIDATE_CACHE get_user_by_access_token ["t\\u00e9k"]'):`,
			`ERROR failed to parse line: KeyError('INVALIDATE_CACHE') ('INVALIDATE_CACHE get_user_by_access_token ["xxxxxxxxx"]'):`},
		{RedactSecrets, `ERROR failed to parse line: KeyError('user_ip') ('user_ip @a:x ["tok"]'):`, `ERROR failed to parse line: KeyError('xxxxxxx') ('xxxxxxx xx:x ["xxx"]'):`},
		{RedactSecrets, `ERROR Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits`, `ERROR Exceeds the limit (4300 digits) for integer string conversion: value has 5000 digits`},
		{RedactSecrets, `ERROR Expecting value: line 1 column 5 (char 4), 4477 not`, `ERROR Expecting value: line 1 column 5 (char 4), xxxx not`},
		{RedactPersonal, `ERROR failed to parse line: ValueError(1) ('USER_IP @alice:lab.test ["tok123456789","10.1.2.34","UA`,
			`ERROR failed to parse line: ValueError(1) ('USER_IP xxxxxx:xxxxxxxx ["xxxxxxxxxxxx","xxxxxxxxx","xx`},
		{RedactPersonal, `ERROR lost 10.0.0.1 alice +4477009 2001:470::1`, `ERROR xxxx xxxxxxxx xxxxx xxxxxxxx xxxx:xxx::x`},
		{RedactPersonal, `ERROR value 44 7700 900 not`, `ERROR value xx xxxx xxx not`},
		{RedactPersonal, `ERROR value 2001:470::1`, `ERROR value xxxx:xxx::x`},
		{RedactPersonal, `ERROR value ::1, not`, `ERROR value ::x, not`},
		{RedactPersonal, `NAME @alice:lab.test`, `NAME @xxxxx:lab.test`},
		{RedactPersonal, `NAME $abcdef`, `NAME $xxxxxx`},
		{RedactPersonal, `NAME w1@10.0.0.1`, `NAME xxxxxxxxxxx`},
		{RedactPersonal, `NAME generic-worker:8.1.2`, `NAME generic-worker:8.1.2`},
		{RedactPersonal, `CLEAR_USER_SYNC @alice:lab.test`, `CLEAR_USER_SYNC @xxxxx:lab.test`},
		{RedactPersonal, `REPLICATE @alice:lab.test 5`, `REPLICATE @xxxxx:lab.test 5`},
		{RedactPersonal, `REPLICATE events +5`, `REPLICATE events +5`},
		{RedactPersonal, `POSITION events alice@x 5`, `POSITION events xxxxxxx 5`},
		{RedactPersonal, `POSITION events 10.1.2.3 5 6`, `POSITION events xxxxxxxx 5 6`},
		{RedactPersonal, `FEDERATION_ACK 10.1.2.3 5`, `FEDERATION_ACK xxxxxxxx 5`},
		{RedactPersonal, `RDATA to_device @alice:lab.test 5 ["@alice:lab.test"]`, `RDATA to_device @xxxxx:lab.test 5 ["@xxxxx:lab.test"]`},
		{RedactPersonal, `RDATA @alice:lab.test 5 [1]`, `RDATA @xxxxx:lab.test 5 [1]`},
		{RedactPersonal, `PING 10.1.2.3`, `PING xxxxxxxx`},
		{RedactPersonal, `PING 2001:db8::1`, `PING xxxxxxxxxxx`},
		{RedactPersonal, `PING 1795187167432`, `PING 1795187167432`},
		{RedactPersonal, `NEW_ACTIVE_TASK alice@example.org`, `NEW_ACTIVE_TASK xxxxxxxxxxxxxxxxx`},
		{RedactPersonal, `SERVER 10.1.2.3:8448`, `SERVER 10.1.2.3:8448`},
		{RedactPersonal, `SERVER @alice:lab.test`, `SERVER @xxxxx:lab.test`},
		{RedactPersonal, `USER_SYNC 10.1.2.3 @a:x start 5`, `USER_SYNC xxxxxxxx @x:x start 5`},
		{RedactPersonal, `USER_SYNC AbCdE @a:x None start 5`, `USER_SYNC AbCdE @x:x None start 5`},
		{RedactPersonal, `USER_SYNC AbCdE @a:x D E V start 5`, ""},
		{RedactPersonal, `RDATA presence m 5 ["@a:x","online",1,2,3,"@b:x",true]`, `RDATA presence m 5 ["@x:x","online",1,2,3,"xxxx",true]`},
		{RedactPersonal, `RDATA to_device m 5 ["matrix.org"]`, `RDATA to_device m 5 ["matrix.org"]`},
		{RedactPersonal, `RDATA events m 5 ["ev",["$abc","!r:x:8448","m.room.member","@a:x",null,null,"join",false,false]]`,
			`RDATA events m 5 ["ev",["$xxx","!x:x:8448","m.room.member","@x:x",null,null,"join",false,false]]`},
		{RedactPersonal, `RDATA events m 5 ["state",["!r:x"]]`, `RDATA events m 5 ["state",["!x:x"]]`},
		{RedactPersonal, `RDATA typing m 5 []`, `RDATA typing m 5 []`},
		{RedactPersonal, `RDATA groups 5 ["+g:x", "@a:x", "join", {"profile": {"name": "who"}}]`, `RDATA groups 5 ["+x:x", "@x:x", "join", {"profile": {"xxxx": "xxx"}}]`},
		{RedactPersonal, `LOCK_RELEASED ["w1","lock","!r:x"]`, `LOCK_RELEASED ["w1","lock","!x:x"]`},
		{RedactPersonal, `REMOTE_SERVER_UP matrix.org:8448`, `REMOTE_SERVER_UP matrix.org:8448`},
	} {
		r := redactors()[test.level]
		out, ok := r.Line(nil, []byte(test.line+"\n"), nil, AllDialects)
		if got := string(trimNewline(out)); !matches(got, test.want) || ok != (test.want != "") {
			t.Errorf("%v: %q became %q, want %q", test.level, test.line, got, test.want)
		}
	}
}

// TestRedactAppID: what is taken for an application's id, next to a push key that
// could stand in its place.
func TestRedactAppID(t *testing.T) {
	for _, id := range []string{"lab.app", "m.email", "m.http", "im.vector.app.ios.voip", "org.matrix.element-x",
		"io.element.elementx.ios.prod", "chat.fluffy.FluffyChat", "com.beeper.ima2"} {
		if !isAppID([]byte(id)) {
			t.Errorf("%q is not taken for an application's", id)
		}
	}
	for _, key := range []string{"", ".", "lab.", ".app", "lab..app", "sesame", "deadbeef.app", "a.1234567", "a.01234",
		"Zm9vYmFy.QmF6UXV4", "eyJhbGciOi.eyJzdWI", "alice@example.org", "https://up.example.org", "abc:APA91b.x", "lab.app%", "lab.\u00e9pp",
		"a." + strings.Repeat("z", 21), strings.Repeat("aaa.", 16) + "z", "0123456789abcdef"} {
		if isAppID([]byte(key)) {
			t.Errorf("%q is taken for an application's id", key)
		}
	}
}

// TestRedactSpaces: the spaces of a JSON string stay, and no word of a pseudonym
// is a number, so that dialects which split there do it as before.
func TestRedactSpaces(t *testing.T) {
	for _, level := range levels {
		r := redactors()[level]
		for n := range 300 {
			line := fmt.Appendf(nil, `RDATA pushers 5 ["@u:x","app","%d k e y 5 6 7 8 9",false]`, n)
			out, ok := checkRedacted(t, r, line)
			if !ok {
				t.Fatalf("%v: %q is not kept", level, line)
			}
			for i, word := range bytes.Split(out, space)[4:] {
				if isDigit(word[0]) || len(word) != len(bytes.Split(line, space)[4+i]) {
					t.Fatalf("%v: %q became %q", level, line, out)
				}
			}
			for _, d := range Dialects() {
				was := d.Receiver().Judge(S2C, Piece{Text: line}, nil)
				if is := d.Receiver().Judge(S2C, Piece{Text: out}, nil); is.Code != was.Code {
					t.Fatalf("%v: %q became %q: %v says %s, not %s", level, line, out, d, is.Code, was.Code)
				}
			}
		}
	}
}

// matches compares with a pattern in which x is any letter of a pseudonym.
func matches(got, want string) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range want {
		if got[i] != want[i] && (want[i] != 'x' || !bytes.ContainsRune([]byte(alphabet), rune(got[i]))) {
			return false
		}
	}
	return true
}
