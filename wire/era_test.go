package wire

import "testing"

// TestEras: they follow each other without a hole, and what begins one is what
// holds until it ends.
func TestEras(t *testing.T) {
	all := Eras()
	if all[0].First != release(0, 21, 0) || all[len(all)-1].Before != 0 {
		t.Errorf("they reach from %s to %s", all[0].First, all[len(all)-1].Before)
	}
	for i, e := range all {
		if i > 0 && all[i-1].Before != e.First {
			t.Errorf("%s follows %s", e, all[i-1])
		}
		last := lastRelease
		if e.Before != 0 {
			last = e.Before - 1
		}
		r := receiverAt(last)
		if r.has != e.Receiver.has || r.dialect != e.Receiver.dialect && r.dialect != noDialect {
			t.Errorf("%s: %s is another receiver: %s %b, %s %b", e, last, r.dialect, r.has, e.Receiver.dialect, e.Receiver.has)
		}
		if last.OverRedis() != e.Redis {
			t.Errorf("%s: Redis %v", e, e.Redis)
		}
	}
}

func TestEraString(t *testing.T) {
	for want, e := range map[string]Era{
		"all releases":  {First: release(0, 21, 0)},
		"1.67.0 on":     {First: release(1, 67, 0)},
		"0.21.0–1.12.x": {First: release(0, 21, 0), Before: release(1, 13, 0)},
		"0.23.0–0.99.1": {First: release(0, 23, 0), Before: release(0, 99, 2)},
		"1.13.0–1.13.x": {First: release(1, 13, 0), Before: release(1, 14, 0)},
		"0.26.0":        {First: release(0, 26, 0), Before: release(0, 26, 1)},
	} {
		if got := e.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
