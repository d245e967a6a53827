package wire

import (
	"encoding/base64"
	"testing"
)

// TestEnforcerAndVectors: what a real receiver took passes, also while the
// dialect is not known. What it refused is refused with the same answer when
// the release is given. When only the dialect is, another release of it may take
// the line or answer otherwise; those are counted, and must be few.
func TestEnforcerAndVectors(t *testing.T) {
	for name, vectors := range vectorFiles(t) {
		t.Run(name, func(t *testing.T) {
			same, lenient, otherWords := 0, 0, 0
			for _, v := range vectors {
				if v.Receiver == "redis" {
					continue
				}
				input, err := base64.StdEncoding.DecodeString(v.Line)
				if err != nil {
					t.Fatal(err)
				}
				if _, known := vectorDisagreements[v.Release+" "+v.Receiver+" "+v.Line]; known {
					continue
				}
				dir := map[string]Direction{"server": C2S, "client": S2C}[v.Receiver]
				r := receiver(t, v.Release)
				_, refused := NewEnforcer(r.Dialect().Set()).Admit(dir, input, 0)
				_, always := NewEnforcer(AllDialects).Admit(dir, input, 0)
				_, exact := NewEnforcerOf(r).Admit(dir, input, 0)
				want := outcomes[v.Outcome]
				if (exact != nil) != (want >= ActError) || exact != nil && (exact.Action != want || exact.Reply != v.Error) {
					t.Errorf("%s %s: %s %q to %.100q, refused: %+v", v.Release, v.Receiver, v.Outcome, v.Error, input, exact)
				}
				switch {
				case want < ActError && always != nil:
					t.Errorf("%s %s takes %.100q, refused whatever the dialect: %+v", v.Release, v.Receiver, input, always)
				case want >= ActError && refused == nil:
					lenient++
				case want >= ActError && (refused.Action != want || refused.Reply != v.Error):
					otherWords++
				case want >= ActError:
					same++
				}
			}
			t.Logf("%d refused as by the release; %d pass for the sake of another release of the dialect, %d are answered as another one does", same, lenient, otherWords)
			if lenient+otherWords > (same+lenient+otherWords)/20 {
				t.Error("that is too many")
			}
		})
	}
}
