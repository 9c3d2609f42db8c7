package trajopt

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// PerStepResult is the outcome of a search with one bound per time step.
type PerStepResult struct {
	Controller *lqg.Controller
	// Eta holds the dual variables, T; KLPerStep the divergences, T, in nat.
	Eta, KLPerStep []float64
	// Passes counts backward passes.
	Passes int
	// Settled tells that one backward pass with Eta gives Controller. Where the search
	// ran out of passes, Controller keeps its bounds all the same, but its value function
	// is that of the pass before.
	Settled bool
}

// UpdatePerStep bounds the KL at every step: epsilon (nat, > 0) and eta0 (> 0) have T
// entries. It minimises the expected cost plus sum_t eta_t KL_t: unlike the reference's
// search (Bisection) its value function holds the KL of the later steps too, and the
// controller that it returns is never above (1 + Tolerance) epsilon_t. Steps whose bound is
// inactive have MinEta. Errors wrap lqg.ErrNotFinite or lqg.ErrIndefinite, and with
// Bisection ErrNoController, which takes no policy term and no entropy; parts of another
// size than the optimizer's panic.
func (o *Optimizer) UpdatePerStep(p *Problem, epsilon, eta0 []float64) (*PerStepResult, error) {
	T := o.T
	if len(epsilon) != T || len(eta0) != T {
		panic(fmt.Sprintf("trajopt: need %d bounds and etas, one per step, got %d and %d", T, len(epsilon), len(eta0)))
	}
	for t := range T {
		if !(epsilon[t] > 0) || !(eta0[t] > 0) || math.IsInf(epsilon[t], 0) || math.IsInf(eta0[t], 0) {
			return nil, fmt.Errorf("trajopt: KL bound %v and starting eta %v at time step %d must be finite and > 0", epsilon[t], eta0[t], t)
		}
	}
	if o.cfg.Search == Bisection && (p.Policy != nil || p.MaxEnt != 0) {
		return nil, fmt.Errorf("trajopt: search %q has no policy term and no entropy with one bound per step; use %q", Bisection, Secant)
	}
	if err := o.prepare(p); err != nil {
		return nil, err
	}
	if o.cfg.Search == Bisection {
		return o.adam(p, epsilon, eta0)
	}
	return o.sweep(p, epsilon, eta0)
}

func (o *Optimizer) perStepResult(p *Problem, c *lqg.Controller, klStep, eta []float64, passes int) *PerStepResult {
	r := &PerStepResult{Controller: lqg.NewController(o.T, o.dX, o.dU), Eta: slices.Clone(eta), KLPerStep: slices.Clone(klStep), Passes: passes}
	restore(r.Controller, c, p.Anchor)
	return r
}

// perStep holds the Q functions of a backward pass over a whitened problem, in the
// eigenvectors of their action blocks: Q_uu = U diag(g) U'. Then the controller of step t
// for any eta_t is
//
//	K = -U diag(1/(g+eta)) R, k = -U diag(1/(g+eta)) r, C = U diag((eta+w)/(g+eta)) U'
//
// with R = U'Q_ux, r = U'q_u, and its KL from N(0, I) a sum over the eigenvalues.
type perStep struct {
	dX, dU  int
	obj     *lqg.Objective
	dyn     *lqg.Dynamics
	floor   *lqg.Floor
	spread  bool // counts the states' covariance
	g       []float64
	u, r    []float64
	lin     []float64
	quad    []float64
	linear  []float64
	value   []float64
	valueL  []float64
	valueF  []float64
	scaled  []float64
	eigen   *dense.Eigen
	squares []float64
	cov     []float64
}

func newPerStep(T, dX, dU int) *perStep {
	d := dX + dU
	return &perStep{dX: dX, dU: dU, g: make([]float64, T*dU), u: make([]float64, T*dU*dU), r: make([]float64, T*dU*dX), lin: make([]float64, T*dU),
		quad: make([]float64, d*d), linear: make([]float64, d), value: make([]float64, dX*dX), valueL: make([]float64, dX), valueF: make([]float64, dX*d),
		scaled: make([]float64, dU*dX), eigen: dense.NewEigen(dU), squares: make([]float64, dU), cov: make([]float64, dU*dU)}
}

// backward computes the Q functions with the given etas, raising those that leave a Q_uu
// indefinite.
func (s *perStep) backward(eta []float64, min, max float64, under bool) bool {
	T := s.dyn.T
	dX, dU := s.dX, s.dU
	d := dX + dU
	cost := s.obj.Cost
	take := func() {
		for i := range dX {
			copy(s.value[i*dX:(i+1)*dX], s.quad[i*d:i*d+dX])
		}
		copy(s.valueL, s.linear)
	}
	copy(s.quad, cost.QuadAt(T))
	copy(s.linear, cost.LinAt(T))
	take()
	dense.Symmetrize(s.value, dX, dX)
	for t := T - 1; t >= 0; t-- {
		copy(s.quad, cost.QuadAt(t))
		copy(s.linear, cost.LinAt(t))
		f := dense.Matrix(dX, d, d, s.dyn.FAt(t))
		v := dense.Matrix(dX, dX, dX, s.value)
		vf := dense.Matrix(dX, d, d, s.valueF)
		blas64.Gemv(blas.NoTrans, 1, v, dense.Vector(s.dyn.BiasAt(t)), 1, dense.Vector(s.valueL))
		blas64.Gemv(blas.Trans, 1, f, dense.Vector(s.valueL), 1, dense.Vector(s.linear))
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, v, f, 0, vf)
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, f, vf, 1, dense.Matrix(d, d, d, s.quad))
		dense.Symmetrize(s.quad, d, d)
		for i := range dU {
			copy(s.cov[i*dU:(i+1)*dU], s.quad[(dX+i)*d+dX:(dX+i+1)*d])
		}
		if dense.FirstNotFinite(s.quad) >= 0 || dense.FirstNotFinite(s.linear) >= 0 || !s.eigen.Decompose(s.cov) {
			return false
		}
		g, u := s.g[t*dU:(t+1)*dU], s.u[t*dU*dU:(t+1)*dU*dU]
		copy(g, s.eigen.Values)
		copy(u, s.eigen.Vectors)
		U := dense.Matrix(dU, dU, dU, u)
		r := dense.Matrix(dU, dX, dX, s.r[t*dU*dX:(t+1)*dU*dX])
		blas64.Gemm(blas.Trans, blas.NoTrans, 1, U, dense.Matrix(dU, dX, d, s.quad[dX*d:]), 0, r)
		l := s.lin[t*dU : (t+1)*dU]
		blas64.Gemv(blas.Trans, 1, U, dense.Vector(s.linear[dX:]), 0, dense.Vector(l))
		if g[0] < 0 {
			eta[t] = math.Max(eta[t], math.Min(-1.1*g[0], max))
		}
		take()
		if under || g[0]+eta[t] <= 0 {
			continue // the anchor's value: e = 0 in the mean, no KL
		}
		for i := range dU {
			w := 1 / (g[i] + eta[t])
			for j := range dX {
				s.scaled[i*dX+j] = w * r.Data[i*dX+j]
			}
		}
		sc := dense.Matrix(dU, dX, dX, s.scaled)
		blas64.Gemm(blas.Trans, blas.NoTrans, -1, r, sc, 1, v)
		blas64.Gemv(blas.Trans, -1, sc, dense.Vector(l), 1, dense.Vector(s.valueL))
		dense.Symmetrize(s.value, dX, dX)
	}
	return true
}

// at writes the controller of step t for eta.
func (s *perStep) at(dst *lqg.Controller, t int, eta float64) bool {
	dX, dU := s.dX, s.dU
	g, U := s.g[t*dU:(t+1)*dU], dense.Matrix(dU, dU, dU, s.u[t*dU*dU:(t+1)*dU*dU])
	if g[0]+eta <= 0 {
		return false
	}
	for i := range dU {
		w := -1 / (g[i] + eta)
		for j := range dX {
			s.scaled[i*dX+j] = w * s.r[(t*dU+i)*dX+j]
		}
		s.squares[i] = w * s.lin[t*dU+i]
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, U, dense.Matrix(dU, dX, dX, s.scaled), 0, dense.Matrix(dU, dX, dX, dst.Gain(t)))
	blas64.Gemv(blas.NoTrans, 1, U, dense.Vector(s.squares), 0, dense.Vector(dst.BiasAt(t)))
	s.covariance(t, eta)
	copy(dst.CholAt(t), s.cov)
	return dense.Cholesky(dst.CholAt(t), dU)
}

// covariance writes C to s.cov
func (s *perStep) covariance(t int, eta float64) {
	dU := s.dU
	g, u := s.g[t*dU:(t+1)*dU], s.u[t*dU*dU:(t+1)*dU*dU]
	w := s.obj.Weight(t)
	for i := range dU {
		for j := range i + 1 {
			v := 0.0
			for l := range dU {
				v += (eta + w) / (g[l] + eta) * u[i*dU+l] * u[j*dU+l]
			}
			s.cov[i*dU+j], s.cov[j*dU+i] = v, v
		}
	}
	if s.floor != nil {
		s.floor.Raise(s.cov, t)
	}
}

// meet prepares divergence for the states of m at step t: the expected squares of R x + r.
func (s *perStep) meet(m *lqg.Trajectory, t int) {
	dX, dU := s.dX, s.dU
	d := dX + dU
	mean, cov := m.MeanAt(t)[:dX], m.CovAt(t)
	for i := range dU {
		r := s.r[(t*dU+i)*dX : (t*dU+i+1)*dX]
		a := s.lin[t*dU+i]
		for j, v := range mean {
			a += r[j] * v
		}
		s.squares[i] = a * a
		if !s.spread {
			continue
		}
		v := 0.0
		for j := range dX {
			row := cov[j*d : j*d+dX]
			w := 0.0
			for l, c := range row {
				w += c * r[l]
			}
			v += w * r[j]
		}
		s.squares[i] += math.Max(0, v)
	}
}

// divergence returns the KL at step t for eta, +Inf where Q_uu is not positive definite.
func (s *perStep) divergence(t int, eta float64) float64 {
	dU := s.dU
	g := s.g[t*dU : (t+1)*dU]
	if !(g[0]+eta > 0) {
		return math.Inf(1)
	}
	w := s.obj.Weight(t)
	kl := 0.0
	for i, v := range g {
		kl += s.squares[i] / ((v + eta) * (v + eta))
	}
	if s.floor != nil && s.floor.Below((eta+w)/(g[dU-1]+eta), t) {
		s.covariance(t, eta)
		if !dense.Cholesky(s.cov, dU) {
			return math.Inf(1)
		}
		for i := range dU {
			for j := range i {
				kl += s.cov[i*dU+j] * s.cov[i*dU+j]
			}
			l := s.cov[i*dU+i]
			kl += l*l - 1 - 2*math.Log(l)
		}
		return 0.5 * kl
	}
	for _, v := range g {
		m := (w - v) / (v + eta) // (eta+w)/(g+eta) - 1
		kl += m - math.Log1p(m)
	}
	return 0.5 * kl
}

// choose returns the eta whose KL is epsilon, or min where the bound is inactive.
func (s *perStep) choose(t int, eta, epsilon, min, max float64) (float64, float64) {
	search := newBracket(math.Log(min), math.Log(max))
	x := search.clamp(math.Log(eta))
	for more := true; more; {
		eta := math.Exp(x)
		kl := s.divergence(t, eta)
		switch {
		case math.IsInf(kl, 0) || math.IsNaN(kl):
			search.tooLow(x, math.NaN())
		case math.Abs(kl-epsilon) <= 1e-9*epsilon:
			return eta, kl
		case kl > epsilon:
			search.tooLow(x, math.Log(kl/epsilon))
		case x <= search.min:
			return min, kl
		default:
			search.feasible(x, math.Log(kl/epsilon))
		}
		x, more = search.next()
	}
	if !search.hi.seen {
		return max, -1
	}
	eta = math.Exp(search.hi.x)
	return eta, s.divergence(t, eta)
}

// sweep
func (o *Optimizer) sweep(p *Problem, epsilon, eta0 []float64) (*PerStepResult, error) {
	T := o.T
	s := newPerStep(T, o.dX, o.dU)
	s.obj, s.dyn, s.floor, s.spread = &o.problem.objective, o.problem.dynamics, o.backward.Floor, !o.cfg.MeanStates
	eta := slices.Clone(eta0)
	for t := range eta {
		eta[t] = math.Min(math.Max(eta[t], o.cfg.MinEta), o.cfg.MaxEta)
	}
	cost := make([]float64, T+1)
	_ = cost
	for pass := 1; pass <= o.cfg.MaxPasses; pass++ {
		if !s.backward(eta, o.cfg.MinEta, o.cfg.MaxEta, o.cfg.PropagateAnchor) {
			return nil, fmt.Errorf("overflow")
		}
		ok := true
		for t := range T {
			if !s.at(o.trial, t, eta[t]) {
				ok = false
			}
		}
		if ok {
			if _, err := o.divergence(p); err == nil {
				settled := true
				for t := range T {
					kl := o.klStep[t]
					if kl > (1+o.cfg.Tolerance)*epsilon[t] || kl < (1-o.cfg.Tolerance)*epsilon[t] && eta[t] > o.cfg.MinEta {
						settled = false
					}
				}
				if settled {
					r := o.perStepResult(p, o.trial, o.klStep, eta, pass)
					r.Settled = true
					return r, nil
				}
			}
		}
		if !o.cfg.PreviousMarginals {
			o.forward.Start(o.marginal, p.X0)
		}
		worst := 0.0
		for t := range T {
			s.meet(o.marginal, t)
			next, kl := s.choose(t, eta[t], epsilon[t], o.cfg.MinEta, o.cfg.MaxEta)
			worst = math.Max(worst, math.Abs(math.Log(next/eta[t])))
			eta[t] = next
			s.at(o.trial, t, eta[t])
			o.klStep[t] = kl
			if !o.cfg.PreviousMarginals {
				o.forward.Step(o.marginal, o.trial, o.problem.dynamics, t)
			}
		}
		if debugSweep {
			_ = lqg.ExpectedCost(cost, s.obj.Cost, o.marginal)
			tot := 0.0
			for _, v := range cost {
				tot += v
			}
			fmt.Printf("  pass %d worst change %.3g cost %.8g\n", pass, worst, tot)
		}
	}
	return o.perStepResult(p, o.trial, o.klStep, eta, o.cfg.MaxPasses), nil
}

var debugSweep = false
