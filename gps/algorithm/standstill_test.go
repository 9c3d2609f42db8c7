package algorithm_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
)

// Where no dual variable keeps the bound, the report says that the condition did not learn,
// the controller is the one before, and the next search begins where this one did.
func TestStandstillIsReported(t *testing.T) {
	for _, eachStep := range []bool{false, true} {
		a := newArm(t, 0, []float64{0.75 * math.Pi, 0.5 * math.Pi}, 0.1)
		a.configure(func(c *algorithm.TrajOptConfig) { c.BoundEachStep, c.Search.MaxEta, c.KLStep = eachStep, 1e-7, 1e-6 })
		state := algorithm.NewState(3, 1e-8, []*lqg.Controller{a.controller})
		state, report := a.iterate(state)
		c, now := report.Conditions[0], state.Conditions[0]
		if !c.Anchored || c.Active || c.KL != 0 || !slices.Equal(now.Controller.K, a.controller.K) || now.Eta != 1e-8 {
			t.Errorf("bound each step %v: anchored %v, active %v, KL %g, next eta %g", eachStep, c.Anchored, c.Active, c.KL, now.Eta)
		}
		if !slices.ContainsFunc(c.Warnings, func(w string) bool {
			return strings.Contains(w, "iteration 1, condition 0") && strings.Contains(w, "controller stays as it is")
		}) {
			t.Errorf("bound each step %v: warnings %q", eachStep, c.Warnings)
		}
	}
}

// A cost of huge numbers, as in a tiny unit, is learned like any: no search ends at the
// largest dual variable.
func TestLearnsFromHugeCosts(t *testing.T) {
	for _, unit := range []float64{1, 1e17, 1e20} {
		for _, eachStep := range []bool{false, true} {
			a := newArm(t, 0, []float64{0.75 * math.Pi, 0.5 * math.Pi}, 0.1)
			sum, err := cost.NewSum(cost.Weighted{Term: a.cost, Weight: unit})
			if err != nil {
				t.Fatal(err)
			}
			a.cost = sum
			a.configure(func(c *algorithm.TrajOptConfig) { c.BoundEachStep = eachStep })
			state := algorithm.NewState(3, 1, []*lqg.Controller{a.controller})
			var costs []float64
			for range 5 {
				var report *algorithm.Report
				state, report = a.iterate(state)
				costs = append(costs, report.MeanCost()/unit)
				if c := report.Conditions[0]; c.Anchored || !c.Active {
					t.Errorf("unit %g, bound each step %v, iteration %d: anchored %v, active %v", unit, eachStep, report.Iteration, c.Anchored, c.Active)
				}
			}
			if !(costs[4] < 0.5*costs[0]) {
				t.Errorf("unit %g, bound each step %v: mean costs %.4g", unit, eachStep, costs)
			}
			t.Logf("unit %g, bound each step %v: mean costs %.4g", unit, eachStep, costs)
		}
	}
}
