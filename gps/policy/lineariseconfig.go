package policy

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/dynamics"
)

// LineariseMethod says where a policy's linearisation comes from.
type LineariseMethod string

const (
	// ByMixture is regression under a mixture prior over [x; u] of the latest rollouts.
	ByMixture LineariseMethod = "mixture"
	// ByConstant is regression under ConstantPrior of unit variances.
	ByConstant LineariseMethod = "constant"
	// ByJacobian is the mean derivative at the samples.
	ByJacobian LineariseMethod = "jacobian"
)

// constantStrength is the weight of the constant prior, in observations, as the public reference
// implementation has it.
const constantStrength = 1e-4

// LineariseConfig holds the settings of a linearisation.
type LineariseConfig struct {
	// Method is where the linearisation comes from.
	Method LineariseMethod `param:"method" desc:"Where a policy's linearisation comes from: regression at the samples under a mixture or a constant prior, or the network's derivative." choices:"mixture|constant|jacobian"`
	// Strength multiplies the prior's weights.
	Strength float64 `param:"strength" desc:"Weight of the prior, as a multiple of its own." range:"(0, 1e6]"`
	// Regularization is added to the states' variances of each step, as a part of each entry's
	// variance over all samples and steps.
	Regularization float64 `param:"regularization" desc:"Added to the variance of each state in a step, as a part of its variance over the trial." range:"[0, 1]"`
	// MinVariance bounds the covariance from below, in the actions' unit squared.
	MinVariance float64 `param:"min_variance" desc:"Smallest variance of an action under the linearised policy." unit:"N^2 m^2" range:"(0, 1e6]"`
	// Mean is the mean of the posterior; default dynamics.ShrunkMean.
	Mean dynamics.Mean `param:"-"`
	// Prior holds the mixture's settings.
	Prior dynamics.PriorConfig `param:"-"`
}

// DefaultLineariseConfig returns a mixture prior at its own weight.
func DefaultLineariseConfig() LineariseConfig {
	return LineariseConfig{Method: ByMixture, Strength: 1, Regularization: 1e-8, MinVariance: 1e-8, Mean: dynamics.ShrunkMean, Prior: dynamics.DefaultPriorConfig()}
}

// Validate returns an error that names the key and what was expected; those of this package wrap
// ErrInvalid.
func (c LineariseConfig) Validate() error {
	switch {
	case c.Method != ByMixture && c.Method != ByConstant && c.Method != ByJacobian:
		return fmt.Errorf("%w: method is %q, expected %q, %q or %q", ErrInvalid, c.Method, ByMixture, ByConstant, ByJacobian)
	case !(c.Strength > 0 && c.Strength <= 1e6):
		return fmt.Errorf("%w: strength is %v, expected above 0, at most 1e6", ErrInvalid, c.Strength)
	case !(c.Regularization >= 0 && c.Regularization <= 1):
		return fmt.Errorf("%w: regularization is %v, expected 0 to 1", ErrInvalid, c.Regularization)
	case !(c.MinVariance > 0 && c.MinVariance <= 1e6) || math.IsInf(1/c.MinVariance, 0):
		return fmt.Errorf("%w: min_variance is %v, expected above 0, at most 1e6", ErrInvalid, c.MinVariance)
	case c.Mean != dynamics.ShrunkMean && c.Mean != dynamics.SampleMean:
		return fmt.Errorf("%w: mean is %q, expected %q or %q", ErrInvalid, c.Mean, dynamics.ShrunkMean, dynamics.SampleMean)
	}
	return c.Prior.Validate()
}
