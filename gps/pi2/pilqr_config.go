package pi2

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/trajopt"
)

// Reuse says how PILQR uses samples that its model-based controller did not draw.
type Reuse string

const (
	// Transport gives each sample the actions that the new controller takes with its noise.
	Transport Reuse = "transport"
	// Importance weighs each action by how likely the new controller takes it.
	Importance Reuse = "importance"
)

// Prediction says what the quadratic cost is compared with.
type Prediction string

const (
	// FromModel predicts the states from the recorded x_0 and noise: the residual holds the
	// errors of the fitted dynamics too.
	FromModel Prediction = "model"
	// FromStates takes the recorded states and actions.
	FromStates Prediction = "states"
)

// AdaptConfig bounds the multipliers on PILQR's KL steps, (7).
type AdaptConfig struct {
	// Shrink is the residual ratio above which a step's bound is halved, Grow the one below
	// which it is doubled, 0 <= Grow <= Shrink; default 0.2 and 0.05.
	Shrink float64 `param:"shrink_above" desc:"Share of the cost that the model may leave unexplained before the model-based step is halved." range:"[0, inf)" takes:"trial"`
	Grow   float64 `param:"grow_below" desc:"Unexplained share of the cost below which the model-based step is doubled." range:"[0, inf)" takes:"trial"`
	// Min and Max bound the multiplier over all iterations, 0 < Min <= 1 <= Max; default 0.01
	// and 10.
	Min float64 `param:"min_multiplier" desc:"Least multiplier on the model-based step." range:"(0, 1]" takes:"trial"`
	Max float64 `param:"max_multiplier" desc:"Largest multiplier on the model-based step." range:"[1, inf)" takes:"trial"`
}

// PILQRConfig holds the settings of PILQR.
type PILQRConfig struct {
	// PI2 is for the update on the residual cost.
	PI2 Config `param:"pi2"`
	// Search is for the LQR step.
	Search trajopt.Config `param:"-"`
	// BoundEachStep bounds the KL of the LQR step at every time step, else their sum over the
	// trajectory; default true.
	BoundEachStep bool `param:"bound_each_step" desc:"Bound the model-based update at every time step, instead of over the whole trajectory." takes:"trial"`
	// Reuse is Transport (default) or Importance.
	Reuse Reuse `param:"reuse" desc:"How samples stand in for those of the model-based controller: its actions with the recorded noise, or the recorded actions weighed by their likelihood." choices:"transport|importance" takes:"trial"`
	// Prediction is FromModel (default) or FromStates.
	Prediction Prediction `param:"prediction" desc:"What the quadratic cost is evaluated at: states that the fitted dynamics predict, or the recorded ones." choices:"model|states" takes:"trial"`
	// Adapt bounds the multipliers.
	Adapt AdaptConfig `param:"adapt"`
}

// DefaultPILQRConfig returns the defaults.
func DefaultPILQRConfig() PILQRConfig {
	return PILQRConfig{PI2: DefaultConfig(), Search: trajopt.DefaultConfig(), BoundEachStep: true, Reuse: Transport, Prediction: FromModel,
		Adapt: DefaultAdaptConfig()}
}

// DefaultAdaptConfig returns the defaults.
func DefaultAdaptConfig() AdaptConfig {
	return AdaptConfig{Shrink: 0.2, Grow: 0.05, Min: 0.01, Max: 10}
}

// Validate returns an error wrapping ErrConfig, or one of trajopt, that names key, value and what
// was expected.
func (c PILQRConfig) Validate() error {
	if err := c.PI2.Validate(); err != nil {
		return err
	}
	if err := c.Search.Validate(); err != nil {
		return err
	}
	if c.Reuse != Transport && c.Reuse != Importance {
		return fmt.Errorf("%w: reuse is %q, need %q or %q", ErrConfig, c.Reuse, Transport, Importance)
	}
	if c.Prediction != FromModel && c.Prediction != FromStates {
		return fmt.Errorf("%w: prediction is %q, need %q or %q", ErrConfig, c.Prediction, FromModel, FromStates)
	}
	return c.Adapt.Validate()
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c AdaptConfig) Validate() error {
	if !(c.Grow >= 0 && c.Grow <= c.Shrink) || math.IsInf(c.Shrink, 0) {
		return fmt.Errorf("%w: grow_below is %v and shrink_above %v, need 0 <= grow_below <= shrink_above", ErrConfig, c.Grow, c.Shrink)
	}
	if !(c.Min > 0 && c.Min <= 1) || !(c.Max >= 1) || math.IsInf(c.Max, 0) {
		return fmt.Errorf("%w: min_multiplier is %v and max_multiplier %v, need 0 < min_multiplier <= 1 <= max_multiplier", ErrConfig, c.Min, c.Max)
	}
	return nil
}

// next returns the multiplier of a step with the residual ratio r, (7).
func (c AdaptConfig) next(multiplier, r float64) float64 {
	switch {
	case r > c.Shrink:
		multiplier /= 2
	case r < c.Grow:
		multiplier *= 2
	}
	return math.Min(math.Max(multiplier, c.Min), c.Max)
}
