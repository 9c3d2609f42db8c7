package trajopt

import "math"

// bracket finds the root of a falling function v(x) that is known at points asked for one
// by one, and that may be undefined below some x. Here x is log eta and v log(KL/epsilon):
// in these coordinates v is nearly straight for large eta, with slope -2 (there the step is
// proportional to 1/eta and the KL to its square), and flatens out as eta falls.
type bracket struct {
	min, max float64
	// lo has v > 0 or undefined (NaN), hi has v <= 0.
	lo, hi end
	stride float64 // of the next step outside of what is known
	slope  float64 // between the last two known points
	last   end
	side   int // which end moved last: -1 lo, 1 hi; for the Illinois rule
}

type end struct {
	x, v float64
	seen bool
}

// asymptote is the slope of log KL over log eta for large eta.
const asymptote = -2

func newBracket(min, max float64) *bracket {
	return &bracket{min: min, max: max, stride: math.Log(10), slope: asymptote}
}

func (b *bracket) clamp(x float64) float64 { return math.Min(math.Max(x, b.min), b.max) }

// tooLow says that v(x) > 0, or undefined if v is NaN.
func (b *bracket) tooLow(x, v float64) {
	b.learn(x, v)
	if b.side == -1 {
		b.hi.v /= 2
	}
	b.lo, b.side = end{x, v, true}, -1
}

// feasible says that v(x) <= 0.
func (b *bracket) feasible(x, v float64) {
	b.learn(x, v)
	if b.side == 1 {
		b.lo.v /= 2
	}
	b.hi, b.side = end{x, v, true}, 1
}

func (b *bracket) learn(x, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return
	}
	if b.last.seen && x != b.last.x {
		if s := (v - b.last.v) / (x - b.last.x); s < 0 {
			b.slope = math.Max(s, 2*asymptote)
		}
	}
	b.last = end{x, v, true}
}

// next returns the point to ask for next; false if there is none: the bracket has shrunk to
// nothing, or all of [min, max] is too low.
func (b *bracket) next() (x float64, ok bool) {
	switch {
	case !b.lo.seen:
		// v is flatter further down, so that the slope here seldom steps too far.
		return math.Max(b.min, b.hi.x-b.outward(b.hi.v, b.slope)), true
	case !b.hi.seen:
		if b.lo.x >= b.max {
			return 0, false
		}
		return math.Min(b.max, b.lo.x+b.outward(b.lo.v, math.Min(b.slope, -1))), true
	}
	width := b.hi.x - b.lo.x
	if width <= 1e-13*math.Max(1, math.Abs(b.hi.x)) {
		return 0, false
	}
	x = b.lo.x + 0.5*width
	switch {
	case math.IsInf(b.hi.v, 0):
	case math.IsNaN(b.lo.v):
		x = math.Max(x, b.hi.x-b.hi.v/b.slope)
	default:
		x = b.lo.x + width*b.lo.v/(b.lo.v-b.hi.v)
	}
	margin := 0.02 * width
	return math.Min(math.Max(x, b.lo.x+margin), b.hi.x-margin), true
}

// outward returns how far to step from an end of value v, down or up: as far as the slope
// asks for, at least a stride that doubles.
func (b *bracket) outward(v, slope float64) float64 {
	step := math.Max(math.Abs(v/slope), 0.02*b.stride)
	if math.IsNaN(step) || math.IsInf(step, 0) {
		step = b.stride
	}
	b.stride *= 2
	return step
}
