package learner

import "guidedpolicysearch/gps/rollout"

// Judgement is what a trial came to.
type Judgement struct {
	// Cost is summed over the time steps.
	Cost float64
	// Error is the end effector's distance from its target at the last step, in m; nil if there is no
	// target.
	Error *float64
	// Success says whether it succeeded; nil where the task does not say what success is.
	Success *bool
}

// Judge returns what a whole trial came to. It is not safe for concurrent use, nor beside updates.
func (p *Problem) Judge(r *rollout.Rollout) (*Judgement, error) {
	j := new(Judgement)
	var err error
	if j.Cost, err = p.NewSampleCost().Of(r); err != nil {
		return nil, err
	}
	if d, target := p.endEffectorError(r.State(r.T)[:r.DU]); target {
		j.Error = &d
	}
	if p.success != nil {
		succeeded := succeeds(p.success, r)
		j.Success = &succeeded
	}
	return j, nil
}
