package replay

import "guidedpolicysearch/node/learner"

// Result says what came out of a replay.
type Result struct {
	// Run is the folder of the recorded run, Out that of the run that was kept; "" for none.
	Run string `json:"run"`
	Out string `json:"out,omitempty"`
	// Changed are the parameters that have other values, as name=value.
	Changed []string `json:"changed"`
	// Chain says that each update goes on from the replayed one before.
	Chain      bool        `json:"chain"`
	Iterations []Iteration `json:"iterations"`
	// Identical counts the iterations that came out byte for byte as recorded.
	Identical int `json:"identical"`
	// OffPolicy says that rollouts were drawn by other controllers than those that were improved.
	OffPolicy bool `json:"off_policy"`
	// Verdict is all this in a sentence or two.
	Verdict string `json:"verdict"`
	// Notes are the learner's, each once.
	Notes []string `json:"notes,omitempty"`
}

// Iteration is one update.
type Iteration struct {
	// Iteration counts from 1.
	Iteration int `json:"iteration"`
	// Identical says that checkpoint, and policy where there is one, came out byte for byte.
	Identical bool `json:"identical"`
	// OffPolicy says that the rollouts were drawn by other controllers than those improved here.
	OffPolicy bool `json:"off_policy"`
	// Recorded and Replayed describe the update as it was and as it would have been. What the run
	// has not recorded is nil.
	Recorded Update `json:"recorded"`
	Replayed Update `json:"replayed"`
	// Distance is how far the replayed controllers are from the recorded ones, Conditions the same of
	// each condition, PolicyDistance of the policies; nil where there are not two of the same sizes.
	Distance       *Distance  `json:"distance"`
	Conditions     []Distance `json:"conditions,omitempty"`
	PolicyDistance *Distance  `json:"policy_distance"`
}

// Update is what an update came to; over several conditions, means.
type Update struct {
	// MeanCost is that of the rollouts that the update learns from, which are the same in both: it
	// differs where the cost was changed.
	MeanCost *float64 `json:"mean_cost"`
	// PredictedImprovement is how much less the new controllers cost than the ones before, as the
	// fitted models expect.
	PredictedImprovement *float64 `json:"predicted_improvement"`
	// KL is the divergence of the new controllers from the ones before in nat, Eta its dual
	// variable, StepMultiplier the factor on the KL step.
	KL             *float64 `json:"kl"`
	Eta            *float64 `json:"eta"`
	StepMultiplier *float64 `json:"step_multiplier"`
	// PolicyKL, PolicyLoss and HeldOutLoss are of the policy; nil without one.
	PolicyKL    *float64 `json:"policy_kl"`
	PolicyLoss  *float64 `json:"policy_loss"`
	HeldOutLoss *float64 `json:"policy_held_out_loss"`
	RolledBack  bool     `json:"rolled_back"`
}

// Distance is how far what was replayed is from what was recorded.
type Distance struct {
	// KL is the divergence of the replayed controller from the recorded one, in nat over the trial,
	// at the states that the replayed one would meet under its fitted model; nil where that
	// overflows, and for policies.
	KL *float64 `json:"kl"`
	// MaxGain is the largest difference of a feedback gain, in N m per unit of the state; nil for
	// policies.
	MaxGain *float64 `json:"max_gain"`
	// MeanAction and MaxAction are the mean and the largest difference of a joint's mean action along
	// the recorded rollouts, in N m.
	MeanAction float64 `json:"mean_action"`
	MaxAction  float64 `json:"max_action"`
}

// set takes over what the learner says of an update.
func (u *Update) set(r *learner.Report) {
	u.MeanCost, u.KL, u.Eta, u.StepMultiplier = finite(r.MeanCost), finite(r.KL), finite(r.Eta), finite(r.StepMultiplier)
	if p := r.Policy; p != nil {
		u.PolicyKL, u.PolicyLoss, u.RolledBack = finite(p.KL), finite(p.Loss), p.RolledBack
		if p.HeldOutLoss != nil {
			u.HeldOutLoss = finite(*p.HeldOutLoss)
		}
	}
}

// finite returns a number as JSON has it: nil unless it is finite.
func finite(v float64) *float64 {
	if v-v != 0 {
		return nil
	}
	return &v
}
