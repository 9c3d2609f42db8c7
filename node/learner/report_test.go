package learner

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
)

// checkMessage checks that a report's message has all that messages have.
func checkMessage(t *testing.T, r *Report) {
	t.Helper()
	want := *r
	want.Conditions, want.Phases, want.Warnings = nil, nil, nil
	if back := readReport(r.Message(5)); !reflect.DeepEqual(back, &want) {
		t.Errorf("as a message %+v %+v, want %+v %+v", back, back.Policy, want, want.Policy)
	}
}

// checkConditions checks the parts of the conditions of a report of a task with the default cost against its
// means, and the phases, and that both survive JSON.
func checkConditions(t *testing.T, r *Report) {
	t.Helper()
	var costs []float64
	kl, eta := 0.0, 0.0
	for m, c := range r.Conditions {
		costs = append(costs, c.SampleCosts...)
		share := 1 / float64(len(r.Conditions))
		kl, eta = kl+share*c.KL, eta+share*c.Eta
		terms, mean := 0.0, 0.0
		for _, v := range c.CostTerms {
			terms += v
		}
		for _, v := range c.SampleCosts {
			mean += v / float64(len(c.SampleCosts))
		}
		if len(c.CostTerms) != 2 || !(c.CostTerms["cost.torque"] > 0) || !(c.CostTerms["cost.joint_position"] > 0) || math.Abs(terms-mean) > 1e-9*mean {
			t.Errorf("condition %d: terms %v of a mean cost of %v, want cost.torque and cost.joint_position, and their sum", m, c.CostTerms, mean)
		}
		if !(c.Bound > 0) || !(c.StepMultiplier > 0) || c.Passes < 1 || c.EMSteps < 1 {
			t.Errorf("condition %d: %+v", m, c)
		}
		if first := r.Iteration == 1; first != (c.Predicted == nil) || first != (c.Actual == nil) || !first && *c.Predicted == 0 {
			t.Errorf("iteration %d, condition %d: predicted %v, actual %v", r.Iteration, m, c.Predicted, c.Actual)
		}
		if (c.PolicyKL == nil) != (r.Policy == nil) {
			t.Errorf("condition %d: policy KL %v, with a policy %v", m, c.PolicyKL, r.Policy != nil)
		}
	}
	if !slices.Equal(costs, r.SampleCosts) || math.Abs(kl-r.KL) > 1e-12*kl || math.Abs(eta-r.Eta) > 1e-12*eta {
		t.Errorf("conditions %+v of report %+v", r.Conditions, r)
	}
	want := []string{"checkpoint_s", "cost_s", "dynamics_s", "prior_s", "read_s", "trajectory_s"}
	if r.Policy != nil {
		want = append(want[:3:3], "policy_s", "prior_s", "read_s", "trajectory_s")
	}
	var names []string
	sum := 0.0
	for name, v := range r.Phases {
		names, sum = append(names, name), sum+v
	}
	if slices.Sort(names); !slices.Equal(names, want) || sum > r.UpdateSeconds+1e-6 {
		t.Errorf("phases %v of an update of %v s, want %q", r.Phases, r.UpdateSeconds, want)
	}
	line, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	m, err := parse(frameReport, line)
	kept := *r
	kept.Warnings = nil
	if err != nil || !reflect.DeepEqual(m.Report, &kept) {
		t.Errorf("%v: from the learner comes %+v, want %+v", err, m.Report, kept)
	}
}

// TestEarlierReports reads a line of a version without conditions and phases.
func TestEarlierReports(t *testing.T) {
	const line = `{"iteration":3,"iterations":10,"mean_cost":7,"best_cost":6,"sample_cost":[6,8],"kl":20,"eta":0.5,"step_multiplier":1,"error_m":null,"success_rate":0.5,"policy":null,"update_seconds":0.1,"update_cpu_seconds":0.2,"seconds":4}`
	m, err := parse(frameReport, []byte(line))
	if err != nil {
		t.Fatal(err)
	}
	r := m.Report
	if r.Iteration != 3 || r.MeanCost != 7 || len(r.SampleCosts) != 2 || r.Success() != 0.5 || r.Conditions != nil || r.Phases != nil {
		t.Errorf("report %+v", r)
	}
	back, err := json.Marshal(r)
	if err != nil || string(back) != line {
		t.Errorf("%v: written again as %s, want %s", err, back, line)
	}
}

// readReport is the inverse of Message.
func readReport(m *guided_policy_search_msgs.IterationReport) *Report {
	r := &Report{Iteration: int(m.Iteration), Iterations: int(m.Iterations), MeanCost: m.MeanCost, BestCost: m.BestCost,
		SampleCosts: m.SampleCost, KL: m.Kl, Eta: m.Eta, StepMultiplier: m.StepMultiplier, UpdateSeconds: m.UpdateSeconds, UpdateCPUSeconds: m.UpdateCpuSeconds, Seconds: m.Seconds}
	if !math.IsNaN(m.EndEffectorError) {
		r.Error = &m.EndEffectorError
	}
	if !math.IsNaN(m.SuccessRate) {
		r.SuccessRate = &m.SuccessRate
	}
	if !math.IsNaN(m.PolicyKl) || !math.IsNaN(m.PolicyLoss) {
		r.Policy = &PolicyReport{KL: m.PolicyKl, Loss: m.PolicyLoss, Epochs: int(m.PolicyEpochs), Diverged: m.PolicyDiverged, RolledBack: m.RolledBack}
		if !math.IsNaN(m.PolicyHeldOutLoss) {
			r.Policy.HeldOutLoss = &m.PolicyHeldOutLoss
		}
	}
	return r
}
