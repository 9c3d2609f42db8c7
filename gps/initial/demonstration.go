package initial

import (
	"fmt"
	"math"
	"sort"

	"gonum.org/v1/gonum/interp"

	"guidedpolicysearch/gps/internal/dense"
)

// Demonstration is a recorded motion of dQ joints: N rows, N >= 2, one per time stamp.
type Demonstration struct {
	// DQ is the number of joints, DU that of efforts (0 if there are none).
	DQ, DU int
	// Time holds the stamps in s, N, strictly increasing; the first is where a trial
	// begins.
	Time []float64
	// Position holds the joint positions, N x dQ.
	Position []float64
	// Velocity holds the joint velocities, N x dQ; nil makes them from the positions.
	Velocity []float64
	// Effort holds the actions, N x dU, each applied from its stamp to the next one; nil
	// if none were recorded.
	Effort []float64
}

// Validate returns an error wrapping ErrDemonstration that names the row, from 0, that is
// wrong: a number that is not finite, a stamp that is not after the one before.
func (d *Demonstration) Validate() error {
	n := len(d.Time)
	if n < 2 || d.DQ < 1 || d.DU < 0 {
		return fmt.Errorf("%w: %d rows of dQ=%d joints and dU=%d efforts, need at least two rows and one joint", ErrDemonstration, n, d.DQ, d.DU)
	}
	for _, part := range []struct {
		name     string
		data     []float64
		width    int
		optional bool
	}{{"time", d.Time, 1, false}, {"position", d.Position, d.DQ, false}, {"velocity", d.Velocity, d.DQ, true}, {"effort", d.Effort, d.DU, true}} {
		if part.data == nil && part.optional {
			continue
		}
		if part.width == 0 || len(part.data)%part.width != 0 || len(part.data)/part.width != n {
			return fmt.Errorf("%w: %s has %d numbers, need %d rows of %d", ErrDemonstration, part.name, len(part.data), n, part.width)
		}
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			return fmt.Errorf("%w: %s in row %d (column %d of %d) is %v, need a finite number", ErrDemonstration, part.name, i/part.width, i%part.width+1, part.width, part.data[i])
		}
	}
	for i := 1; i < n; i++ {
		if !(d.Time[i] > d.Time[i-1]) {
			return fmt.Errorf("%w: time in row %d is %v s, need more than the row before has, %v s", ErrDemonstration, i, d.Time[i], d.Time[i-1])
		}
	}
	return nil
}

// Duration returns the time in s between the first and the last stamp.
func (d *Demonstration) Duration() float64 { return d.Time[len(d.Time)-1] - d.Time[0] }

// Reference is a demonstration at the time steps of a controller.
type Reference struct {
	// T is the number of actions, DQ that of joints, DU that of efforts.
	T, DQ, DU int
	// DT is the time step in s.
	DT float64
	// Position and Velocity are those at the beginning of each step, and at the end of
	// the last, (T+1) x dQ; Middle holds the positions in the middle of each step and
	// MiddleVelocity the velocities there, T x dQ.
	Position, Velocity, Middle, MiddleVelocity []float64
	// Effort is the mean over each step, T x dU; nil if none was recorded.
	Effort []float64
}

// checkShape panics unless the arrays are of the sizes, which checkSizes found to fit.
func (r *Reference) checkShape() {
	nodes, steps := (r.T+1)*r.DQ, r.T*r.DQ
	if len(r.Position) != nodes || len(r.Velocity) != nodes || len(r.Middle) != steps || len(r.MiddleVelocity) != steps ||
		r.Effort != nil && len(r.Effort) != r.T*r.DU {
		panic(fmt.Sprintf("initial: reference of T=%d dQ=%d dU=%d with %d positions, %d velocities, %d and %d in the middle of steps and %d efforts; need %d, %d, %d, %d and %d or none",
			r.T, r.DQ, r.DU, len(r.Position), len(r.Velocity), len(r.Middle), len(r.MiddleVelocity), len(r.Effort), nodes, nodes, steps, steps, r.T*r.DU))
	}
}

// Resample returns the demonstration at T steps of dt s, the first at the first stamp.
//
// Positions are interpolated by cubics between the rows that have the recorded velocities
// there (Hermite), or, where none are recorded, those of the parabola through a row and its
// two neighbours (Bessel); velocities are the derivative. Efforts are averaged over a step,
// each row's holding until the next stamp: so the impulse is kept, and rows at the steps'
// own times are taken as they are. After the last stamp the last position is held at rest,
// with the last effort. Errors wrap ErrDemonstration, or ErrConfig for T and dt.
func (d *Demonstration) Resample(T int, dt float64) (*Reference, error) {
	if err := d.Validate(); err != nil {
		return nil, err
	}
	if T < 1 || float64(T)*float64(d.DQ+d.DU) > maxNumbers || !positive(dt) {
		return nil, fmt.Errorf("%w: T=%d steps of %v s for %d joints, need T >= 1, a finite time step > 0, and no more than %d numbers", ErrConfig, T, dt, d.DQ, maxNumbers)
	}
	r := &Reference{T: T, DQ: d.DQ, DU: d.DU, DT: dt, Position: make([]float64, (T+1)*d.DQ), Velocity: make([]float64, (T+1)*d.DQ),
		Middle: make([]float64, T*d.DQ), MiddleVelocity: make([]float64, T*d.DQ)}
	n := len(d.Time)
	last := d.Duration()
	clock, position, velocity := make([]float64, n), make([]float64, n), make([]float64, n)
	for i, t := range d.Time {
		clock[i] = t - d.Time[0]
		if i > 0 && !(clock[i] > clock[i-1]) || math.IsInf(clock[i], 0) {
			return nil, fmt.Errorf("%w: time in row %d is %v s, which cannot be told apart from the row before counted from the first stamp, %v s", ErrDemonstration, i, t, d.Time[0])
		}
	}
	for j := range d.DQ {
		for i := range n {
			position[i] = d.Position[i*d.DQ+j]
			if d.Velocity != nil {
				velocity[i] = d.Velocity[i*d.DQ+j]
			}
		}
		if d.Velocity == nil {
			differentiate(velocity, clock, position)
		}
		var curve interp.PiecewiseCubic
		curve.FitWithDerivatives(clock, position, velocity)
		at := func(t float64) (q, dq float64) {
			if t > last+1e-6*dt { // not by rounding alone
				return position[n-1], 0
			}
			return curve.Predict(t), curve.PredictDerivative(t)
		}
		for k := range T + 1 {
			t := float64(k) * dt
			r.Position[k*d.DQ+j], r.Velocity[k*d.DQ+j] = at(t)
			if k < T {
				r.Middle[k*d.DQ+j], r.MiddleVelocity[k*d.DQ+j] = at(t + dt/2)
			}
		}
	}
	if d.Effort != nil {
		r.Effort = make([]float64, T*d.DU)
		d.averageEffort(r.Effort, clock, T, dt)
	}
	for _, part := range []struct {
		data  []float64
		width int
	}{{r.Position, d.DQ}, {r.Velocity, d.DQ}, {r.Middle, d.DQ}, {r.MiddleVelocity, d.DQ}, {r.Effort, d.DU}} {
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			k := i / part.width
			return nil, fmt.Errorf("%w: interpolated at time step %d (%v s after the first stamp) it is %v: positions, velocities or efforts near there are too large, or stamps too close together", ErrDemonstration, k, float64(k)*dt, part.data[i])
		}
	}
	return r, nil
}

// differentiate writes to dst the slope at each point of the parabola through it and its
// neighbours; at the ends through the three there, or along the line between two points.
func differentiate(dst, t, y []float64) {
	n := len(t)
	slope := func(i int) float64 { return (y[i+1] - y[i]) / (t[i+1] - t[i]) }
	if n == 2 {
		dst[0], dst[1] = slope(0), slope(0)
		return
	}
	for i := range n {
		m := min(max(i, 1), n-2) // the middle one of the three
		before, after := t[m]-t[m-1], t[m+1]-t[m]
		bend := (slope(m) - slope(m-1)) / (before + after) // half the second derivative
		dst[i] = slope(m-1) + bend*(before+2*(t[i]-t[m]))
	}
}

// averageEffort writes the mean effort over each of T steps, T x dU.
func (d *Demonstration) averageEffort(dst, clock []float64, T int, dt float64) {
	n := len(clock)
	for k := range T {
		begin, end := float64(k)*dt, float64(k+1)*dt
		mean := dst[k*d.DU : (k+1)*d.DU]
		// The last row whose stamp is not after the step's beginning.
		i := max(sort.Search(n, func(i int) bool { return clock[i] > begin })-1, 0)
		for ; i < n && clock[i] < end; i++ {
			from, to := max(clock[i], begin), end
			if i+1 < n {
				to = min(clock[i+1], end)
			}
			for j := range mean {
				mean[j] += (to - from) / (end - begin) * d.Effort[i*d.DU+j]
			}
		}
	}
}
