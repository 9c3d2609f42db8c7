package safety

import (
	"math"

	"guidedpolicysearch/hardware/safety/qp"
)

// barrier is the quadratic programme of a filter,
//
//	minimise sum_i ((tau_i - wish_i)/effort_i)^2
//	low <= tau <= high,  A(tau) <= most,  A = C M^-1 (tau - b) + c
//
// in which A are the accelerations of joints, and of end-effector points, towards their limits,
// and most the largest after which each can still be stopped in time: a control barrier in
// discrete time. Where readings are late, it counts what the torques on their way may still do.
// What cannot be kept is violated least, in units of the braking deceleration;
// the limits of torque and slew always are kept.
type barrier struct {
	f        *Filter
	braking  []float64 // deceleration counted on, per joint, then once for the points' coordinates
	jerk     []float64 // its rate of change that the slew limits allow, +Inf without
	sure     bool      // the deceleration is available at any speed within the limits
	approach float64   // s
	solver   *qp.Solver
	problem  qp.Problem
	rows     []float64 // room for all rows
	most     []float64
	tau      []float64
	chol     []float64 // n x n, lower
	inverse  []float64 // of M, n x n
	drift    []float64 // -M^-1 b, n
	row      []float64 // n
	before   []float64 // accelerations of the torques on their way
}

// newBarrier returns nil where there is nothing to keep. The filter has its limits and its
// workspace already.
func newBarrier(f *Filter) (*barrier, error) {
	needed := f.workspace != nil
	for i := range f.n {
		needed = needed || !math.IsInf(f.upper[i], 0) || !math.IsInf(f.lower[i], 0) || !math.IsInf(f.velocity[i], 0)
	}
	if !needed {
		return nil, nil
	}
	n, rows := f.n, 2*f.n
	if f.workspace != nil {
		rows += 2 * len(f.workspace.points)
	}
	vec := func() []float64 { return make([]float64, n) }
	b := &barrier{f: f, approach: f.cfg.ApproachTime.Seconds(), solver: qp.New(n, rows), rows: make([]float64, rows*n), most: make([]float64, rows),
		tau: vec(), chol: make([]float64, n*n), inverse: make([]float64, n*n), drift: vec(), row: vec(), before: make([]float64, maxSpans)}
	b.problem = qp.Problem{Wanted: f.wish, Scale: f.robot.EffortLimit, Low: f.low, High: f.high}
	var err error
	if b.braking, b.jerk, b.sure, err = available(f); err != nil {
		return nil, err
	}
	return b, nil
}

// factor inverts the mass matrix; false where that is not possible with finite numbers.
func (b *barrier) factor() bool {
	n, m := b.f.n, b.f.mass
	for i := range n {
		for j := range i + 1 {
			s := m[i*n+j]
			for k := range j {
				s -= b.chol[i*n+k] * b.chol[j*n+k]
			}
			if i == j {
				if !(s > 0) {
					return false
				}
				b.chol[i*n+i] = math.Sqrt(s)
			} else {
				b.chol[i*n+j] = s / b.chol[j*n+j]
			}
		}
	}
	for c := range n {
		// Column c of the inverse; above c the first half of the solution is zero.
		x := b.row
		clear(x)
		x[c] = 1
		for i := c; i < n; i++ {
			for k := c; k < i; k++ {
				x[i] -= b.chol[i*n+k] * x[k]
			}
			x[i] /= b.chol[i*n+i]
		}
		for i := n - 1; i >= 0; i-- {
			for k := i + 1; k < n; k++ {
				x[i] -= b.chol[k*n+i] * x[k]
			}
			x[i] /= b.chol[i*n+i]
			b.inverse[i*n+c] = x[i]
		}
	}
	for i := range n {
		sum := 0.0
		for j, v := range b.inverse[i*n : (i+1)*n] {
			sum -= v * b.f.bias[j]
		}
		if sum-sum != 0 {
			return false
		}
		b.drift[i] = sum
	}
	return true
}

// apply changes the filter's wish to the programme's solution.
func (b *barrier) apply(dt float64) {
	f, n := b.f, b.f.n
	s := stop{approach: b.approach, wrong: f.cfg.AccelerationError, dt: max(dt, shortestTick)}
	if h := f.history; h.delay > 0 {
		// The next torque comes with the next reading, which may be rarer than ticks.
		s.dt = max(s.dt, h.gap)
		s.late, s.before = h.times[:h.size], b.before[:h.size]
	}
	b.problem.Rows, b.problem.Most = b.rows[:0], b.most[:0]
	for i := range n {
		row := b.inverse[i*n : (i+1)*n]
		s.most, s.braking, s.jerk = f.velocity[i], b.braking[i], b.jerk[i]
		s.distance, s.speed = f.upper[i]-f.position[i], f.dq[i]
		b.keep(row, 1, b.drift[i], s)
		s.distance, s.speed = f.position[i]-f.lower[i], -f.dq[i]
		b.keep(row, -1, b.drift[i], s)
	}
	if w := f.workspace; w != nil && w.accelerate(f.position, f.dq) {
		s.most, s.braking, s.jerk = math.Inf(1), b.braking[n], b.jerk[n]
		for c, x := range w.points {
			if math.IsInf(w.lower[c], 0) && math.IsInf(w.upper[c], 0) {
				continue
			}
			drift := w.bias[c]
			clear(b.row)
			for i, j := range w.jacobian[c*n : (c+1)*n] {
				drift += j * b.drift[i]
				for k := range n {
					b.row[k] += j * b.inverse[i*n+k]
				}
			}
			s.distance, s.speed = w.upper[c]-x, w.velocities[c]
			b.keep(b.row, 1, drift, s)
			s.distance, s.speed = x-w.lower[c], -w.velocities[c]
			b.keep(b.row, -1, drift, s)
		}
	}
	b.solve()
}

// shortestTick, in s, is the shortest that is looked ahead by.
const shortestTick = 1e-5

// keep adds the row that holds the acceleration side (row tau + drift) to what s allows, unless
// no torque within the limits could exceed that.
func (b *barrier) keep(row []float64, side, drift float64, s stop) {
	fastest := side * drift
	for j, v := range row {
		fastest += max(side*v*b.f.low[j], side*v*b.f.high[j])
	}
	if len(s.late) > 0 {
		b.f.history.worst(s.before, row, side, side*drift)
	}
	bound := s.acceleration(fastest)
	if !(bound < fastest) {
		return
	}
	scale := 1 / s.braking
	for _, v := range row {
		b.problem.Rows = append(b.problem.Rows, side*v*scale)
	}
	b.problem.Most = append(b.problem.Most, (bound-side*drift)*scale)
}

// solve brings the filter's wish to the nearest torque in the rows that apply made and in the
// filter's present box.
func (b *barrier) solve() {
	const tolerance = 0.02 // of the braking deceleration
	result := b.solver.Solve(b.tau, &b.problem)
	if result.Changed {
		b.f.acts |= Barrier
	}
	if result.Violation > tolerance || !result.Exact {
		b.f.acts |= Infeasible
	}
	copy(b.f.wish, b.tau)
}
