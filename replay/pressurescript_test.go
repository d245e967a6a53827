package replay

import (
	"encoding/json"
	"fmt"
)

// pressureScript is a script of backpressure-* and what Synapse did.
type pressureScript struct {
	Release, Name, Side string
	Steps               []pressureStep
	Wire                []pressureEntry
	Samples             []pressureSample
}

type pressureStep struct {
	Connect, Pause, Resume, Close bool
	PeerCloses                    bool            `json:"peer_closes"`
	SendError                     string          `json:"send_error"`
	AdvanceMS                     int64           `json:"advance_ms"`
	Room                          json.RawMessage // a number, or null for all
	Recv                          string
	Send                          *struct {
		Count, First int
		Pad          int
	}
}

type pressureEntry struct {
	AfterStep      int   `json:"after_step"`
	TMS            int64 `json:"t_ms"`
	Line           *string
	RdataLines     *sendLines `json:"rdata_lines"`
	Log            string
	CloseAsked     bool `json:"close_asked"`
	Aborted        bool
	ConnectionLost string `json:"connection_lost"`
	Uncaught       string
	SendRaised     string `json:"send_raised"`
}

func (e *pressureEntry) String() string {
	at := fmt.Sprintf("step %d, %d ms: ", e.AfterStep, e.TMS)
	switch {
	case e.Line != nil:
		return at + *e.Line
	case e.RdataLines != nil:
		return fmt.Sprintf("%s%d lines %s … %s", at, e.RdataLines.Count, e.RdataLines.First, e.RdataLines.Last)
	case e.Log != "":
		return at + "log " + e.Log
	case e.CloseAsked:
		return at + "close asked"
	case e.Aborted:
		return at + "aborted"
	case e.ConnectionLost != "":
		return at + "lost: " + e.ConnectionLost
	case e.Uncaught != "":
		return at + "uncaught: " + e.Uncaught
	}
	return at + "raised: " + e.SendRaised
}

type pressureSample struct {
	AfterStep int   `json:"after_step"`
	TMS       int64 `json:"t_ms"`
	State     string
	Queued    int
	Buffered  int `json:"buffered_bytes"`
}
