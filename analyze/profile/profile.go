package profile

// Schema names the form of a profile's JSON. The number rises when a program
// that reads it would have to change; fields may be added without that.
const Schema = "repltap.report/2"

// Profile is what is in a journal, in numbers. Its JSON is that of `report
// --format json`. Fields with a table tag are also tables (see Tables); they are
// never nil in what Take returns.
type Profile struct {
	Schema  string  `json:"schema"`
	Journal Journal `json:"journal"`
	// QuantileError is by how much a quantile may be off.
	QuantileError Percent  `json:"quantile_error_percent"`
	Totals        Totals   `json:"totals" table:"Totals"`
	Coverage      Coverage `json:"coverage"`

	Highlights []Highlight `json:"highlights" table:"What stands out"`

	Commands    []CommandRow    `json:"commands" table:"Commands"`
	Streams     []StreamRow     `json:"streams" table:"Streams"`
	Instances   []InstanceRow   `json:"instances" table:"Instances that write"`
	Workers     []WorkerRow     `json:"workers" table:"Workers"`
	Connections []ConnectionRow `json:"connections" table:"Connections"`
	Namesakes   []NamesakeRow   `json:"namesakes" table:"Two of one name at a time"`
	Gaps        []GapRow        `json:"gaps" table:"Gaps of the journal"`
	Damage      []DamageRow     `json:"damage" table:"Damage of the journal"`
	Clock       []ClockRow      `json:"clock" table:"Where the clock was set"`

	// What happened when, and how much of it at once.
	Timeline      Timeline           `json:"timeline" table:"Traffic over time"`
	Bursts        []BurstRow         `json:"bursts" table:"Bursts"`
	Talkers       []TalkerRow        `json:"talkers" table:"Names that fill the wire"`
	Receivers     []ReceiverRow      `json:"receivers" table:"What each worker gets"`
	FanOut        []FanOutRow        `json:"fan_out" table:"How often rows are sent"`
	SessionTotals SessionTotals      `json:"session_totals"`
	Sessions      []SessionRow       `json:"sessions" table:"Presence sessions"`
	SessionEvents []SessionEventRow  `json:"session_events" table:"Presence sessions: silent or replaced processes"`
	OpenSessions  []OpenSessionRow   `json:"open_sessions" table:"Presence sessions that never ended, the oldest"`
	LineLimit     LineLimit          `json:"line_limit"`
	LineLengths   []LineLengthRow    `json:"line_lengths" table:"Line lengths"`
	StreamLongest []StreamLongestRow `json:"stream_longest" table:"Longest line of each stream"`
	LongLines     []LongLineRow      `json:"long_lines" table:"Longest lines"`
	NearLimit     []LongLineRow      `json:"near_limit" table:"Lines near the limit"`
	Findings      []FindingRow       `json:"findings" table:"Findings"`

	// Where everybody stood in the streams.
	Tokens           []TokenRow        `json:"tokens" table:"Tokens of the streams"`
	Discards         []DiscardRow      `json:"discards" table:"Rows that workers throw away"`
	TokenGaps        []TokenGapRow     `json:"token_gaps" table:"Where tokens do not go on"`
	Positions        []PositionRow     `json:"positions" table:"POSITIONs by what they are for"`
	PositionOutliers []PositionOutlier `json:"position_outliers" table:"POSITIONs that cost or lose something"`
	Lags             []LagRow          `json:"lags" table:"How far workers were behind"`
	LagTimeline      []LagTimelineRow  `json:"lag_timeline" table:"Lag over time"`
	Acks             []AckRow          `json:"acks" table:"FEDERATION_ACK"`
	CatchUps         []CatchUpRow      `json:"catch_ups" table:"Catching up"`
	Announced        Announced         `json:"announced"`
	Silence          []SilenceRow      `json:"silence" table:"Silent streams"`

	// How connections went.
	Pings      []PingRow      `json:"pings" table:"Signs of life"`
	Stalls     []StallRow     `json:"stalls" table:"Stalls"`
	Overflows  []OverflowRow  `json:"overflows" table:"Failed to keep up"`
	Samples    []SampleRow    `json:"samples" table:"Queue of a replay's sender"`
	Endings    []EndingRow    `json:"endings" table:"How connections ended"`
	Reconnects []ReconnectRow `json:"reconnects" table:"Workers that came back"`

	// Notes are what has to be known to read the rest, in sentences.
	Notes []string `json:"notes"`
}

// Journal is what was read.
type Journal struct {
	Path    string `json:"path"`
	Live    bool   `json:"live"` // it was being recorded
	Files   int    `json:"files"`
	Source  string `json:"source"`
	Redact  string `json:"redact"`
	Program string `json:"program"`
	Start   Time   `json:"start"` // what each "at" counts from
	// First and Last are the times of the first and last record that was counted.
	First    Time    `json:"first"`
	Last     Time    `json:"last"`
	Duration Seconds `json:"duration_s"` // between these
	Filter   string  `json:"filter"`     // as flags, "" when all was read
}

// Place is where something stands in the journal.
type Place struct {
	Seq  uint64 `json:"seq" col:"record"`
	Conn uint64 `json:"conn" col:"conn"`
	At   At     `json:"at_s" col:"at s"`
	Time Time   `json:"time" col:"time,wide"`
}
