package cost

import "guidedpolicysearch/gps/rollout"

// StateConfig describes a penalty on a slice of the state.
type StateConfig struct {
	// Start is the first element of the slice in x.
	Start int
	// Target holds the wanted values; its length is the slice's.
	Target []float64
	// Weights of the elements, >= 0, as long as Target.
	Weights []float64
	// Penalty of the deviation from the target. Default: L2 1.
	Penalty Penalty
	// Ramp of the weights over time. Default ConstantRamp.
	Ramp Ramp
	// FinalMultiplier multiplies the weights at the last step, >= 0. Default 1.
	FinalMultiplier float64
}

// DefaultStateConfig returns 1/2 |x[start:start+len(target)] - target|^2 at every step.
func DefaultStateConfig(start int, target []float64) StateConfig {
	return StateConfig{Start: start, Target: target, Weights: ones(len(target)), Penalty: Penalty{L2: 1}, FinalMultiplier: 1}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c StateConfig) Validate() error {
	return first(
		start("start", c.Start),
		checkTarget(c.Target),
		checkWeights(c.Weights, len(c.Target)),
		c.Penalty.Validate(),
		c.Ramp.validate("ramp"),
		notNegative("final_multiplier", c.FinalMultiplier))
}

// State penalises the deviation of a slice of the state from a target.
type State struct {
	config StateConfig
	// Workspace: deviation, gradient, n; Hessian, n x n.
	deviation, gradient, hessian []float64
}

// NewState returns the term, or the error of c.Validate.
func NewState(c StateConfig) (*State, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	n := len(c.Target)
	c.Target = append([]float64(nil), c.Target...)
	c.Weights = append([]float64(nil), c.Weights...)
	return &State{config: c, deviation: make([]float64, n), gradient: make([]float64, n), hessian: make([]float64, n*n)}, nil
}

// Add adds the term; see Term.
func (s *State) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	c := &s.config
	if err := fitsState("state cost", c.Start, len(c.Target), r); err != nil {
		return err
	}
	for t := range r.T {
		x := r.State(t)[c.Start:]
		for i, target := range c.Target {
			s.deviation[i] = x[i] - target
		}
		l := c.Penalty.Evaluate(s.gradient, s.hessian, s.deviation, c.Weights, c.Ramp.At(t, r.T, c.FinalMultiplier))
		dst.L[t] += weight * l
		dst.addBlock(t, c.Start, weight, s.gradient, s.hessian)
	}
	return nil
}

func ones(n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = 1
	}
	return v
}
