package sim

import (
	"fmt"
	"math"
	"slices"
)

// largest bounds all quantities, and 1/largest those that must be positive: products of
// several, such as moments of inertia, then neither overflow nor vanish.
const largest = 1e30

// positive returns an error unless v is positive and of a size to compute with.
func positive(key string, v float64, unit string) error {
	switch {
	case v >= 1/largest && v <= largest:
		return nil
	case v > 0:
		return fmt.Errorf("%w: %s is %v, want a number from %v to %v in %s", ErrConfig, key, v, 1/largest, largest, unit)
	}
	return fmt.Errorf("%w: %s is %v, want a number > 0 in %s", ErrConfig, key, v, unit)
}

// notNegative returns an error unless v is zero or positive and of a size to compute with.
func notNegative(key string, v float64, unit string) error {
	if v >= 0 && v <= largest {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a number >= 0 and at most %v in %s", ErrConfig, key, v, largest, unit)
}

// limit returns an error unless 0 < v.
func limit(key string, v float64, unit string) error {
	if v > 0 {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a number > 0 in %s, or +Inf for no limit", ErrConfig, key, v, unit)
}

// moderate returns an error unless v is of a size to compute with.
func moderate(key string, v float64, unit string) error {
	if math.Abs(v) <= largest {
		return nil
	}
	return fmt.Errorf("%w: %s is %v, want a number from %v to %v in %s", ErrConfig, key, v, -largest, largest, unit)
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
