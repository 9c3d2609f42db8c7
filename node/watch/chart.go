package watch

import (
	"fmt"
	"math"
	"strings"
)

// chart draws values as columns of blocks, the latest to the right, in at most the given columns and lines,
// title and axis included. A curve that spans more than two decades is drawn over the logarithm.
func chart(title string, values []float64, width, height int) []string {
	const label = 10
	columns := width - label - 1
	if len(values) > columns {
		values = values[len(values)-columns:]
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			low, high = math.Min(low, v), math.Max(high, v)
		}
	}
	if low > high {
		return []string{title + ": none yet"}
	}
	scale := func(v float64) float64 { return v }
	if low > 0 && high > 100*low {
		scale, title = math.Log10, title+" (logarithmic)"
	}
	rows := min(height-1, 12)
	bottom, span := scale(low), scale(high)-scale(low)
	// Each column is so wide that a short run fills the screen.
	wide := max(1, min(columns/max(1, len(values)), 6))
	lines := []string{title}
	for row := range rows {
		text := strings.Repeat(" ", label)
		switch row {
		case 0:
			text = fmt.Sprintf("%*.4g", label, high)
		case rows - 1:
			text = fmt.Sprintf("%*.4g", label, low)
		}
		var b strings.Builder
		for _, v := range values {
			b.WriteString(strings.Repeat(block(scale(v), bottom, span, rows, rows-1-row), wide))
		}
		lines = append(lines, text+" "+strings.TrimRight(b.String(), " "))
	}
	return lines
}

// block returns the character of a column of the value v in a row counted from below. The least value still
// has an eighth of a row.
func block(v, bottom, span float64, rows, row int) string {
	eighths := []rune(" ▁▂▃▄▅▆▇█")
	if math.IsNaN(v) || math.IsInf(v, 0) {
		if row == 0 {
			return "?"
		}
		return " "
	}
	share := 1.0
	if span > 0 {
		share = (v - bottom) / span
	}
	filled := 1 + int(math.Round(share*float64(8*rows-1)))
	return string(eighths[max(0, min(8, filled-8*row))])
}
