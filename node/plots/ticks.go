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

// fewTicks marks round numbers, at most so many.
type fewTicks struct{ most int }

// Ticks returns the marks from lo to hi.
func (f fewTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(hi > lo) {
		return nil
	}
	power := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(f.most))))
	step := power
	for _, s := range []float64{1, 2, 5, 10} {
		if step = s * power; (hi-lo)/step <= float64(f.most) {
			break
		}
	}
	var ticks []plot.Tick
	first := math.Ceil(lo/step - 1e-9)
	for i := 0; i <= 2*f.most; i++ {
		n := first + float64(i)
		if n*step > hi+1e-9*step {
			break
		}
		v := n*step + 0 // not -0
		ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', 6, 64)})
	}
	return ticks
}

// wholeTicks marks whole numbers, at most about so many.
type wholeTicks struct{ most int }

// Ticks returns the marks from lo to hi.
func (w wholeTicks) Ticks(lo, hi float64) []plot.Tick {
	ticks := fewTicks{w.most}.Ticks(lo, hi)
	if len(ticks) > 1 && ticks[1].Value-ticks[0].Value < 1 {
		ticks = nil
		for v := math.Ceil(lo); v <= hi; v++ {
			ticks = append(ticks, plot.Tick{Value: v, Label: strconv.FormatFloat(v, 'g', -1, 64)})
		}
	}
	return ticks
}

// decadeTicks marks the powers of ten of an axis that shows decimal logarithms.
type decadeTicks struct{}

// Ticks returns the marks from lo to hi.
func (decadeTicks) Ticks(lo, hi float64) []plot.Tick {
	var ticks []plot.Tick
	for e := math.Ceil(lo); e <= hi && len(ticks) < 40; e++ {
		ticks = append(ticks, plot.Tick{Value: e, Label: strconv.FormatFloat(math.Pow(10, e), 'g', 3, 64)})
	}
	return ticks
}

// namedTicks names the numbers from 0 on, some of them where there are many.
type namedTicks []string

// Ticks returns the marks from lo to hi.
func (n namedTicks) Ticks(lo, hi float64) []plot.Tick {
	step := 1 + (len(n)-1)/18
	var ticks []plot.Tick
	for i := 0; i < len(n); i += step {
		if v := float64(i); v >= lo && v <= hi {
			ticks = append(ticks, plot.Tick{Value: v, Label: n[i]})
		}
	}
	return ticks
}
