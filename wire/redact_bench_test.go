package wire

import "testing"

// redactLines are lines as they fly by, one of each kind that is frequent.
var redactLines = []struct{ name, line string }{
	{"to_device", `RDATA to_device master 5012343 ["@user719:lab.test"]` + "\n"},
	{"typing", `RDATA typing master 13 ["!yHYyYjLeGFiZruJyMk:lab.test",["@user14:lab.test","@user21:lab.test"]]` + "\n"},
	{"receipts", `RDATA receipts master 2 ["!jjtBEijskiPlyGWZCQ:lab.test","m.read","@user7:lab.test","$9MKnHYmcXz3lwCjhQ9cudWFZ8VkPAMi0Wijun-olr7Q",{"ts":1795187175844}]` + "\n"},
	{"events", `RDATA events master 5912343411 ["ev",["$Dnve3HTgW25GoDI2e-F_8qjPq_e8XwDHYsKz614ySes","!NIGjLAGjoMwqiPMrhj:lab.test","m.room.member","@user21:lab.test",null,null,"join",false,false]]` + "\n"},
	{"presence", `RDATA presence master 2 ["@user1:lab.test","unavailable",0,1795187167410,0,null,false]` + "\n"},
	{"caches", `RDATA caches master 3 ["get_user_by_id",["@user1:lab.test"],1795187107004]` + "\n"},
	{"position", "POSITION events master 53 53\n"},
	{"user_sync", "USER_SYNC quNwF @user4:lab.test start 1795187167432\n"},
	{"ping", "PING 1795187167432\n"},
	{"secret-cache", `RDATA caches master 3 ["get_user_by_access_token",["syt_dXNlcjA_sEzqlGx0I91fExPlMabc_0kQd3r"],1795187107004]` + "\n"},
	{"user_ip", `USER_IP @user1:lab.test ["syt_dXNlcjA_sEzqlGx0I91fExPlMabc_0kQd3r","127.0.0.1","Mozilla/5.0 (X11; Linux x86_64)","VNYLNPSBKS",1795187167391]` + "\n"},
	{"error", `ERROR failed to parse line: ValueError('not enough values to unpack (expected 4, got 3)') ('RDATA caches 5 ["get_user_by_id",["@user1:lab.test"],1795187107004]'):` + "\n"},
}

// TestRedactAllocates: what is frequent needs no memory, once pseudonyms are known.
func TestRedactAllocates(t *testing.T) {
	for _, level := range levels {
		r, dst := redactors()[level], make([]byte, 0, 512)
		for _, l := range redactLines {
			line := []byte(l.line)
			if n := testing.AllocsPerRun(100, func() { r.Line(dst, line, nil, AllDialects) }); n > 0 {
				t.Errorf("%v: %s takes %v allocations", level, l.name, n)
			}
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	for _, level := range levels {
		for _, l := range redactLines {
			b.Run(level.String()+"/"+l.name, func(b *testing.B) {
				r := redactors()[level]
				line, dst := []byte(l.line), make([]byte, 0, 512)
				g := GistOf(line)
				b.ReportAllocs()
				for b.Loop() {
					out, ok := r.Line(dst[:0], line, &g, AllDialects)
					if !ok {
						b.Fatal("not kept")
					}
					sinkLine = out
				}
			})
		}
	}
}

// BenchmarkRedactTraffic redacts the busiest direction of a capture.
func BenchmarkRedactTraffic(b *testing.B) {
	_, all, lines := benchTraffic(b)
	for _, level := range levels {
		b.Run(level.String(), func(b *testing.B) {
			r := redactors()[level]
			var dst []byte
			b.SetBytes(int64(len(all)))
			b.ReportAllocs()
			for b.Loop() {
				for _, line := range lines {
					out, ok := r.Line(dst[:0], line, nil, AllDialects)
					if !ok {
						b.Fatalf("not kept: %q", line)
					}
					if &out[0] != &line[0] {
						dst = out
					}
				}
			}
			perLine(b, len(lines))
		})
	}
}

var sinkLine []byte
