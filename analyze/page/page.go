package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

// Page is one HTML file.
type Page struct {
	Title    string // of the window and at the top
	Lead     string // what this is about, in a line under the title
	Sections []Section
	Foot     string
}

// Section answers one question.
type Section struct {
	ID       string // of links to it: letters, digits and dashes
	Title    string
	Question string // may be ""
	Parts    []Part
}

// Part is something in a section. All of them are of this package.
type Part interface {
	// part names the template and what it is given.
	part() (name string, data any)
}

var (
	//go:embed page.tmpl
	templateText string
	//go:embed style.css
	styleText string
	//go:embed script.js
	scriptText string
)

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"part":   renderPart,
	"show":   Visible,
	"policy": func() string { return policy },
	"style":  func() template.CSS { return template.CSS(styleText) },
	"script": func() template.JS { return template.JS(scriptText) },
}).Parse(templateText))

// policy allows what the page itself has and nothing else. The empty icon keeps
// browsers from asking for one.
var policy = strings.Join([]string{
	"default-src 'none'", "style-src " + hashOf(styleText), "script-src " + hashOf(scriptText),
	"img-src data:", "base-uri 'none'", "form-action 'none'",
}, "; ")

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	if err := templates.ExecuteTemplate(w, "page", p); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

func renderPart(p Part) (template.HTML, error) {
	name, data := p.part()
	var b bytes.Buffer
	err := partTemplates.ExecuteTemplate(&b, name, data)
	return template.HTML(b.String()), err
}

// partTemplates is templates; a variable of its own because a function of the
// templates uses it.
var partTemplates *template.Template

func init() { partTemplates = templates }
