package trajopt

import (
	"math"
)

// secant searches the root of log(KL/epsilon) over log eta. What it returns keeps the
// bound: a pass within the tolerance, the bracket's upper end, or the anchor.
func (o *Optimizer) secant(epsilon, eta0 float64) (*Result, error) {
	search := newBracket(math.Log(o.cfg.MinEta), math.Log(o.cfg.MaxEta))
	x := search.clamp(math.Log(eta0))
	for more := true; more && len(o.trace) < o.cfg.MaxPasses; {
		eta := math.Exp(x)
		// A pass that fails lies below the bracket as one whose KL is too large does: the
		// input is finite, so a larger eta mends it.
		kl, ok := o.evaluate(eta)
		o.trace = append(o.trace, eta)
		switch {
		case !ok:
			search.tooLow(x, math.NaN())
		case math.Abs(kl-epsilon) <= o.cfg.Tolerance*epsilon:
			return o.result(o.trial, o.klStep, eta, true), nil
		case kl > epsilon:
			search.tooLow(x, math.Log(kl/epsilon))
		case x <= search.min:
			return o.result(o.trial, o.klStep, eta, false), nil
		default:
			o.keep()
			search.feasible(x, math.Log(kl/epsilon))
		}
		x, more = search.next()
	}
	if !search.hi.seen {
		clear(o.klStep)
		r := o.result(o.standard, o.klStep, o.cfg.MaxEta, false)
		r.Anchored = true
		return r, nil
	}
	return o.result(o.best, o.bestStep, math.Exp(search.hi.x), true), nil
}
