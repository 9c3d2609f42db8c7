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
