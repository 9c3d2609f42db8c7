package learner

import "guidedpolicysearch/gps/rollout"

// Steps returns what each time step of a rollout costs, T. Errors are those of Of.
func (c *SampleCost) Steps(r *rollout.Rollout) ([]float64, error) {
	if _, err := c.Of(r); err != nil {
		return nil, err
	}
	return append([]float64(nil), c.expansion.L...), nil
}
