package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"repltap/wire"
)

// oddLines are wrong in many ways, or right in one release only.
var oddLines = []string{
	"RDATA nosuch master 5 [1]", `RDATA caches master 5 ["f",["k"]]`, "POSITION nosuch master 5 5", "REPLICATE nosuch 5", "REPLICATE ",
	`RDATA public_rooms master 5 ["!r:x","public",null,null]`, "POSITION public_rooms master 5 5", "POSITION groups master 5 5",
	`RDATA typing master 5 ["!r:x",["@u:x"]]`, "POSITION typing master 5 5", `RDATA typing master 7 ["!r:x",[]]`,
	`RDATA typing master 6 ["!r:x",[]]`, `RDATA typing master 7 ["!r:x",[]]`, `RDATA typing master 7 ["!r:x",[]]`,
	"POSITION receipts master 9 5", `RDATA receipts master batch ["!r:x","m.read","@u:x","$e",{"ts":5}]`, `RDATA receipts master 5 ["x"]`,
	`RDATA receipts master 6 {"a":1}`, `RDATA receipts master 7 "abcde"`, "RDATA receipts master 8 5", "RDATA receipts master 9 [1", "RDATA receipts master 9 NaN",
	`RDATA to_device  5 ["@a:x"]`, `RDATA to_device master +5 ["@a:x"]`, `RDATA to_device master 05 ["@a:x"] `, `RDATA to_device master 5 [5]`,
	`RDATA to_device master 5 [ "@a:x" ]`, `RDATA device_lists master 5 ["@a:x",true,false]`, `RDATA device_lists 5 ["@a:x", null]`,
	`RDATA events 5 ["$a", "!r:x", "t", "", null]`, `RDATA events master 5 ["ev",["$a","!r:x","t",null,null]]`,
	`RDATA events master 5 ["state-all",["!r:x"]]`, `RDATA events master 5 ["nope",["!r:x"]]`, "POSITION events master 5", "POSITION events 5",
	"SERVER x", "SERVER y", "SERVER", "PING", "PING 5\r", "PING ", "NAME w1", "name w1", "FOO bar", "FOO", "", "  ", "\t", "\xff\xfe x", "REPLICATE\r",
	"SYNC 5", "USER_SYNC @u:x start 5", "USER_SYNC a @u:x start 5", "USER_SYNC a @u:x b start 5", "USER_SYNC a @u:x on 5", "CLEAR_USER_SYNC a",
	"FEDERATION_ACK 5", "FEDERATION_ACK fs 5", "REMOVE_PUSHER a b c", `INVALIDATE_CACHE f ["a"]`, `USER_IP @u:x ["t","1.2.3.4","a",null,5]`,
	"USER_IP @u:x t ip dev 5 Moz", "REMOTE_SERVER_UP x", "REMOTE_SERVER_UP x y", `LOCK_RELEASED ["a","b","c"]`, "NEW_ACTIVE_TASK x",
	"ERROR failed to keep up", "POSITION presence_federation master 5 5", "PING " + strings.Repeat("x", 2*wire.MaxLine), "PING 6",
}

// TestCheckIsLog: check says of each line what log says of it when it has been
// recorded: the same findings in the same order, each with what a receiver does
// and answers, and no verdict without one.
func TestCheckIsLog(t *testing.T) {
	for _, name := range []string{"0.23.0", "0.99.0", "1.12.4", "1.13.0", "1.17.0", "1.19.0", "1.41.0", "1.66.0", "v0.23", "v1.9", "v1.18", "v1.29"} {
		for _, direction := range []string{"s2c", "c2s"} {
			t.Run(name+" "+direction, func(t *testing.T) {
				sameFindings(t, strings.Join(oddLines, "\n")+"\n", direction, name, "--dialect", name)
			})
		}
	}
	for _, release := range []string{"0.99.0", "1.12.4", "1.66.0"} {
		for receiver, direction := range map[string]string{"server": "c2s", "client": "s2c"} {
			t.Run("vectors "+release+" "+receiver, func(t *testing.T) {
				_, text := checkVectors(t, release, receiver)
				sameFindings(t, text, direction, release, "--dialect", release)
			})
		}
	}
	t.Run("found out", func(t *testing.T) {
		certain := "SERVER x\nPOSITION events master 5 5\n" +
			strings.Repeat(`RDATA events master batch ["ev",["$a","!r:x","t",null,null,null,"join",false,false]]`+"\n", 30)
		readable := slices.DeleteFunc(slices.Clone(oddLines), func(line string) bool { return strings.HasPrefix(line, "POSITION events") })
		sameFindings(t, certain+strings.Join(readable, "\n")+"\n", "s2c", "1.66.0")
	})
}

// sameFindings holds check as a release against log of an import with flags.
func sameFindings(t *testing.T, text, direction, release string, flags ...string) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "lines.txt")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var checked, logged []wire.Finding
	for line := range strings.Lines(toRun(t, statusFound, "check", file, "--dialect", release, "--direction", direction, "--format", "json")) {
		var l checkedLine
		fromJSON(t, line, &l)
		checked = append(checked, l.Findings...)
		if said := slices.ContainsFunc(l.Findings, func(f wire.Finding) bool { return f.Verdict == l.Verdict }); !l.End && l.Verdict != "accept" && !said &&
			!slices.ContainsFunc(l.Verdicts, func(v jsonVerdict) bool { return v.Detail == "as before" }) {
			t.Errorf("%s of %.80q, but %+v", l.Verdict, l.Line, l.Findings)
		}
	}
	toRun(t, statusFine, append([]string{"import", file, "--direction", direction, "--redact", "none", "--journal", filepath.Join(dir, "j")}, flags...)...)
	for line := range strings.Lines(toRun(t, statusFine, "log", filepath.Join(dir, "j"), "--format", "json")) {
		var r struct{ Findings []wire.Finding }
		fromJSON(t, line, &r)
		logged = append(logged, r.Findings...)
	}
	for i := range max(len(checked), len(logged)) {
		var c, l []byte
		if i < len(checked) {
			c, _ = json.Marshal(checked[i])
		}
		if i < len(logged) {
			l, _ = json.Marshal(logged[i])
		}
		if string(c) != string(l) {
			t.Fatalf("finding %d: check says %.300s, log %.300s", i, c, l)
		}
	}
	if len(checked) == 0 {
		t.Error("nothing was found")
	}
}
