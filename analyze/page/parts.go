package page

// Text is a paragraph.
type Text struct {
	Text string
	Note bool // in small: how to read what is beside it
}

func (t Text) part() (string, any) { return "text", t }

// About is names with what they are, a line each.
type About []Fact

func (a About) part() (string, any) { return "about", a }

// Facts are numbers that are looked at first, each in a box.
type Facts []Fact

// Fact is one of them.
type Fact struct {
	Name  string
	Value string // digits of numbers, as they are in tables
	Unit  string
	Bad   bool // something to worry about
}

func (f Facts) part() (string, any) { return "facts", f }

// List is sentences, each with a place to look at where it has one.
type List []Item

// Item is one of them.
type Item struct {
	Text    string
	Command string // what shows more of it, for a shell; "" if nothing does
	Bad     bool
}

func (l List) part() (string, any) { return "list", l }

// Heading is a heading within a section.
type Heading string

func (h Heading) part() (string, any) { return "heading", h }
