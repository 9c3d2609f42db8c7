package trajopt

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/lqg"
)

// indefiniteIncrement is the first amount that the bisection adds to eta where Q_uu is
// not positive definite; it doubles at every further failure.
const indefiniteIncrement = 1e-4

// bisect is the reference implementation's search. Its last pass is what it returns,
// whether or not that pass kept the bound.
func (o *Optimizer) bisect(epsilon, eta float64) (*Result, error) {
	lo, hi := o.cfg.MinEta, o.cfg.MaxEta
	var kl, used float64
	for range o.cfg.MaxPasses {
		start, increment := eta, indefiniteIncrement
		for {
			var ok bool
			if kl, ok = o.evaluate(eta); ok {
				break
			}
			err := o.failure(eta)
			if !errors.Is(err, lqg.ErrIndefinite) {
				return nil, err
			}
			if eta = start + increment; eta >= o.cfg.MaxEta {
				return nil, fmt.Errorf("%w up to eta %.3g: %w", ErrNoController, eta, err)
			}
			increment *= 2
		}
		used = eta
		o.trace = append(o.trace, eta)
		if math.Abs(kl-epsilon) < o.cfg.Tolerance*epsilon {
			break
		}
		lo, hi, eta = nextEta(lo, hi, eta, kl < epsilon)
	}
	return o.result(o.trial, o.klStep, used, true), nil
}

// nextEta narrows the bracket and returns it with its geometric mean, at most a factor
// of 10 away from eta.
func nextEta(lo, hi, eta float64, tooBig bool) (newLo, newHi, next float64) {
	if tooBig {
		return lo, eta, math.Max(math.Sqrt(lo*eta), 0.1*eta)
	}
	return eta, hi, math.Min(math.Sqrt(eta*hi), 10*eta)
}
