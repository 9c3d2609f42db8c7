package initial

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

var (
	// ErrConfig marks settings that no controller can be made with.
	ErrConfig = errors.New("initial: invalid configuration")
	// ErrDemonstration marks a demonstration that cannot be followed.
	ErrDemonstration = errors.New("initial: invalid demonstration")
)

// maxNumbers bounds each array of a controller, and of the LQR problem behind it: 1 GiB.
const maxNumbers = 1 << 27

// Diagonal returns the rows x cols matrix with values on its diagonal and zero elsewhere:
// with action i on joint i, dQ x dU for accelerations per action, dU x dQ for gains. There
// must be min(rows, cols) values.
func Diagonal(values []float64, rows, cols int) []float64 {
	if len(values) != min(rows, cols) {
		panic(fmt.Sprintf("initial: %d values on the diagonal of a matrix of %d x %d", len(values), rows, cols))
	}
	if float64(rows)*float64(cols) > maxNumbers {
		panic(fmt.Sprintf("initial: a matrix of %d x %d, need at most %d numbers", rows, cols, maxNumbers))
	}
	m := make([]float64, rows*cols)
	for i, v := range values {
		m[i*cols+i] = v
	}
	return m
}

// Repeat returns a list of n times the value. A negative or absurd n panics.
func Repeat(value float64, n int) []float64 {
	if n < 0 || n > maxNumbers {
		panic(fmt.Sprintf("initial: a list of %d numbers, need 0 to %d", n, maxNumbers))
	}
	list := make([]float64, n)
	for i := range list {
		list[i] = value
	}
	return list
}

// checkSizes returns an error unless T steps of dX states that begin with dQ positions and
// dQ velocities, and dU actions, make a controller of a size that fits.
func checkSizes(T, dX, dQ, dU int) error {
	switch {
	case T < 1 || dU < 1 || dQ < 0:
		return fmt.Errorf("%w: T=%d steps, dQ=%d joints, dU=%d actions; need at least one step and one action", ErrConfig, T, dQ, dU)
	case dX < 1 || dQ > dX/2:
		return fmt.Errorf("%w: dX=%d states, need at least one, and the positions and velocities of dQ=%d joints", ErrConfig, dX, dQ)
	case float64(T)*(float64(dX)+float64(dU))*(float64(dX)+float64(dU)) > maxNumbers:
		return fmt.Errorf("%w: T=%d steps of dX=%d states and dU=%d actions are too many: T (dX+dU)^2 may be at most %d", ErrConfig, T, dX, dU, maxNumbers)
	}
	return nil
}

// list is a list or matrix among settings.
type list struct {
	name   string
	values []float64
	want   int
}

// checkLists returns an error for a list of the wrong length or with a number that is not
// finite.
func checkLists(lists ...list) error {
	for _, l := range lists {
		if len(l.values) != l.want {
			return fmt.Errorf("%w: %s has %d numbers, need %d", ErrConfig, l.name, len(l.values), l.want)
		}
		if i := dense.FirstNotFinite(l.values); i >= 0 {
			return fmt.Errorf("%w: %s[%d] is %v, need a finite number", ErrConfig, l.name, i, l.values[i])
		}
	}
	return nil
}

// checkVariance returns an error unless there are dU finite numbers > 0.
func checkVariance(variance []float64, dU int) error {
	if err := checkLists(list{"variance", variance, dU}); err != nil {
		return err
	}
	for i, v := range variance {
		if !(v > 0) {
			return fmt.Errorf("%w: variance[%d] is %v, need a number > 0", ErrConfig, i, v)
		}
	}
	return nil
}

// positive tells whether 0 < v < +Inf.
func positive(v float64) bool { return v > 0 && !math.IsInf(v, 1) }

// notNegative tells whether 0 <= v < +Inf.
func notNegative(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }
