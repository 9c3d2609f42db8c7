package lqg_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
)

// The error of an indefinite action block says where, by how much and what to do.
func TestIndefiniteIsToldWithItsStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	dyn, cost, _ := random(rng, 8, 2, 2)
	d := 4
	cost.QuadAt(5)[2*d+2] = -50
	err := lqg.NewBackwardPass(2, 2).Run(lqg.NewController(8, 2, 2), plain(cost), dyn, 0)
	var indefinite *lqg.IndefiniteError
	if !errors.As(err, &indefinite) || indefinite.Step != 5 || !errors.Is(err, lqg.ErrIndefinite) {
		t.Fatalf("got %v, want an IndefiniteError at step 5", err)
	}
	if e := indefinite; !(e.MinEigenvalue < -40 && e.MaxEigenvalue > 0.1) || math.Abs(e.Condition-math.Abs(e.MinEigenvalue)/e.MaxEigenvalue) > 1e-9*e.Condition {
		t.Errorf("eigenvalues from %g to %g, condition number %g", e.MinEigenvalue, e.MaxEigenvalue, e.Condition)
	}
	for _, part := range []string{"time step 5", "eta 0", "eigenvalues", "condition number", "larger eta"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

// A value function that overflows is an error with its step, not a NaN.
func TestOverflowIsToldWithItsStep(t *testing.T) {
	dyn, cost := lqg.NewDynamics(30, 1, 1), lqg.NewCost(30, 1, 1)
	for k := range 30 {
		copy(dyn.FAt(k), []float64{1e12, 0})
		cost.QuadAt(k)[3] = 1
	}
	cost.QuadAt(30)[0] = 1
	err := lqg.NewBackwardPass(1, 1).Run(lqg.NewController(30, 1, 1), plain(cost), dyn, 0)
	if !errors.Is(err, lqg.ErrNotFinite) || !strings.Contains(err.Error(), "time step") {
		t.Errorf("got %v, want ErrNotFinite with the time step", err)
	}
}

// An eta that leaves nothing to divide by is named, and is no overflow of the value function.
func TestEtaIsChecked(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	dyn, cost, _ := random(rng, 4, 2, 1)
	c, pass := lqg.NewController(4, 2, 1), lqg.NewBackwardPass(2, 1)
	prev := c.Clone()
	for i := range prev.Chol {
		prev.Chol[i] = 1
	}
	weightless := plain(cost)
	weightless.MaxEnt = 0
	for _, eta := range []float64{math.NaN(), math.Inf(1), -1} {
		for _, err := range []error{pass.Run(c, plain(cost), dyn, eta), pass.RunPerStep(c, cost, dyn, prev, []float64{1, 1, eta, 1})} {
			if want := fmt.Sprintf("eta is %v", eta); !errors.Is(err, lqg.ErrNotFinite) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error that says %q", err, want)
			}
		}
	}
	err := pass.Run(c, weightless, dyn, 0)
	if !errors.Is(err, lqg.ErrNotFinite) || !strings.Contains(err.Error(), "0 + 0 at time step 0") {
		t.Errorf("got %v, want an error for eta + w = 0", err)
	}
}

// An action that costs nothing has a Q_uu of 0, whose condition number is infinite.
func TestZeroActionBlock(t *testing.T) {
	dyn, cost := lqg.NewDynamics(2, 1, 2), lqg.NewCost(2, 1, 2)
	err := lqg.NewBackwardPass(1, 2).Run(lqg.NewController(2, 1, 2), plain(cost), dyn, 0)
	var indefinite *lqg.IndefiniteError
	if !errors.As(err, &indefinite) || !math.IsInf(indefinite.Condition, 1) || strings.Contains(err.Error(), "NaN") {
		t.Errorf("got %v, want a condition number of +Inf", err)
	}
}

// A covariance factor is refused where its rows are nearly dependent, not where their scales
// differ.
func TestValidateJudgesFactorsByCorrelation(t *testing.T) {
	near := func(d float64) []float64 { return []float64{1, 0, 0, 1, d, 0, 1, 1, d} }
	for _, v := range []struct {
		name   string
		factor []float64
		legal  bool
	}{
		{"nearly singular, 1e-10", near(1e-10), false},
		{"nearly singular, 1e-9", near(1e-9), false},
		{"nearly singular, 1e-8", near(1e-8), false},
		{"correlated, 1e-6", near(1e-6), true},
		{"subnormal", near(5e-324), false},
		{"units", []float64{1e-8, 0, 0, 0.5, 1, 0, 3e7, -5e7, 1e8}, true},
		{"extreme units", []float64{1e-150, 0, 0, 0, 1, 0, 0, 1e150, 1e150}, true},
		{"correlated in units", []float64{1e-8, 0, 0, 1, 1e-4, 0, 1e8, 2e8, 1e6}, true},
	} {
		c := lqg.NewController(4, 2, 3)
		for t := range 4 {
			copy(c.CholAt(t), []float64{1, 0, 0, 0, 1, 0, 0, 0, 1})
		}
		copy(c.CholAt(2), v.factor)
		err := c.Validate()
		if v.legal != (err == nil) {
			t.Errorf("%s: got %v", v.name, err)
		}
		if err == nil {
			continue
		}
		for _, part := range []string{"time step 2", "condition number", "covariance floor"} {
			if !errors.Is(err, lqg.ErrIndefinite) || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error does not say %q: %v", v.name, part, err)
			}
		}
	}
}

// Parts of different sizes panic, and say both.
func TestShapesPanic(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 7))
	dyn, cost, x0 := random(rng, 4, 3, 2)
	other, otherCost, otherX0 := random(rng, 5, 2, 2)
	c, small := lqg.NewController(4, 3, 2), lqg.NewController(5, 2, 2)
	m, kl := lqg.NewTrajectory(4, 3, 2), make([]float64, 4)
	backward, forward, divergence := lqg.NewBackwardPass(3, 2), lqg.NewForwardPass(3, 2), lqg.NewDivergence(3, 2)
	run := func(dst *lqg.Controller, obj *lqg.Objective, dyn *lqg.Dynamics) func() {
		return func() { t.Errorf("Run returned %v", backward.Run(dst, obj, dyn, 1)) }
	}
	perStep := func(prev *lqg.Controller, eta int) func() {
		return func() {
			t.Errorf("RunPerStep returned %v", backward.RunPerStep(c, cost, dyn, prev, make([]float64, eta)))
		}
	}
	policy := plain(cost)
	policy.Policy = &lqg.PolicyTerm{Weight: make([]float64, 5)}
	for name, f := range map[string]func(){
		"backward, controller": run(small, plain(cost), dyn),
		"backward, cost":       run(c, plain(otherCost), dyn),
		"backward, dynamics":   run(c, plain(cost), other),
		"backward, anchor":     run(c, &lqg.Objective{Cost: cost, Anchor: plain(otherCost).Anchor}, dyn),
		"backward, weights":    run(c, policy, dyn),
		"backward, floor": func() {
			b := lqg.NewBackwardPass(3, 2)
			b.Floor = lqg.NewFloor(1, 9, 2)
			t.Errorf("Run returned %v", b.Run(c, plain(cost), dyn, 1))
		},
		"backward, value": func() {
			b := lqg.NewBackwardPass(3, 2)
			b.PropagateUnder = small
			t.Errorf("Run returned %v", b.Run(c, plain(cost), dyn, 1))
		},
		"per step, previous":   perStep(small, 4),
		"per step, etas":       perStep(c, 3),
		"forward, marginals":   func() { forward.Run(lqg.NewTrajectory(4, 3, 1), x0, c, dyn) },
		"forward, state":       func() { forward.Run(m, otherX0, c, dyn) },
		"forward, controller":  func() { forward.Run(m, x0, small, dyn) },
		"forward, dynamics":    func() { forward.Run(m, x0, c, other) },
		"expected cost":        func() { lqg.ExpectedCost(make([]float64, 5), otherCost, m) },
		"expected cost, dst":   func() { lqg.ExpectedCost(make([]float64, 4), cost, m) },
		"divergence":           func() { divergence.PerStep(kl, c, small, m) },
		"divergence, dst":      func() { divergence.PerStep(kl[:3], c, c, m) },
		"simulate, dynamics":   func() { lqg.Simulate(make([]float64, 20), x0.Mean, c, other, nil) },
		"simulate, noise":      func() { lqg.Simulate(make([]float64, 20), x0.Mean, c, dyn, kl) },
		"cost, y":              func() { cost.Eval(0, kl[:2]) },
		"surrogate":            func() { lqg.NewSurrogate(c).Set(small, make([]float64, 4)) },
		"controller copy":      func() { c.CopyFrom(small) },
		"controller step copy": func() { c.CopyStep(small, 0) },
		"act, action":          func() { c.Act(make([]float64, 3), make([]float64, 3), 0, nil) },
		"act, state":           func() { c.Act(make([]float64, 2), make([]float64, 4), 0, nil) },
		"act, short state":     func() { c.Act(make([]float64, 2), make([]float64, 2), 0, nil) },
		"act, noise":           func() { c.Act(make([]float64, 2), make([]float64, 3), 0, make([]float64, 3)) },
		"act, no noise":        func() { c.Act(make([]float64, 2), make([]float64, 3), 0, []float64{}) },
		"act, time step":       func() { c.Act(make([]float64, 2), make([]float64, 3), 4, nil) },
		"zero covariance":      func() { t.Errorf("divergence %v", divergence.PerStep(kl, c, c, m)) },
		"precision of zero":    func() { c.Precision(make([]float64, 4), 0) },
		"backward, no anchor":  run(c, &lqg.Objective{Cost: cost}, dyn),
		"backward, no cost":    run(c, &lqg.Objective{Anchor: plain(cost).Anchor}, dyn),
		"no objective":         run(c, nil, dyn),
		"backward, no model":   run(c, plain(cost), nil),
		"per step, no anchor":  perStep(nil, 4),
		"no steps":             func() { lqg.NewController(0, 1, 1) },
		"floor":                func() { lqg.NewFloor(-1, 3, 2) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if message, ok := recover().(string); !ok || !strings.HasPrefix(message, "lqg: ") || strings.ContainsAny(message, "%") {
					t.Errorf("panics with %v, want a text with both shapes", fmt.Sprint(message))
				}
			}()
			f()
		})
	}
}

// The divergence of controllers that differ by a hair has all its digits: it is the
// quadratic form of the difference, not what is left of numbers near 1.
func TestDivergenceOfNearControllers(t *testing.T) {
	const sd = 1e-4
	p, q := lqg.NewController(1, 1, 2), lqg.NewController(1, 1, 2)
	copy(p.Chol, []float64{sd * (1 + 3e-7), 0, 0, sd})
	copy(q.Chol, []float64{sd, 0, 0, sd})
	p.Bias[1] = 2e-7 * sd
	m := lqg.NewTrajectory(1, 1, 2)
	got := lqg.NewDivergence(1, 2).PerStep(make([]float64, 1), p, q, m)
	// v^2 - 1 - log v^2 is 2 d^2 to second order at v = 1+d.
	if want := 3e-7*3e-7 + 2e-7*2e-7/2; math.Abs(got-want) > 1e-6*want {
		t.Errorf("divergence %g, want %g", got, want)
	}
}
