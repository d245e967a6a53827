package profile

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"reflect"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write schema.md anew")

// TestSchema holds schema.md to the code: it is made of the fields that JSON has
// and the comments that they have. After a change: go test -run TestSchema -update
func TestSchema(t *testing.T) {
	d := &schemaDoc{comments: comments(t), done: map[reflect.Type]string{}}
	d.out.WriteString(schemaHead)
	d.object(reflect.TypeFor[Profile](), "The document")
	want := d.out.String()
	if *update {
		if err := os.WriteFile("schema.md", []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("schema.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("schema.md is not what the code says: go test ./analyze/profile -run TestSchema -update")
	}
	for _, missing := range d.missing {
		t.Errorf("nothing says what %s is: give the field a comment or a title", missing)
	}
}

const schemaHead = `# The JSON of a report

This is what ` + "`repltap report JOURNAL --format json`" + ` prints, as version ` + "`" + Schema + "`" + ` has it. The number behind the
slash rises when a program that reads it would have to change; fields may be added without that. With ` + "`--table NAME`" + ` the
document has only that table beside what is no table.

- A list is never null, and empty when there is nothing.
- A number that there is none of, as the median of nothing, is null. It is never 0.
- Bytes of a line are those with its newline, unless it says otherwise.
- Times are UTC; *at* is in seconds since ` + "`journal.start`" + `, rounded down, so ` + "`repltap log JOURNAL --from +ATs`" + ` begins with it.
- What there is too much of is counted together under the name ` + "`(other)`" + `.
- Each list of objects, ` + "`totals`" + ` and ` + "`timeline`" + ` are also tables: ` + "`--table`" + ` has their names, and CSV their columns.
- Text is as it came over the wire; bytes that are not UTF-8 are U+FFFD.

`

// schemaDoc is schema.md being written.
type schemaDoc struct {
	out      strings.Builder
	comments map[string]string       // by Type.Field, and by Type
	done     map[reflect.Type]string // under which title
	missing  []string
}

// object writes the fields of a struct, and then the structs that are in it.
func (d *schemaDoc) object(of reflect.Type, title string) {
	fmt.Fprintf(&d.out, "## %s\n\n", title)
	if c := d.comments[of.Name()]; c != "" && of.Name() != "Profile" {
		fmt.Fprintf(&d.out, "%s\n\n", c)
	}
	d.out.WriteString("| field | is | what |\n|---|---|---|\n")
	type inner struct {
		of    reflect.Type
		title string
	}
	var next []inner
	for _, f := range reflect.VisibleFields(of) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		kind, in := kindOf(f.Type)
		if in != nil {
			if d.done[in] == "" {
				next = append(next, inner{in, "`" + name + "`"})
				d.done[in] = "`" + name + "`"
			} else {
				kind += " as in " + d.done[in]
			}
		}
		fmt.Fprintf(&d.out, "| `%s` | %s | %s |\n", name, kind, d.what(of, f, name))
	}
	d.out.WriteString("\n")
	for _, n := range next {
		d.object(n.of, n.title)
	}
}

// what says what a field is: its comment, else what its column is called, else
// what its type's comment says.
func (d *schemaDoc) what(of reflect.Type, f reflect.StructField, name string) string {
	owner := of
	for _, i := range f.Index[:len(f.Index)-1] {
		owner = owner.Field(i).Type
	}
	title, _ := strings.CutSuffix(f.Tag.Get("col"), ",wide")
	if table := f.Tag.Get("table"); table != "" {
		title = table
	}
	comment := d.comments[owner.Name()+"."+f.Name]
	text := comment
	switch {
	case comment == "" || f.Tag.Get("table") != "": // what stands above a table is about the ones below it too
		text = title
	case title != "":
		text = title + ": " + comment
	}
	if text == "" {
		if _, in := kindOf(f.Type); in != nil {
			return "see below"
		}
		if name == "schema" {
			return "`" + Schema + "`"
		}
		text = strings.ReplaceAll(name, "_", " ")
		if len(text) < 4 {
			d.missing = append(d.missing, owner.Name()+"."+f.Name)
		}
	}
	return strings.ReplaceAll(text, "|", "\\|")
}

// kindOf says what a value is in JSON, and which struct is in it.
func kindOf(t reflect.Type) (string, reflect.Type) {
	switch t {
	case reflect.TypeFor[Millis]():
		return "milliseconds, 3 decimals, or null", nil
	case reflect.TypeFor[AboutMillis]():
		return "milliseconds, within 1 %, or null", nil
	case reflect.TypeFor[AboutSeconds]():
		return "seconds, within 1 %, or null", nil
	case reflect.TypeFor[Seconds]():
		return "seconds, 3 decimals, or null", nil
	case reflect.TypeFor[At]():
		return "seconds, 6 decimals, or null", nil
	case reflect.TypeFor[Percent]():
		return "percent, 2 decimals, or null", nil
	case reflect.TypeFor[Rate]():
		return "number, 2 decimals, or null", nil
	case reflect.TypeFor[Ratio]():
		return "number, 2 decimals, or null", nil
	case reflect.TypeFor[Count]():
		return "whole number or null", nil
	case reflect.TypeFor[Time]():
		return "time, RFC 3339 with 9 digits, or null", nil
	}
	switch t.Kind() {
	case reflect.Slice:
		kind, in := kindOf(t.Elem())
		return "list: " + kind, in
	case reflect.Struct:
		return "object", t
	case reflect.String:
		return "text", nil
	case reflect.Bool:
		return "true or false", nil
	}
	return "whole number", nil
}

// comments are those of this package's types and their fields.
func comments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := parser.ParseDir(token.NewFileSet(), ".", func(i fs.FileInfo) bool { return !strings.HasSuffix(i.Name(), "_test.go") }, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(files["profile"], func(n ast.Node) bool {
		decl, ok := n.(*ast.GenDecl)
		if !ok {
			return true
		}
		for _, spec := range decl.Specs {
			if spec, ok := spec.(*ast.TypeSpec); ok {
				out[spec.Name.Name] = oneLine(decl.Doc)
				if fields, ok := spec.Type.(*ast.StructType); ok {
					for _, f := range fields.Fields.List {
						for _, name := range f.Names {
							out[spec.Name.Name+"."+name.Name] = strings.TrimSpace(oneLine(f.Doc) + " " + oneLine(f.Comment))
						}
					}
				}
			}
		}
		return true
	})
	return out
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
