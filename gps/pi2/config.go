package pi2

import (
	"errors"
	"fmt"
	"math"
)

var (
	// ErrConfig marks a setting that is out of range.
	ErrConfig = errors.New("pi2: invalid setting")
	// ErrSamples marks samples or costs that do not fit the controller, or each other.
	ErrSamples = errors.New("pi2: samples do not fit")
	// ErrNotFinite marks costs, states or actions with a NaN or an infinity, and costs whose sums
	// overflow.
	ErrNotFinite = errors.New("pi2: value is not finite")
)

// Config holds the settings of PI2.
type Config struct {
	// KLThreshold is kappa of (4), in nat, > 0; default 1. With N samples none above log N
	// changes anything: the best sample then has all the weight.
	KLThreshold float64 `param:"kl_threshold" desc:"How far the samples' weights may be from equal ones, as a KL divergence." unit:"nat" range:"(0, inf)" takes:"trial"`
	// MinTemperature is the least eta_t, in the cost's unit, > 0; default 1e-3.
	MinTemperature float64 `param:"min_temperature" desc:"Least temperature: differences of cost far below it do not count." range:"(0, inf)" takes:"trial"`
	// CovarianceDamping is p of (5), >= 0; default 2. 0 takes (3) as it is.
	CovarianceDamping float64 `param:"covariance_damping" desc:"Damping of the covariance's change, larger for slower; 0 fits all entries of the covariance, which takes many samples." range:"[0, inf)" takes:"trial"`
	// CovarianceFloor is the smallest eigenvalue of an action covariance, in the action's unit
	// squared, > 0; default 1e-6. Where the anchor's own covariance is smaller, that is the floor.
	CovarianceFloor float64 `param:"covariance_floor" desc:"Least variance of an action in any direction." range:"(0, inf)" takes:"trial"`
}

// DefaultConfig returns the defaults.
func DefaultConfig() Config {
	return Config{KLThreshold: 1, MinTemperature: 1e-3, CovarianceDamping: 2, CovarianceFloor: 1e-6}
}

// Validate returns an error wrapping ErrConfig that names key, value and what was expected.
func (c Config) Validate() error {
	for _, v := range []struct {
		key   string
		value float64
	}{{"kl_threshold", c.KLThreshold}, {"min_temperature", c.MinTemperature}, {"covariance_floor", c.CovarianceFloor}} {
		if !(v.value > 0) || math.IsInf(v.value, 0) {
			return fmt.Errorf("%w: %s is %v, need a finite number > 0", ErrConfig, v.key, v.value)
		}
	}
	if !(c.CovarianceDamping >= 0) || math.IsInf(c.CovarianceDamping, 0) {
		return fmt.Errorf("%w: covariance_damping is %v, need a finite number >= 0, with 0 for none", ErrConfig, c.CovarianceDamping)
	}
	return nil
}
