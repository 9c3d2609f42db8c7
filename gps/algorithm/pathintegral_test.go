package algorithm_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trajopt"
)

// PI2 learns from costs alone, with and without a policy, and PILQR as LQR does.
func TestPathIntegralsLearn(t *testing.T) {
	for _, c := range []struct {
		kind   algorithm.UpdateKind
		shared bool
		part   float64 // of the cost at the beginning
	}{{algorithm.PI2, false, 0.55}, {algorithm.PI2, true, 0.65}, {algorithm.PILQR, false, 0.2}, {algorithm.PILQR, true, 0.2}} {
		var a algorithm.Algorithm
		cfg := massTrajectory()
		cfg.Update = c.kind
		a, err := algorithm.NewTrajOpt(cfg, massCosts())
		if err != nil {
			t.Fatal(err)
		}
		if c.shared {
			a = massAlgorithm(t, "mdgps "+string(c.kind), asIs)
		}
		state := massState(1)
		of := func(m int) policy.Policy {
			if c.shared && state.Policy != nil {
				return state.Policy
			}
			return state.Conditions[m].Controller
		}
		first, _ := runCost(t, of)
		for range 8 {
			anchors := state.Conditions
			var report *algorithm.Report
			state, report = iterate(t, a, state, massSamples(t, a, state, 30))
			for m, r := range report.Conditions {
				now := &state.Conditions[m]
				anchor := anchors[m].Controller
				if c.shared {
					anchor = now.Previous.Controller
				}
				if !(r.KL > 0) || math.IsInf(r.KL, 0) || !(r.Eta > 0) || r.Anchored {
					t.Errorf("%s: report %+v", c.kind, r)
				}
				switch c.kind {
				case algorithm.PI2:
					if r.Bound != 0 || now.PathIntegral != nil {
						t.Errorf("PI2 has a bound of %v and a state %v", r.Bound, now.PathIntegral)
					}
					for i, v := range anchor.K {
						if now.Controller.K[i] != v {
							t.Fatal("PI2 has changed a gain")
						}
					}
				case algorithm.PILQR:
					// The bound that is told is what the multipliers, carried along, allow.
					want := 0.0
					for _, v := range now.PathIntegral.Multiplier {
						want += cfg.KLStep * r.StepMultiplier * v
					}
					if math.Abs(r.Bound-want) > 1e-9*want {
						t.Errorf("PILQR's bound is %v, want %v", r.Bound, want)
					}
				}
				// KL is that of the whole step, under the model.
				marginals := lqg.NewTrajectory(massT, massDX, massDU)
				if c.kind == algorithm.PI2 && !c.shared { // without a model, and with the gains that were: at any state
					if now.Previous != nil || r.EMSteps != 0 {
						t.Errorf("PI2 has fitted a model, in %d steps of its prior", r.EMSteps)
					}
				} else if err := lqg.NewForwardPass(massDX, massDU).Run(marginals, now.Previous.X0, now.Controller, now.Previous.Dynamics); err != nil {
					t.Fatal(err)
				}
				kl := lqg.NewDivergence(massDX, massDU).PerStep(make([]float64, massT), now.Controller, anchor, marginals)
				if math.Abs(kl-r.KL) > 1e-9*(1+kl) {
					t.Errorf("%s: KL is told as %v, and is %v", c.kind, r.KL, kl)
				}
			}
		}
		if last, _ := runCost(t, of); !(last <= c.part*first) {
			t.Errorf("%s, policy %v: cost falls from %v to %v, want %v of it", c.kind, c.shared, first, last, c.part)
		}
	}
}

// The multipliers of PILQR's state are those of the iteration before, changed once.
func TestPILQRCarriesItsState(t *testing.T) {
	for _, shared := range []bool{false, true} {
		cfg := massTrajectory()
		cfg.Update = algorithm.PILQR
		var a algorithm.Algorithm
		a, err := algorithm.NewTrajOpt(cfg, massCosts())
		if err != nil {
			t.Fatal(err)
		}
		if shared {
			a = massAlgorithm(t, "mdgps pilqr", asIs)
		}
		state, _ := massRun(t, a, massState(1), 1, 6)
		// The model is the truth, and its cost too: all multipliers grow.
		for k, v := range state.Conditions[0].PathIntegral.Multiplier {
			if v != 2 {
				t.Errorf("multiplier of step %d is %v, want 2", k, v)
			}
		}
		next, _ := massRun(t, a, state, 1, 6)
		for k, v := range next.Conditions[0].PathIntegral.Multiplier {
			if r := v / state.Conditions[0].PathIntegral.Multiplier[k]; r != 2 && r != 1 && r != 0.5 {
				t.Errorf("multiplier of step %d goes from 2 to %v", k, v)
			}
		}
	}
}

// One sample has nothing to be weighed against, and no dynamics can be fitted to it.
func TestPathIntegralsRefuseOneSample(t *testing.T) {
	for _, kind := range []algorithm.UpdateKind{algorithm.PI2, algorithm.PILQR} {
		cfg := massTrajectory()
		cfg.Update = kind
		a, err := algorithm.NewTrajOpt(cfg, massCosts())
		if err != nil {
			t.Fatal(err)
		}
		state := massState(1)
		all := massSamples(t, a, state, 6)
		all[2] = all[2][:1]
		if _, _, err := a.Iterate(context.Background(), state, all); err == nil || !strings.HasPrefix(err.Error(), "iteration 1, condition 2: ") {
			t.Errorf("%s: %v", kind, err)
		}
		all[2] = []*rollout.Rollout{all[0][0], all[0][1], all[0][2]}
		state.Conditions[2].PathIntegral = &pi2.State{}
		if _, _, err := a.Iterate(context.Background(), state, all); !errors.Is(err, pi2.ErrState) || !errors.Is(err, algorithm.ErrState) {
			t.Errorf("%s with a state of no steps: %v", kind, err)
		}
	}
}

// PILQR goes as far as LQR in as many iterations, on the arm, where bounds of single steps that are
// as large end the exploration.
func TestPILQRLearnsAsFarAsLQR(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a run without -short, as make test does: it learns for some seconds")
	}
	t.Parallel()
	last := map[algorithm.UpdateKind]float64{}
	for _, kind := range []algorithm.UpdateKind{algorithm.LQR, algorithm.PILQR} {
		a := newArm(t, 0, []float64{0.75 * math.Pi, 0.5 * math.Pi}, 0.1)
		a.configure(func(c *algorithm.TrajOptConfig) { c.Update, c.KLStep = kind, 2 })
		state := algorithm.NewState(2, 1, []*lqg.Controller{a.controller})
		for range 8 {
			var report *algorithm.Report
			state, report = a.iterate(state)
			last[kind] = report.MeanCost()
		}
	}
	if !(last[algorithm.PILQR] <= 1.5*last[algorithm.LQR] && last[algorithm.PILQR] < 15) {
		t.Errorf("mean costs %v", last)
	}
	t.Logf("mean costs %v", last)
}

// Off-policy, PILQR's step is about the linearised policy, and its noise that of the controllers
// that drew the samples: what package pi2 makes of both.
func TestPILQROffPolicy(t *testing.T) {
	var cfg algorithm.TrajOptConfig
	a := massAlgorithm(t, "mdgps off-policy", func(c *algorithm.TrajOptConfig, _ *algorithm.PolicyConfig) {
		c.Update = algorithm.PILQR
		cfg = *c
	})
	state, _ := massRun(t, a, massState(1), 2, 6)
	all := massSamples(t, a, state, 6)
	next, report := iterate(t, a, state, all)
	for m := range next.Conditions {
		model := next.Conditions[m].Previous
		settings, bounds, costs := cfg.PathIntegral, make([]float64, massT), make([][]float64, len(all[m]))
		settings.Search = cfg.Search
		for k := range bounds {
			bounds[k] = cfg.KLStep * report.Conditions[m].StepMultiplier
		}
		for n, s := range all[m] {
			e := cost.NewExpansion(massT, massDX, massDU)
			if err := cost.Expand(e, massCost{}, s); err != nil {
				t.Fatal(err)
			}
			costs[n] = e.L
		}
		q, err := pi2.NewPILQR(settings, massT, massDX, massDU)
		if err != nil {
			t.Fatal(err)
		}
		p := &trajopt.Problem{Dynamics: model.Dynamics, X0: model.X0, Cost: model.Cost, Anchor: model.Controller}
		r, err := q.Update(state.Conditions[m].PathIntegral, p, state.Conditions[m].Controller, all[m], costs, bounds)
		if err != nil {
			t.Fatal(err)
		}
		got := next.Conditions[m].Controller
		for i, v := range r.Controller.Bias {
			if math.Abs(got.Bias[i]-v) > 1e-9*(1+math.Abs(v)) {
				t.Fatalf("condition %d: bias %d is %v, want %v", m, i, got.Bias[i], v)
			}
		}
	}
}
