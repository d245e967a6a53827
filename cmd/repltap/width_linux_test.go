package main

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTerminalWidth: a terminal says how wide it is, unless COLUMNS does; a file
// does not.
func TestTerminalWidth(t *testing.T) {
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	defer control.Close()
	fd := int(control.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 73})
	}
	if err != nil {
		t.Fatal(err)
	}
	screen, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no terminals here: %v", err)
	}
	defer screen.Close()
	e := &env{stdout: output{screen}}
	for _, c := range []struct {
		columns, file string
		want          int
	}{{"", "", 73}, {"", "-", 73}, {"60", "", 60}, {"", "report.txt", 0}, {"60", "report.txt", 60}, {"many", "", 73}} {
		t.Setenv("COLUMNS", c.columns)
		if got := e.width(c.file); got != c.want {
			t.Errorf("COLUMNS=%q, -o %q: %d, not %d", c.columns, c.file, got, c.want)
		}
	}
}
