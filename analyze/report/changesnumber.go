package report

import (
	"math"
	"reflect"

	"repltap/analyze/profile"
)

// number is what a field holds; counts says that it is a sum, which is more the
// longer one looks. nil is no number, or a moment.
func number(v reflect.Value) (_ profile.Number, counts bool) {
	switch x := v.Interface().(type) {
	case profile.Time, profile.At:
		return nil, false
	case profile.Number:
		return x, false
	case int64:
		return profile.Count(x), true
	}
	return nil, false
}

// value is the number behind a Number, NaN when there is none.
func value(n profile.Number) float64 {
	if n == nil || n.Digits() == "" {
		return math.NaN()
	}
	return float64(reflect.ValueOf(n).Int())
}

// difference is y - x as the number that both are, of what is shown of them: who
// takes one from the other gets the same.
func difference(x, y profile.Number) profile.Number {
	if x.Digits() == "" || y.Digits() == "" {
		return profile.Count(profile.None)
	}
	d := reflect.New(reflect.TypeOf(x)).Elem()
	d.SetInt(shown(y) - shown(x))
	return d.Interface().(profile.Number)
}

// shown is a number without what lies behind its last digit.
func shown(n profile.Number) int64 {
	step := int64(1)
	switch n.(type) {
	case profile.Millis, profile.AboutMillis:
		step = 1e3
	case profile.Seconds, profile.AboutSeconds:
		step = 1e6
	case profile.Percent:
		step = 1e2
	case profile.Rate, profile.Ratio:
		step = 10
	}
	v := reflect.ValueOf(n).Int()
	if v < 0 {
		return (v - step/2) / step * step
	}
	return (v + step/2) / step * step
}
