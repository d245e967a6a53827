package profile

import (
	"fmt"
	"strings"
	"testing"
)

// TestWentBackUnordered: up to 1.13 rows of events come in no order within what is
// sent at once. After a pause those below what came before it went back.
func TestWentBackUnordered(t *testing.T) {
	for name, c := range map[string]struct {
		at   int // milliseconds
		want string
	}{"at once": {1500, ""}, "after a pause": {12000, "events went back from 110 to 51: its tokens are kept in the database and never go back; 3 rows so far"}} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString("0 1 open\n0 1 > SERVER x\n0 1 < NAME w1\n0 1 < REPLICATE \n1 1 > POSITION events master 100\n")
			row := func(at, token int) {
				fmt.Fprintf(&b, "%d 1 > RDATA events master %d [\"ev\", [\"$%d\", \"!r:x\", \"m\", null, null, null]]\n", at, token, token)
			}
			for i := range 10 {
				row(1000+i, 101+i)
			}
			for i := range 3 {
				row(c.at+i, 51+i)
			}
			told := ""
			for _, h := range profiled(t, b.String()).Highlights {
				if strings.Contains(h.Text, "went back") {
					told += h.Text
				}
			}
			if !strings.HasPrefix(told, c.want) || c.want == "" && told != "" {
				t.Errorf("told %q, want %q", told, c.want)
			}
		})
	}
}
