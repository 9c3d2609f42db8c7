package lqg

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/internal/riccati"
)

// IndefiniteError says at which step of a backward pass the action block Q_uu was not
// positive definite. It wraps ErrIndefinite.
type IndefiniteError struct {
	// Step is the time step t.
	Step int
	// Eta is the dual variable of the pass, at that step where it varies.
	Eta float64
	// MinEigenvalue and MaxEigenvalue are those of Q_uu (of Q_uu/eta + P_t in RunPerStep),
	// Condition its condition number, the largest absolute eigenvalue over the smallest
	// (+Inf if that is 0).
	MinEigenvalue, MaxEigenvalue, Condition float64
}

func (e *IndefiniteError) Error() string {
	return fmt.Sprintf("lqg: Q_uu at time step %d is not positive definite at eta %.3g: its eigenvalues run from %.3g to %.3g (condition number %.3g): the cost is not strictly convex in the action there; weigh the action more, or use a larger eta (a smaller KL step)",
		e.Step, e.Eta, e.MinEigenvalue, e.MaxEigenvalue, e.Condition)
}

func (e *IndefiniteError) Unwrap() error { return ErrIndefinite }

// BackwardPass is the LQR backward pass with its workspace, for problems of one size.
type BackwardPass struct {
	dX, dU int
	// PropagateUnder, if not nil, makes the value function that of this controller
	// instead of the one being computed.
	PropagateUnder *Controller
	// Discount multiplies the value function of the next step; 1 unless it is set.
	Discount float64
	// Floor, if not nil, bounds the action covariances from below.
	Floor *Floor
	// Keep, if not nil, is where Run writes the Q functions. It must have the problem's size.
	Keep *QFunctions

	quad, lin []float64 // of a stage, D x D and D
	precision []float64 // P_t, dU x dU
	// One step at a time, packed: the problem, the quadratic form of -log of the previous
	// controller, the new one and that of PropagateUnder.
	pass            *riccati.Backward
	problem, anchor *riccati.Problem
	gains, under    *riccati.Gains
	floor           floorAt
}

// QFunctions are the Q functions of a backward pass, Q_t(y) = 1/2 y'Q_t y + q_t'y, y = [x; u], up to a
// constant: what acting costs at t, with the objective's KL terms, and all that follows. They are those
// of the undivided objective: of the cost plus eta KL.
type QFunctions struct {
	T, DX, DU int
	// Quad is T x D x D, Lin is T x D.
	Quad, Lin []float64

	xx, ux, uu []float64 // of one step
}

// NewQFunctions returns Q functions of zeros.
func NewQFunctions(T, dX, dU int) *QFunctions {
	checkSizes(T, dX, dU)
	d := dX + dU
	return &QFunctions{T: T, DX: dX, DU: dU, Quad: make([]float64, T*d*d), Lin: make([]float64, T*d), xx: make([]float64, dX*dX), ux: make([]float64, dU*dX), uu: make([]float64, dU*dU)}
}

// floorAt is the floor of one time step, whatever step it is asked for.
type floorAt struct {
	*Floor
	t int
}

func (f *floorAt) Below(least float64, _ int) bool { return f.Floor.Below(least, f.t) }

func (f *floorAt) Raise(cov []float64, _ int) bool { return f.Floor.Raise(cov, f.t) }

// NewBackwardPass returns a pass for dX states and dU actions.
func NewBackwardPass(dX, dU int) *BackwardPass {
	checkSizes(1, dX, dU)
	d := dX + dU
	return &BackwardPass{dX: dX, dU: dU, Discount: 1,
		quad: make([]float64, d*d), lin: make([]float64, d), precision: make([]float64, dU*dU),
		pass: riccati.NewBackward(dX, dU), problem: riccati.NewProblem(1, dX, dU), anchor: riccati.NewProblem(1, dX, dU),
		gains: riccati.NewGains(1, dX, dU), under: riccati.NewGains(1, dX, dU)}
}

// Run computes the controller that minimises the objective at eta under the dynamics:
// K = -Q_uu^-1 Q_ux, k = -Q_uu^-1 q_u, C = Q_uu^-1 (Levine & Abbeel 2014, section 3).
// It returns an *IndefiniteError if a Q_uu is not positive definite and an error that wraps
// ErrNotFinite if one overflows, eta is not finite and >= 0, or the objective's divisor is
// 0; dst then holds a part of the pass. Run does not allocate on success.
func (b *BackwardPass) Run(dst *Controller, obj *Objective, dyn *Dynamics, eta float64) error {
	obj.check()
	b.check(dst, obj.Cost, dyn)
	if err := obj.divisible(eta); err != nil {
		return err
	}
	b.start(obj.Cost)
	d := b.dX + b.dU
	for t := dst.T - 1; t >= 0; t-- {
		obj.WithoutAnchor(t, b.quad, b.lin)
		kernel.Axpy(b.quad, eta, block(obj.Anchor.Quad, t, d*d))
		kernel.Axpy(b.lin, eta, block(obj.Anchor.Lin, t, d))
		b.expand(dyn, t, b.Discount*obj.valueFactor(t, eta))
		if b.PropagateUnder != nil || b.Keep != nil {
			b.pass.KeepActions()
		}
		if b.Keep != nil {
			b.keep(t)
		}
		scale := eta + obj.Weight(t)
		if !b.solve(t, scale) {
			return b.failure(t, eta, scale, 0)
		}
		if !b.take(dst, t) {
			return OverflowError(t, eta)
		}
		if b.PropagateUnder != nil {
			b.propagateUnder(t)
		} else {
			b.pass.Propagate()
		}
	}
	return nil
}

// RunPerStep is the pass with one dual variable per step: the value function is that of
// the plain cost, and only the action's minimisation at step t carries the KL term:
//
//	K = -(Q_uu/eta_t + P_t)^-1 (Q_ux/eta_t - P_t K_t), and k alike
//
// with P_t, K_t of the previous controller. eta has T entries, all finite and positive (else
// an error that wraps ErrNotFinite). It leaves out what an action does to the KL of later
// steps; trajopt's own per-step search does not.
func (b *BackwardPass) RunPerStep(dst *Controller, cost *Cost, dyn *Dynamics, prev *Controller, eta []float64) error {
	b.check(dst, cost, dyn)
	if prev == nil {
		panic("lqg: backward pass without the previous controller")
	}
	if prev.T != dst.T || prev.DX != b.dX || prev.DU != b.dU || len(eta) != dst.T {
		panic(fmt.Sprintf("lqg: backward pass for T=%d dX=%d dU=%d, previous controller of T=%d dX=%d dU=%d, %d dual variables", dst.T, b.dX, b.dU, prev.T, prev.DX, prev.DU, len(eta)))
	}
	for t, v := range eta {
		if !(v > 0) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: eta is %v at time step %d, need a finite number > 0", ErrNotFinite, v, t)
		}
	}
	b.start(cost)
	for t := dst.T - 1; t >= 0; t-- {
		clear(b.quad)
		clear(b.lin)
		prev.surrogateActions(t, b.quad, b.lin, b.precision)
		b.anchor.SetCost(0, b.quad, b.lin)
		copy(b.quad, cost.QuadAt(t))
		copy(b.lin, cost.LinAt(t))
		b.expand(dyn, t, b.Discount)
		b.pass.KeepActions()
		b.pass.AddActions(b.anchor, 0, eta[t])
		if !b.solve(t, eta[t]) {
			return b.failure(t, eta[t], eta[t], eta[t])
		}
		if !b.take(dst, t) {
			return OverflowError(t, eta[t])
		}
		if b.PropagateUnder != nil {
			b.propagateUnder(t)
		} else {
			b.pass.PropagateUnder(b.gains, 0)
		}
	}
	return nil
}

// check panics with both shapes if a problem is not of the pass's size.
func (b *BackwardPass) check(dst *Controller, cost *Cost, dyn *Dynamics) {
	if dst == nil || cost == nil || dyn == nil {
		panic(fmt.Sprintf("lqg: backward pass without a part: controller given %v, cost %v, dynamics %v", dst != nil, cost != nil, dyn != nil))
	}
	if dst.DX != b.dX || dst.DU != b.dU || cost.T != dst.T || cost.DX != b.dX || cost.DU != b.dU || dyn.T != dst.T || dyn.DX != b.dX || dyn.DU != b.dU {
		panic(fmt.Sprintf("lqg: backward pass for dX=%d dU=%d into a controller of T=%d dX=%d dU=%d: cost of T=%d dX=%d dU=%d, dynamics of T=%d dX=%d dU=%d",
			b.dX, b.dU, dst.T, dst.DX, dst.DU, cost.T, cost.DX, cost.DU, dyn.T, dyn.DX, dyn.DU))
	}
	if u := b.PropagateUnder; u != nil && (u.T != dst.T || u.DX != b.dX || u.DU != b.dU) {
		panic(fmt.Sprintf("lqg: backward pass for T=%d dX=%d dU=%d, value function under a controller of T=%d dX=%d dU=%d", dst.T, b.dX, b.dU, u.T, u.DX, u.DU))
	}
	if q := b.Keep; q != nil && (q.T != dst.T || q.DX != b.dX || q.DU != b.dU) {
		panic(fmt.Sprintf("lqg: backward pass for T=%d dX=%d dU=%d, Q functions of T=%d dX=%d dU=%d", dst.T, b.dX, b.dU, q.T, q.DX, q.DU))
	}
	if b.Floor != nil && (b.Floor.dU != b.dU || len(b.Floor.bound) != len(dst.Chol)) {
		panic(fmt.Sprintf("lqg: backward pass for T=%d dU=%d, covariance floor of T=%d dU=%d", dst.T, b.dU, len(b.Floor.bound)/(b.Floor.dU*b.Floor.dU), b.Floor.dU))
	}
}

// keep writes the Q function of step t.
func (b *BackwardPass) keep(t int) {
	dX, dU, d := b.dX, b.dU, b.dX+b.dU
	q := b.Keep
	quu, qux, qxx := q.uu, q.ux, q.xx
	quad, lin := block(q.Quad, t, d*d), block(q.Lin, t, d)
	b.pass.Actions(quu, qux, lin[dX:])
	b.pass.States(qxx, lin[:dX])
	for i := range dX {
		copy(quad[i*d:i*d+dX], qxx[i*dX:])
	}
	for i := range dU {
		row := quad[(dX+i)*d : (dX+i+1)*d]
		copy(row[:dX], qux[i*dX:])
		copy(row[dX:], quu[i*dU:(i+1)*dU])
		for j := range dX {
			quad[j*d+dX+i] = qux[i*dX+j]
		}
	}
}

// start sets the value function to the cost at T.
func (b *BackwardPass) start(cost *Cost) {
	b.problem.SetCost(1, cost.QuadAt(cost.T), cost.LinAt(cost.T))
	b.pass.Start(b.problem)
}

// expand adds to the stage in b.quad and b.lin factor times the next value function, carried
// back through the dynamics: Q += F'VF, q += F'(V f + v).
func (b *BackwardPass) expand(dyn *Dynamics, t int, factor float64) {
	b.problem.SetCost(0, b.quad, b.lin)
	b.problem.SetBackward(0, dyn.FAt(t), dyn.BiasAt(t))
	b.pass.Expand(b.problem, 0, factor)
}

// solve finds the controller of step t, with the covariance scale Q_uu^-1; false if there is
// none.
func (b *BackwardPass) solve(t int, scale float64) bool {
	b.pass.Floor = nil
	if b.Floor != nil {
		b.floor = floorAt{b.Floor, t}
		b.pass.Floor = &b.floor
	}
	return b.pass.Solve(b.gains, 0, scale)
}

// take writes the controller that solve found to step t of dst; false if it overflows.
func (b *BackwardPass) take(dst *Controller, t int) bool {
	b.gains.Get(0, dst.Gain(t), dst.BiasAt(t), dst.CholAt(t))
	return b.gains.Finite(0)
}

// failure says why solve failed at step t, from what expand computed, in units that were
// not divided by divisor; anchor is what the previous controller weighed.
func (b *BackwardPass) failure(t int, eta, divisor, anchor float64) error {
	quu := make([]float64, b.dU*b.dU)
	b.pass.Again()
	if anchor != 0 {
		b.pass.AddActions(b.anchor, 0, anchor)
	}
	b.pass.ActionBlock(quu)
	return ActionBlockError(quu, divisor, t, eta)
}

// propagateUnder sets the value function to that of PropagateUnder.
func (b *BackwardPass) propagateUnder(t int) {
	c := b.PropagateUnder
	b.under.Set(0, c.Gain(t), c.BiasAt(t), c.CholAt(t))
	b.pass.PropagateUnder(b.under, 0)
}

// ActionBlockError says what is wrong with a Q_uu of step t (dU x dU) that has no Cholesky
// factor, in units that were not divided by divisor: an *IndefiniteError, or one that wraps
// ErrNotFinite. It overwrites quu.
func ActionBlockError(quu []float64, divisor float64, t int, eta float64) error {
	for i := range quu {
		quu[i] /= divisor
	}
	n := int(math.Sqrt(float64(len(quu))))
	e := dense.NewEigen(n)
	if !e.Decompose(quu) {
		return OverflowError(t, eta)
	}
	return &IndefiniteError{Step: t, Eta: eta, MinEigenvalue: e.Values[0], MaxEigenvalue: e.Values[n-1], Condition: e.Condition()}
}

// OverflowError says that the value function overflows at step t; it wraps ErrNotFinite.
func OverflowError(t int, eta float64) error {
	return fmt.Errorf("%w: the value function overflows at time step %d and eta %.3g: check the scale of the dynamics (gains far above 1 grow over the horizon) and of the cost, or shorten the horizon", ErrNotFinite, t, eta)
}
