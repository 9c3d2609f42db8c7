package learner

import (
	"fmt"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/rollout"
)

// SampleCost computes what single rollouts cost, between the updates. It is not safe for
// concurrent use.
type SampleCost struct {
	term      cost.Term
	expansion *cost.Expansion
}

// NewSampleCost returns the cost of the problem's rollouts. The problem must not be used for
// updates at the same time.
func (p *Problem) NewSampleCost() *SampleCost { return &SampleCost{term: p.term} }

// Of returns the cost of a rollout, summed over its time steps.
func (c *SampleCost) Of(r *rollout.Rollout) (float64, error) {
	if c.expansion == nil || c.expansion.T != r.T {
		c.expansion = cost.NewExpansion(r.T, r.DX, r.DU)
	} else {
		c.expansion.Reset()
	}
	if err := c.term.Add(c.expansion, 1, r); err != nil {
		return 0, fmt.Errorf("learner: cost of a trial: %w", err)
	}
	return c.expansion.Total(), nil
}
