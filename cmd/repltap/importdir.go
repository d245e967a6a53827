package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// expand puts the captures that are in a directory in its place. What else is there
// is named, and left out: a folder of captures often has notes beside them, what was
// said over HTTP, and a list of attempts that never became connections.
func (o *importOptions) expand(e *env, args []string) (paths, dirs []string, err error) {
	for _, path := range args {
		if st, err := os.Stat(path); path == "-" || err != nil || !st.IsDir() {
			paths, dirs = append(paths, path), append(dirs, "")
			continue
		}
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, nil, err
		}
		var names, others []string
		for _, entry := range entries {
			switch name := entry.Name(); {
			case entry.IsDir():
				others = append(others, name+string(filepath.Separator))
			case isCapture(name):
				names = append(names, name)
			default:
				others = append(others, name)
			}
		}
		if len(names) == 0 {
			return nil, nil, withHint(fmt.Errorf("there are no captures in the directory %s (*.jsonl, *.jsonl.zst)", path),
				"name the files that are to be imported")
		}
		if len(others) > 0 {
			e.say("%s: left out %s\n", safe(path), safe(strings.Join(others, ", ")))
		}
		slices.SortFunc(names, natural)
		for _, name := range names {
			paths, dirs = append(paths, filepath.Join(path, name)), append(dirs, path)
		}
	}
	return paths, dirs, nil
}

func isCapture(name string) bool {
	name, ok := strings.CutSuffix(strings.TrimSuffix(name, ".zst"), ".jsonl")
	return ok && name != "dial-errors" && !strings.HasPrefix(name, ".")
}

// natural orders names as people count: conn-2 before conn-10.
func natural(a, b string) int {
	for a != "" && b != "" {
		m, n := digits(a), digits(b)
		if m == 0 || n == 0 {
			if a[0] != b[0] {
				break
			}
			a, b = a[1:], b[1:]
			continue
		}
		x, _ := strconv.ParseUint(a[:m], 10, 64)
		y, _ := strconv.ParseUint(b[:n], 10, 64)
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
		a, b = a[m:], b[n:]
	}
	return cmp.Compare(a, b)
}

// digits is how many s begins with.
func digits(s string) int { return len(s) - len(strings.TrimLeft(s, "0123456789")) }

// byOpening orders what came from one directory by when it began, which is when its
// first connection was opened.
func byOpening(files []*planned, dirs []string) {
	for i := 0; i < len(files); {
		n := 1
		for i+n < len(files) && dirs[i] != "" && dirs[i+n] == dirs[i] {
			n++
		}
		slices.SortStableFunc(files[i:i+n], func(a, b *planned) int { return a.first.Compare(b.first) })
		i += n
	}
}
