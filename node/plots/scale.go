package plots

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
)

// scale maps the values of an axis to places on it: to themselves, to decimal logarithms or, with a
// unit, to symmetric logarithms sign(v) log10(1 + |v|/unit), which are nearly linear within the unit and
// logarithmic beyond (Webber, A bi-symmetric log transformation for wide-range data, Measurement Science
// and Technology 24, 2013).
type scale struct {
	log  bool
	unit float64
}

func (s scale) at(v float64) float64 {
	switch {
	case s.log:
		return math.Log10(v)
	case s.unit > 0:
		return math.Copysign(math.Log10(1+math.Abs(v)/s.unit), v)
	}
	return v
}

// extent returns the places of a range. 0 is on every symmetric logarithmic axis: without it, nobody can
// tell how far away it is.
func (s scale) extent(e extent) extent {
	if s.unit > 0 {
		e.add(0)
	}
	return extent{s.at(e.lo), s.at(e.hi)}
}

// all returns the places of some values.
func (s scale) all(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = s.at(v)
	}
	return out
}

// label adds to an axis' label what its ticks do not tell.
func (s scale) label(text string) string {
	if s.unit > 0 {
		return text + ", log beyond ±" + powerOfTen(s.exponent())
	}
	return text
}

// exponent returns that of the unit, a power of ten.
func (s scale) exponent() int { return int(math.Round(math.Log10(s.unit))) }

// scales returns those of the axes. Where both are symmetric they have one unit, so that equal values
// lie on a straight line.
func (c *Chart) scales(x, y extent) (sx, sy scale) {
	sx, sy = scale{log: c.LogX && x.lo > 0}, scale{log: c.Log && y.lo > 0 && y.hi > 10*y.lo}
	var across, up []float64
	for _, l := range c.Lines {
		across, up = append(across, l.X...), append(up, l.Y...)
	}
	for _, b := range c.Bands {
		across, up = append(across, b.X...), append(append(up, b.Low...), b.Top...)
	}
	for _, p := range c.Points {
		across, up = append(across, p.X...), append(up, p.Y...)
	}
	switch symX, symY := c.SymLogX && !sx.log, c.SymLog && !sy.log; {
	case symX && symY:
		sx.unit = max(symLogUnit(across), symLogUnit(up))
		sy.unit = sx.unit
	case symX:
		sx.unit = symLogUnit(across)
	case symY:
		sy.unit = symLogUnit(up)
	}
	return sx, sy
}

const (
	// outlying is how many times the lower quartile of the magnitudes their largest has to be for a
	// symmetric logarithmic axis: then a linear one shows a quarter of the values as one line.
	outlying = 100
	// mostDecades bounds the decades of such an axis on each side of 0.
	mostDecades = 12
)

// symLogUnit returns the power of ten at or below the lower quartile of the magnitudes, zeros aside; 0
// where a linear axis shows the values.
func symLogUnit(values []float64) float64 {
	var sizes []float64
	for _, v := range values {
		if drawable(v) && v != 0 {
			sizes = append(sizes, math.Abs(v))
		}
	}
	if len(sizes) == 0 {
		return 0
	}
	slices.Sort(sizes)
	quartile, largest := sizes[(len(sizes)-1)/4], sizes[len(sizes)-1]
	if largest <= outlying*quartile {
		return 0
	}
	return math.Pow(10, math.Floor(math.Log10(max(quartile, largest*math.Pow(10, -mostDecades)))))
}

// symLogTicks marks 0 and the powers of ten from the unit on, and names as many of them as there is room
// for, at most about most.
type symLogTicks struct {
	scale
	most int
}

// Ticks returns the marks from lo to hi, places on the axis.
func (t symLogTicks) Ticks(lo, hi float64) []plot.Tick {
	if !(hi > lo) {
		return nil
	}
	gap := (hi - lo) / float64(t.most)
	step := max(1, int(math.Ceil(gap-1e-9)))
	var ticks []plot.Tick
	for _, sign := range []float64{-1, 1} {
		next := -1 // the decade that is named next
		for k := 0; k <= 2*mostDecades; k++ {
			at := sign * t.at(t.unit*math.Pow(10, float64(k)))
			label := ""
			if next < 0 && math.Abs(at) >= gap {
				next = k
			}
			if k == next {
				label, next = powerOfTen(t.exponent()+k), k+step
				if sign < 0 {
					label = "-" + label
				}
			}
			if at >= lo && at <= hi {
				ticks = append(ticks, plot.Tick{Value: at, Label: label})
			}
		}
		if sign < 0 {
			slices.Reverse(ticks)
			if lo <= 0 && hi >= 0 {
				ticks = append(ticks, plot.Tick{Label: "0"})
			}
		}
	}
	return ticks
}

// powerOfTen writes it out where that is short.
func powerOfTen(exponent int) string {
	if exponent < -3 || exponent > 4 {
		return "10^" + strconv.Itoa(exponent)
	}
	return strconv.FormatFloat(math.Pow(10, float64(exponent)), 'f', -1, 64)
}
