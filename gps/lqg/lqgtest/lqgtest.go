// Package lqgtest reads the linear-Gaussian objects of the reference vectors.
package lqgtest

import (
	"errors"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/internal/vectors"
)

// LQ is the `system` object of a reference case.
type LQ struct {
	Dynamics   *lqg.Dynamics
	X0         lqg.InitialState
	Cost       *lqg.Cost
	Controller *lqg.Controller
	// Policy is nil where the case has none.
	Policy *Policy
}

// Policy is the `policy` object: a linearised network, with BADMM's multipliers.
type Policy struct {
	Controller                 *lqg.Controller
	DualGain, DualBias, Weight []float64
}

// Controller reads gain, bias and chol_upper.
func Controller(n vectors.Node) *lqg.Controller {
	shape := n.Get("gain").Shape()
	c := lqg.NewController(shape[0], shape[2], shape[1])
	copy(c.K, n.Get("gain").Floats())
	copy(c.Bias, n.Get("bias").Floats())
	upper := n.Get("chol_upper").Floats()
	for t := range c.T {
		l := c.CholAt(t)
		for i := range c.DU {
			for j := range i + 1 {
				l[i*c.DU+j] = upper[(t*c.DU+j)*c.DU+i]
			}
		}
	}
	return c
}

// System reads a `system` object; the reference's T cost stages become the first T of
// T+1, and the last is zero.
func System(n vectors.Node) *LQ {
	s := &LQ{Controller: Controller(n.Get("controller"))}
	k := s.Controller
	s.Dynamics = Dynamics(n.Get("dynamics"), k.DU)
	s.X0 = lqg.InitialState{Mean: n.Get("x0_mean").Floats(), Cov: n.Get("x0_cov").Floats()}
	s.Cost = lqg.NewCost(k.T, k.DX, k.DU)
	copy(s.Cost.Quad, n.Get("cost", "quad").Floats())
	copy(s.Cost.Lin, n.Get("cost", "lin").Floats())
	copy(s.Cost.Const, n.Get("cost", "const").Floats())
	if n.Has("policy") {
		p := n.Get("policy")
		s.Policy = &Policy{Controller: Controller(p)}
		if p.Has("dual_gain") {
			s.Policy.DualGain, s.Policy.DualBias, s.Policy.Weight = p.Get("dual_gain").Floats(), p.Get("dual_bias").Floats(), p.Get("weight").Floats()
		}
	}
	return s
}

// Dynamics reads F, f and cov.
func Dynamics(n vectors.Node, dU int) *lqg.Dynamics {
	shape := n.Get("F").Shape()
	d := lqg.NewDynamics(shape[0], shape[1], dU)
	copy(d.F, n.Get("F").Floats())
	copy(d.Bias, n.Get("f").Floats())
	copy(d.Cov, n.Get("cov").Floats())
	return d
}

// Objective builds the objective of a method (trajopt, mdgps, badmm), with the reference's
// scale of the value function, and the controller that its KL is measured from.
func Objective(s *LQ, method string, maxEnt float64) (*lqg.Objective, *lqg.Controller) {
	anchor := s.Controller
	if method == "mdgps" {
		anchor = s.Policy.Controller
	}
	obj := &lqg.Objective{Cost: s.Cost, Anchor: lqg.NewSurrogate(anchor), MaxEnt: maxEnt, ReferenceScale: true}
	if method == "badmm" {
		obj.Policy = PolicyTerm(s.Policy)
	}
	return obj, anchor
}

// PolicyTerm is BADMM's term for the policy.
func PolicyTerm(p *Policy) *lqg.PolicyTerm {
	return &lqg.PolicyTerm{Surrogate: lqg.NewSurrogate(p.Controller), Weight: p.Weight, DualGain: p.DualGain, DualBias: p.DualBias}
}

// CompareController compares gain, bias, cov, chol_upper and precision.
func CompareController(t *testing.T, got *lqg.Controller, want vectors.Node, tol float64) {
	t.Helper()
	vectors.Close(t, "gain", got.K, want.Get("gain").Floats(), tol)
	vectors.Close(t, "bias", got.Bias, want.Get("bias").Floats(), tol)
	n := got.DU
	cov, precision, upper := make([]float64, len(got.Chol)), make([]float64, len(got.Chol)), make([]float64, len(got.Chol))
	for i := range got.T {
		got.Covariance(cov[i*n*n:(i+1)*n*n], i)
		got.Precision(precision[i*n*n:(i+1)*n*n], i)
		for r := range n {
			for c := range n {
				upper[(i*n+c)*n+r] = got.Chol[(i*n+r)*n+c]
			}
		}
	}
	vectors.Close(t, "cov", cov, want.Get("cov").Floats(), tol)
	vectors.Close(t, "precision", precision, want.Get("precision").Floats(), tol)
	vectors.Close(t, "chol_upper", upper, want.Get("chol_upper").Floats(), tol)
}

// RunBackward runs an lqr_backward case: one pass, or as many as the reference's rule
// for an indefinite action block asks for (eta raised by 1e-4, 2e-4, 4e-4 ... above its
// start).
func RunBackward(t *testing.T, c vectors.Case) {
	s := System(c.Inputs.Get("system"))
	obj, anchor := Objective(s, c.Inputs.Get("method").String(), 0)
	if c.Inputs.Has("max_ent") {
		obj.MaxEnt = c.Inputs.Get("max_ent").Float()
	}
	if c.Inputs.Has("algorithm", "max_ent_traj") {
		obj.MaxEnt = c.Inputs.Get("algorithm", "max_ent_traj").Float()
	}
	options := func(key string, value bool) bool {
		if c.Inputs.Has("options", key) {
			return c.Inputs.Get("options", key).Bool()
		}
		return value
	}
	pass := lqg.NewBackwardPass(anchor.DX, anchor.DU)
	if !options("update_in_bwd_pass", true) {
		pass.PropagateUnder = anchor
	}
	got := lqg.NewController(anchor.T, anchor.DX, anchor.DU)
	if options("cons_per_step", false) {
		eta, raised := c.Inputs.Get("eta").Floats(), c.Outputs.Get("eta").Floats()
		err := pass.RunPerStep(got, s.Cost, s.Dynamics, anchor, eta)
		if errors.Is(err, lqg.ErrIndefinite) {
			// How the etas of single steps are raised is not told.
			err = pass.RunPerStep(got, s.Cost, s.Dynamics, anchor, raised)
		} else {
			vectors.Close(t, "eta", eta, raised, c.Tolerance)
		}
		if err != nil {
			t.Fatal(err)
		}
		CompareController(t, got, c.Outputs.Get("controller"), c.Tolerance)
		return
	}
	start := c.Inputs.Get("eta").Float()
	eta := start
	for increment := 1e-4; ; increment *= 2 {
		err := pass.Run(got, obj, s.Dynamics, eta)
		if err == nil {
			break
		}
		var indefinite *lqg.IndefiniteError
		if !errors.As(err, &indefinite) || eta > 1e16 {
			t.Fatal(err)
		}
		eta = start + increment
	}
	vectors.Close(t, "eta", []float64{eta}, []float64{c.Outputs.Get("eta").Float()}, c.Tolerance)
	CompareController(t, got, c.Outputs.Get("controller"), c.Tolerance)
}
