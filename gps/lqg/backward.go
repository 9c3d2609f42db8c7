package lqg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
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

	quad, lin  []float64 // Q_t, D x D and D
	value      []float64 // V_xx of the next step, dX x dX
	valueLin   []float64 // V_x, dX
	valueF     []float64 // V_xx F, dX x D
	action     []float64 // factor of the action block, dU x dU
	precision  []float64 // P_t, dU x dU
	valueUnder []float64 // Q_ux + Q_uu K, dU x dX
	block      []float64 // the action block before it is factorised, dU x dU
	eigen      *dense.Eigen
}

// NewBackwardPass returns a pass for dX states and dU actions.
func NewBackwardPass(dX, dU int) *BackwardPass {
	checkSizes(1, dX, dU)
	d := dX + dU
	return &BackwardPass{dX: dX, dU: dU, Discount: 1,
		quad: make([]float64, d*d), lin: make([]float64, d),
		value: make([]float64, dX*dX), valueLin: make([]float64, dX), valueF: make([]float64, dX*d),
		action: make([]float64, dU*dU), precision: make([]float64, dU*dU), valueUnder: make([]float64, dU*dX),
		block: make([]float64, dU*dU), eigen: dense.NewEigen(dU)}
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
	obj.Stage(dst.T, eta, b.quad, b.lin)
	b.terminal()
	d := b.dX + b.dU
	for t := dst.T - 1; t >= 0; t-- {
		obj.Stage(t, eta, b.quad, b.lin)
		b.addValue(dyn, t, obj.valueScale(t, eta))
		for i := range b.dU {
			row := b.quad[(b.dX+i)*d : (b.dX+i+1)*d]
			copy(b.action[i*b.dU:(i+1)*b.dU], row[b.dX:])
			copy(dst.Gain(t)[i*b.dX:(i+1)*b.dX], row)
			dst.BiasAt(t)[i] = b.lin[b.dX+i]
		}
		if err := b.solve(dst, t, eta); err != nil {
			return err
		}
		if b.PropagateUnder != nil {
			b.propagateUnder(b.PropagateUnder, t)
		} else {
			b.propagate(dst, t)
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
// an error that wraps ErrNotFinite). It leaves out what an action does to the KL of later steps; trajopt's own per-step search does not.
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
	copy(b.quad, cost.QuadAt(dst.T))
	copy(b.lin, cost.LinAt(dst.T))
	b.terminal()
	d := b.dX + b.dU
	for t := dst.T - 1; t >= 0; t-- {
		copy(b.quad, cost.QuadAt(t))
		copy(b.lin, cost.LinAt(t))
		b.addValue(dyn, t, 1)
		prev.Precision(b.precision, t)
		prevGain, prevBias := prev.Gain(t), prev.BiasAt(t)
		gain, bias := dst.Gain(t), dst.BiasAt(t)
		inv := 1 / eta[t]
		for i := range b.dU {
			row := b.quad[(b.dX+i)*d : (b.dX+i+1)*d]
			bias[i] = inv * b.lin[b.dX+i]
			for j := range b.dX {
				gain[i*b.dX+j] = inv * row[j]
			}
			for l := range b.dU {
				p := b.precision[i*b.dU+l]
				b.action[i*b.dU+l] = inv*row[b.dX+l] + p
				bias[i] -= p * prevBias[l]
				for j := range b.dX {
					gain[i*b.dX+j] -= p * prevGain[l*b.dX+j]
				}
			}
		}
		if err := b.solve(dst, t, eta[t]); err != nil {
			return err
		}
		under := dst
		if b.PropagateUnder != nil {
			under = b.PropagateUnder
		}
		b.propagateUnder(under, t)
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
	if b.Floor != nil && (b.Floor.dU != b.dU || len(b.Floor.bound) != len(dst.Chol)) {
		panic(fmt.Sprintf("lqg: backward pass for T=%d dU=%d, covariance floor of T=%d dU=%d", dst.T, b.dU, len(b.Floor.bound)/(b.Floor.dU*b.Floor.dU), b.Floor.dU))
	}
}

// terminal sets the value function to the state part of the stage in b.quad and b.lin.
func (b *BackwardPass) terminal() {
	b.takeStateBlock()
	dense.Symmetrize(b.value, b.dX, b.dX)
}

// addValue adds the next value function, discounted and times scale, carried back through
// the dynamics: Q += F'VF, q += F'(V f + v).
func (b *BackwardPass) addValue(dyn *Dynamics, t int, scale float64) {
	scale *= b.Discount
	dX, d := b.dX, b.dX+b.dU
	f := dense.Matrix(dX, d, d, dyn.FAt(t))
	v := dense.Matrix(dX, dX, dX, b.value)
	vf := dense.Matrix(dX, d, d, b.valueF)
	blas64.Gemv(blas.NoTrans, 1, v, dense.Vector(dyn.BiasAt(t)), 1, dense.Vector(b.valueLin))
	blas64.Gemv(blas.Trans, scale, f, dense.Vector(b.valueLin), 1, dense.Vector(b.lin))
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, v, f, 0, vf)
	blas64.Gemm(blas.Trans, blas.NoTrans, scale, f, vf, 1, dense.Matrix(d, d, d, b.quad))
	dense.Symmetrize(b.quad, d, d)
}

// solve turns the right-hand sides in dst's gain and bias at t, and the action block in
// b.action, into the controller of that step.
func (b *BackwardPass) solve(dst *Controller, t int, eta float64) error {
	dX, dU := b.dX, b.dU
	copy(b.block, b.action)
	if !dense.Cholesky(b.action, dU) {
		return b.indefinite(t, eta)
	}
	factor := dense.Factor(b.action, dU)
	gain, bias := dense.Matrix(dU, dX, dX, dst.Gain(t)), dense.Vector(dst.BiasAt(t))
	blas64.Trsm(blas.Left, blas.NoTrans, -1, factor, gain)
	blas64.Trsm(blas.Left, blas.Trans, 1, factor, gain)
	blas64.Trsv(blas.NoTrans, factor, bias)
	blas64.Trsv(blas.Trans, factor, bias)
	blas64.Scal(-1, bias)
	if dense.FirstNotFinite(dst.Gain(t)) >= 0 || dense.FirstNotFinite(dst.BiasAt(t)) >= 0 {
		return b.overflow(t, eta)
	}
	chol := dst.CholAt(t)
	copy(chol, b.action)
	dense.InvertFactored(chol, dU)
	if b.Floor != nil {
		b.Floor.Raise(chol, t)
	}
	if !dense.Cholesky(chol, dU) {
		return b.indefinite(t, eta)
	}
	return nil
}

// indefinite says what is wrong with the action block of step t.
func (b *BackwardPass) indefinite(t int, eta float64) error {
	if !b.eigen.Decompose(b.block) {
		return b.overflow(t, eta)
	}
	return &IndefiniteError{Step: t, Eta: eta, MinEigenvalue: b.eigen.Values[0], MaxEigenvalue: b.eigen.Values[b.dU-1], Condition: b.eigen.Condition()}
}

func (b *BackwardPass) overflow(t int, eta float64) error {
	return fmt.Errorf("%w: the value function overflows at time step %d and eta %.3g: check the scale of the dynamics (gains far above 1 grow over the horizon) and of the cost, or shorten the horizon", ErrNotFinite, t, eta)
}

// propagate sets the value function to that of the minimising controller:
// V = Q_xx + Q_xu K, v = q_x + Q_xu k.
func (b *BackwardPass) propagate(c *Controller, t int) {
	dX, dU := b.dX, b.dU
	d := dX + dU
	b.takeStateBlock()
	cross := dense.Matrix(dX, dU, d, b.quad[dX:])
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, cross, dense.Matrix(dU, dX, dX, c.Gain(t)), 1, dense.Matrix(dX, dX, dX, b.value))
	blas64.Gemv(blas.NoTrans, 1, cross, dense.Vector(c.BiasAt(t)), 1, dense.Vector(b.valueLin))
	dense.Symmetrize(b.value, dX, dX)
}

// propagateUnder sets the value function to that of any controller:
// V = Q_xx + K'Q_uu K + K'Q_ux + Q_xu K, v = q_x + K'q_u + K'Q_uu k + Q_xu k.
func (b *BackwardPass) propagateUnder(c *Controller, t int) {
	dX, dU := b.dX, b.dU
	d := dX + dU
	b.takeStateBlock()
	value := dense.Matrix(dX, dX, dX, b.value)
	cross := dense.Matrix(dX, dU, d, b.quad[dX:])
	action := dense.Matrix(dU, dU, d, b.quad[dX*d+dX:])
	gain, bias := dense.Matrix(dU, dX, dX, c.Gain(t)), dense.Vector(c.BiasAt(t))
	// W = Q_ux + Q_uu K, so that V = Q_xx + Q_xu K + K'W.
	w := dense.Matrix(dU, dX, dX, b.valueUnder)
	for i := range dU {
		copy(b.valueUnder[i*dX:(i+1)*dX], b.quad[(dX+i)*d:(dX+i)*d+dX])
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, action, gain, 1, w)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, cross, gain, 1, value)
	blas64.Gemm(blas.Trans, blas.NoTrans, 1, gain, w, 1, value)
	// v: W'k is (Q_xu + K'Q_uu) k.
	blas64.Gemv(blas.Trans, 1, w, bias, 1, dense.Vector(b.valueLin))
	blas64.Gemv(blas.Trans, 1, gain, dense.Vector(b.lin[dX:]), 1, dense.Vector(b.valueLin))
	dense.Symmetrize(b.value, dX, dX)
}

func (b *BackwardPass) takeStateBlock() {
	d := b.dX + b.dU
	for i := range b.dX {
		copy(b.value[i*b.dX:(i+1)*b.dX], b.quad[i*d:i*d+b.dX])
	}
	copy(b.valueLin, b.lin[:b.dX])
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
