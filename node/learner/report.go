package learner

import (
	"math"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/trace"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/rosio"
)

// Report says how one iteration went.
type Report struct {
	// Iteration counts from 1; Iterations is how many there are to be.
	Iteration  int `json:"iteration"`
	Iterations int `json:"iterations"`
	// MeanCost and BestCost are over the samples, whose costs are SampleCosts.
	MeanCost    float64   `json:"mean_cost"`
	BestCost    float64   `json:"best_cost"`
	SampleCosts []float64 `json:"sample_cost"`
	// KL is the divergence of the new controllers from the ones before, in nat over the
	// trajectory, Eta its dual variable, StepMultiplier the factor on the KL step: means
	// over the conditions.
	KL             float64 `json:"kl"`
	Eta            float64 `json:"eta"`
	StepMultiplier float64 `json:"step_multiplier"`
	// Error is the end effector's distance from its target at the last step, mean over
	// the samples, in m; nil if there is no target.
	Error *float64 `json:"error_m"`
	// SuccessRate is the share of the samples that succeeded; nil where the task does not say
	// what success is.
	SuccessRate *float64 `json:"success_rate"`
	// Policy is nil for algorithms without one.
	Policy *PolicyReport `json:"policy"`
	// UpdateSeconds is the wall time of the update, UpdateCPUSeconds the processor time
	// that the process spent on it, Seconds the wall time of the whole iteration.
	UpdateSeconds    float64 `json:"update_seconds"`
	UpdateCPUSeconds float64 `json:"update_cpu_seconds"`
	Seconds          float64 `json:"seconds"`
	// Conditions has the part of each condition, Phases the wall time in s of the parts of the update: read_s,
	// prior_s, dynamics_s, cost_s, trajectory_s, policy_s and checkpoint_s, as far as an algorithm has them.
	// Where conditions are worked on at the same time, they share it. Both are nil in reports of earlier
	// versions; the message does not have them.
	Conditions []ConditionReport  `json:"conditions,omitempty"`
	Phases     map[string]float64 `json:"phases,omitempty"`
	// Warnings are for the log: why the update deserves little trust. A run has each
	// once. The message does not have them.
	Warnings []string `json:"-"`
}

// PolicyReport is the part of the policy.
type PolicyReport struct {
	// KL is the divergence of the new controllers from the policy, in nat over the trajectory, mean
	// over the conditions.
	KL float64 `json:"kl"`
	// Loss is that of the last fit, HeldOutLoss that of the trials held out, nil if there were none.
	Loss        float64  `json:"loss"`
	HeldOutLoss *float64 `json:"held_out_loss"`
	// Epochs counts passes over the trials.
	Epochs int `json:"epochs"`
	// RolledBack tells that the policy before was put back, Diverged that a fit was undone.
	RolledBack bool `json:"rolled_back"`
	Diverged   bool `json:"diverged"`
}

// ConditionReport is the part of one condition. Units and meanings are those of algorithm.ConditionReport.
type ConditionReport struct {
	SampleCosts []float64 `json:"sample_cost"`
	// CostTerms is what each term of the cost adds to the cost of a trial, in the mean over the samples, by the
	// name that the parameters have for it, such as cost.end_effector. cost.demonstration, which changes from
	// iteration to iteration, is among them, though SampleCosts are without it.
	CostTerms      map[string]float64 `json:"cost_terms"`
	KL             float64            `json:"kl"`
	Bound          float64            `json:"kl_bound"`
	Eta            float64            `json:"eta"`
	StepMultiplier float64            `json:"step_multiplier"`
	Active         bool               `json:"active"`
	Anchored       bool               `json:"anchored"`
	// Predicted and Actual are nil where there is no update to look back on, PolicyKL without a policy.
	Predicted *float64 `json:"predicted_improvement"`
	Actual    *float64 `json:"actual_improvement"`
	PolicyKL  *float64 `json:"policy_kl"`
	Passes    int      `json:"backward_passes"`
	EMSteps   int      `json:"em_steps"`
}

// conditionReports returns the conditions' parts of an algorithm's report on the iteration after before.
func conditionReports(r *algorithm.Report, before *algorithm.State) []ConditionReport {
	list := make([]ConditionReport, len(r.Conditions))
	for m := range list {
		c := &r.Conditions[m]
		list[m] = ConditionReport{SampleCosts: c.SampleCosts, CostTerms: map[string]float64{}, KL: c.KL, Bound: c.Bound, Eta: c.Eta, StepMultiplier: c.StepMultiplier,
			Active: c.Active, Anchored: c.Anchored, Passes: c.Passes, EMSteps: c.EMSteps}
		for _, term := range c.CostTerms {
			list[m].CostTerms[term.Name] = term.Mean
		}
		if m < len(before.Conditions) && before.Conditions[m].Previous != nil {
			list[m].Predicted, list[m].Actual = &c.Predicted, &c.Actual
		}
		if r.Policy != nil {
			list[m].PolicyKL = &c.PolicyKL
		}
	}
	return list
}

// seconds returns how long each phase took, in s.
func seconds(p *trace.Phases) map[string]float64 {
	list := map[string]float64{}
	for name, d := range p.Times() {
		list[name+"_s"] = d.Seconds()
	}
	return list
}

// newPolicyReport returns the part of the policy of an algorithm's report, nil if it has none.
func newPolicyReport(r *algorithm.Report) *PolicyReport {
	p := r.Policy
	if p == nil {
		return nil
	}
	out := &PolicyReport{Loss: p.Loss, Epochs: p.Epochs, RolledBack: p.RolledBack, Diverged: p.Diverged}
	if v := p.HeldOutLoss; v == v {
		out.HeldOutLoss = &v
	}
	for _, c := range r.Conditions {
		out.KL += c.PolicyKL / float64(len(r.Conditions))
	}
	return out
}

// Message returns the report as a message, with NaN for what is nil.
func (r *Report) Message(stamp int64) *guided_policy_search_msgs.IterationReport {
	m := &guided_policy_search_msgs.IterationReport{Stamp: rosio.Stamp(stamp), Iteration: uint32(r.Iteration), Iterations: uint32(r.Iterations),
		MeanCost: r.MeanCost, BestCost: r.BestCost, SampleCost: r.SampleCosts, Kl: r.KL, Eta: r.Eta, StepMultiplier: r.StepMultiplier,
		EndEffectorError: r.EndEffectorError(), SuccessRate: orNaN(r.SuccessRate), UpdateSeconds: r.UpdateSeconds, UpdateCpuSeconds: r.UpdateCPUSeconds, Seconds: r.Seconds,
		PolicyKl: math.NaN(), PolicyLoss: math.NaN(), PolicyHeldOutLoss: math.NaN()}
	if p := r.Policy; p != nil {
		m.PolicyKl, m.PolicyLoss, m.PolicyHeldOutLoss = p.KL, p.Loss, orNaN(p.HeldOutLoss)
		m.PolicyEpochs, m.PolicyDiverged, m.RolledBack = uint32(p.Epochs), p.Diverged, p.RolledBack
	}
	return m
}

// PolicyKL returns the divergence of the controllers from the policy, NaN without one.
func (r *Report) PolicyKL() float64 {
	if r.Policy == nil {
		return math.NaN()
	}
	return r.Policy.KL
}

// PolicyLoss returns the loss of the policy's last fit, NaN without a policy.
func (r *Report) PolicyLoss() float64 {
	if r.Policy == nil {
		return math.NaN()
	}
	return r.Policy.Loss
}

// EndEffectorError returns Error, NaN if there is no target.
func (r *Report) EndEffectorError() float64 { return orNaN(r.Error) }

// Success returns SuccessRate, NaN where the task does not say what success is.
func (r *Report) Success() float64 { return orNaN(r.SuccessRate) }

func orNaN(v *float64) float64 {
	if v == nil {
		return math.NaN()
	}
	return *v
}
