package policy

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/rollout"
)

// Targets is what the supervised step fits a policy to: for each state that samples met (N, all
// samples' time steps), the mean action of the local controller there.
type Targets struct {
	DX, DU int
	// States is N x dX, Means N x dU in the actions' unit.
	States, Means []float64
	// Precisions holds the inverses of the controllers' covariances, N x dU x dU.
	Precisions []float64
	// Weights is N, >= 0.
	Weights []float64
	// Rollouts numbers the sample that each state is from, N.
	Rollouts []int
}

// NewTargets returns targets without any.
func NewTargets(dX, dU int) *Targets { return &Targets{DX: dX, DU: dU} }

// Len returns N.
func (a *Targets) Len() int { return len(a.Weights) }

// Add appends the controller's mean actions at the samples' states x_0..x_{T-1}, sample by sample.
// weight holds that of each time step (T); nil is 1. For MDGPS the controller is the condition's
// (arXiv:1607.04614, algorithm 1, S-step); for BADMM it is shifted by its multipliers (Duals.Shift)
// and the weights are nu. Other sizes panic; the controller must pass Validate.
func (a *Targets) Add(c *lqg.Controller, samples []*rollout.Rollout, weight []float64) {
	if c.DX != a.DX || c.DU != a.DU || weight != nil && len(weight) != c.T {
		panic(fmt.Sprintf("policy: targets of dX=%d dU=%d from a controller of T=%d dX=%d dU=%d with %d weights", a.DX, a.DU, c.T, c.DX, c.DU, len(weight)))
	}
	checkSamples(samples, c.T, c.DX, c.DU)
	dU := c.DU
	precisions := make([]float64, c.T*dU*dU)
	for t := range c.T {
		c.Precision(block(precisions, t, dU*dU), t)
	}
	number := 0
	if n := len(a.Rollouts); n > 0 {
		number = a.Rollouts[n-1] + 1
	}
	mean := make([]float64, dU)
	for n, s := range samples {
		a.States = append(a.States, s.X[:c.T*c.DX]...)
		a.Precisions = append(a.Precisions, precisions...)
		for t := range c.T {
			c.Act(mean, s.State(t), t, nil)
			a.Means = append(a.Means, mean...)
			a.Rollouts = append(a.Rollouts, number+n)
			w := 1.0
			if weight != nil {
				w = weight[t]
			}
			a.Weights = append(a.Weights, w)
		}
	}
}

// Dataset returns the targets for training a network that observes the given entries of the state
// (nil: all). Weights are as RobustWeights makes them, and precisions divided by the mean of their
// weighted diagonals, which changes the loss by that factor only and brings it to the order of 1
// that training expects. Errors wrap ErrInvalid or are those of nn.Dataset.Validate.
func (a *Targets) Dataset(observation []int) (*nn.Dataset, error) {
	if err := checkSelection("observation", observation, a.DX); err != nil {
		return nil, err
	}
	observation = every(observation, a.DX)
	weights, err := RobustWeights(a.Weights)
	if err != nil {
		return nil, err
	}
	N, n2 := a.Len(), a.DU*a.DU
	d := &nn.Dataset{N: N, In: len(observation), Out: a.DU, X: make([]float64, 0, N*len(observation)), Y: slices.Clone(a.Means),
		Precision: slices.Clone(a.Precisions), Weight: weights, Rollout: slices.Clone(a.Rollouts)}
	total, scale := 0.0, 0.0
	for n, w := range weights {
		x := block(a.States, n, a.DX)
		for _, j := range observation {
			d.X = append(d.X, x[j])
		}
		total += w
		for i := range a.DU {
			scale += w * a.Precisions[n*n2+i*(a.DU+1)] / float64(a.DU)
		}
	}
	if scale /= total; !(scale > 0) || math.IsInf(scale, 0) {
		return nil, fmt.Errorf("%w: the mean of the precisions' diagonals is %v, need a finite number > 0", ErrInvalid, scale)
	}
	for i := range d.Precision {
		d.Precision[i] /= scale
	}
	return d, d.Validate()
}

// RobustWeights returns weights for the supervised step: scaled to a mean of 1, none above twice the
// median, and divided by the median, which is that of weights above 0.01 (as the public reference
// implementation has it: BADMM's weights range over orders of magnitude, and a few steps would take
// all of a network's attention). The error wraps ErrInvalid: there are none, or a weight is negative
// or not finite, or all are 0.
func RobustWeights(weights []float64) ([]float64, error) {
	if i := dense.FirstNotFinite(weights); i >= 0 {
		return nil, fmt.Errorf("%w: weight %d is %v", ErrInvalid, i, weights[i])
	}
	sum := 0.0
	for i, w := range weights {
		if w < 0 {
			return nil, fmt.Errorf("%w: weight %d is %v, need a number >= 0", ErrInvalid, i, w)
		}
		sum += w
	}
	factor := float64(len(weights)) / sum
	if !(sum > 0) || math.IsInf(sum, 0) || math.IsInf(factor, 0) {
		return nil, fmt.Errorf("%w: %d weights sum to %v, need a finite number > 0", ErrInvalid, len(weights), sum)
	}
	scaled := make([]float64, len(weights))
	var large []float64
	for i, w := range weights {
		if scaled[i] = w * factor; scaled[i] > smallWeight {
			large = append(large, scaled[i])
		}
	}
	// One of them is at least the mean.
	slices.Sort(large)
	median := (large[(len(large)-1)/2] + large[len(large)/2]) / 2
	for i, w := range scaled {
		scaled[i] = math.Min(w, 2*median) / median
	}
	return scaled, nil
}

// smallWeight is what a weight must exceed, their mean being 1, to count for the median.
const smallWeight = 0.01
