package profile

import (
	"math"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// None is a number that there is none of: the median of nothing, a share of
// nothing. It is null in JSON.
const None = math.MinInt64

// A Number knows the digits it is shown with, the same ones in each face of a
// report. A count is a plain int64.
type Number interface {
	// Digits are what is printed; "" when there is no number.
	Digits() string
}

// Millis is a length of time in nanoseconds that is shown in milliseconds, with
// three decimals.
type Millis int64

// Seconds is a length of time in nanoseconds that is shown in seconds, with
// three decimals.
type Seconds int64

// AboutMillis is a length of time in nanoseconds that is known within one
// percent. It is shown in milliseconds, with the digits that are known.
type AboutMillis int64

// AboutSeconds is the same, shown in seconds.
type AboutSeconds int64

// At is a moment, in nanoseconds since the journal's start, that is shown in
// seconds with six decimals, rounded down. So `--from +AT` begins with it.
type At int64

// Percent is a share in millionths, shown in percent with two decimals.
type Percent int64

// Rate is in thousandths of things a second, shown with two decimals.
type Rate int64

// Ratio is how many times as much something is, in thousandths, shown with two
// decimals.
type Ratio int64

// Count is a number that there may be none of.
type Count int64

// Time is a moment of the wall clock in nanoseconds since the Unix epoch, shown
// as RFC 3339 in UTC with all nine digits.
type Time int64

func (v Millis) Digits() string       { return fixed(int64(v), 1e6, 3) }
func (v Seconds) Digits() string      { return fixed(int64(v), 1e9, 3) }
func (v AboutMillis) Digits() string  { return trimmed(fixed(int64(v), 1e6, 3)) }
func (v AboutSeconds) Digits() string { return trimmed(fixed(int64(v), 1e9, 3)) }
func (v At) Digits() string           { return fixed(floorTo(int64(v), 1e3), 1e9, 6) }
func (v Percent) Digits() string      { return fixed(int64(v), 1e4, 2) }
func (v Rate) Digits() string         { return fixed(int64(v), 1e3, 2) }
func (v Ratio) Digits() string        { return fixed(int64(v), 1e3, 2) }
func (v Count) Digits() string        { return fixed(int64(v), 1, 0) }

func (v Time) Digits() string {
	if v == None {
		return ""
	}
	return time.Unix(0, int64(v)).UTC().Format("2006-01-02T15:04:05.000000000Z07:00")
}

func (v Millis) MarshalJSON() ([]byte, error)       { return bare(v), nil }
func (v Seconds) MarshalJSON() ([]byte, error)      { return bare(v), nil }
func (v AboutMillis) MarshalJSON() ([]byte, error)  { return bare(v), nil }
func (v AboutSeconds) MarshalJSON() ([]byte, error) { return bare(v), nil }
func (v At) MarshalJSON() ([]byte, error)           { return bare(v), nil }
func (v Percent) MarshalJSON() ([]byte, error)      { return bare(v), nil }
func (v Rate) MarshalJSON() ([]byte, error)         { return bare(v), nil }
func (v Ratio) MarshalJSON() ([]byte, error)        { return bare(v), nil }
func (v Count) MarshalJSON() ([]byte, error)        { return bare(v), nil }

func (v Time) MarshalJSON() ([]byte, error) {
	if v == None {
		return []byte("null"), nil
	}
	return []byte(`"` + v.Digits() + `"`), nil
}

func bare(n Number) []byte {
	if d := n.Digits(); d != "" {
		return []byte(d)
	}
	return []byte("null")
}

// fixed writes v/unit with so many decimals, rounded half away from zero.
func fixed(v, unit int64, decimals int) string {
	if v == None {
		return ""
	}
	sign := ""
	if v < 0 {
		sign, v = "-", -v
	}
	scale := int64(math.Pow10(decimals))
	whole, rest := v/unit, v%unit
	// unit is at most 1e9 and scale at most 1e6, so this does not overflow.
	part := (rest*scale*2 + unit) / (2 * unit)
	if part == scale {
		whole, part = whole+1, 0
	}
	if whole == 0 && part == 0 {
		sign = ""
	}
	text := sign + strconv.FormatInt(whole, 10)
	if decimals == 0 {
		return text
	}
	digits := strconv.FormatInt(part, 10)
	for len(digits) < decimals {
		digits = "0" + digits
	}
	return text + "." + digits
}

// trimmed is a number without the zeros that end its decimals.
func trimmed(digits string) string {
	if strings.Contains(digits, ".") {
		digits = strings.TrimRight(strings.TrimRight(digits, "0"), ".")
	}
	return digits
}

// floorTo rounds down to a multiple of step.
func floorTo(v, step int64) int64 {
	if v == None {
		return v
	}
	r := v % step
	if r < 0 {
		r += step
	}
	return v - r
}

// share is how much part is of all; None when there is nothing.
func share(part, all int64) Percent {
	if all <= 0 {
		return None
	}
	return Percent(timesOver(part, 1e6, all))
}

// rate is n in a length of time; None when that is no time at all.
func rate(n int64, over time.Duration) Rate {
	if over <= 0 {
		return None
	}
	return Rate(timesOver(n, 1e3*int64(time.Second), int64(over)))
}

// RateOf is n in a length of time; None when that is no time at all.
func RateOf(n int64, over time.Duration) Rate { return rate(n, over) }

// timesOver is v*factor/by, rounded down: what has a digit more than is shown must
// not be rounded twice. v and factor are not negative, by is positive; what is too
// large for a number is the largest.
func timesOver(v, factor, by int64) int64 {
	high, low := bits.Mul64(uint64(max(v, 0)), uint64(factor))
	if high >= uint64(by) {
		return math.MaxInt64
	}
	out, _ := bits.Div64(high, low, uint64(by))
	return int64(min(out, math.MaxInt64))
}
