package algorithm_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// throughFile returns the state as it comes back from a checkpoint.
func throughFile(t *testing.T, state *algorithm.State) *algorithm.State {
	t.Helper()
	path, err := checkpoint.Save(t.TempDir(), &checkpoint.Checkpoint{State: state, StateNames: []string{"p", "v"}, ActionNames: []string{"u"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := checkpoint.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	return c.State
}

// A run that goes on from checkpoints, by an algorithm made anew, has the bits of one that never
// stopped, whatever the algorithm carries along.
func TestPoliciesGoOnFromCheckpoints(t *testing.T) {
	for _, name := range massAlgorithms {
		change := func(c *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) {
			p.Reuse, p.Train.Epochs, p.Observation = 2, 5, []int{1, 0}
			if name == "mdgps" || name == "badmm" {
				c.UsePrior, p.Linearise.Method = true, policy.ByMixture
			}
		}
		one := massAlgorithm(t, name, change)
		whole, stopped := massState(3), throughFile(t, massState(3))
		for range 4 {
			var a, b *algorithm.Report
			whole, a = iterate(t, one, whole, massSamples(t, one, whole, 6))
			other := massAlgorithm(t, name, change)
			stopped, b = iterate(t, other, stopped, massSamples(t, other, stopped, 6))
			stopped = throughFile(t, stopped)
			if !bytes.Equal(bits(t, a), bits(t, b)) || !bytes.Equal(bits(t, whole), bits(t, stopped)) {
				t.Fatalf("%s: iteration %d from a checkpoint is another one", name, whole.Iteration)
			}
		}
	}
}

// A state that was changed by hand, or is of another run, is refused with what is wrong with it.
func TestStateNamesWhatIsWrong(t *testing.T) {
	learned := map[string]*algorithm.State{}
	for _, name := range []string{"mdgps", "mdgps pilqr", "badmm"} {
		a := massAlgorithm(t, name, func(_ *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) {
			p.Linearise.Method, p.Train.Epochs = policy.ByMixture, 2
		})
		learned[name], _ = massRun(t, a, massState(1), 2, 6)
	}
	other := func(T, dX, dU int) *lqg.Controller {
		c := lqg.NewController(T, dX, dU)
		for t := range T {
			for i := range dU {
				c.CholAt(t)[i*(dU+1)] = 1
			}
		}
		return c
	}
	wide, err := policy.NewNetwork(learned["mdgps"].Policy.Net(), []int{2, 0}, massT, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	long, err := policy.NewNetwork(learned["mdgps"].Policy.Net(), nil, massT+1, massDX, nil)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		name   string
		spoil  func(s *algorithm.State, c *algorithm.Condition)
		wanted string
	}{
		"no controller": {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { c.Controller = nil }, "condition 1: it has no controller"},
		"mean cost":     {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { c.MeanCost = math.NaN() }, "condition 1: the mean cost is NaN"},
		"deviation":     {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { c.CostDeviation = -1 }, "the costs' deviation -1"},
		"drawn size":    {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { c.Drawn = other(massT, 3, 1) }, "condition 1: the controller that drew the samples has T=20 dX=3 dU=1"},
		"drawn numbers": {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { c.Drawn = lqg.NewController(massT, 2, 1) }, "condition 1: the controller that drew the samples: "},
		"no sample":     {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { c.Samples = [][]*rollout.Rollout{{}} }, "condition 1: algorithm: samples do not fit: group 0 of the samples that are kept is empty"},
		"sample size": {"mdgps", func(s *algorithm.State, c *algorithm.Condition) {
			c.Samples = [][]*rollout.Rollout{{rollout.New(massT, 2, 2)}}
		}, "condition 1: group 0 of the samples that are kept: algorithm: samples do not fit: rollout 0 has T=20 dX=2 dU=2"},
		"sample missing": {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { c.Samples = [][]*rollout.Rollout{{nil}} }, "rollout 0 is missing"},
		"policy's prior": {"mdgps", func(s *algorithm.State, c *algorithm.Condition) {
			c.PolicyPrior = &policy.MixturePrior{Rollouts: []*rollout.Rollout{rollout.New(3, 2, 1)}}
		}, "condition 1: prior of the policy's linearisation: algorithm: samples do not fit: rollout 0 has T=3"},
		"path integral": {"mdgps pilqr", func(s *algorithm.State, c *algorithm.Condition) { c.PathIntegral = pi2.NewState(3, 1) }, "each of T=20 time steps"},
		"multipliers": {"badmm", func(s *algorithm.State, c *algorithm.Condition) {
			c.Duals = c.Duals.Clone()
			c.Duals.Bias[5] = math.NaN()
		}, "condition 1: policy: invalid: multipliers' bias at time step 5 is NaN"},
		"multipliers size":  {"badmm", func(s *algorithm.State, c *algorithm.Condition) { c.Duals = policy.NewDuals(massT-1, 2, 1, 1) }, "condition 1: the multipliers have T=19"},
		"linearised policy": {"badmm", func(s *algorithm.State, c *algorithm.Condition) { c.Linear = other(massT, 3, 1) }, "condition 1: the linearised policy has T=20 dX=3"},
		"its numbers":       {"badmm", func(s *algorithm.State, c *algorithm.Condition) { c.Linear = lqg.NewController(massT, 2, 1) }, "condition 1: the linearised policy: "},
		"divergences":       {"badmm", func(s *algorithm.State, c *algorithm.Condition) { c.PolicyKL = c.PolicyKL[1:] }, "condition 1: there are 19 divergences"},
		"divergence": {"badmm", func(s *algorithm.State, c *algorithm.Condition) {
			c.PolicyKL = append([]float64{math.Inf(1)}, c.PolicyKL[1:]...)
		}, "at time step 0 is +Inf"},
		"rollbacks":     {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { s.Rollbacks = 3 }, "3 rollbacks in a row after 2 iterations"},
		"policy size":   {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { s.Policy = long }, "condition 0: its controller has T=20 dX=2 dU=1, the policy T=21"},
		"policy before": {"mdgps", func(s *algorithm.State, c *algorithm.Condition) { s.Before = wide }, "the policy before T=20 dX=3"},
	} {
		from := learned[c.name]
		state := *from
		state.Conditions = append([]algorithm.Condition(nil), from.Conditions...)
		a := massAlgorithm(t, c.name, asIs)
		all := massSamples(t, a, from, 6)
		c.spoil(&state, &state.Conditions[1])
		next, _, err := a.Iterate(context.Background(), &state, all)
		if !errors.Is(err, algorithm.ErrState) && !errors.Is(err, algorithm.ErrSamples) || next != nil || !strings.Contains(err.Error(), c.wanted) {
			t.Errorf("%s: error %v, want %q", what, err, c.wanted)
		}
	}
}
