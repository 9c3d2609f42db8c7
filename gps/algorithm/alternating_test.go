package algorithm_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
)

// The augmented Lagrangian ends where its constraint u = pi(x) holds.
func TestLagrangianMeetsItsConstraint(t *testing.T) {
	a := massAlgorithm(t, "lagrangian", exploring)
	gap := func(state *algorithm.State) float64 {
		squares, apart := 0.0, 0.0
		u, v := make([]float64, 1), make([]float64, 1)
		for m := range state.Conditions {
			c := &state.Conditions[m]
			for _, s := range c.Samples[len(c.Samples)-1] {
				for k := range massT {
					c.Controller.Act(u, s.State(k), k, nil)
					state.Policy.Act(v, s.State(k), k, nil)
					squares, apart = squares+u[0]*u[0], apart+(u[0]-v[0])*(u[0]-v[0])
				}
			}
		}
		return math.Sqrt(apart / squares)
	}
	state, _ := massRun(t, a, massState(1), 1, 6)
	first := gap(state)
	state, _ = massRun(t, a, state, 11, 6)
	if last := gap(state); !(last < 0.03 && last < first/10) {
		t.Errorf("policy and controllers differ by %v of their actions, %v at first", last, first)
	}
	most := 0.0
	for _, v := range state.Conditions[0].Duals.Bias {
		most = math.Max(most, math.Abs(v))
	}
	if !(most > 1e-4) {
		t.Errorf("the multipliers are at most %v: the penalty did it alone", most)
	}
}

// The weights of constrained GPS rise by Rate KL_t, times Growth, up to their bound.
func TestWeightsStayWithinTheirBounds(t *testing.T) {
	trajectory, shared := massTrajectory(), massPolicy()
	c := algorithm.DefaultConstrainedConfig()
	c.Alternating.Trajectory, c.Alternating.Policy = trajectory, shared
	c.Rate, c.Growth, c.MaxWeight, c.Alternating.Inner = 0.5, 2, 0.3, 2
	a, err := algorithm.NewConstrainedGPS(c, massCosts(), massDX, massDU)
	if err != nil {
		t.Fatal(err)
	}
	state, _ := massRun(t, a, massState(1), 1, 6)
	// Of the first iteration's turns the first has no policy to compare with: one step.
	for k, w := range state.Conditions[1].Duals.Weight {
		want := math.Min(0.3, 2*(0.01+0.5*state.Conditions[1].PolicyKL[k]))
		if math.Abs(w-want) > 1e-12*want {
			t.Errorf("weight of step %d is %v, want %v for a divergence of %v", k, w, want, state.Conditions[1].PolicyKL[k])
		}
	}
	before := state.Conditions[1].Duals.Weight
	next, _ := massRun(t, a, state, 1, 6)
	for k, w := range next.Conditions[1].Duals.Weight {
		if !(w >= math.Min(0.3, 4*before[k])*(1-1e-12) && w <= 0.3) {
			t.Errorf("weight of step %d goes from %v to %v", k, before[k], w)
		}
	}
}

// Path integral updates know nothing of what pulls controllers to a policy.
func TestTurnsRefusePathIntegrals(t *testing.T) {
	for _, kind := range []algorithm.UpdateKind{algorithm.PI2, algorithm.PILQR} {
		c := algorithm.DefaultBADMMConfig()
		c.Alternating.Trajectory.Update = kind
		if _, err := algorithm.NewBADMM(c, []cost.Term{massCost{}}, massDX, massDU); err == nil || !strings.Contains(err.Error(), `update is "`+string(kind)+`", need "lqr"`) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// An iteration of several turns reports on the step of the last one, not on their sum, and says a
// warning once.
func TestTurnsReportTheLastStep(t *testing.T) {
	for _, each := range []bool{false, true} {
		a := massAlgorithm(t, "badmm", func(c *algorithm.TrajOptConfig, _ *algorithm.PolicyConfig) { c.BoundEachStep, c.KLStep = each, 0.1 })
		_, reports := massRun(t, a, massState(1), 2, 6)
		for _, r := range reports {
			for m, c := range r.Conditions {
				if !(c.KL <= 1.1*c.Bound) || !c.Active || !(c.KL > 0.3*c.Bound) {
					t.Errorf("bound each step %v, iteration %d, condition %d: KL %v for a bound of %v", each, r.Iteration, m, c.KL, c.Bound)
				}
			}
		}
	}
	a := massAlgorithm(t, "badmm", func(c *algorithm.TrajOptConfig, _ *algorithm.PolicyConfig) {
		c.Search.MinEta, c.Search.MaxEta, c.KLStep = 1e-8, 1e-7, 1e-6
	})
	_, reports := massRun(t, a, massState(1), 1, 6)
	for m, c := range reports[0].Conditions {
		if !c.Anchored || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], "no dual variable up to 1e-07 kept the KL bound") {
			t.Errorf("condition %d: %+v", m, c)
		}
	}
}

// The divergence that is reported is that of the new controllers from the new policy, linearised at
// the samples, under what the new controllers do.
func TestPolicyKLIsThatOfWhatIsReturned(t *testing.T) {
	for _, name := range []string{"badmm", "constrained", "lagrangian"} {
		a := massAlgorithm(t, name, exploring)
		state, reports := massRun(t, a, massState(1), 2, 6)
		for m := range state.Conditions {
			c := &state.Conditions[m]
			l, err := policy.NewLineariser(massPolicy().Linearise, massT, massDX, massDU)
			if err != nil {
				t.Fatal(err)
			}
			linear := lqg.NewController(massT, massDX, massDU)
			if _, _, err := l.Run(context.Background(), linear, state.Policy, c.Samples[len(c.Samples)-1], nil, nil); err != nil {
				t.Fatal(err)
			}
			e := policy.NewEstimator(massT, massDX, massDU)
			_, want, err := e.Run(c.Controller, linear, c.Previous.Dynamics, c.Previous.X0, c.Previous.Cost)
			if err != nil {
				t.Fatal(err)
			}
			if got := reports[1].Conditions[m].PolicyKL; math.Abs(got-want) > 1e-9*(1+want) {
				t.Errorf("%s, condition %d: divergence from the policy is told as %v, and is %v", name, m, got, want)
			}
		}
	}
}

// BADMM's weights change once an iteration, by the divergences that the state keeps, and by their
// change since the iteration before.
func TestBADMMReweighsOnceAnIteration(t *testing.T) {
	for _, rule := range []policy.WeightRule{policy.WeightByGradient, policy.WeightByChange} {
		c := algorithm.DefaultBADMMConfig()
		c.Alternating.Trajectory, c.Alternating.Policy = massTrajectory(), massPolicy()
		c.Duals.Weights, c.Duals.Step = rule, 0.1
		a, err := algorithm.NewBADMM(c, massCosts(), massDX, massDU)
		if err != nil {
			t.Fatal(err)
		}
		state, _ := massRun(t, a, massState(1), 1, 6)
		next, _ := massRun(t, a, state, 1, 6)
		for m := range next.Conditions {
			then, now := &state.Conditions[m], &next.Conditions[m]
			for k, w := range now.Duals.Weight {
				want := then.Duals.Weight[k] + 0.1*now.PolicyKL[k]
				if rule == policy.WeightByChange {
					want = then.Duals.Weight[k]
					if r := now.PolicyKL[k] / then.PolicyKL[k]; r < 0.8 {
						want /= 2
					} else if r >= 0.95 {
						want *= 2
					}
				}
				if math.Abs(w-want) > 1e-12*want {
					t.Errorf("%s, condition %d: weight of step %d goes from %v to %v, want %v", rule, m, k, then.Duals.Weight[k], w, want)
				}
			}
		}
	}
}
