package replay

import (
	"fmt"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"repltap/wire"
)

// TestTypingNewest: of each room who missed something is given what is so now, and
// nothing that is no longer so.
func TestTypingNewest(t *testing.T) {
	rec := record(t)
	rec.open(1)
	rec.say(1, wire.S2C, "SERVER x\nPING 1\n")
	rec.say(1, wire.C2S, "NAME w1\nPING 1\nREPLICATE \n")
	rec.say(1, wire.S2C, "POSITION typing master 5 5\nPOSITION presence master 5 5\n")
	for i := range 3 {
		for _, room := range []string{"a", "b"} {
			rec.say(1, wire.S2C, fmt.Sprintf("RDATA typing master %d [\"!%s:x\",[\"@%d:x\"]]\n", 6+2*i+int(room[0]-'a'), room, i))
		}
		rec.say(1, wire.S2C, fmt.Sprintf("RDATA presence master %d [\"@a:x\",\"online\",1,2,3,null,true]\n", 6+i))
	}
	for i := range serverRows + 5 {
		rec.say(1, wire.S2C, fmt.Sprintf("RDATA typing master %d [\"!%d:x\",[]]\n", 12+i, i))
	}
	rec.close(1, "fin", "master")
	plan := rec.plan(PlanOptions{})
	run := serve(t, MasterConfig{Plan: plan})
	run.dial("NAME w1", "REPLICATE ").all()
	run.wait()
	ask := func(query string) string {
		answer := httptest.NewRecorder()
		(&RowServer{Plan: plan}).ServeHTTP(answer, httptest.NewRequest("GET", catchUpPath+query, nil))
		return answer.Body.String()
	}
	for query, want := range map[string]string{
		"typing/a?from_token=0&upto_token=11":  `{"updates":[[10,["!a:x",["@2:x"]]],[11,["!b:x",["@2:x"]]]],"upto_token":11,"limited":false}`,
		"typing/a?from_token=0&upto_token=10":  `{"updates":[[10,["!a:x",["@2:x"]]]],"upto_token":10,"limited":false}`,
		"typing/a?from_token=0&upto_token=9":   `{"updates":[],"upto_token":9,"limited":false}`,
		"typing/a?from_token=11&upto_token=5":  `{"updates":[],"upto_token":5,"limited":false}`,
		"typing/a?from_token=10&upto_token=11": `{"updates":[[11,["!b:x",["@2:x"]]]],"upto_token":11,"limited":false}`,
		"presence/a?from_token=6&upto_token=8": `{"updates":[[7,["@a:x","online",1,2,3,null,true]],[8,["@a:x","online",1,2,3,null,true]]],"upto_token":8,"limited":false}`,
	} {
		if diff := cmp.Diff(want, ask(query)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
	rows, limited, err := plan.past.newestTyping(11, 1000, serverRows)
	if len(rows) != serverRows || !limited || rows[serverRows-1].Token != 11+serverRows || err != nil {
		t.Errorf("%d rows, limited %v, %v", len(rows), limited, err)
	}
}
