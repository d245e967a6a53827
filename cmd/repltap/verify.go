package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"repltap/journal"
)

func verifyCommand() *command {
	return &command{
		name: "verify", args: "JOURNAL [flags]",
		summary: "check a journal: damage, and whether all that was forwarded is accounted for",
		long: `
Reads a whole journal, compares the checksum of every block, and balances the
books: for each connection and direction the bytes that were forwarded must be
the bytes in the journal plus the gaps written down in it. JOURNAL is a
directory, finished or being recorded right now, or one file of it.

Exit status 0 says that everything is there and as it was written; 3 that there
is damage, a gap, or anything that the books don't account for.`,
		examples: []string{
			"repltap verify traffic/",
			"repltap verify traffic/ --format json | jq .gaps",
			"repltap verify traffic/0000000002.journal",
		},
		setup: setupVerify,
	}
}

func setupVerify(fs *pflag.FlagSet) runFunc {
	format := &choiceFlag{"text", []string{"text", "json"}}
	fs.Var(format, "format", "how to print the result")
	output := outputFlag(fs)
	return func(ctx context.Context, e *env, args []string) error {
		path, err := oneJournal(args)
		if err != nil {
			return err
		}
		rep, unread := verifyJournal(ctx, e, path)
		if rep == nil {
			return unread
		}
		var text []byte
		if format.value == "json" {
			text = reportJSON(rep)
		} else {
			text = e.fitted(*output, reportText(rep, path, newStyle(e.colored(e.stdout) && *output == "")))
		}
		if err := e.write(*output, text); err != nil {
			return err
		}
		if unread != nil {
			return unread
		}
		if !reportClean(rep) {
			return exitStatus(statusFound)
		}
		return nil
	}
}

// verifyJournal verifies with the progress shown.
func verifyJournal(ctx context.Context, e *env, path string) (*journal.Report, error) {
	p := newProgress(e, "verifying")
	defer p.done()
	rep, err := journal.Verify(ctx, path, p.at)
	return rep, named(path, err)
}

// reportClean says whether there is nothing to tell but that all is well.
func reportClean(r *journal.Report) bool {
	return r.OK && len(r.Damage) == 0 && len(r.Gaps) == 0 && len(r.Removed) == 0 && r.Unaccounted == 0
}

// reportJSON is the report for programs, with empty lists and not null.
func reportJSON(r *journal.Report) []byte {
	c := *r
	c.Connections = append([]journal.Ledger{}, c.Connections...)
	c.Damage = append([]journal.Damage{}, c.Damage...)
	c.Gaps = append([]journal.GapEntry{}, c.Gaps...)
	c.Removed = append([]journal.Removal{}, c.Removed...)
	var out bytes.Buffer
	if err := json.Indent(&out, appendJSON(nil, &c), "", "  "); err != nil {
		return []byte("{}\n") // can't be: it is what json.Marshal made
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// reportText is the report for people.
func reportText(r *journal.Report, path string, st style) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s: %s, %s, %s, %s of traffic.\n\n", safe(path), plural(int64(r.Files), "file"),
		plural(int64(r.Blocks), "block"), plural(r.Records, "record"), sizeText(r.Bytes))
	writeLedger(&b, r.Connections)
	for _, d := range firstFew(&b, r.Damage, "damaged part") {
		fmt.Fprintf(&b, "%sdamage%s in %s: %s\n", st.red, st.off, safe(d.File), safe(d.Detail))
	}
	for _, g := range firstFew(&b, r.Gaps, "gap") {
		fmt.Fprintf(&b, "%sgap%s of connection %d %s: %s, from %s to %s: %s\n", st.yellow, st.off,
			g.Conn, g.Dir, plural(g.Bytes, "byte"), g.From, g.To, safe(g.Reason))
	}
	for _, m := range firstFew(&b, r.Removed, "removed part") {
		fmt.Fprintf(&b, "%sremoved%s: %s\n", st.yellow, st.off, safe(m.Detail))
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "note: %s\n", safe(n))
	}
	b.WriteString(verdictText(r, st))
	return b.Bytes()
}

// firstFew gives what is shown of a list that may be long, and says so.
func firstFew[T any](w io.Writer, list []T, one string) []T {
	if len(list) <= ledgerRows {
		return list
	}
	fmt.Fprintf(w, "The first %d of %s; --format json has all of them:\n", ledgerRows, plural(int64(len(list)), one))
	return list[:ledgerRows]
}

func verdictText(r *journal.Report, st style) string {
	if reportClean(r) {
		return st.green + "OK" + st.off + ": all that was forwarded is in the journal, and every checksum is right.\n"
	}
	var wrong []string
	if n := len(r.Damage); n > 0 {
		wrong = append(wrong, fmt.Sprintf("damage in %s", plural(int64(n), "place")))
	}
	if n := len(r.Gaps); n > 0 {
		var bytes int64
		for _, g := range r.Gaps {
			bytes += g.Bytes
		}
		wrong = append(wrong, fmt.Sprintf("%s (%s) that were forwarded and not journalled", plural(int64(n), "gap"), plural(bytes, "byte")))
	}
	if len(r.Removed) > 0 {
		wrong = append(wrong, "parts were removed by retention before they could be verified")
	}
	if r.Unaccounted != 0 {
		wrong = append(wrong, plural(r.Unaccounted, "byte")+" that nothing accounts for")
	}
	if len(wrong) == 0 {
		wrong = append(wrong, "see above")
	}
	return st.red + "NOT OK" + st.off + ": " + strings.Join(wrong, "; ") + ".\n"
}

// ledgerRows is how many rows of the ledger, gaps and places are shown at most.
const ledgerRows = 20

// writeLedger writes the table of connections: all of a few, or of many only
// those that don't balance or have gaps, and the sums.
func writeLedger(w io.Writer, ledger []journal.Ledger) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(tw, "conn\tworker\tdir\tforwarded\tjournalled\tgaps\t\n")
	var sum journal.Ledger
	left := 0
	for _, l := range ledger {
		sum.Forwarded, sum.Journalled, sum.Gap = sum.Forwarded+l.Forwarded, sum.Journalled+l.Journalled, sum.Gap+l.Gap
		if len(ledger) > ledgerRows && l.Gap == 0 && l.Forwarded == l.Journalled {
			left++
			continue
		}
		writeLedgerRow(tw, fmt.Sprint(l.Conn), l)
	}
	if len(ledger) > 1 {
		writeLedgerRow(tw, "all", sum)
	}
	tw.Flush()
	if left > 0 {
		fmt.Fprintf(w, "(%s that balance are not shown)\n", plural(int64(left), "row"))
	}
	fmt.Fprintln(w)
}

func writeLedgerRow(w io.Writer, name string, l journal.Ledger) {
	forwarded := thousands(l.Forwarded)
	if l.Open {
		forwarded += "+"
	}
	fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t\n", name, safeWorker(l.Worker), l.Dir, forwarded, thousands(l.Journalled), thousands(l.Gap))
}

// named puts the path into an error that lacks it.
func named(path string, err error) error {
	if err == nil || errors.Is(err, context.Canceled) || strings.Contains(err.Error(), path) {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

// outputFlag declares -o.
func outputFlag(fs *pflag.FlagSet) *string {
	return fs.StringP("output", "o", "", "write to this `file` instead of stdout")
}

// write writes text to the file of --output, or to stdout when there is none.
func (e *env) write(file string, text []byte) error {
	if file == "" || file == "-" {
		return e.print(string(text))
	}
	f, err := createOutput(file)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// openOutput gives what to write to: stdout, or the file of --output.
func openOutput(e *env, file string) (io.Writer, func() error, error) {
	if file == "" || file == "-" {
		return e.stdout, func() error { return nil }, nil
	}
	f, err := createOutput(file)
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// createOutput makes the file of --output.
func createOutput(file string) (*os.File, error) {
	f, err := os.Create(file)
	var path *os.PathError
	if errors.As(err, &path) {
		err = withHint(fmt.Errorf("can't write %s: %w", file, path.Err), "-o takes a file in a directory that exists and that you may write to")
	}
	return f, err
}
