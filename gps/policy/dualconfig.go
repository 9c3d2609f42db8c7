package policy

import (
	"fmt"
	"math"
)

// WeightRule says how BADMM's weights nu_t change.
type WeightRule string

const (
	// WeightByGradient adds Step times the divergence.
	WeightByGradient WeightRule = "gradient"
	// WeightBySteps adds Step.
	WeightBySteps WeightRule = "fixed"
	// WeightByChange multiplies by Decrease where the divergence fell below Satisfied times the
	// last, and by Increase where it is still Stalled times it or more.
	WeightByChange WeightRule = "change"
	// WeightBySpread multiplies by Increase where the divergence is Above standard deviations
	// over its mean over the time steps or more, and by Decrease where it is Below of them under
	// it.
	WeightBySpread WeightRule = "spread"
)

// DualConfig says how BADMM's multipliers and weights change between iterations.
type DualConfig struct {
	// Rate and GainRate are those of the multipliers' bias and gain.
	Rate     float64 `param:"rate" desc:"Step size of the multipliers of the mean action." range:"[0, 10]"`
	GainRate float64 `param:"gain_rate" desc:"Step size of the multipliers of the feedback gains; 0 leaves them out." range:"[0, 10]"`
	// Weights is the rule; the fields below are read by the rules that name them.
	Weights WeightRule `param:"weights" desc:"How the weight of each time step changes: by its divergence, by fixed steps, by the divergence's change or by its spread over the time steps." choices:"gradient|fixed|change|spread"`
	Step    float64    `param:"step" desc:"Step of the weights, for gradient and fixed." range:"[-1e6, 1e6]"`
	// Increase and Decrease are factors.
	Increase float64 `param:"increase" desc:"Factor on the weight of a time step whose divergence is large, for change and spread." range:"[1, 100]"`
	Decrease float64 `param:"decrease" desc:"Factor on the weight of a time step whose divergence is small, for change and spread." range:"[0.01, 1]"`
	// Satisfied and Stalled are ratios of a divergence to the one before.
	Satisfied float64 `param:"satisfied" desc:"A divergence that falls below this part of the last lets its weight decrease, for change." range:"[0, 1]"`
	Stalled   float64 `param:"stalled" desc:"A divergence that stays at this part of the last or above makes its weight increase, for change." range:"[0, 10]"`
	// Above and Below are in standard deviations over the time steps.
	Above float64 `param:"above" desc:"Standard deviations above the mean divergence from which a weight increases, for spread." range:"[-10, 10]"`
	Below float64 `param:"below" desc:"Standard deviations below the mean divergence from which a weight decreases, for spread." range:"[-10, 10]"`
	// MinWeight and MaxWeight bound nu_t.
	MinWeight float64 `param:"min_weight" desc:"Smallest weight." range:"(0, 1e6]"`
	MaxWeight float64 `param:"max_weight" desc:"Largest weight." range:"(0, 1e12]"`
}

// DefaultDualConfig returns the settings of the public reference implementation's examples with
// weights by their spread: doubled half a standard deviation above the mean, halved one below.
func DefaultDualConfig() DualConfig {
	return DualConfig{Rate: 0.1, GainRate: 0, Weights: WeightBySpread, Step: 10, Increase: 2, Decrease: 0.5, Satisfied: 0.8, Stalled: 0.95, Above: 0.5, Below: 1, MinWeight: 1e-6, MaxWeight: 1e6}
}

// Validate returns an error wrapping ErrInvalid that names the key and what was expected.
func (c DualConfig) Validate() error {
	within := func(v, low, high float64) bool { return v >= low && v <= high }
	for _, key := range []struct {
		name     string
		value    float64
		good     bool
		expected string
	}{
		{"rate", c.Rate, within(c.Rate, 0, 10), "0 to 10"},
		{"gain_rate", c.GainRate, within(c.GainRate, 0, 10), "0 to 10"},
		{"step", c.Step, within(c.Step, -1e6, 1e6), "-1e6 to 1e6"},
		{"increase", c.Increase, within(c.Increase, 1, 100), "1 to 100"},
		{"decrease", c.Decrease, within(c.Decrease, 0.01, 1), "0.01 to 1"},
		{"satisfied", c.Satisfied, within(c.Satisfied, 0, 1), "0 to 1"},
		{"stalled", c.Stalled, within(c.Stalled, 0, 10), "0 to 10"},
		{"above", c.Above, within(c.Above, -10, 10), "-10 to 10"},
		{"below", c.Below, within(c.Below, -10, 10), "-10 to 10"},
		{"min_weight", c.MinWeight, within(c.MinWeight, math.SmallestNonzeroFloat64, 1e6), "above 0, at most 1e6"},
		{"max_weight", c.MaxWeight, within(c.MaxWeight, c.MinWeight, 1e12), "min_weight to 1e12"},
	} {
		if !key.good {
			return fmt.Errorf("%w: %s is %v, expected %s", ErrInvalid, key.name, key.value, key.expected)
		}
	}
	switch c.Weights {
	case WeightByGradient, WeightBySteps, WeightByChange, WeightBySpread:
		return nil
	}
	return fmt.Errorf("%w: weights is %q, expected %q, %q, %q or %q", ErrInvalid, c.Weights, WeightByGradient, WeightBySteps, WeightByChange, WeightBySpread)
}
