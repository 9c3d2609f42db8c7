package algorithm_test

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/algorithm"
)

// Off-policy, the Monte Carlo rule adds to the trials of the controllers what the policy does worse
// under the model.
func TestMonteCarloOffPolicy(t *testing.T) {
	c := algorithm.DefaultMDGPSConfig()
	c.Trajectory, c.Policy = massTrajectory(), massPolicy()
	c.StepRule, c.OffPolicy = algorithm.MonteCarlo, true
	c.Policy.Train.Epochs = 1 // a policy that follows its controllers badly
	a, err := algorithm.NewMDGPS(c, massCosts(), massDX, massDU)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := massRun(t, a, massState(1), 2, 6)
	after, reports := massRun(t, a, before, 1, 6)
	cost := func(c *algorithm.Condition) (v float64, worse bool) {
		gap := algorithm.ExpectedCost(c.Previous.Controller, c.Previous) - algorithm.ExpectedCost(c.Drawn, c.Previous)
		return c.MeanCost + math.Max(0, gap), gap > 0
	}
	gaps := 0
	for m := range before.Conditions {
		then, now, report := &before.Conditions[m], &after.Conditions[m], &reports[0].Conditions[m]
		was, _ := cost(then)
		is, worse := cost(now)
		if worse {
			gaps++
		}
		if want := was - is; math.Abs(report.Actual-want) > 1e-9*(1+math.Abs(want)) {
			t.Errorf("condition %d: improved by %v, want %v", m, report.Actual, want)
		}
		if want := was - algorithm.ExpectedCost(then.Controller, then.Previous); math.Abs(report.Predicted-want) > 1e-9*(1+math.Abs(want)) {
			t.Errorf("condition %d: promised %v, want %v", m, report.Predicted, want)
		}
	}
	if gaps == 0 {
		t.Error("the policy is nowhere worse than the controllers: the test says nothing")
	}
}
