package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPages opens pages in a browser that can't reach anything.
func TestPages(t *testing.T) {
	b := openBrowser(t)
	t.Run("report", func(t *testing.T) { reportPage(t, b) })
	t.Run("hostile", func(t *testing.T) { hostilePage(t, b) })
	t.Run("others", func(t *testing.T) { otherPages(t, b) })
}

// otherPages are those of two journals: what changed, and the verdict.
func otherPages(t *testing.T, b *browser) {
	dir := t.TempDir()
	captures := "../../testdata/captures/1.66.0/01-mix/"
	one, two := filepath.Join(dir, "one"), filepath.Join(dir, "two")
	mustRun(t, "import", captures+"conn-3.jsonl.zst", "--journal", one)
	mustRun(t, "import", captures+"conn-4.jsonl.zst", "--journal", two)
	for _, command := range []string{"report", "diff"} {
		file := filepath.Join(dir, command+".html")
		if _, stderr, status := repltap(t, command, one, two, "--format", "html", "-o", file); status != 0 && status != 3 {
			t.Fatal(stderr)
		}
		b.screen(t, 360, "light")
		b.open(t, file)
		b.quiet(t)
		if n := eval[int64](t, b, `document.scrollingElement.scrollWidth`); n > 360 {
			t.Errorf("the page of %s is %d wide", command, n)
		}
		if n := eval[int](t, b, `document.querySelectorAll("section h2").length`); n < 2 {
			t.Errorf("the page of %s has %d sections", command, n)
		}
	}
}

// hostilePage: whatever names are on the wire, a page shows them and does
// nothing else.
func hostilePage(t *testing.T, b *browser) {
	dir := t.TempDir()
	journal, traffic, file := filepath.Join(dir, "j"), filepath.Join(dir, "traffic"), filepath.Join(dir, "report.html")
	var lines strings.Builder
	hostile := []string{
		`</script><script>pwned=1</script>`, `"><img/src=x/onerror=pwned=1>`, `'><svg/onload=pwned=1>`, `</title></style><script>pwned=1</script>`,
		"\u202emoc.elpmaxe\u2066", "=cmd|calc", `javascript:pwned=1`, strings.Repeat("n", 10000), strings.Repeat("ü", 5000), "\x1b[31mred",
	}
	for i, name := range hostile {
		fmt.Fprintf(&lines, "SERVER %s\nPOSITION %s %s 1 2\nRDATA %s %s %d [%q]\nERROR %s\n%s %s\n", name, name, name, name, name, i, name, name, name, name)
	}
	if err := os.WriteFile(traffic, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, status := repltap(t, "import", traffic, "--direction", "s2c", "--dialect", "1.66.0", "--redact", "none", "--journal", journal); status > 3 || status == 1 || status == 2 {
		t.Fatal(stderr)
	}
	mustRun(t, "report", journal, "--format", "html", "-o", file)
	b.screen(t, 360, "dark")
	b.open(t, file)
	b.quiet(t)
	if eval[bool](t, b, `"pwned" in window || document.scripts.length != 1 || document.images.length != 0`) {
		t.Error("a name became a part of the page")
	}
	if n := eval[int64](t, b, `document.scrollingElement.scrollWidth`); n > 360 {
		t.Errorf("the page is %d wide", n)
	}
	if eval[bool](t, b, `/[\u202a-\u202e\u2066-\u2069\u001b]/.test(document.documentElement.outerHTML)`) {
		t.Error("there are characters that turn text around")
	}
	for _, name := range hostile[:4] {
		if !eval[bool](t, b, fmt.Sprintf(`document.querySelector("table[data-name=streams]").textContent.includes(%q)`, name)) {
			t.Errorf("%q is not shown", name)
		}
	}
	if info, err := os.Stat(file); err != nil || info.Size() > 1<<20 {
		t.Errorf("the page has %d bytes (%v)", info.Size(), err)
	}
}
