package page

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// niceTicks are round numbers from 0 to at least max, about count of them. The
// last is the end of the axis.
func niceTicks(max float64, count int, whole bool) []float64 {
	if !(max > 0) {
		max = 1
	}
	step := math.Pow(10, math.Floor(math.Log10(max/float64(count))))
	for _, m := range []float64{1, 2, 5, 10} {
		if max/(step*m) <= float64(count) {
			step *= m
			break
		}
	}
	if whole && step < 1 {
		step = 1
	}
	var out []float64
	for i := 0.0; ; i++ {
		out = append(out, i*step)
		if i*step >= max && i > 0 {
			return out
		}
	}
}

// shortNumber is a tick's number.
func shortNumber(v float64) string {
	for _, u := range []struct {
		size float64
		name string
	}{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if v >= u.size && (v >= 10*u.size || math.Mod(v, u.size/10) == 0) {
			return strconv.FormatFloat(v/u.size, 'f', -1, 64) + u.name
		}
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

// timeSteps are what lies between two ticks of an axis of time.
var timeSteps = []time.Duration{
	time.Millisecond, 2 * time.Millisecond, 5 * time.Millisecond, 10 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 200 * time.Millisecond, 500 * time.Millisecond,
	time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second,
	time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour,
	24 * time.Hour, 48 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour, 28 * 24 * time.Hour, 91 * 24 * time.Hour, 364 * 24 * time.Hour,
}

// timeTicks are round moments within a stretch of time.
func timeTicks(from, to time.Duration) []time.Duration {
	span := max(to-from, time.Millisecond)
	step := timeSteps[len(timeSteps)-1]
	for _, s := range timeSteps {
		if span/s <= 7 {
			step = s
			break
		}
	}
	first := from / step * step
	if first < from {
		first += step
	}
	var out []time.Duration
	for t := first; t <= to && len(out) < 50; t += step {
		out = append(out, t)
	}
	return out
}

// moment is a time since the start, as it stands at a tick: +90s, +2m30s, +1d6h.
func moment(t time.Duration) string {
	sign := "+"
	if t < 0 {
		sign, t = "−", -t
	}
	if t < time.Minute {
		return sign + strconv.FormatFloat(t.Seconds(), 'f', -1, 64) + " s"
	}
	var out string
	for _, u := range []struct {
		size time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := t / u.size; n > 0 {
			out += fmt.Sprintf("%d%s", n, u.name)
			t %= u.size
		}
	}
	return sign + out
}

// seconds is a moment with the digits that --from takes.
func seconds(t time.Duration) string {
	return strconv.FormatFloat(t.Seconds(), 'f', -1, 64)
}

// heights draws an axis of numbers from 0 to at least top, and gives how high of
// 1 a number stands at it. On one of powers of ten, half a step is for what is
// less than 1.
func (d *drawing) heights(top float64, log, whole bool) func(float64) float64 {
	if !log {
		ticks := niceTicks(top, 4, whole)
		d.yAxis(ticks)
		return func(v float64) float64 { return v / ticks[len(ticks)-1] }
	}
	steps := 1
	for v := 10.0; v < top; v *= 10 {
		steps++
	}
	height := func(v float64) float64 {
		return (math.Log10(max(v, 1)) + min(max(v, 0), 1)/2) / (float64(steps) + .5)
	}
	d.put(`<line class="base" x2="100%%" y1="100%%" y2="100%%"/>`)
	for i, v := 0, 1.0; i <= steps; i, v = i+1, v*10 {
		y := pct(1-height(v), 1)
		d.put(`<line class="grid" x2="100%%" y1="%s" y2="%s"/><text class="y" x="-8" y="%s" dy=".32em">%s</text>`, y, y, y, shortNumber(v))
	}
	return height
}
