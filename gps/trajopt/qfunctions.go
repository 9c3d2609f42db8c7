package trajopt

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/internal/riccati"
	"guidedpolicysearch/gps/lqg"
)

// qFunctions holds the Q functions of a backward pass over a whitened problem, in the
// eigenvectors of their action blocks, Q_uu = U diag(g) U'. The controller of step t for
// any eta is then
//
//	K = -U diag(1/(g+eta)) R, k = -U diag(1/(g+eta)) r, C = U diag((eta+w)/(g+eta)) U'
//
// with R = U'Q_ux and r = U'q_u, and its KL from N(0, I) a sum over the eigenvalues that
// falls as eta grows. Q_t holds the cost at t and what follows: the expected cost and eta
// times the KL of the later steps.
type qFunctions struct {
	dX, dU       int
	problem      *riccati.Problem
	pass         *riccati.Backward
	step         *riccati.Gains // the controller of the step at hand
	floor        *lqg.Floor
	minEta       float64
	maxEta       float64
	underAnchor  bool // the value function is the anchor's
	atMeanStates bool

	g []float64 // T x dU, ascending
	u []float64 // T x dU x dU, eigenvectors in columns
	r []float64 // T x dU x dX
	l []float64 // r above, T x dU

	gain, bias, chol []float64 // of the step at hand; before that Q_ux and q_u
	scaled           []float64 // dU x dX
	squares          []float64 // E[(R x + r)^2] under the states last met, dU
	cov              []float64 // dU x dU
	eigen            *dense.Eigen
}

func newQFunctions(o *Optimizer) *qFunctions {
	T, dX, dU := o.T, o.dX, o.dU
	return &qFunctions{dX: dX, dU: dU, problem: o.problem, pass: riccati.NewBackward(dX, dU), step: riccati.NewGains(1, dX, dU),
		minEta: o.cfg.MinEta, maxEta: o.cfg.MaxEta, underAnchor: o.cfg.PropagateAnchor, atMeanStates: o.cfg.MeanStates,
		g: make([]float64, T*dU), u: make([]float64, T*dU*dU), r: make([]float64, T*dU*dX), l: make([]float64, T*dU),
		gain: make([]float64, dU*dX), bias: make([]float64, dU), chol: make([]float64, dU*dU),
		scaled: make([]float64, dU*dX), squares: make([]float64, dU), cov: make([]float64, dU*dU),
		eigen: dense.NewEigen(dU)}
}

// backward computes the Q functions. choose gives the eta of step t once its Q function is
// there; it is written to eta. backward reports whether all was finite and no eta left a
// Q_uu indefinite.
func (q *qFunctions) backward(eta []float64, choose func(t int) float64) bool {
	dX, dU := q.dX, q.dU
	q.pass.Start(q.problem)
	for t := q.problem.T - 1; t >= 0; t-- {
		q.pass.Expand(q.problem, t, 1)
		q.pass.KeepActions()
		q.pass.Actions(q.cov, q.gain, q.bias)
		if !kernel.Finite(q.gain) || !kernel.Finite(q.bias) || !q.eigen.Decompose(q.cov) {
			return false
		}
		g, u := q.g[t*dU:(t+1)*dU], q.u[t*dU*dU:(t+1)*dU*dU]
		copy(g, q.eigen.Values)
		copy(u, q.eigen.Vectors)
		r, l := dense.Matrix(dU, dX, dX, q.r[t*dU*dX:(t+1)*dU*dX]), dense.Vector(q.l[t*dU:(t+1)*dU])
		vectors := dense.Matrix(dU, dU, dU, u)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, vectors, dense.Matrix(dU, dX, dX, q.gain), 0, r)
		blas64.Gemv(blas.Trans, 1, vectors, dense.Vector(q.bias), 0, l)

		eta[t] = choose(t)
		if !(g[0]+eta[t] > 0) {
			return false
		}
		if q.underAnchor {
			q.pass.PropagateStates() // e = 0 in the mean, with no KL
			continue
		}
		q.mean(q.gain, q.bias, t, eta[t])
		q.step.Set(0, q.gain, q.bias, q.chol)
		q.pass.AddPrecision(eta[t])
		q.pass.PropagateUnder(q.step, 0)
	}
	return true
}

// divide writes diag(1/(g+eta)) R to q.scaled.
func (q *qFunctions) divide(r []float64, t int, eta float64) {
	for i, g := range q.g[t*q.dU : (t+1)*q.dU] {
		w := 1 / (g + eta)
		for j := range q.dX {
			q.scaled[i*q.dX+j] = w * r[i*q.dX+j]
		}
	}
}

// least returns the smallest eigenvalue of Q_uu at step t.
func (q *qFunctions) least(t int) float64 { return q.g[t*q.dU] }

// controller writes the controller of step t for eta; false if there is none.
func (q *qFunctions) controller(dst *lqg.Controller, t int, eta float64) bool {
	if !(q.least(t)+eta > 0) {
		return false
	}
	q.mean(dst.Gain(t), dst.BiasAt(t), t, eta)
	q.covariance(t, eta)
	copy(dst.CholAt(t), q.cov)
	return dense.Cholesky(dst.CholAt(t), q.dU)
}

// mean writes the gain and the bias of step t for eta.
func (q *qFunctions) mean(gain, bias []float64, t int, eta float64) {
	dX, dU := q.dX, q.dU
	vectors := dense.Matrix(dU, dU, dU, q.u[t*dU*dU:(t+1)*dU*dU])
	q.divide(q.r[t*dU*dX:(t+1)*dU*dX], t, eta)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, -1, vectors, dense.Matrix(dU, dX, dX, q.scaled), 0, dense.Matrix(dU, dX, dX, gain))
	for i, g := range q.g[t*dU : (t+1)*dU] {
		q.squares[i] = q.l[t*dU+i] / (g + eta)
	}
	blas64.Gemv(blas.NoTrans, -1, vectors, dense.Vector(q.squares), 0, dense.Vector(bias))
}

// covariance writes the covariance of step t for eta to q.cov.
func (q *qFunctions) covariance(t int, eta float64) {
	n := q.dU
	u, w := q.u[t*n*n:(t+1)*n*n], q.problem.Weight(t)
	clear(q.cov)
	for l, g := range q.g[t*n : (t+1)*n] {
		v := (eta + w) / (g + eta)
		for i := range n {
			for j := range n {
				q.cov[i*n+j] += v * u[i*n+l] * u[j*n+l]
			}
		}
	}
	if q.floor != nil {
		q.floor.Raise(q.cov, t)
	}
}

// meet sets the states that divergence is the expectation over to those of m at step t.
func (q *qFunctions) meet(m *lqg.Trajectory, t int) {
	dX, dU := q.dX, q.dU
	d := dX + dU
	r := dense.Matrix(dU, dX, dX, q.r[t*dU*dX:(t+1)*dU*dX])
	copy(q.squares, q.l[t*dU:(t+1)*dU])
	blas64.Gemv(blas.NoTrans, 1, r, dense.Vector(m.MeanAt(t)[:dX]), 1, dense.Vector(q.squares))
	for i, v := range q.squares {
		q.squares[i] = v * v
	}
	if q.atMeanStates {
		return
	}
	spread := dense.Matrix(dU, dX, dX, q.scaled)
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, r, dense.Matrix(dX, dX, d, m.CovAt(t)), 0, spread)
	for i := range dU {
		v := 0.0
		for j := range dX {
			v += spread.Data[i*dX+j] * r.Data[i*dX+j]
		}
		q.squares[i] += math.Max(0, v)
	}
}

// divergence returns the KL of step t from the anchor for eta, under the states last met;
// +Inf where Q_uu is not positive definite.
func (q *qFunctions) divergence(t int, eta float64) float64 {
	n, w := q.dU, q.problem.Weight(t)
	gs := q.g[t*n : (t+1)*n]
	if !(gs[0]+eta > 0) {
		return math.Inf(1)
	}
	kl := 0.0
	for i, g := range gs {
		kl += q.squares[i] / ((g + eta) * (g + eta))
	}
	if q.floor == nil || !q.floor.Below((eta+w)/(gs[n-1]+eta), t) {
		for _, g := range gs {
			v := (w - g) / (g + eta) // the variance less 1
			kl += v - math.Log1p(v)
		}
		return 0.5 * kl
	}
	q.covariance(t, eta)
	if !dense.Cholesky(q.cov, n) {
		return math.Inf(1)
	}
	for i := range n {
		for j := range i {
			kl += q.cov[i*n+j] * q.cov[i*n+j]
		}
		l := q.cov[i*n+i]
		kl += l*l - 1 - 2*math.Log(l)
	}
	return 0.5 * kl
}

// root returns the eta at which the KL of step t, under the states last met, is epsilon:
// the least eta if it is smaller there, and the largest if it is larger everywhere. The
// search begins at eta.
func (q *qFunctions) root(t int, eta, epsilon float64) float64 {
	search := newBracket(math.Log(q.minEta), math.Log(q.maxEta))
	x := search.clamp(math.Log(eta))
	for more := true; more; {
		kl := q.divergence(t, math.Exp(x))
		switch {
		case math.IsInf(kl, 0) || math.IsNaN(kl):
			search.tooLow(x, math.NaN())
		case math.Abs(kl-epsilon) <= 1e-9*epsilon:
			return math.Exp(x)
		case kl > epsilon:
			search.tooLow(x, math.Log(kl/epsilon))
		case x <= search.min:
			return q.minEta
		default:
			search.feasible(x, math.Log(kl/epsilon))
		}
		x, more = search.next()
	}
	if !search.hi.seen {
		return q.maxEta
	}
	return math.Exp(search.hi.x)
}
