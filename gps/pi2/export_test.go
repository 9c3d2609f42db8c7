package pi2

import (
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// UpdateAt is Update at given temperatures, T.
func (o *Optimizer) UpdateAt(eta []float64, anchor *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) (*Result, error) {
	if err := o.prepare(anchor, anchor, samples, costs); err != nil {
		return nil, err
	}
	r := o.newResult(anchor)
	copy(r.Temperature, eta)
	return r, o.improve(r, anchor, false)
}

// Weigh returns the weights at eta.
func Weigh(costs []float64, eta float64) (weights []float64, kl, effective float64) {
	weights = make([]float64, len(costs))
	kl, effective = weigh(weights, costs, nil, eta)
	return weights, kl, effective
}
