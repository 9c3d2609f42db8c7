package algorithm_test

import (
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/internal/vectors"
)

func TestVectorsStepMultiplier(t *testing.T) {
	for _, c := range vectors.GPS(t, "step_multiplier") {
		t.Run(c.Name, func(t *testing.T) {
			rows, want := c.Inputs.Get("rows"), c.Outputs.Get("step_mult").Floats()
			got := make([]float64, rows.Len())
			for i := range got {
				row := rows.At(i)
				cfg := algorithm.DefaultStepConfig()
				cfg.Min, cfg.Max = row.Get("min_step_mult").Float(), row.Get("max_step_mult").Float()
				got[i] = cfg.Next(row.Get("step_mult").Float(), row.Get("predicted").Float(), row.Get("actual").Float())
			}
			vectors.Close(t, "step_mult", got, want, c.Tolerance)
		})
	}
}

// side is the `previous` or `current` object of a step_adjust case.
type side struct {
	model  *algorithm.Model
	policy *lqg.Controller
	mean   float64 // of the samples' costs
}

func readSide(n vectors.Node) side {
	s := lqgtest.System(n)
	r := side{model: &algorithm.Model{Controller: s.Controller, Dynamics: s.Dynamics, X0: &s.X0, Cost: s.Cost}}
	if s.Policy != nil {
		r.policy = s.Policy.Controller
	}
	costs := n.Get("sample_costs")
	for _, v := range costs.Floats() {
		r.mean += v / float64(costs.Len())
	}
	return r
}

func TestVectorsStepAdjust(t *testing.T) {
	for _, c := range vectors.GPS(t, "step_adjust") {
		t.Run(c.Name, func(t *testing.T) {
			conditions := c.Inputs.Get("conditions")
			M := conditions.Len()
			predicted, actual := make([]float64, M), make([]float64, M)
			for m := range M {
				previous, current := readSide(conditions.At(m).Get("previous")), readSide(conditions.At(m).Get("current"))
				if c.Inputs.Get("method").String() == "trajopt" {
					predicted[m], actual[m] = algorithm.Improvement(previous.model, current.model)
					continue
				}
				// The previous samples are the policy's; the new controller is what the
				// policy was to imitate.
				before, after := previous.mean, current.mean
				if c.Inputs.Get("step_rule").String() == "laplace" {
					before = algorithm.ExpectedCost(previous.policy, previous.model)
					after = algorithm.ExpectedCost(current.policy, current.model)
				}
				predicted[m] = before - algorithm.ExpectedCost(current.model.Controller, previous.model)
				actual[m] = before - after
			}
			if c.Inputs.Get("method").String() == "mdgps" {
				for m := 1; m < M; m++ {
					predicted[0] += predicted[m]
					actual[0] += actual[m]
				}
				for m := range M {
					predicted[m], actual[m] = predicted[0]/float64(M), actual[0]/float64(M)
				}
			}
			got := make([]float64, M)
			for m := range got {
				got[m] = algorithm.DefaultStepConfig().Next(conditions.At(m).Get("step_mult").Float(), predicted[m], actual[m])
			}
			vectors.Close(t, "step_mult", got, c.Outputs.Get("step_mult").Floats(), c.Tolerance)
		})
	}
}
