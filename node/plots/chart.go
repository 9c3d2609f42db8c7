package plots

import (
	"fmt"
	"math"
	"slices"
)

// Chart is a small picture that may hold lines, bands, points, stacked bars or a heat map, for a page
// (WriteSVG) or a file (Save, WritePNG). Values that are not finite, or not below 1e100 in
// magnitude, are left out.
type Chart struct {
	// Title is above a PNG; a page has it in its own text.
	Title string
	// X and Y label the axes, with units.
	X, Y string
	// Log asks for a logarithmic y axis where all values are positive and span more than a factor of
	// ten, LogX for a logarithmic x axis, whose values have to be positive.
	Log, LogX bool
	// SymLog and SymLogX ask for a symmetric logarithmic y or x axis, which has 0 and both signs, where
	// the largest magnitude is more than a hundred times the lower quartile of the magnitudes. With both,
	// each value is at the same distance from 0 on both axes.
	SymLog, SymLogX bool
	// XRange and YRange are where the axes begin and end: what lies outside is cut off. Axes show
	// everything, and a margin, where the second number is not above the first.
	XRange, YRange [2]float64
	// Whole marks whole numbers on the x axis, as of iterations.
	Whole bool
	// Equal gives both axes one scale, as for paths in space.
	Equal bool
	// Ticks name places on the y axis, from 0 on, in place of numbers.
	Ticks []string

	Lines  []ChartLine
	Bands  []ChartBand
	Points []ChartPoints
	Bars   []ChartBar
	Heat   *ChartHeat
}

// ChartLine joins points.
type ChartLine struct {
	Name string // in the legend; lines of one name have one entry, "" has none
	X, Y []float64
	Tone Tone
	// Dashed is for targets and limits, Held for values that hold until the next, Dots for a mark at
	// each point, as where there are few, Strong for a thick line, which is seen among others.
	Dashed, Held, Dots, Strong bool
}

// ChartBand is the area between two lines.
type ChartBand struct {
	Name     string
	X        []float64
	Low, Top []float64
	Tone     Tone
	// Strong is for what lies inside another band.
	Strong bool
}

// ChartPoints are marks that nothing joins.
type ChartPoints struct {
	Name string
	X, Y []float64
	Tone Tone
	// Cross marks targets, with a rim that sets them off from lines below; other points are dots. Pale
	// ones leave lines of their own tone to be seen.
	Cross, Pale bool
}

// ChartBar is one part of a stack of bars: from Left[i] to Right[i] and from Low[i] to Top[i].
type ChartBar struct {
	Name        string
	Left, Right []float64
	Low, Top    []float64
	Tone        Tone
}

// ChartHeat is a map of values, rows from below: row r and column c is Values[r*Columns+c]. It spans X0
// to X1 and, in y, -1/2 to Rows-1/2 or, with Y0 < Y1, these.
type ChartHeat struct {
	Rows, Columns  int
	Values         []float64
	X0, X1, Y0, Y1 float64
	// Least and Most are at the ends of the colours.
	Least, Most float64
}

// Tone is a colour by its meaning, which a page has for a light and a dark scheme.
type Tone int

// Tones beside the numbered ones, 0 to Tones-1, which repeat, and those of Ramp.
const (
	Muted Tone = -1 - iota // what is only compared with
	Limit                  // limits and targets
)

// Tones is how many numbered tones there are, and ramps how many colours of Ramp.
const (
	Tones     = 8
	ramps     = 7
	firstRamp = 1000
)

// Ramp returns the tone of item i of n in an order, such as that of iterations.
func Ramp(i, n int) Tone {
	if n < 2 {
		return firstRamp + ramps - 1
	}
	return firstRamp + Tone(math.Round(float64(i)*(ramps-1)/float64(n-1)))
}

// Class returns the name of the tone in a page's style sheet: "c0" to "c7", "r0" to "r6", "muted" or
// "limit". StyleSheet has them all.
func (t Tone) Class() string {
	switch {
	case t == Muted:
		return "muted"
	case t == Limit:
		return "limit"
	case t >= firstRamp:
		return fmt.Sprintf("r%d", (t-firstRamp)%ramps)
	}
	return fmt.Sprintf("c%d", t%Tones)
}

// LegendEntry is a name in a chart's legend.
type LegendEntry struct {
	Name   string
	Tone   Tone
	Dashed bool
	// Area is for bands, bars and points: 0 for a line, else how opaque it is, up to 1.
	Area float64
	// Mark tells points from areas.
	Mark Mark
	// Strong is for thick lines.
	Strong bool
}

// Mark is the shape of points.
type Mark int

// Marks: what is no point, and the two of ChartPoints.
const (
	NoMark Mark = iota
	Dot
	Cross
)

// Legend returns the names in the chart, each once, but for lines without a finite value.
func (c *Chart) Legend() []LegendEntry {
	var list []LegendEntry
	seen := map[string]bool{"": true}
	add := func(e LegendEntry) {
		if !seen[e.Name] {
			seen[e.Name] = true
			list = append(list, e)
		}
	}
	for _, l := range c.Lines {
		if slices.ContainsFunc(l.Y, drawable) {
			add(LegendEntry{Name: l.Name, Tone: l.Tone, Dashed: l.Dashed, Strong: l.Strong})
		}
	}
	for _, b := range c.Bands {
		add(LegendEntry{Name: b.Name, Tone: b.Tone, Area: float64(b.alpha()) / 0xff})
	}
	for _, p := range c.Points {
		mark := Dot
		if p.Cross {
			mark = Cross
		}
		add(LegendEntry{Name: p.Name, Tone: p.Tone, Area: 1, Mark: mark})
	}
	for _, b := range c.Bars {
		add(LegendEntry{Name: b.Name, Tone: b.Tone, Area: 1})
	}
	return list
}

// alpha returns how opaque the band is. What lies inside another is seen on top of it.
func (b ChartBand) alpha() uint8 {
	if b.Strong {
		return strong
	}
	return faint
}

// How opaque bands are.
const (
	faint  = 0x38
	strong = 0x58
)

// drawable tells whether a number has a place on an axis, whose ends are further away than the numbers.
func drawable(v float64) bool { return math.Abs(v) < 1e100 }

// extent is the range of some numbers.
type extent struct{ lo, hi float64 }

func newExtent() extent { return extent{math.Inf(1), math.Inf(-1)} }

func (e *extent) add(values ...float64) {
	for _, v := range values {
		if drawable(v) {
			e.lo, e.hi = min(e.lo, v), max(e.hi, v)
		}
	}
}

func (e extent) empty() bool { return e.lo > e.hi }

// widened returns the range with a margin of a part of it, at least a little.
func (e extent) widened(part float64) extent {
	margin := part * (e.hi - e.lo)
	switch {
	case margin == 0 && e.hi == 0:
		margin = 1
	case margin == 0:
		margin = 0.1 * math.Abs(e.hi)
	}
	return extent{e.lo - margin, e.hi + margin}
}

// ranges returns the range of x and y over all that the chart shows.
func (c *Chart) ranges() (x, y extent) {
	x, y = newExtent(), newExtent()
	pair := func(xs []float64, lists ...[]float64) {
		for i, v := range xs {
			for _, ys := range lists {
				if drawable(v) && drawable(ys[i]) {
					x.add(v)
					y.add(ys[i])
				}
			}
		}
	}
	for _, l := range c.Lines {
		pair(l.X, l.Y)
	}
	for _, b := range c.Bands {
		pair(b.X, b.Low, b.Top)
	}
	for _, p := range c.Points {
		pair(p.X, p.Y)
	}
	for _, b := range c.Bars {
		pair(b.Left, b.Low, b.Top)
		pair(b.Right, b.Low, b.Top)
	}
	if h := c.Heat; h != nil && h.Rows > 0 && h.Columns > 0 {
		lo, hi := h.span()
		x.add(h.X0, h.X1)
		y.add(lo, hi)
	}
	if !x.empty() && !y.empty() {
		x, y = x.cut(c.XRange), y.cut(c.YRange)
	}
	return x, y
}

// asked tells whether a range is one.
func asked(to [2]float64) bool { return drawable(to[0]) && drawable(to[1]) && to[0] < to[1] }

// cut returns the range that was asked for, if one was.
func (e extent) cut(to [2]float64) extent {
	if asked(to) {
		return extent{to[0], to[1]}
	}
	return e
}

// span returns the range of a heat map in y.
func (h *ChartHeat) span() (lo, hi float64) {
	if h.Y0 < h.Y1 {
		return h.Y0, h.Y1
	}
	return -0.5, float64(h.Rows) - 0.5
}
