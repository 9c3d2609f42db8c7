package cost

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/rollout"
)

// notNegative returns an error unless 0 <= v < +Inf.
func notNegative(key string, v float64) error {
	if v >= 0 && !math.IsInf(v, 1) {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a finite number >= 0", ErrConfig, key, v)
}

// positive returns an error unless 0 < v < +Inf.
func positive(key string, v float64) error {
	if v > 0 && !math.IsInf(v, 1) {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a finite number > 0", ErrConfig, key, v)
}

// isFinite returns an error for a NaN or an infinity.
func isFinite(key string, v float64) error {
	if finite(v) {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a finite number", ErrConfig, key, v)
}

// each applies a check to the elements of a list.
func each(key string, list []float64, check func(string, float64) error) error {
	for i, v := range list {
		if err := check(fmt.Sprintf("%s[%d]", key, i), v); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget checks a list of at least one finite number.
func checkTarget(target []float64) error {
	if len(target) == 0 {
		return fmt.Errorf("%w: target has no elements, want at least 1", ErrConfig)
	}
	return each("target", target, isFinite)
}

// checkWeights checks a list of n numbers >= 0.
func checkWeights(weights []float64, n int) error {
	if len(weights) != n {
		return fmt.Errorf("%w: weights has %d elements, want %d as target has", ErrConfig, len(weights), n)
	}
	return each("weights", weights, notNegative)
}

// start checks the index of a slice of the state.
func start(key string, v int) error {
	if v < 0 {
		return fmt.Errorf("%w: %s is %d, want an index >= 0 into the state", ErrConfig, key, v)
	}
	return nil
}

// fitsState returns an error unless x has elements start .. start+n-1.
func fitsState(term string, start, n int, r *rollout.Rollout) error {
	if n > r.DX || start > r.DX-n {
		return fmt.Errorf("%w: %s needs state elements %d to %d, the state has %d", ErrShape, term, start, start+n-1, r.DX)
	}
	return nil
}

// first returns the first error that is not nil.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
