package params

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"guidedpolicysearch/node/rcl"
)

// Range bounds a number; an open side excludes its bound.
type Range struct {
	Min, Max         float64
	OpenMin, OpenMax bool
}

// parseRange reads "[min, max]" with '(' or ')' for an excluded bound.
func parseRange(text string) (Range, error) {
	fail := fmt.Errorf("range %q, expected such as \"[0, 1]\", \"(0, inf)\"", text)
	n := len(text)
	if n < 2 || text[0] != '[' && text[0] != '(' || text[n-1] != ']' && text[n-1] != ')' {
		return Range{}, fail
	}
	low, high, found := strings.Cut(text[1:n-1], ",")
	if !found {
		return Range{}, fail
	}
	r := Range{OpenMin: text[0] == '(', OpenMax: text[n-1] == ')'}
	var err1, err2 error
	r.Min, err1 = strconv.ParseFloat(strings.TrimSpace(low), 64)
	r.Max, err2 = strconv.ParseFloat(strings.TrimSpace(high), 64)
	if err1 != nil || err2 != nil || !(r.Min <= r.Max) || r.Min == r.Max && (r.OpenMin || r.OpenMax) {
		return Range{}, fail
	}
	return r, nil
}

// Contains tells whether x is in the range; NaN is in none.
func (r Range) Contains(x float64) bool {
	above := x > r.Min || !r.OpenMin && x == r.Min
	below := x < r.Max || !r.OpenMax && x == r.Max
	return above && below
}

// String gives the range as in the tag.
func (r Range) String() string {
	brackets := [2]byte{'[', ']'}
	if r.OpenMin || math.IsInf(r.Min, -1) {
		brackets[0] = '('
	}
	if r.OpenMax || math.IsInf(r.Max, 1) {
		brackets[1] = ')'
	}
	return fmt.Sprintf("%c%s, %s%c", brackets[0], bound(r.Min), bound(r.Max), brackets[1])
}

func bound(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// parseStep reads the step of a range; kind is that of the parameter.
func parseStep(text string, r *Range, kind rcl.Type) (float64, error) {
	step, err := strconv.ParseFloat(text, 64)
	isInteger := kind == rcl.Integer || kind == rcl.IntegerArray
	switch {
	case err != nil || !(step > 0) || math.IsInf(step, 0) || isInteger && step != math.Trunc(step):
		return 0, fmt.Errorf("step %q on %s, expected a positive number", text, kind)
	case r == nil || r.OpenMin || r.OpenMax || math.IsInf(r.Min, 0) || math.IsInf(r.Max, 0):
		return 0, fmt.Errorf("step %q, expected a range that includes both of its bounds beside it", text)
	}
	return step, nil
}

// onStep tells whether x, in the range, is Min + k step or Max, but for rounding, as rclcpp has it.
func (r Range) onStep(x, step float64) bool {
	return nearly(x, r.Min) || nearly(x, r.Max) || nearly(x, r.Min+math.Round((x-r.Min)/step)*step)
}

// nearly allows for 100 times the relative rounding of doubles.
func nearly(x, y float64) bool { return math.Abs(x-y) <= 0x1p-52*100*math.Abs(x+y) }
