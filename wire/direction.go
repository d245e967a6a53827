package wire

import "fmt"

// Direction says which way a line went over a connection.
type Direction uint8

// The two directions. NoDirection is for transports without one (Redis) and
// for records that are no traffic.
const (
	NoDirection Direction = iota
	S2C                   // master to worker
	C2S                   // worker to master
)

// String is the name used in output and filters: "s2c", "c2s" or "".
func (d Direction) String() string {
	switch d {
	case S2C:
		return "s2c"
	case C2S:
		return "c2s"
	}
	return ""
}

// ParseDirection reads what String writes.
func ParseDirection(s string) (Direction, error) {
	switch s {
	case "s2c":
		return S2C, nil
	case "c2s":
		return C2S, nil
	}
	return NoDirection, fmt.Errorf("unknown direction %q: want s2c (master to worker) or c2s (worker to master)", s)
}

// sender names the side whose lines go in direction d.
func (d Direction) sender() string {
	switch d {
	case S2C:
		return "the master"
	case C2S:
		return "the worker"
	}
	return "the sender"
}

// receiver names the side that gets the lines of direction d.
func (d Direction) receiver() string {
	switch d {
	case S2C:
		return "the worker"
	case C2S:
		return "the master"
	}
	return "the receiver"
}
