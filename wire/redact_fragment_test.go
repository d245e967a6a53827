package wire

import (
	"bytes"
	"strings"
	"testing"
)

// TestRedactFragments: x stands for any letter of a pseudonym, "" for what is
// not kept. Parts are of one line.
func TestRedactFragments(t *testing.T) {
	much := strings.Repeat(`"@user:lab.test",`, 1000)
	for _, test := range []struct {
		level       Redaction
		over        bool
		parts, want []string
	}{
		{RedactSecrets, false, []string{`RDATA to_device master batch ["@user719:la`}, []string{`RDATA to_device master batch ["@user719:la`}},
		{RedactPersonal, false, []string{`RDATA to_device master batch ["@user719:la`}, []string{""}},
		{RedactSecrets, false, []string{`RDATA to_device master batch ["@user7RDATA caches 5 ["x`}, []string{""}},
		{RedactSecrets, false, []string{`RDATA caches master 5 ["get_user_by_id",["@use`}, []string{`RDATA caches master 5 ["get_user_by_id",["@use`}},
		{RedactSecrets, false, []string{`RDATA caches master 5 ["get_user_by_access_token",["se`}, []string{""}},
		{RedactSecrets, false, []string{`RDATA caches master 5 ["get_us`}, []string{""}},
		{RedactSecrets, false, []string{`RDATA typing 5 ["!r:x",["syt_a`}, []string{`RDATA typing 5 ["!r:x",["xxxxx`}},
		{RedactSecrets, false, []string{`USER_IP @a:x ["tok","::1","UA",null,5]`}, []string{`USER_IP @a:x ["xxx","::1","UA",null,5]`}},
		{RedactSecrets, false, []string{`USER_IP @a:x ["tok`}, []string{""}},
		{RedactSecrets, false, []string{`POSITION events mas`}, []string{`POSITION events mas`}},
		{RedactSecrets, false, []string{`PING 1795`}, []string{`PING 1795`}},
		{RedactPersonal, false, []string{`PING 1795`}, []string{`PING 1795`}},
		{RedactSecrets, false, []string{`REMOVE_PUSHER to`}, []string{""}},
		{RedactSecrets, false, []string{`FOO`}, []string{""}},
		{RedactSecrets, false, []string{`RDATA sesame`}, []string{""}},
		{RedactSecrets, false, []string{`RDATA pushers syt_abcdef`}, []string{`RDATA pushers xxxxxxxxxx`}},
		{RedactSecrets, false, []string{`RDATA pushers one two`}, []string{""}},
		{RedactPersonal, false, []string{`RDATA events @alice:lab.te`}, []string{""}},
		{RedactSecrets, false, []string{`ERROR failed to parse line: KeyError('x') ('USER_IP @a:x ["tok`}, []string{`ERROR failed to parse line: KeyError('x') ('USER_IP xx:x ["xxx`}},

		{RedactSecrets, true, []string{`RDATA typing 5 ["!r:x",[` + much, `"@b:x"]]` + "\n"}, []string{`RDATA typing 5 ["!r:x",[` + much, `"@b:x"]]` + "\n"}},
		{RedactSecrets, true, []string{`RDATA typing 5 ["!r:x",[` + much, `sesame]]` + "\n"}, []string{`RDATA typing 5 ["!r:x",[` + much, ""}},
		{RedactSecrets, true, []string{`RDATA typing 5 ["!r:x",["`, `sesame open`, `"]]` + "\n"}, []string{`RDATA typing 5 ["!r:x",["`, "", ""}},
		{RedactSecrets, true, []string{`RDATA typing 5 ["!r:x",["sy`, `t_sesame12`, `34"]]` + "\n"}, []string{`RDATA typing 5 ["!r:x",["sy`, "xxxxxxxxxx", "xx\"]]\n"}},
		{RedactPersonal, true, []string{`RDATA typing 5 ["!r:x",[` + much, `"@b:x"]]` + "\n"}, []string{"", ""}},
		{RedactSecrets, true, []string{`RDATA pushers 5 ["@a:x","`, "key\n"}, []string{"", ""}},
		{RedactSecrets, true, []string{`PING 111`, "222\n"}, []string{`PING 111`, "222\n"}},
		{RedactSecrets, true, []string{`PING 111`, "USER_IP @a:x [\"tok\"]\n"}, []string{`PING 111`, ""}},
		{RedactSecrets, true, []string{`ERROR invalid command: se`, "same (5) got 447", "7009\n"}, []string{`ERROR invalid command: xx`, "xxxx (x) got xxx", "xxxx\n"}},
	} {
		r := redactors()[test.level]
		var trail Trail
		for i, part := range test.parts {
			before := []byte(part)
			out, ok := r.Fragment(nil, Piece{Kind: PieceFragment, Text: before, Over: test.over}, AllDialects, &trail)
			want := test.want[i]
			if ok != (want != "") || !matchesPseudonym(string(out), want, part) || string(before) != part {
				t.Errorf("%v: part %d %.80q became %.80q, %v; want %.80q", test.level, i, part, out, ok, want)
			}
		}
	}
}

// TestRedactBegun: the beginning of a line in which nothing has been said is kept
// at every level.
func TestRedactBegun(t *testing.T) {
	for _, line := range []string{`RDATA to_device master 501 ["`, `RDATA caches 5 [`, `RDATA pushers master batch ["`,
		"POSITION account_data", "REPLICATE events", "USER_IP ", "REMOVE_PUSHER ", "INVALIDATE_CACHE ", "FEDERATION_ACK "} {
		for n := 1; n <= len(line); n++ {
			for _, level := range levels {
				part := []byte(line[:n])
				out, ok := redactors()[level].Fragment(nil, Piece{Kind: PieceFragment, Text: part}, AllDialects, new(Trail))
				if !ok || !bytes.Equal(out, part) {
					t.Errorf("%v: %q became %q, %v", level, part, out, ok)
				}
			}
		}
	}
}

// matchesPseudonym is matches, but an x that stood in the line may stay.
func matchesPseudonym(got, want, line string) bool {
	if got == want {
		return true
	}
	return matches(got, want) && !bytes.Equal([]byte(got), []byte(line))
}

// TestRedactTrailEnds: what follows an over-long line is a line of its own.
func TestRedactTrailEnds(t *testing.T) {
	r := redactors()[RedactSecrets]
	var trail Trail
	over := func(text string) bool {
		_, ok := r.Fragment(nil, Piece{Kind: PieceFragment, Text: []byte(text), Over: true}, AllDialects, &trail)
		return ok
	}
	if over("RDATA pushers 5 [") || over("RDATA typing 5 [\n") {
		t.Error("a part of a line with secrets is kept")
	}
	if !over(`RDATA typing 5 ["!r:x",`) || !over("[]]\n") {
		t.Error("the next line is not kept")
	}
}
