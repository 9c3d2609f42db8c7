package cost

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/rollout"
)

// Waypoint is one segment of a waypoint cost.
type Waypoint struct {
	// Time is where the segment ends, as a part of the horizon: after step
	// ceil(Time*T)-1. In (0, 1], and later than the waypoint before.
	Time float64
	// A is m x D and B is m: the deviation of y = [x; u] is d = ramp (A y + b). For a
	// waypoint x* of the state: A = [I 0], b = -x*.
	A, B []float64
	// Ramp over the steps of the segment. Default ConstantRamp.
	Ramp Ramp
}

// WaypointsConfig describes a cost that pulls towards one waypoint after the other.
type WaypointsConfig struct {
	// Waypoints in their order, at least 1, all with the same m.
	Waypoints []Waypoint
	// Penalty of the deviation, with weights 1.
	Penalty Penalty
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c WaypointsConfig) Validate() error {
	if len(c.Waypoints) == 0 {
		return fmt.Errorf("%w: waypoints has no elements, want at least 1", ErrConfig)
	}
	before, m, size := 0.0, len(c.Waypoints[0].B), len(c.Waypoints[0].A)
	if m == 0 || size == 0 || size%m != 0 {
		return fmt.Errorf("%w: waypoints[0] has %d elements in A and %d in b, want m x D and m", ErrConfig, size, m)
	}
	for i, w := range c.Waypoints {
		key := func(name string) string { return fmt.Sprintf("waypoints[%d].%s", i, name) }
		if !(w.Time > before && w.Time <= 1) {
			return fmt.Errorf("%w: %s is %v, want a number > %v and <= 1", ErrConfig, key("time"), w.Time, before)
		}
		if len(w.A) != size || len(w.B) != m {
			return fmt.Errorf("%w: waypoints[%d] has %d elements in A and %d in b, want %d and %d as the first has",
				ErrConfig, i, len(w.A), len(w.B), size, m)
		}
		if err := first(each(key("a"), w.A, isFinite), each(key("b"), w.B, isFinite), w.Ramp.validate(key("ramp"))); err != nil {
			return err
		}
		before = w.Time
	}
	return c.Penalty.Validate()
}

// Waypoints penalises d = ramp (A y + b) with the A, b of the segment that a time step
// belongs to. After the last segment d is 0.
type Waypoints struct {
	config  WaypointsConfig
	m, dim  int // elements of d and of y
	weights []float64
	// Workspace: the deviation (m) and the derivatives by it, ramp A (m x D), the
	// derivatives by y (D, D x D) and the way along y (D).
	deviation, scaled        []float64
	by                       derivatives
	gradient, hessian, along []float64
}

// NewWaypoints returns the term, or the error of c.Validate.
func NewWaypoints(c WaypointsConfig) (*Waypoints, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	c.Waypoints = append([]Waypoint(nil), c.Waypoints...)
	for i := range c.Waypoints {
		w := &c.Waypoints[i]
		w.A, w.B = append([]float64(nil), w.A...), append([]float64(nil), w.B...)
	}
	m := len(c.Waypoints[0].B)
	d := len(c.Waypoints[0].A) / m
	vec := func(n int) []float64 { return make([]float64, n) }
	return &Waypoints{config: c, m: m, dim: d, weights: ones(m), deviation: vec(m), scaled: vec(m * d), by: newDerivatives(m),
		gradient: vec(d), hessian: vec(d * d), along: vec(d)}, nil
}

// Add adds the term; see Term.
func (w *Waypoints) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	if w.dim != r.DX+r.DU {
		return fmt.Errorf("%w: waypoint cost has %d columns in A, the rollout %d states and %d actions", ErrShape, w.dim, r.DX, r.DU)
	}
	from := 0
	for i := range w.config.Waypoints {
		p := &w.config.Waypoints[i]
		// The margin keeps 0.55*100 at 55 steps.
		to := int(math.Ceil(p.Time*float64(r.T) - 1e-9))
		for t := from; t < to; t++ {
			w.add(dst, weight, r, t, p, p.Ramp.At(t-from, to-from, 1))
		}
		from = max(from, to)
	}
	clear(w.deviation)
	rest := w.config.Penalty.differentiate(&w.by, w.deviation, w.weights, 1)
	for t := from; t < r.T; t++ {
		dst.L[t] += weight * rest
	}
	return nil
}

// add adds time step t of one segment.
func (w *Waypoints) add(dst *Expansion, weight float64, r *rollout.Rollout, t int, p *Waypoint, ramp float64) {
	x, u := r.State(t), r.Action(t)
	for i := range w.m {
		row, scaled, d := p.A[i*w.dim:(i+1)*w.dim], w.scaled[i*w.dim:(i+1)*w.dim], p.B[i]
		for j, v := range x {
			d += row[j] * v
		}
		for j, v := range u {
			d += row[len(x)+j] * v
		}
		w.deviation[i] = ramp * d
		for j, v := range row {
			scaled[j] = ramp * v
		}
	}
	l := w.config.Penalty.differentiate(&w.by, w.deviation, w.weights, 1)
	chain(w.gradient, w.hessian, &w.by, w.scaled, w.along)
	dst.L[t] += weight * l
	dst.addBlock(t, 0, weight, w.gradient, w.hessian)
}
