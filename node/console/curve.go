package console

import (
	"fmt"
	"math"
	"strings"
)

const (
	curveRows  = 8  // text rows of the curve
	curveWidth = 60 // columns of the curve, at most
)

// blocks are an eighth to eight eighths of a character cell.
var blocks = [...]rune{'▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'}

// Curve draws values over the time steps 1, 2, ... as bars of block characters, eight rows
// high, with a title and an axis. Values that are not finite leave a gap; many values share
// a bar by their mean.
func Curve(title string, values []float64) string { return curve(title, values, false) }

// CostCurve is Curve for costs, over iterations: the scale is logarithmic if the values are
// positive and span more than a factor of ten.
func CostCurve(title string, values []float64) string { return curve(title, values, true) }

func curve(title string, values []float64, logarithmic bool) string {
	bars := average(values, curveWidth)
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range bars {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	if lo > hi {
		return title + ": nothing to draw\n"
	}
	scale := func(v float64) float64 { return v }
	if logarithmic && lo > 0 && hi > 10*lo {
		scale = math.Log
		title += " (logarithmic)"
	}
	cell := max(1, min(4, curveWidth/len(bars)))
	gap := min(1, cell-1)
	low, high := number(lo, 3), number(hi, 3)
	margin := max(len(low), len(high))
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", title)
	for row := curveRows - 1; row >= 0; row-- {
		label := ""
		switch row {
		case curveRows - 1:
			label = high
		case 0:
			label = low
		}
		var line strings.Builder
		for _, v := range bars {
			line.WriteString(strings.Repeat(string(block(eighths(scale(v), scale(lo), scale(hi))-8*row)), cell-gap))
			line.WriteString(strings.Repeat(" ", gap))
		}
		fmt.Fprintf(&b, "%*s │%s\n", margin, label, strings.TrimRight(line.String(), " "))
	}
	width := max(cell*len(bars)-gap, 1)
	fmt.Fprintf(&b, "%*s └%s\n", margin, "", strings.Repeat("─", width))
	last := fmt.Sprint(len(values))
	if len(values) == 1 || width < len(last)+2 {
		last = ""
	}
	fmt.Fprintf(&b, "%s\n", strings.TrimRight(fmt.Sprintf("%*s  1%*s", margin, "", width-1, last), " "))
	return b.String()
}

// eighths returns the height of a bar, 4 to 8*curveRows: the lowest is half a row.
func eighths(v, lo, hi float64) int {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	part := 1.0
	if hi > lo {
		part = (v - lo) / (hi - lo)
	}
	return 4 + int(math.Round(part*(8*curveRows-4)))
}

// block returns the character for so many eighths above the foot of a cell.
func block(n int) rune {
	if n <= 0 {
		return ' '
	}
	return blocks[min(n, len(blocks))-1]
}

// average returns values, or the means of equal shares of them if there are more than n.
func average(values []float64, n int) []float64 {
	if len(values) <= n {
		return values
	}
	out := make([]float64, n)
	for i := range out {
		from, to := i*len(values)/n, (i+1)*len(values)/n
		for _, v := range values[from:to] {
			out[i] += v / float64(to-from)
		}
	}
	return out
}
