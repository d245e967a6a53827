package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"repltap/journal"
	"repltap/wire"
)

// format is what kind of file an import has before it.
type format int

const (
	formatText    format = iota // lines as nc would have saved them
	formatCapture               // JSON lines
)

// sniffSize is how much of a file is looked at to tell what it is.
const sniffSize = 64 << 10

// byteOrderMark is what some editors put before UTF-8.
var byteOrderMark = []byte("\xef\xbb\xbf")

// decompress looks through zstd compression. A byte order mark before the text is
// left out.
func decompress(r io.Reader) (_ *bufio.Reader, stop func(), err error) {
	br, stop := bufio.NewReaderSize(r, sniffSize), func() {}
	if head, _ := br.Peek(zstd.HeaderMaxSize); journal.IsZstd(head) {
		dec, err := zstd.NewReader(br, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
		if err != nil {
			return nil, nil, err
		}
		br, stop = bufio.NewReaderSize(dec, sniffSize), dec.Close
	}
	if head, _ := br.Peek(len(byteOrderMark)); bytes.Equal(head, byteOrderMark) {
		br.Discard(len(byteOrderMark))
	}
	return br, stop, nil
}

// sniff tells the format from the first bytes. What is neither is an error that says
// what it is.
func sniff(r *bufio.Reader) (format, error) {
	head, err := r.Peek(sniffSize)
	if len(head) == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			return 0, errors.New("there is nothing in it")
		}
		return 0, fmt.Errorf("nothing of it can be read, it is cut off or damaged: %w", err)
	}
	what, _ := journal.Foreign(head)
	if trimmed := bytes.TrimLeft(head, " \t\r\n"); what == "" && len(trimmed) > 0 && trimmed[0] == '{' {
		return formatCapture, nil
	}
	if isReplication(head) {
		return formatText, nil
	}
	return 0, notTraffic(head)
}

// isReplication says whether at least half of the lines of a text are commands of
// the protocol. ERROR counts for nothing: lines of many logs begin with it.
func isReplication(text []byte) bool {
	known, others := 0, 0
	for line := range bytes.Lines(text) {
		switch c := wire.CommandOf(line); {
		case c == wire.CmdError:
		case c != wire.CmdUnknown:
			known++
		case len(bytes.TrimSpace(line)) > 0:
			others++
		}
	}
	return known > 0 && known >= others
}

// texts are what people have of replication that is no traffic, by one of the first
// lines.
var texts = []struct {
	line       *regexp.Regexp
	what, hint string
}{
	{regexp.MustCompile(`^(Reading messages\.\.\.|([1-4]\) |\[?)"p?(un)?(subscribe|message)"|p?(un)?(subscribe|message)\r?\n)`), "output of redis-cli SUBSCRIBE", redisHint},
	{regexp.MustCompile(`^\d{10}\.\d+ \[\d+ \S+\] "`), "output of redis-cli MONITOR", redisHint},
	{regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ - (synapse|root)\b`), "a log of Synapse", logHint},
	{regexp.MustCompile(`^\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d`), "a log", logHint},
	{regexp.MustCompile(`^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d `), "a log", logHint},
	{regexp.MustCompile(`^\d\d:\d\d:\d\d\.\d+ IP6? `), "output of tcpdump", "write the packets' payload of each direction to a file, as tcpflow does, and import that with --direction s2c or c2s"},
	{regexp.MustCompile(`^(0x)?[0-9a-f]{4,8}:? ( ?[0-9a-f]{2}){4}`), "a hex dump", "turn it back into bytes first: xxd -r FILE | repltap import - …"},
	{regexp.MustCompile(`^=== \d{4}-\d\d-\d\d UTC ===`), "output of repltap log", "import what the journal was made of, or the output of repltap log --format raw"},
	{regexp.MustCompile(`^<(!|\?|[a-zA-Z])`), "HTML or XML", ""},
	{regexp.MustCompile(`^(DEBUG|INFO|WARN(ING)?|ERROR|CRITICAL|FATAL)[: ]`), "a log", logHint},
	{regexp.MustCompile(`^\[\s*([\[{"\]]|-?\d+\s*[,\]]|$)`), "a JSON array", "a capture has one JSON object on each line"},
}

const (
	redisHint = "only replication over TCP can be imported, not what Redis carries"
	logHint   = "a log does not have the traffic; see repltap record --help for how to record it"
)

// notTraffic says what a file is that is neither a capture nor lines.
func notTraffic(head []byte) error {
	if journal.IsFile(head) {
		return withHint(errors.New("it is a file of a journal, or another bbolt database, and not traffic to import"),
			"a journal is read as it is: repltap log FILE, repltap report FILE")
	}
	what, hint := journal.Foreign(head)
	if foreign, ok := wire.Sniff(head); ok && what == "" {
		what = foreign
	}
	if what == "" {
		what, hint = textKind(head)
	}
	if what == "" && (!utf8.Valid(beginning(head)) || bytes.IndexByte(head, 0) >= 0) {
		what = "no text"
	}
	if what != "" {
		return withHint(fmt.Errorf("it can't be imported, it is %s", what), "%s", hint)
	}
	return withHint(fmt.Errorf("it is neither a capture nor lines of replication: it begins with %q", beginning(head)),
		"a capture is JSON lines, see repltap import --help; to judge single lines use repltap check")
}

// textKind finds a text in texts by its first lines.
func textKind(head []byte) (what, hint string) {
	n := 0
	for line := range bytes.Lines(head) {
		for _, k := range texts {
			if k.line.Match(line) {
				return k.what, k.hint
			}
		}
		if n++; n == 5 {
			break
		}
	}
	return "", ""
}

// beginning is the first line, or as much of it as a person needs to see.
func beginning(head []byte) []byte {
	line, _, _ := bytes.Cut(bytes.TrimLeft(head, "\r\n"), []byte{'\n'})
	if len(line) <= 60 {
		return line
	}
	n := 60
	for n > 57 && !utf8.RuneStart(line[n]) {
		n--
	}
	return line[:n]
}
