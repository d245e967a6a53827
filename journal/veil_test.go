package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"repltap/wire"
)

// token is a planted access token; no piece of it may be found anywhere.
func token(i int) string { return fmt.Sprintf("syt_dXNlcg_QqPlantedSecret%06dzZ", i) }

// shreds are what is looked for of a token, so that a part would be noticed too.
func shreds(token string) (out [][]byte) {
	for i := 0; i+9 <= len(token); i += 4 {
		out = append(out, []byte(token[i:i+9]))
	}
	return out
}

// everything is all that a journal's directory says: the bytes of its files, and
// all records as they are read.
func everything(t *testing.T, dir string) []byte {
	t.Helper()
	var all bytes.Buffer
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(b)
	}
	for _, r := range records(t, dir) {
		all.Write(r.Data)
		for _, v := range []any{r.Event, r.Findings, r.Worker} {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(b)
		}
	}
	return all.Bytes()
}

// records reads a whole journal.
func records(t *testing.T, dir string) (out []Record) {
	t.Helper()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for rec, err := range r.Records(context.Background(), Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		c := *rec
		c.Data = bytes.Clone(rec.Data)
		out = append(out, c)
	}
	return out
}

// secretLines hold the token i in every place where one may stand, on lines that
// are read and on some that are not.
func secretLines(i int) (c2s, s2c []string) {
	s := token(i)
	long := strings.Repeat("x.", wire.MaxLine/2-10) + s + strings.Repeat(".y", 50)
	c2s = []string{
		`USER_IP @u:x ["` + s + `", "127.0.0.1", "agent", null, 1600000000000]`,
		`USER_IP @u:x ` + s + ` 127.0.0.1 DEV 1600000000000 agent`,
		`USER_IP @u:x ["` + s + `", "127.0.0.1"`,
		`INVALIDATE_CACHE get_user_by_access_token ["` + s + `"]`,
		`REMOVE_PUSHER app ` + s + ` @u:x`,
		`NAME ` + s,
		`GET /?access_token=` + s + ` HTTP/1.1`,
		`Authorization: Bearer ` + s,
		`ERROR failed to parse line: ValueError('no') ('RDATA caches master 5 ["get_user_by_access_token",["` + s + `"],5]x'):`,
		`NAME ` + long,
		s,
		"NAME \xff" + s,
		`SECRETWORD_` + strings.ToUpper(strings.Map(func(r rune) rune {
			if r < 'A' {
				return 'X'
			}
			return r
		}, s)),
	}
	s2c = []string{
		`RDATA caches master 5 ["get_user_by_access_token",["` + s + `"],1600000000000]`,
		`RDATA caches 5 ["get_user_by_access_token", ["` + s + `"], 1600000000000]`,
		`RDATA pushers master 5 ["@u:x","app","` + s + `",false]`,
		`ERROR failed to parse line: JSONDecodeError('x') ('USER_IP @u:x ["` + s + `"]'):`,
		`ERROR failed to parse line for  'USER_IP': ValueError('x') ('@u:x ["` + s + `"]'):`,
		`ERROR ` + s,
		`RDATA ` + s + ` master 5 ["@u:x"]`,
		`RDATA new_stream master 5 ["` + s + `"]`,
		`RDATA typing master 5 ["` + long + `"]`,
	}
	return c2s, s2c
}

func TestNothingSecretReachesTheDisk(t *testing.T) {
	for _, level := range []wire.Redaction{wire.RedactSecrets, wire.RedactPersonal} {
		for _, piece := range []int{1, 7, 100000} {
			t.Run(fmt.Sprint(level, " ", piece), func(t *testing.T) {
				dir := t.TempDir()
				w := create(t, dir, Options{Redact: level})
				x := newTraffic(w, 1)
				conn := uint64(0)
				for i := range 20 {
					conn++
					x.open(conn)
					c2s, s2c := secretLines(i)
					for j := range max(len(c2s), len(s2c)) {
						if j < len(c2s) {
							x.send(conn, wire.C2S, c2s[j]+"\nPING 1\n", piece)
						}
						if j < len(s2c) {
							x.send(conn, wire.S2C, s2c[j]+"\nPING 1\n", piece)
						}
					}
					// The last line never gets its end.
					x.send(conn, wire.C2S, c2s[i%len(c2s)], piece)
					x.send(conn, wire.S2C, s2c[i%len(s2c)], piece)
					x.close(conn)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				all := everything(t, dir)
				for i := range 20 {
					for _, p := range shreds(token(i))[2:] { // the first two are the same in all of them
						if bytes.Contains(all, p) {
							at := bytes.Index(all, p)
							t.Fatalf("%q of a secret is in the journal: %q", p, all[max(0, at-150):min(len(all), at+100)])
						}
					}
				}
				pings := 0
				for _, r := range records(t, dir) {
					if string(r.Data) == "PING 1\n" {
						pings++
					}
				}
				c2s, s2c := secretLines(0)
				if want := 20 * (len(c2s) + len(s2c)); pings != want {
					t.Errorf("%d harmless lines are there, want %d", pings, want)
				}
				if rep := verify(t, dir); rep.Unaccounted != 0 || len(rep.Damage) > 0 || len(rep.Gaps) == 0 {
					t.Errorf("the books do not balance, or nothing is left out: %+v", rep)
				}
			})
		}
	}
}

// What is not secret is the same as if nothing was redacted, to the ends of the
// reads.
func TestRedactionLeavesTheRestAlone(t *testing.T) {
	var got [2][]Record
	for i, level := range []wire.Redaction{wire.RedactNone, wire.RedactSecrets} {
		dir := t.TempDir()
		w := create(t, dir, Options{Redact: level})
		x := newTraffic(w, 5)
		x.talk(1, 300, 30)
		x.send(1, wire.S2C, `RDATA to_device master batch ["@user719:la`, 10)
		x.close(1)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		mustBeFine(t, dir)
		x.check(t, dir)
		got[i] = records(t, dir)
	}
	if len(got[0]) != len(got[1]) {
		t.Fatalf("%d records, want %d", len(got[1]), len(got[0]))
	}
	for i, want := range got[0] {
		r := got[1][i]
		if r.Kind != want.Kind || !bytes.Equal(r.Data, want.Data) || r.ReadEnd != want.ReadEnd || r.Time != want.Time {
			t.Errorf("record %d: %v %q %v %d\nwant %v %q %v %d", i, r.Kind, r.Data, r.ReadEnd, r.Time, want.Kind, want.Data, want.ReadEnd, want.Time)
		}
	}
}

// A pseudonym is the same throughout a journal, over recordings too, and another
// in another journal.
func TestPseudonymsBelongToAJournal(t *testing.T) {
	pseudonyms := func(dir string) string {
		w := create(t, dir, Options{Redact: wire.RedactSecrets})
		x := newTraffic(w, 1)
		id := w.NextConn()
		x.open(id)
		x.send(id, wire.C2S, `USER_IP @u:x ["`+token(1)+`","127.0.0.1","agent",null,1]`+"\n", 10)
		x.close(id)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		var last string
		for _, r := range records(t, dir) {
			if r.Gist.Command == wire.CmdUserIP {
				last = string(r.Data)
			}
		}
		return last
	}
	dir := t.TempDir()
	first, second, other := pseudonyms(dir), pseudonyms(dir), pseudonyms(t.TempDir())
	if first == "" || first != second || first == other {
		t.Errorf("pseudonyms in one journal: %q, %q; in another: %q", first, second, other)
	}
	if st, err := os.Stat(filepath.Join(dir, keyFileName)); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("the key file: %v %v", st, err)
	}
	r, err := Open(dir)
	if err != nil || r.Info().Redact != "secrets" {
		t.Errorf("the journal says %q of its redaction (%v)", r.Info().Redact, err)
	}
}

// An over-long line whose rest is in a gap must not vouch for the next one.
func TestAGapEndsAnOverLongLine(t *testing.T) {
	dir := t.TempDir()
	w := create(t, dir, Options{Redact: wire.RedactSecrets})
	x := newTraffic(w, 1)
	x.open(1)
	harmless := `RDATA to_device master 5 ["@user:` + strings.Repeat("x", 2*wire.MaxLine)
	secret := `USER_IP:` + strings.Repeat("y", wire.MaxLine/2) + ":pushkey0planted0here:" + strings.Repeat("z", wire.MaxLine)
	x.send(1, wire.S2C, harmless, 100000)
	x.s.Gap(x.now, 1, wire.S2C, Event{Bytes: 100, Lines: 1, Reason: "queue full"})
	k := flowKey{1, wire.S2C}
	x.sent[k] = append(x.sent[k], make([]byte, 100)...)
	x.send(1, wire.S2C, secret+"\nPING 1\n", 100000)
	x.close(1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if all := everything(t, dir); bytes.Contains(all, []byte("pushkey0planted")) {
		t.Error("what can't be read is in the journal")
	}
}
