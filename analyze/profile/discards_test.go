package profile

import (
	"fmt"
	"strings"
	"testing"
)

// rowsOf is rows of a stream to a connection, one a millisecond.
func rowsOf(at, conn int, stream string, from, to int) string {
	row := map[string]string{
		"receipts": `["!r","m.read","@u:x","$e",{"ts":1}]`, "typing": `["!r",[]]`, "to_device": `["@u:x"]`,
		"presence": `["@u:x","online",1,2,3,null,true]`, "caches": `["f",["a"],5]`, "events": `["ev",["$e","!r","m.t",null,null,null,null,false,false]]`,
	}[stream]
	var b strings.Builder
	for token := from; token <= to; token++ {
		fmt.Fprintf(&b, "%d %d > RDATA %s master %d %s\n", at, conn, stream, token, row)
		at++
	}
	return b.String()
}

// joined is a connection of a worker that is told where streams are.
func joined(at, conn int, worker string, positions ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d %d open\n%d %d > SERVER x\n%d %d < NAME %s\n%d %d < REPLICATE \n", at, conn, at, conn, at, conn, worker, at, conn)
	for _, p := range positions {
		fmt.Fprintf(&b, "%d %d > POSITION %s\n", at+1, conn, p)
	}
	return b.String()
}

// TestDiscards: what workers throw away is counted as a wire.Follower does it,
// and stands out where it is lost.
func TestDiscards(t *testing.T) {
	for _, c := range []struct {
		name, story string
		rows        string // worker, stream, generation, why, rows and lost
		want        string // what stands out about tokens; "" for nothing
	}{
		{"typing begins anew", joined(0, 1, "w1", "typing master 800 800") + joined(0, 2, "w2", "typing master 800 800") +
			rowsOf(10, 1, "typing", 801, 812) + rowsOf(10, 2, "typing", 801, 812) + rowsOf(100, 1, "typing", 1, 5) + rowsOf(100, 2, "typing", 1, 5),
			"w1 typing 2 old-token 5 5|w2 typing 2 old-token 5 5",
			"Rows of typing are lost: 5 rows so far, 10 in all, are thrown away by each of 2 workers, as by every worker from 1.16 on, since its tokens began anew at 1 (at 0.100000 s), below 812"},
		{"typing begins anew, as is said", joined(0, 1, "w1", "typing master 800 800") + rowsOf(10, 1, "typing", 801, 812) +
			"90 1 > POSITION typing master 0 0\n" + rowsOf(100, 1, "typing", 1, 5), "", ""},
		{"only a POSITION came before", joined(0, 1, "w1", "typing master 5000 5000") + rowsOf(10, 1, "typing", 4, 4),
			"w1 typing 2 old-token 1 1", "Rows of typing are lost: 1 row so far is thrown away by worker w1"},
		{"the database goes back", joined(0, 1, "w1", "receipts master 7000 7000") + rowsOf(10, 1, "receipts", 7001, 7020) + "50 1 close fin master\n" +
			joined(60, 2, "w1", "receipts master 320 320") + rowsOf(100, 2, "receipts", 321, 340),
			"w1 receipts 2 old-token 20 20",
			"receipts went back from 7020 to 320: its tokens are kept in the database and never go back; 20 rows so far are thrown away by worker w1, as by every worker from 1.16 on"},
		{"as up to 1.21", joined(0, 1, "w1", "presence master 90") + rowsOf(10, 1, "presence", 91, 99) + "50 1 close fin master\n" +
			joined(60, 2, "w1", "presence master 30") + rowsOf(100, 2, "presence", 31, 33),
			"w1 presence 2 old-token 3 3", "presence went back from 99 to 30: its tokens are kept in the database and never go back; 3 rows so far"},
		{"on one connection", joined(0, 1, "w1", "to_device master 90 90") + rowsOf(10, 1, "to_device", 91, 99) +
			"50 1 > POSITION to_device master 40 40\n" + rowsOf(60, 1, "to_device", 41, 42),
			"w1 to_device 2 old-token 2 2", "to_device went back from 99 to 40"},
		{"by rows alone", joined(0, 1, "w1", "to_device master 90 90") + rowsOf(10, 1, "to_device", 91, 99) + rowsOf(60, 1, "to_device", 41, 45),
			"w1 to_device 2 old-token 5 5", "to_device went back from 99 to 41"},
		{"another worker is told", joined(0, 1, "w1", "to_device master 90 90") + rowsOf(10, 1, "to_device", 91, 99) + joined(60, 2, "w2", "to_device master 40 40"),
			"", "to_device went back from 99 to 40: its tokens are kept in the database and never go back."},
		{"up to 1.12", "0 1 open\n0 1 > SERVER x\n0 1 < NAME w1\n0 1 < REPLICATE receipts 700\n1 1 > POSITION receipts 300\n", "",
			"receipts went back from 700 to 300"},
		{"account_data after a restart up to 1.22", joined(0, 1, "w1", "account_data master 56") + "5 1 > RDATA account_data master 57 [\"@u:x\",null,\"t\"]\n9 1 close fin master\n" +
			joined(60, 2, "w1", "account_data master 1"), "", ""},
		{"caches are lower", joined(0, 1, "w1", "caches master 90 90") + rowsOf(10, 1, "caches", 91, 99) + "50 1 > POSITION caches master 80 80\n", "", ""},
		{"a writer of several is lower", joined(0, 1, "w1", "events p1 17 17") + strings.Repeat("5 1 > POSITION events p1 15 16\n", 9), "", ""},
		{"a slow worker", joined(0, 1, "w1", "to_device master 90 90") + joined(0, 2, "w2", "to_device master 90 90") +
			rowsOf(10, 1, "to_device", 91, 99) + rowsOf(60, 2, "to_device", 91, 99), "", ""},
		{"a POSITION overtakes rows", joined(0, 1, "w1", "to_device master 90 90") + "5 1 > POSITION to_device master 95 95\n" + rowsOf(10, 1, "to_device", 91, 99),
			"w1 to_device - old-token 5 0", ""},
		{"a POSITION says there are no rows", joined(0, 1, "w1", "to_device master 90 90") + "5 1 > POSITION to_device master 90 95\n" + rowsOf(10, 1, "to_device", 93, 96),
			"w1 to_device - old-token 3 3", "Rows of to_device are lost: 3 rows so far are thrown away by worker w1, as by every worker from 1.16 on, since their tokens, the first of them 93, are not after 95"},
		{"two rows with one token", joined(0, 1, "w1", "to_device master 90 90") + "5 1 > RDATA to_device master 91 [\"@a:x\"]\n6 1 > RDATA to_device master 91 [\"@b:x\"]\n",
			"w1 to_device - old-token 1 1", "Rows of to_device are lost: 1 row so far"},
		{"the same row again", joined(0, 1, "w1", "to_device master 90 90") + strings.Repeat("5 1 > RDATA to_device master 91 [\"@a:x\"]\n", 2),
			"w1 to_device - old-token 1 0", ""},
		{"one counter of two streams", joined(0, 1, "w1", "tag_account_data master 5 5", "account_data master 5 5") +
			"5 1 > RDATA account_data master 8 [\"@u:x\",null,\"t\"]\n6 1 > RDATA tag_account_data master 8 [\"@u:x\",\"!r\",\"{}\"]\n",
			"w1 tag_account_data - old-token 1 1", "Rows of tag_account_data are lost"},
		{"before the POSITION that has them fetched", joined(0, 1, "w1") + rowsOf(0, 1, "to_device", 91, 92) + "5 1 > POSITION to_device master 92 92\n" + rowsOf(10, 1, "to_device", 93, 93),
			"w1 to_device - not-connected 2 0", ""},
		{"before a POSITION that begins after them", joined(0, 1, "w1", "to_device master 90 90") + "5 1 close fin master\n" + joined(10, 2, "w1") +
			rowsOf(11, 2, "to_device", 91, 92) + "20 2 > POSITION to_device master 90 92\n",
			"w1 to_device - not-connected 2 2", "Rows of to_device are lost: 2 rows so far are thrown away by worker w1, as by every worker from 1.13 on, since no POSITION of the stream had come"},
		{"no POSITION at all", joined(0, 1, "w1") + rowsOf(0, 1, "to_device", 91, 92) + "5 1 > POSITION typing master 92 92\n",
			"w1 to_device - not-connected 2 2", "Rows of to_device are lost: 2 rows so far"},
		{"the beginning was not read", "0 1 open\n" + rowsOf(0, 1, "to_device", 91, 92) + "5 1 > POSITION to_device master 90 95\n", "", ""},
		{"cut short", joined(0, 1, "w1", "to_device master 90 90") + "5 1 > RDATA to_device master batch [\"@a:x\"]\n6 1 > POSITION to_device master 90 90\n7 1 > RDATA to_device master 91 [\"@b:x\"]\n",
			"w1 to_device - batch-cut-short 1 1", "Rows of to_device are lost: 1 row so far is thrown away by worker w1, as by every worker from 1.13 on, since a POSITION came before"},
		{"cut short by another writer", joined(0, 1, "w1", "to_device w2 90 90", "to_device w3 90 90") + "5 1 > RDATA to_device w2 batch [\"@a:x\"]\n6 1 > POSITION to_device w3 90 90\n7 1 > RDATA to_device w2 91 [\"@b:x\"]\n",
			"w1 to_device - batch-cut-short 1 1", "Rows of to_device by w2 are lost"},
		{"its own", joined(0, 1, "w1", "to_device w1 90 90") + "5 1 > RDATA to_device w1 80 [\"@a:x\"]\n", "", ""},
		{"none is thrown away up to 1.12", "0 1 open\n0 1 > SERVER x\n0 1 < NAME w1\n0 1 < REPLICATE typing 700\n1 1 > POSITION typing 700\n2 1 > RDATA typing 3 [\"!r\", []]\n", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := profiled(t, c.story)
			got := strings.ReplaceAll(strings.TrimSpace(shown(t, p, "discards", "worker", "stream", "generation", "why", "rows", "lost")), "\n", "|")
			if got != c.rows {
				t.Errorf("thrown away: %q, want %q", got, c.rows)
			}
			var said []string
			for _, h := range p.Highlights {
				if h.Severity == "problem" && (h.Table == "discards" || h.Table == "tokens") {
					said = append(said, h.Text)
				}
			}
			if text := strings.Join(said, "\n"); c.want == "" && text != "" || !strings.HasPrefix(text, c.want) || len(said) > 1 {
				t.Errorf("it says %q, want %q", text, c.want)
			}
		})
	}
}

// A worker whose process is known to be another one stands where the database
// does.
func TestDiscardsOfANewProcess(t *testing.T) {
	p := profiled(t, joined(0, 1, "w1", "to_device master 90 90")+"2 1 < USER_SYNC aaaaa @u:x start 1\n"+rowsOf(10, 1, "to_device", 91, 99)+"50 1 close fin worker\n"+
		"60 2 open\n60 2 > SERVER x\n60 2 < NAME w1\n60 2 < USER_SYNC bbbbb @u:x start 1\n60 2 < REPLICATE \n61 2 > POSITION to_device master 40 40\n"+rowsOf(70, 2, "to_device", 41, 43))
	want(t, shown(t, p, "discards", "worker", "rows"), "")
}
