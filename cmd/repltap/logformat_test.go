package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"repltap/journal"
	"repltap/wire"
)

// lineRecord makes the record of a line.
func lineRecord(seq uint64, t int64, conn uint64, worker string, dir wire.Direction, line string) *journal.Record {
	return &journal.Record{
		Seq: seq, Time: t, Conn: conn, Dir: dir, Kind: journal.KindLine, Data: []byte(line), ReadEnd: true,
		Gist: wire.GistOf([]byte(line)), Worker: worker,
	}
}

var noon = time.Date(2026, 7, 14, 12, 0, 0, 0, time.UTC).UnixNano()

// hazards lists what a terminal must never be shown.
func hazards(text string) (found []rune) {
	for _, r := range text {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			found = append(found, r)
		}
	}
	return found
}

// sampleRecords has one record of each kind, and lines that mean no good.
func sampleRecords() []*journal.Record {
	s2c, c2s := int64(340123), int64(57)
	odd := lineRecord(5, noon+4e9, 1, "w1", wire.C2S, "RDATA events master 7 []\n")
	odd.Findings = []wire.Finding{{Code: "E-direction", Detail: "a worker may not send RDATA", Verdict: "error", Reply: "invalid \x1b command"}}
	event := func(seq uint64, at int64, conn uint64, dir wire.Direction, k journal.Kind, ev journal.Event) *journal.Record {
		return &journal.Record{Seq: seq, Time: noon + at, Conn: conn, Dir: dir, Kind: k, Event: &ev}
	}
	return []*journal.Record{
		event(1, 0, 0, 0, journal.KindFile, journal.Event{What: "begin", Source: "record :9093 -> master:9092", Redact: "none", Program: "repltap 0.1.0"}),
		event(2, 1e9, 1, 0, journal.KindOpen, journal.Event{Peer: "127.0.0.1:40000", Upstream: "127.0.0.1:9092"}),
		lineRecord(3, noon+1e9+123456789, 1, "w1", wire.S2C, "SERVER lab.test\n"),
		lineRecord(4, noon+2e9, 1, "w1", wire.S2C, "RDATA events master batch [\"ev\",[\"\\u2713\"]]\n"),
		odd,
		lineRecord(6, noon+5e9, 1, "w1", wire.S2C, "ERROR \x1b[2J\u202e\xff\r\n"),
		{Seq: 7, Time: noon + 6e9, Conn: 1, Dir: wire.S2C, Kind: journal.KindFragment, Data: []byte("RDATA to_dev"), Worker: "w1", Headless: true},
		event(8, 7e9, 1, wire.S2C, journal.KindStall, journal.Event{Unread: 65536, Unsent: 1 << 20}),
		event(9, 8e9, 1, wire.S2C, journal.KindResume, journal.Event{}),
		event(10, 9e9, 12, wire.S2C, journal.KindGap, journal.Event{Bytes: 5000, Lines: 100, From: noon + 8e9, To: noon + 8500e6, Reason: "queue full"}),
		event(11, 10e9, 1, wire.C2S, journal.KindEOF, journal.Event{How: "fin", By: "worker"}),
		event(12, 13*3600e9, 1, 0, journal.KindClose, journal.Event{How: "fin", By: "worker", S2C: &s2c, C2S: &c2s, Dialect: "v1.29"}),
		event(13, 13*3600e9, 2, 0, journal.KindFinding, journal.Event{Note: "odd: \x07"}),
		{Seq: 14, Time: noon + 13*3600e9, Conn: 2, Kind: journal.KindFinding, Event: &journal.Event{}, Findings: []wire.Finding{{Code: "E-utf8", Detail: "not UTF-8"}}},
		event(15, 13*3600e9, 3, wire.S2C, journal.KindStall, journal.Event{By: "master", Unsent: 65608}),
		event(16, 13*3600e9+1e9, 3, wire.S2C, journal.KindSample, journal.Event{Queue: 9000, Unsent: 65608, Lag: 1250321, Position: 58889}),
		event(17, 13*3600e9+2e9, 3, wire.S2C, journal.KindResume, journal.Event{By: "master", From: noon + 13*3600e9, To: noon + 13*3600e9 + 2e9, Queue: 1}),
	}
}

func TestTextFormat(t *testing.T) {
	const want = `=== 2026-07-14 UTC ===
12:00:00.000000          recording begins: record :9093 -> master:9092, redact none, repltap 0.1.0
12:00:01.000000  1  * ?  connected from 127.0.0.1:40000 to 127.0.0.1:9092
12:00:01.123456  1 -> w1 SERVER lab.test
12:00:02.000000  1 -> w1 RDATA events master batch ["ev",["\u2713"]]
12:00:04.000000  1 <- w1 RDATA events master 7 []
                 ! E-direction: a worker may not send RDATA (a real receiver: error)
12:00:05.000000  1 -> w1 ERROR \x1b[2J\u202e\xff\x0d
12:00:06.000000  1 -> w1 RDATA to_dev [fragment of 12 bytes]
12:00:07.000000  1  * ?  worker has stopped reading (64KiB unread, 1MiB unsent)
12:00:08.000000  1  * ?  worker reads again
12:00:09.000000 12  * ?  GAP s2c: 5,000 bytes (100 lines) not journalled over 500ms: queue full
12:00:10.000000  1  * ?  worker ended its sending (fin, by worker)
=== 2026-07-15 UTC ===
01:00:00.000000  1  * ?  closed (fin, by worker): 340,123 bytes s2c, 57 bytes c2s, dialect v1.29
01:00:00.000000  2  * ?  note: odd: \x07
01:00:00.000000  2  * ?  odd
                 ! E-utf8: not UTF-8
01:00:00.000000  3  * ?  master is paused (64.1KiB unsent, 0 commands queued)
01:00:01.000000  3  * ?  master has come to record 58,889 (64.1KiB unsent, 9,000 commands queued), up to 1.25ms late
01:00:02.000000  3  * ?  master goes on after 2s (0B unsent, 1 command queued)
`
	var got []byte
	p := newTextPrinter(style{})
	for _, r := range sampleRecords() {
		got = p.append(got, r)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// With colours the same is shown, and all colours end where they should.
func TestTextColours(t *testing.T) {
	plain, colored := newTextPrinter(style{}), newTextPrinter(newStyle(true))
	for _, r := range sampleRecords() {
		want, got := string(plain.append(nil, r)), string(colored.append(nil, r))
		if !strings.Contains(got, "\x1b[") || !strings.HasSuffix(strings.TrimSuffix(got, "\n"), "\x1b[0m") && r.Kind != journal.KindLine && r.Kind != journal.KindFragment {
			t.Errorf("record %d: %q", r.Seq, got)
		}
		st := newStyle(true)
		for _, seq := range []string{st.dim, st.bold, st.red, st.green, st.yellow, st.cyan, st.off} {
			got = strings.ReplaceAll(got, seq, "")
		}
		if got != want {
			t.Errorf("record %d: %q without colours is %q", r.Seq, got, want)
		}
	}
}

// jsonRecord is the JSON format as encoding/json sees it: the contract.
type jsonRecord struct {
	Seq      uint64         `json:"seq"`
	Time     string         `json:"time"`
	Conn     uint64         `json:"conn"`
	Worker   string         `json:"worker"`
	Dir      string         `json:"dir"`
	Kind     string         `json:"kind"`
	Command  *string        `json:"command"`
	Stream   *string        `json:"stream"`
	Instance *string        `json:"instance"`
	Token    any            `json:"token"`
	Bytes    *int           `json:"bytes"`
	Line     *string        `json:"line"`
	LineB64  *string        `json:"line_b64"`
	ReadEnd  bool           `json:"read_end"`
	Headless bool           `json:"headless"`
	Findings []wire.Finding `json:"findings"`
	Event    *journal.Event `json:"event"`
}

// jsonOf says what the JSON of a record must be read as.
func jsonOf(r *journal.Record) jsonRecord {
	want := jsonRecord{
		Seq: r.Seq, Time: time.Unix(0, r.Time).UTC().Format("2006-01-02T15:04:05.000000000Z"), Conn: r.Conn, Worker: r.Worker,
		Dir: r.Dir.String(), Kind: r.Kind.String(), ReadEnd: r.ReadEnd, Headless: r.Headless, Findings: r.Findings, Event: r.Event,
	}
	if r.Data == nil {
		return want
	}
	n, text := len(r.Data), strings.TrimSuffix(string(r.Data), "\n")
	want.Bytes = &n
	line := string([]rune(text)) // one replacement character for each bad byte
	want.Line = &line
	if line != text {
		b64 := base64.StdEncoding.EncodeToString([]byte(text))
		want.LineB64 = &b64
	}
	if r.Kind != journal.KindLine {
		return want
	}
	str := func(b []byte) *string { s := string([]rune(string(b))); return &s }
	want.Command = str(r.Gist.Name)
	if r.Gist.Stream != nil {
		want.Stream = str(r.Gist.Stream)
	}
	if r.Gist.Instance != nil {
		want.Instance = str(r.Gist.Instance)
	}
	if r.Gist.Batch {
		want.Token = "batch"
	} else if r.Gist.HasToken {
		want.Token = json.Number(fmt.Sprint(r.Gist.Token))
	}
	return want
}

func TestJSONFormat(t *testing.T) {
	records := sampleRecords()
	for i, line := range []string{
		"\n", "PING\n", "POSITION events master 1 9223372036854775807\n", "RDATA typing -5 [1]\n", "\xff\xfe x\n", "a\"b\\c\td\n",
		"USER_SYNC \u2028 \u0085 \U0001f600 start 5\n", "RDATA \xc3\x28 master 4 [\"\x00\"]\n", "RDATA caches batch [\"x\"]\n",
	} {
		records = append(records, lineRecord(uint64(100+i), noon+int64(i)*777777777, 9, "wörker \x1b", wire.C2S, line))
	}
	var p jsonPrinter
	for _, r := range records {
		text := p.append(nil, r)
		if bad := hazards(strings.TrimSuffix(string(text), "\n")); bad != nil {
			t.Errorf("%q lets %U through", text, bad)
		}
		var got jsonRecord
		dec := json.NewDecoder(strings.NewReader(string(text)))
		dec.DisallowUnknownFields()
		dec.UseNumber()
		if err := dec.Decode(&got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(jsonOf(r), got); diff != "" {
			t.Errorf("record %d (-want +got)\n%s\n%s", r.Seq, diff, text)
		}
	}
}

// The order of the keys is part of what people see.
func TestJSONFormatAsWritten(t *testing.T) {
	r := lineRecord(4, noon+5, 1, "w1", wire.S2C, "RDATA events master 7 [\"ev\"]\n")
	r.Findings = []wire.Finding{{Code: "W-blank", Detail: "d"}}
	const want = `{"seq":4,"time":"2026-07-14T12:00:00.000000005Z","conn":1,"worker":"w1","dir":"s2c","kind":"line",` +
		`"command":"RDATA","stream":"events","instance":"master","token":7,"bytes":29,` +
		`"line":"RDATA events master 7 [\"ev\"]","read_end":true,"findings":[{"code":"W-blank","detail":"d"}]}` + "\n"
	if got := string(new(jsonPrinter).append(nil, r)); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func BenchmarkPrint(b *testing.B) {
	r := lineRecord(4, noon+5, 1, "w1", wire.S2C, `RDATA caches master 38 ["get_aliases_for_room",["!rxIgnFlfNilkdExkQw:lab.test"],1795187887737]`+"\n")
	for name, print := range map[string]func([]byte, *journal.Record) []byte{
		"text": newTextPrinter(style{}).append, "json": new(jsonPrinter).append, "raw": appendRaw,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var buf []byte
			for i := 0; b.Loop(); i++ {
				r.Time = noon + int64(i)*1000
				buf = print(buf[:0], r)
			}
		})
	}
}
