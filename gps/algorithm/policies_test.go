package algorithm_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// policyKL is the mean of the conditions' divergences between controller and policy.
func policyKL(r *algorithm.Report) float64 {
	sum := 0.0
	for _, c := range r.Conditions {
		sum += c.PolicyKL / float64(len(r.Conditions))
	}
	return sum
}

// exploring keeps exploration alive, without which the bounds soon allow no move that counts.
func exploring(c *algorithm.TrajOptConfig, _ *algorithm.PolicyConfig) { c.MaxEntropy = 0.01 }

// bits encodes a state or a report: two are the same to the last bit where their bytes are.
func bits(t testing.TB, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// One policy comes near what the best controllers of all starts cost, and so do the controllers, and
// they agree: with each other in what they cost, and in nat by ten times and more than at first.
func TestPoliciesComeNearTheOptimum(t *testing.T) {
	for _, name := range massAlgorithms {
		if name == "mdgps pi2" {
			continue // TestPathIntegralsLearn
		}
		t.Run(name, func(t *testing.T) {
			a := massAlgorithm(t, name, exploring)
			state, reports := massRun(t, a, massState(1), 10, 6)
			controllers, least := runCost(t, func(m int) policy.Policy { return state.Conditions[m].Controller })
			shared, _ := runCost(t, func(int) policy.Policy { return state.Policy })
			if !(controllers <= 1.05*least && shared <= 1.05*least) {
				t.Errorf("controllers cost %v and the policy %v, want at most 1.05 of %v", controllers, shared, least)
			}
			most := policyKL(reports[0])
			if name[:5] == "mdgps" {
				most = policyKL(reports[1]) // the first is only the trust region's
			}
			if last := policyKL(reports[9]); !(10*last <= most) {
				t.Errorf("divergence between controllers and policy falls from %v to %v, want ten times", most, last)
			}
			for i, r := range reports {
				if r.Iteration != i+1 || r.Policy == nil || r.Policy.RolledBack || r.Policy.Diverged || r.Policy.Epochs < 1 || len(r.Policy.Warnings) > 0 {
					t.Errorf("iteration %d: report %+v", i+1, r.Policy)
				}
				for m, c := range r.Conditions {
					if name != "mdgps pilqr" && !(c.KL <= 1.1*c.Bound*(1+1e-9)) || !(c.Bound > 0) || len(c.SampleCosts) != 6 {
						t.Errorf("iteration %d, condition %d: KL %v for a bound of %v, %d costs", i+1, m, c.KL, c.Bound, len(c.SampleCosts))
					}
				}
			}
		})
	}
}

// Any number of workers gives the same bits: states and reports.
func TestPoliciesDoNotDependOnWorkers(t *testing.T) {
	for _, name := range massAlgorithms {
		var want []byte
		for _, workers := range []int{1, 2, 3} {
			a := massAlgorithm(t, name, func(c *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) {
				c.Workers, p.Reuse, p.Train.Epochs, p.Train.Workers = workers, 1, 3, workers
				if name == "mdgps" || name == "badmm" {
					c.UsePrior, p.Linearise.Method = true, policy.ByMixture
				}
			})
			state, reports := massRun(t, a, massState(5), 2, 6)
			got := append(bits(t, state), bits(t, reports)...)
			if want == nil {
				want = got
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %d workers give another result than one", name, workers)
			}
		}
	}
}

// Seeds name all random numbers.
func TestPoliciesDependOnTheSeed(t *testing.T) {
	a := massAlgorithm(t, "mdgps", asIs)
	run := func(seed uint64) []byte {
		// The samples are the same: what differs is what the algorithm draws.
		state := massState(seed)
		next, _, err := a.Iterate(context.Background(), state, massSamples(t, a, massState(1), 6))
		if err != nil {
			t.Fatal(err)
		}
		next.Seed = 0
		return bits(t, next)
	}
	if !bytes.Equal(run(1), run(1)) {
		t.Error("one seed gives two results")
	}
	if bytes.Equal(run(1), run(2)) {
		t.Error("two seeds give one result")
	}
}

// Training that diverges leaves the policy as it was, says so, and learning goes on; before there is
// a policy it is an error.
func TestDivergedTrainingKeepsThePolicy(t *testing.T) {
	good := massAlgorithm(t, "mdgps", asIs)
	bad := massAlgorithm(t, "mdgps", func(_ *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) {
		p.Train.Rate, p.Train.MaxGrowth = 1, 1
	})
	if _, _, err := bad.Iterate(context.Background(), massState(1), massSamples(t, bad, massState(1), 6)); !errors.Is(err, nn.ErrDiverged) || !strings.Contains(err.Error(), "iteration 1: first policy: ") {
		t.Errorf("diverging first fit: %v", err)
	}
	state, _ := massRun(t, good, massState(1), 2, 6)
	kept := bits(t, state.Policy)
	next, reports := massRun(t, bad, state, 1, 6)
	if r := reports[0].Policy; !r.Diverged || len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "the policy stays as it was: lower policy.train.rate") {
		t.Errorf("report %+v", r)
	}
	if !bytes.Equal(bits(t, next.Policy), kept) {
		t.Error("the policy has changed")
	}
	if _, reports = massRun(t, good, next, 1, 6); reports[0].Policy.Diverged {
		t.Error("learning does not go on")
	}
}

// Of two conditions whose samples are no good the first is named, and nothing is returned.
func TestPoliciesNameTheConditionThatFails(t *testing.T) {
	for _, name := range massAlgorithms {
		a := massAlgorithm(t, name, asIs)
		state, _ := massRun(t, a, massState(1), 1, 6)
		before := bits(t, state)
		for what, spoil := range map[string]func([]*rollout.Rollout) []*rollout.Rollout{
			"one sample": func(s []*rollout.Rollout) []*rollout.Rollout { return s[:1] },
			"none":       func(s []*rollout.Rollout) []*rollout.Rollout { return nil },
			"missing":    func(s []*rollout.Rollout) []*rollout.Rollout { s[2] = nil; return s },
			"NaN":        func(s []*rollout.Rollout) []*rollout.Rollout { s[2].X[9] = math.NaN(); return s },
			"size":       func(s []*rollout.Rollout) []*rollout.Rollout { s[1] = rollout.New(massT+1, massDX, massDU); return s },
		} {
			all := massSamples(t, a, state, 6)
			all[1], all[2] = spoil(all[1]), spoil(all[2])
			next, report, err := a.Iterate(context.Background(), state, all)
			if err == nil || !strings.HasPrefix(err.Error(), "iteration 2, condition 1: ") || next != nil || report != nil {
				t.Errorf("%s, %s: error %v", name, what, err)
			}
			if !bytes.Equal(bits(t, state), before) {
				t.Fatalf("%s, %s: the state given has changed", name, what)
			}
			// In the first iteration a policy is fitted first.
			if _, _, err := a.Iterate(context.Background(), massState(1), all); err == nil || !strings.HasPrefix(err.Error(), "iteration 1") {
				t.Errorf("%s, %s in the first iteration: error %v", name, what, err)
			}
		}
	}
}

// countdown is a context that is cancelled when it was asked so many times.
type countdown struct {
	context.Context
	left *int
}

func (c countdown) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

// Wherever an iteration looks at its context, cancelling it there ends the iteration.
func TestPoliciesHonourTheirContext(t *testing.T) {
	for _, name := range massAlgorithms {
		a := massAlgorithm(t, name, func(_ *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) { p.Train.Epochs = 2 })
		state := massState(1)
		all := massSamples(t, a, state, 6)
		looked := 1 << 30
		if _, _, err := a.Iterate(countdown{context.Background(), &looked}, state, all); err != nil {
			t.Fatal(err)
		}
		looks := 1<<30 - looked
		if looks < 10 {
			t.Errorf("%s looks at its context %d times", name, looks)
		}
		for after := 0; after < looks; after += 1 + looks/25 {
			left := after
			next, _, err := a.Iterate(countdown{context.Background(), &left}, state, all)
			if !errors.Is(err, context.Canceled) || next != nil {
				t.Errorf("%s, cancelled after %d of %d looks: %v", name, after, looks, err)
			}
		}
	}
}

// Conditions of several lengths are for trajectory optimisation alone: a policy has one.
func TestPoliciesRefuseConditionsOfOtherSizes(t *testing.T) {
	for _, name := range massAlgorithms {
		a := massAlgorithm(t, name, asIs)
		state := massState(1)
		all := massSamples(t, a, state, 6)
		short := lqg.NewController(massT-1, massDX, massDU)
		for i := range short.Chol {
			short.Chol[i] = 1
		}
		state.Conditions[1].Controller = short
		if _, _, err := a.Iterate(context.Background(), state, all); !errors.Is(err, algorithm.ErrState) || !strings.Contains(err.Error(), "condition 1: its controller has T=19") {
			t.Errorf("%s: %v", name, err)
		}
		if _, _, err := a.Iterate(context.Background(), state, all[:2]); !errors.Is(err, algorithm.ErrSamples) {
			t.Errorf("%s without samples of a condition: %v", name, err)
		}
	}
}

// An iteration leaves the state that it is given as it was, and its turns add the samples to the
// policy's prior once.
func TestPoliciesLeaveTheirStateAlone(t *testing.T) {
	for _, name := range massAlgorithms {
		a := massAlgorithm(t, name, func(_ *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) {
			p.Train.Epochs, p.Linearise.Method = 2, policy.ByMixture
		})
		state := massState(1)
		for i := range 3 {
			before := bits(t, state)
			next, _ := massRun(t, a, state, 1, 6)
			if !bytes.Equal(bits(t, state), before) {
				t.Fatalf("%s: iteration %d has changed its state", name, i+1)
			}
			seen := map[*rollout.Rollout]bool{}
			for _, s := range next.Conditions[1].PolicyPrior.Rollouts {
				if seen[s] {
					t.Fatalf("%s: the prior of the policy has a rollout twice", name)
				}
				seen[s] = true
			}
			if len(seen) != 6*(i+1) {
				t.Errorf("%s: the prior of the policy has %d rollouts after %d iterations", name, len(seen), i+1)
			}
			state = next
		}
	}
}
