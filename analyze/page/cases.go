package page

// Cases are things that are looked at one by one, each with places in journals.
type Cases []Case

// Case is one of them.
type Case struct {
	Kind   string // a word
	Text   string
	Places []CasePlace
}

// CasePlace is where it is.
type CasePlace struct {
	Name    string // of the journal: recorded, replayed
	Where   string
	Line    string // of the protocol; "" if there is none
	Command string // what shows the journal there, for a shell
}

func (c Cases) part() (string, any) { return "cases", c }

// Verdict is one word for it all, and why.
type Verdict struct {
	Word, Why string
	Good, Bad bool // neither: in doubt
}

func (v Verdict) part() (string, any) { return "verdict", v }
