package report

import (
	"math"
	"slices"
)

// Spread is the distribution of some numbers: least, quartiles, largest and mean. Quartiles are
// interpolated linearly between the sorted numbers (Hyndman & Fan, The American Statistician 1996,
// definition 7).
type Spread struct{ Least, First, Median, Third, Most, Mean float64 }

// NewSpread returns the distribution of the values, NaN where there are none.
func NewSpread(values []float64) Spread {
	if len(values) == 0 {
		nan := math.NaN()
		return Spread{nan, nan, nan, nan, nan, nan}
	}
	sorted := slices.Sorted(slices.Values(values))
	at := func(part float64) float64 {
		place := part * float64(len(sorted)-1)
		i := int(place)
		if i+1 == len(sorted) {
			return sorted[i]
		}
		f := place - float64(i)
		return (1-f)*sorted[i] + f*sorted[i+1]
	}
	s := Spread{Least: sorted[0], First: at(0.25), Median: at(0.5), Third: at(0.75), Most: sorted[len(sorted)-1]}
	for _, v := range values {
		s.Mean += v / float64(len(values))
	}
	return s
}

// span is the range of some numbers.
type span struct{ least, most float64 }

func newRange() span { return span{math.Inf(1), math.Inf(-1)} }

func (s *span) add(values []float64) {
	for _, v := range values {
		s.least, s.most = min(s.least, v), max(s.most, v)
	}
}

func (s span) width() float64 { return s.most - s.least }

// mostPoints bounds the points of a line.
const mostPoints = 160

// sequence returns 0, step, 2 step, ... of n numbers.
func sequence(n int, step float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i) * step
	}
	return out
}

// thin returns at most mostPoints of the values, evenly spread, the first and the last among them.
func thin(values []float64) []float64 { return spread(values, mostPoints) }

// envelope returns the least of low and the largest of top in at most mostPoints/2 ranges of steps, and
// where in time these begin and end, so that no peak is lost.
func envelope(low, top []float64, dt float64) (x, least, most []float64) {
	n := len(low)
	size := max(1, (n+mostPoints/2-1)/(mostPoints/2))
	for from := 0; from < n; from += size {
		to := min(n, from+size)
		l, m := slices.Min(low[from:to]), slices.Max(top[from:to])
		x = append(x, float64(from)*dt, float64(to)*dt)
		least, most = append(least, l, l), append(most, m, m)
	}
	return x, least, most
}

// column returns what is at [t*width+i] of row-major data, for all t.
func column(data []float64, width, i int) []float64 {
	out := make([]float64, len(data)/width)
	for t := range out {
		out[t] = data[t*width+i]
	}
	return out
}

// addTo adds scale times the values to the sums.
func addTo(sums []float64, scale float64, values []float64) {
	for i, v := range values {
		sums[i] += scale * v
	}
}

// rows returns n rows of zeros of the given length.
func rows(n, length int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, length)
	}
	return out
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// orNaN returns what a pointer points to.
func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}

func isFinite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
