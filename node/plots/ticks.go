package plots

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// logTicks marks 1, 2 and 5 times the powers of ten, with the numbers written out; where
// that gives too many, the powers of ten alone. The axis shows decimal logarithms.
type logTicks struct{}

const maxLabels = 12

// Ticks returns the marks from lo to hi.
func (logTicks) Ticks(lo, hi float64) []plot.Tick {
	from, to := int(math.Floor(lo)), int(math.Ceil(hi))
	labelled := map[int]bool{1: true, 2: true, 5: true}
	step := 1
	if 3*(to-from) > maxLabels+3 {
		labelled = map[int]bool{1: true}
		step = 1 + (to-from)/maxLabels
	}
	var ticks []plot.Tick
	for e := from; e <= to; e++ {
		for m := 1; m <= 9; m++ {
			t := plot.Tick{Value: float64(e) + math.Log10(float64(m))}
			if t.Value < lo || t.Value > hi {
				continue
			}
			if labelled[m] && (e-from)%step == 0 {
				t.Label = strconv.FormatFloat(float64(m)*math.Pow(10, float64(e)), 'g', 6, 64)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

// iterationTicks marks whole iterations, at most about 20.
type iterationTicks struct{}

// Ticks returns the marks from lo to hi.
func (iterationTicks) Ticks(lo, hi float64) []plot.Tick {
	step := 1
	for _, s := range []int{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000} {
		step = s
		if (hi-lo)/float64(s) <= 20 {
			break
		}
	}
	var ticks []plot.Tick
	for v := step * int(math.Ceil(lo/float64(step))); float64(v) <= hi && len(ticks) < 1000; v += step {
		ticks = append(ticks, plot.Tick{Value: float64(v), Label: strconv.Itoa(v)})
	}
	return ticks
}
