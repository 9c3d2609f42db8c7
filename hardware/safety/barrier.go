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
	up, down stop      // both sides of what a row holds
	solver   *qp.Solver
	problem  qp.Problem
	rows     []float64 // room for all rows
	most     []float64
	tau      []float64
	mobility []float64 // C M^-1, a row for each joint and for each coordinate of a point
	drift    []float64 // c - C M^-1 b, one for each row
	kept     int       // rows that are kept in this tick: without points if their numbers overflow
	allowed  []float64 // accelerations that are known to be allowed, on both sides of each row
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
	n, lines := f.n, f.n
	if f.workspace != nil {
		lines += len(f.workspace.points)
	}
	b := &barrier{f: f, solver: qp.New(n, 2*lines), rows: make([]float64, 2*lines*n), most: make([]float64, 2*lines), tau: make([]float64, n),
		mobility: make([]float64, lines*n), drift: make([]float64, lines),
		allowed: make([]float64, 2*lines)}
	b.up = stop{approach: f.cfg.ApproachTime.Seconds(), wrong: f.cfg.AccelerationError}
	b.down = b.up
	b.problem = qp.Problem{Wanted: f.wish, Scale: f.robot.EffortLimit, Low: f.low, High: f.high}
	var err error
	if b.braking, b.jerk, b.sure, err = available(f); err != nil {
		return nil, err
	}
	return b, nil
}

// invert inverts the mass matrix, by Gauss's and Jordan's elimination in place, which needs no pivoting
// where the matrix is positive definite; false where it is not, or numbers are not finite.
func (b *barrier) invert() bool {
	n := b.f.n
	inverse := b.mobility[:n*n]
	copy(inverse, b.f.mass)
	for k := range n {
		pivot := inverse[k*n : (k+1)*n]
		if !(pivot[k] > 0) {
			return false
		}
		scale := 1 / pivot[k]
		pivot[k] = 1
		for j := range pivot {
			pivot[j] *= scale
		}
		for i := range n {
			if i == k {
				continue
			}
			row := inverse[i*n : (i+1)*n]
			v := row[k]
			row[k] = 0
			for j, w := range pivot {
				row[j] -= v * w
			}
		}
	}
	for i := range n {
		sum := 0.0
		for j, v := range inverse[i*n : (i+1)*n] {
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
	dt = max(dt, shortestTick)
	var late []float64
	if h := f.history; h.delay > 0 {
		// The next torque comes with the next reading, which may be rarer than ticks.
		dt, late = max(dt, h.gap), h.times[:h.size]
	}
	b.up.dt, b.down.dt = dt, dt
	b.up.wait(late)
	b.down.wait(late)
	b.problem.Rows, b.problem.Most = b.rows[:0], b.most[:0]
	for i := range b.allowed {
		b.allowed[i] = math.Inf(-1)
	}
	b.kept = n
	if w := f.workspace; w != nil && w.accelerate(f.position, f.dq) {
		b.kept = len(b.drift)
		for c := range w.points {
			drift, row := w.bias[c], b.mobility[(n+c)*n:(n+c+1)*n]
			clear(row)
			for i, j := range w.jacobian[c*n : (c+1)*n] {
				drift += j * b.drift[i]
				for k, v := range b.mobility[i*n : (i+1)*n] {
					row[k] += j * v
				}
			}
			b.drift[n+c] = drift
		}
	}
	b.solve()
}

// shortestTick, in s, is the shortest that is looked ahead by.
const shortestTick = 1e-5

// solve brings the filter's wish, which is in its present box, to the nearest torque there that keeps
// all rows. Most rows are kept by most torques: only those are put into the programme that its
// solution without them violates, until it violates none, and so is the solution with all of them.
func (b *barrier) solve() {
	const tolerance = 0.02 // of the braking deceleration
	copy(b.tau, b.f.wish)
	result, begun := qp.Result{Exact: true}, len(b.problem.Most) > 0
	if begun { // before the box was narrowed
		result = b.solver.Solve(b.tau, &b.problem)
	}
	for ; result.Exact && b.demand(); begun = true {
		if begun {
			result = b.solver.Extend(b.tau, &b.problem)
		} else {
			result = b.solver.Solve(b.tau, &b.problem)
		}
	}
	if result.Changed {
		b.f.acts |= Barrier
	}
	if result.Violation > tolerance || !result.Exact {
		b.f.acts |= Infeasible
	}
	copy(b.f.wish, b.tau)
}

// demand puts the rows that the torque tau violates into the programme, and says if there are any.
func (b *barrier) demand() bool {
	n, before := b.f.n, len(b.problem.Most)
	for k, drift := range b.drift[:b.kept] {
		row := b.mobility[k*n : (k+1)*n]
		a := drift
		for j, v := range row {
			a += v * b.tau[j]
		}
		if a <= b.allowed[2*k] && -a <= b.allowed[2*k+1] {
			continue
		}
		b.look(k)
		if b.f.history.delay > 0 {
			b.f.history.worst(b.up.before[:], b.down.before[:], row, drift)
		}
		b.keep(2*k, a, &b.up)
		b.keep(2*k+1, -a, &b.down)
	}
	return len(b.problem.Most) > before
}

// look sets up and down to the limits of row k.
func (b *barrier) look(k int) {
	f := b.f
	braking, jerk := b.braking[min(k, f.n)], b.jerk[min(k, f.n)]
	if k < f.n {
		q, v, most := f.position[k], f.dq[k], f.velocity[k]
		b.up.limit(f.upper[k]-q, v, most, braking, jerk)
		b.down.limit(q-f.lower[k], -v, most, braking, jerk)
		return
	}
	w, c := f.workspace, k-f.n
	x, v, most := w.points[c], w.velocities[c], math.Inf(1)
	b.up.limit(w.upper[c]-x, v, most, braking, jerk)
	b.down.limit(x-w.lower[c], -v, most, braking, jerk)
}

// keep puts side of a row, 2 k or 2 k + 1, into the programme unless s allows acceleration a. Once it is
// there, all are.
func (b *barrier) keep(side int, a float64, s *stop) {
	if a <= b.allowed[side] {
		return
	}
	bound := s.acceleration(a)
	if b.allowed[side] = bound; !(bound < a) { // nor what is no number
		return
	}
	b.allowed[side] = math.Inf(1)
	k, n := side/2, b.f.n
	scale, drift := 1/s.braking, b.drift[k]
	sign := scale
	if side%2 == 1 {
		sign, drift = -scale, -drift
	}
	for _, v := range b.mobility[k*n : (k+1)*n] {
		b.problem.Rows = append(b.problem.Rows, v*sign)
	}
	b.problem.Most = append(b.problem.Most, (bound-drift)*scale)
}
