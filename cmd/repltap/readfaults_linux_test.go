package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A disk that does not give what is on it has not damaged the journal, at whichever
// read it begins; what can be read is shown.
func TestDiskReadErrors(t *testing.T) {
	disk := mountDisk(t)
	const captures = "../../testdata/captures/1.66.0/01-mix"
	for range 2 {
		mustRun(t, "import", captures, "--journal", filepath.Join(disk.backing, "j"))
	}
	j := filepath.Join(disk.dir, "j")
	commands := [][]string{
		{"log", j}, {"log", j, "--format", "json"}, {"report", j}, {"report", j, "--format", "json"}, {"verify", j}, {"verify", j, "--format", "json"},
		{"explain", j, "events", "5"}, {"diff", j, j}, {"worker", "--connect", "127.0.0.1:1", "--like", j},
	}
	for _, file := range []string{"0000000001.journal", "0000000002.journal"} {
		for _, after := range []int{0, 1, 3} {
			for _, args := range commands {
				f := disk.refuse("read", file, after, syscall.EIO)
				out, errs, status := repltap(t, args...)
				disk.mend()
				what := fmt.Sprintf("%s fails after %d reads: %s", file, after, strings.Join(args, " "))
				select {
				case <-f.met:
				default:
					if after == 0 {
						t.Errorf("%s: it reads nothing", what)
					}
					continue
				}
				if status != statusFailed || !strings.Contains(errs, file+" can't be read: input/output error") {
					t.Errorf("%s: status %d\n%.2000s", what, status, errs)
				}
				if strings.Contains(errs, "damage") || strings.Contains(out, "damaged in") || strings.Contains(out, `"damage":[{`) {
					t.Errorf("%s: it is said to be damaged\n%.2000s%.2000s", what, errs, out)
				}
				if reads := args[0] == "log" || args[0] == "report"; reads && len(out) < 1000 {
					t.Errorf("%s: nothing of the other file is shown\n%s", what, out)
				}
			}
		}
	}
}
