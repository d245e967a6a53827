package replay

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// sendScript is a script of send-* and what Synapse did.
type sendScript struct {
	Release string
	Seed    *int
	Name    string
	Limit   int
	Order   []string
	Start   map[string]int64
	Steps   []sendStep
	Wire    []sendEntry
	End     sendEnd
}

type sendStep struct {
	Conn              int
	Event             string
	Recv              *string
	Write             *sendWrite
	Poke              bool
	Pause, Resume     int
	AdvanceMS         int64         `json:"advance_ms"`
	FetchReturns      *sendFetchEnd `json:"fetch_returns"`
	FetchFails        *sendFetchEnd `json:"fetch_fails"`
	NotifierRoundSeen bool          `json:"notifier_round_seen"`
}

type sendWrite struct {
	Stream string
	Token  int64
}

type sendFetchEnd struct {
	Stream     string
	From, Upto int64
	Which      int
	Rows       json.RawMessage
	NewToken   int64 `json:"new_token"`
	Limited    bool
}

type sendFetch struct {
	Stream     string
	From, Upto int64
	Limit      int
}

type sendEntry struct {
	AfterStep  int `json:"after_step"`
	Conn       int
	Line       *string
	Lines      *sendLines
	Fetch      *sendFetch
	Closed     int
	How        string
	Uncaught   string
	Connection string
	RowLost    string `json:"row_lost"`
}

type sendLines struct {
	Count       int
	First, Last string
}

type sendEnd struct {
	State                  map[string]string
	Subscribed, Connecting map[string][]string
	PendingRdata           map[string]map[string]int `json:"pending_rdata"`
	Streams                map[string]struct{ Last, Upto, Current int64 }
	Fetching               []sendFetch
}

// String is an entry as the test compares it. What kind of exception took a
// connection down is not compared.
func (e sendEntry) String() string {
	at := fmt.Sprintf("step %d: ", e.AfterStep)
	switch {
	case e.Line != nil:
		return fmt.Sprintf("%sconn %d %s", at, e.Conn, *e.Line)
	case e.Lines != nil:
		return fmt.Sprintf("%sconn %d %d lines %s … %s", at, e.Conn, e.Lines.Count, e.Lines.First, e.Lines.Last)
	case e.Fetch != nil:
		return fmt.Sprintf("%sfetch %v", at, *e.Fetch)
	case e.Closed != 0:
		return fmt.Sprintf("%sclosed %d %s", at, e.Closed, e.How)
	case e.Connection != "":
		return at + "dropped without ERROR"
	case e.Uncaught != "":
		return at + "uncaught " + e.Uncaught
	}
	return at + "row lost: " + e.RowLost
}

// list is the end as lines.
func (e *sendEnd) list() (list []string) {
	for _, id := range slices.Sorted(maps.Keys(e.State)) {
		slices.Sort(e.Subscribed[id])
		slices.Sort(e.Connecting[id])
		list = append(list, fmt.Sprintf("end: conn %s %s, subscribed %v, connecting %v, waiting %v",
			id, e.State[id], e.Subscribed[id], e.Connecting[id], e.PendingRdata[id]))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Streams)) {
		list = append(list, fmt.Sprintf("end: %s %v", name, e.Streams[name]))
	}
	return append(list, fmt.Sprintf("end: fetching %v", e.Fetching))
}
