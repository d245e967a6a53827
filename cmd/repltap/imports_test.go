package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport says which of the project's packages each of them may import, its
// tests included. What only this package may do is to join them.
var mayImport = map[string][]string{
	"wire":             {},
	"journal":          {"wire"},
	"proxy":            {"journal", "wire"},
	"replay":           {"journal", "wire"},
	"analyze":          {"analyze/page", "journal", "analyze/safetext", "wire"},
	"analyze/explain":  {"analyze/namesake", "analyze/profile", "journal", "wire"},
	"analyze/page":     {"analyze/safetext"},
	"analyze/namesake": {"journal", "wire"},
	"analyze/profile":  {"analyze/namesake", "journal", "testdata", "wire"},
	"analyze/report":   {"analyze/page", "analyze/profile", "journal", "analyze/safetext", "testdata"},
	"analyze/safetext": {},
	"testdata":         {},
	"cmd/repltap":      {"analyze", "analyze/explain", "analyze/page", "analyze/profile", "analyze/report", "journal", "proxy", "replay", "analyze/safetext", "testdata", "wire"},
}

// goPackage is what `go list -json` says of a package.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

const module = "repltap/"

// TestImportRule holds the shape of the project: an idea a package, the protocol
// at the bottom and free of everything, and no two uses of a journal that know
// of each other.
func TestImportRule(t *testing.T) {
	seen := 0
	for path, p := range listPackages(t) {
		seen++
		allowed, ok := mayImport[path]
		if !ok {
			t.Errorf("package %s is not in the list of the rule", path)
			continue
		}
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			own, isOwn := strings.CutPrefix(imp, module)
			if isOwn && own != path && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s, which it must not", path, own)
			}
		}
		if path == "wire" {
			onlyStandard(t, p.Imports)
		}
	}
	if seen < 4 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// onlyStandard holds wire to the standard library.
func onlyStandard(t *testing.T, imports []string) {
	t.Helper()
	for _, imp := range imports {
		if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") {
			t.Errorf("wire imports %s, which is not in the standard library", imp)
		}
	}
}

func listPackages(t *testing.T) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "repltap/...", "repltap/testdata")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	list := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list[strings.TrimPrefix(p.ImportPath, module)] = p
	}
}
