package algorithm_test

import (
	"bytes"
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// pushed is a policy with a constant added to its actions: one made bad on purpose.
type pushed struct {
	policy.Policy
	push float64
}

func (p pushed) Act(dst, x []float64, t int, noise []float64) {
	p.Policy.Act(dst, x, t, noise)
	dst[0] += p.push
}

// pushedSamples draws samples with the policy pushed.
func pushedSamples(t *testing.T, a algorithm.Algorithm, state *algorithm.State, push float64) [][]*rollout.Rollout {
	t.Helper()
	all := make([][]*rollout.Rollout, len(state.Conditions))
	for m := range all {
		p, err := a.Sampler(state, m)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 6 {
			all[m] = append(all[m], massTrial(pushed{p, push}, massStarts[m], rand.New(rand.NewPCG(uint64(state.Iteration), uint64(m*100+n)))))
		}
	}
	return all
}

func iterate(t *testing.T, a algorithm.Algorithm, state *algorithm.State, all [][]*rollout.Rollout) (*algorithm.State, *algorithm.Report) {
	t.Helper()
	next, report, err := a.Iterate(context.Background(), state, all)
	if err != nil {
		t.Fatal(err)
	}
	return next, report
}

// A policy whose trials are much worse is rolled back: that is said, learning goes on from the policy,
// the samples and the models before, with a smaller step, and recovers.
func TestBadPolicyIsRolledBack(t *testing.T) {
	for _, name := range []string{"mdgps", "mdgps off-policy", "mdgps mc", "mdgps pilqr", "mdgps pi2"} {
		t.Run(name, func(t *testing.T) {
			a := massAlgorithm(t, name, exploring)
			state, _ := massRun(t, a, massState(1), 4, 6)
			next, report := iterate(t, a, state, pushedSamples(t, a, state, 6))
			r := report.Policy
			if !r.RolledBack || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "iteration 5: the mean cost of the trials rose from ") || !strings.Contains(r.Warnings[0], "policy.guard 0.5") {
				t.Fatalf("report %+v", r)
			}
			if next.Rollbacks != 1 || next.Before != state.Before {
				t.Errorf("%d rollbacks, policy before %p, want %p", next.Rollbacks, next.Before, state.Before)
			}
			for m := range next.Conditions {
				now, then := &next.Conditions[m], &state.Conditions[m]
				if now.Previous != then.Previous || now.Drawn != then.Drawn || now.MeanCost != then.MeanCost || now.CostDeviation != then.CostDeviation || &now.Samples[0][0] != &then.Samples[0][0] || len(now.Samples) != len(then.Samples) {
					t.Errorf("condition %d does not go on from what was before", m)
				}
				if !(now.StepMultiplier <= max(0.01, then.StepMultiplier/4)) {
					t.Errorf("condition %d: step multiplier %v after %v", m, now.StepMultiplier, then.StepMultiplier)
				}
			}
			if same := bytes.Equal(bits(t, next.Policy), bits(t, state.Before)); same != (name == "mdgps pi2") {
				t.Errorf("the next policy is the one before: %v", same)
			}
			before, _ := runCost(t, func(int) policy.Policy { return state.Before })
			after, _ := runCost(t, func(int) policy.Policy { return next.Policy })
			if !(after <= 1.1*before) {
				t.Errorf("the next policy costs %v, the one that was put back %v", after, before)
			}
			next, reports := massRun(t, a, next, 2, 6)
			if next.Rollbacks != 0 || reports[0].Policy.RolledBack || reports[1].Policy.RolledBack {
				t.Errorf("rolled back once more: %+v", reports[0].Policy)
			}
		})
	}
}

// However long things stay bad, learning does not go back to the same policy for ever.
func TestRollbacksEnd(t *testing.T) {
	a := massAlgorithm(t, "mdgps", exploring)
	state, _ := massRun(t, a, massState(1), 4, 6)
	good := state.Before
	for i := range 8 {
		next, report := iterate(t, a, state, pushedSamples(t, a, state, 6))
		if !report.Policy.RolledBack {
			if i < 2 || next.Rollbacks != 0 || next.Before == good || next.Conditions[0].Previous == state.Conditions[0].Previous {
				t.Errorf("taken after %d rollbacks: %d in a row", i, next.Rollbacks)
			}
			return
		}
		if next.Rollbacks != i+1 || next.Before != good {
			t.Errorf("%d rollbacks in a row, want %d", next.Rollbacks, i+1)
		}
		state = next
	}
	t.Error("rolled back 8 times in a row")
}

// What exploration does is no reason for a rollback, and neither is anything with the guard off.
func TestGuardLeavesGoodPoliciesAlone(t *testing.T) {
	a := massAlgorithm(t, "mdgps", exploring)
	state, _ := massRun(t, a, massState(1), 4, 6)
	for m := range state.Conditions {
		state.Conditions[m].CostDeviation = 1e3
	}
	if _, report := iterate(t, a, state, pushedSamples(t, a, state, 6)); report.Policy.RolledBack {
		t.Error("rolled back within three standard deviations")
	}
	c := algorithm.DefaultMDGPSConfig()
	c.Trajectory, c.Policy, c.Guard = massTrajectory(), massPolicy(), 0
	off, err := algorithm.NewMDGPS(c, massCosts(), massDX, massDU)
	if err != nil {
		t.Fatal(err)
	}
	state, _ = massRun(t, a, massState(1), 4, 6)
	if _, report := iterate(t, off, state, pushedSamples(t, off, state, 6)); report.Policy.RolledBack {
		t.Error("rolled back without a guard")
	}
	// In the second iteration there is a policy to go back to: the one of the first controllers.
	state, _ = massRun(t, a, massState(1), 1, 6)
	if _, report := iterate(t, a, state, pushedSamples(t, a, state, 6)); !report.Policy.RolledBack {
		t.Error("the second iteration's policy is not guarded")
	}
}

// A condition that is new has no past to be compared with: it joins, also in an iteration that rolls
// back, and is learned.
func TestNewConditionJoins(t *testing.T) {
	for _, name := range massAlgorithms {
		for _, push := range []float64{0, 6} {
			if push != 0 && name != "mdgps" && name != "mdgps pi2" {
				continue
			}
			a := massAlgorithm(t, name, exploring)
			state, _ := massRun(t, a, massState(1), 3, 6)
			fresh := massState(1).Conditions[0]
			fresh.Prior = new(dynamics.MixturePrior)
			state.Conditions[0] = fresh
			next, report := iterate(t, a, state, pushedSamples(t, a, state, push))
			if got := report.Policy.RolledBack; got != (push != 0) {
				t.Errorf("%s, push %v: rolled back %v", name, push, got)
			}
			c := &next.Conditions[0]
			if c.Previous == nil || len(c.Samples) == 0 || report.Conditions[0].Predicted != 0 {
				t.Errorf("%s, push %v: the new condition has %+v", name, push, c)
			}
			// Its samples are its controller's, not the policy's.
			if c.Drawn != nil && c.Drawn != fresh.Controller {
				t.Errorf("%s, push %v: the new condition's samples are taken for another one's than its controller's", name, push)
			}
			// The policy of before is in its model, not the one that is rolled back.
			if push != 0 {
				u, v := make([]float64, 1), make([]float64, 1)
				mean := 0.0
				for _, s := range c.Samples[0] {
					c.Previous.Controller.Act(u, s.State(0), 0, nil)
					state.Before.Act(v, s.State(0), 0, nil)
					mean += (u[0] - v[0]) / float64(len(c.Samples[0]))
				}
				if math.Abs(mean) > 1e-9 {
					t.Errorf("%s: the new condition's linearised policy is %v from the policy that is put back", name, mean)
				}
			}
			if _, reports := massRun(t, a, next, 1, 6); reports[0].Policy.Diverged {
				t.Errorf("%s, push %v: does not go on", name, push)
			}
		}
	}
}

// MDGPS's step is adapted to what the controllers promised under the model they were made with, and
// what the policy gave (Montgomery & Levine 2016, section 4.2).
func TestStepComparesPromiseOfControllersWithPolicy(t *testing.T) {
	for _, rule := range []string{"mdgps", "mdgps mc"} {
		a := massAlgorithm(t, rule, exploring)
		state, _ := massRun(t, a, massState(1), 2, 6)
		next, report := iterate(t, a, state, massSamples(t, a, state, 6))
		predicted, actual := 0.0, 0.0
		for m := range state.Conditions {
			then, now := &state.Conditions[m], &next.Conditions[m]
			was, is := algorithm.ExpectedCost(then.Previous.Controller, then.Previous), algorithm.ExpectedCost(now.Previous.Controller, now.Previous)
			if rule == "mdgps mc" {
				was, is = then.MeanCost, now.MeanCost
			}
			p := was - algorithm.ExpectedCost(then.Controller, then.Previous)
			if r := report.Conditions[m]; math.Abs(r.Predicted-p) > 1e-9 || math.Abs(r.Actual-(was-is)) > 1e-9 {
				t.Errorf("%s, condition %d: predicted %v and actual %v, want %v and %v", rule, m, r.Predicted, r.Actual, p, was-is)
			}
			predicted, actual = predicted+p/3, actual+(was-is)/3
		}
		want := algorithm.DefaultStepConfig().Next(state.Conditions[0].StepMultiplier, predicted, actual)
		for m := range next.Conditions {
			if got := next.Conditions[m].StepMultiplier; math.Abs(got-want) > 1e-9*want {
				t.Errorf("%s, condition %d: step multiplier %v, want %v", rule, m, got, want)
			}
		}
	}
}

// What drew the samples is what Sampler said: path integral updates take the noise in its terms.
func TestDrawnIsWhatSampled(t *testing.T) {
	for _, name := range []string{"mdgps pilqr", "mdgps off-policy"} {
		a := massAlgorithm(t, name, asIs)
		state := massState(1)
		for i := range 3 {
			next, _ := massRun(t, a, state, 1, 6)
			for m := range next.Conditions {
				want := state.Conditions[m].Controller
				if i > 0 && name == "mdgps pilqr" {
					want = next.Conditions[m].Previous.Controller
				}
				if next.Conditions[m].Drawn != want {
					t.Errorf("%s, iteration %d, condition %d: the samples are said to be another controller's", name, i+1, m)
				}
			}
			state = next
		}
	}
}
