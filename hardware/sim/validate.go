package sim

import (
	"fmt"
	"math"
	"slices"
)

// positive returns an error unless 0 < v < +Inf.
func positive(key string, v float64, unit string) error {
	if v > 0 && !math.IsInf(v, 1) {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a number > 0 in %s", ErrConfig, key, v, unit)
}

// notNegative returns an error unless 0 <= v < +Inf.
func notNegative(key string, v float64, unit string) error {
	if v >= 0 && !math.IsInf(v, 1) {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a number >= 0 in %s", ErrConfig, key, v, unit)
}

// limit returns an error unless 0 < v.
func limit(key string, v float64, unit string) error {
	if v > 0 {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a number > 0 in %s, or +Inf for no limit", ErrConfig, key, v, unit)
}

// isFinite returns an error for a NaN or an infinity.
func isFinite(key string, v float64, unit string) error {
	if finite(v) {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a finite number in %s", ErrConfig, key, v, unit)
}

// each applies a check to all elements of a list that must have n.
func each(key string, list []float64, n int, unit string, check func(string, float64, string) error) error {
	if len(list) != n {
		return fmt.Errorf("%w: %s has %d elements, want %d, one per joint", ErrConfig, key, len(list), n)
	}
	for i, v := range list {
		if err := check(fmt.Sprintf("%s[%d]", key, i), v, unit); err != nil {
			return err
		}
	}
	return nil
}

// checkNames returns an error unless names is empty or has n different, non-empty names.
func checkNames(names []string, n int) error {
	if len(names) == 0 {
		return nil
	}
	if len(names) != n {
		return fmt.Errorf("%w: joints has %d names, want %d (or none for joint1, joint2, ...)", ErrConfig, len(names), n)
	}
	for i, name := range names {
		if name == "" {
			return fmt.Errorf("%w: joints[%d] is empty, want a name", ErrConfig, i)
		}
		if slices.Index(names, name) < i {
			return fmt.Errorf("%w: joints[%d] is %q again, want different names", ErrConfig, i, name)
		}
	}
	return nil
}

// jointNames returns a copy of names, or joint1 .. jointN where none are given.
func jointNames(names []string, n int) []string {
	if len(names) > 0 {
		return slices.Clone(names)
	}
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("joint%d", i+1)
	}
	return out
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
