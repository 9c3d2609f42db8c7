package trajopt

import (
	"math"
)

// secant searches the root of log(KL/epsilon) over log eta. What it returns keeps the
// bound: a pass within the tolerance, the bracket's upper end, or the anchor.
func (o *Optimizer) secant(p *Problem, epsilon, eta0 float64) (*Result, error) {
	search := newBracket(math.Log(o.cfg.MinEta), math.Log(o.cfg.MaxEta))
	var trace []float64
	x := search.clamp(math.Log(eta0))
	for more := true; more && len(trace) < o.cfg.MaxPasses; {
		eta := math.Exp(x)
		// A pass that fails lies below the bracket as one whose KL is too large does: the
		// input is finite, so a larger eta mends it.
		kl, err := o.evaluate(p, eta)
		trace = append(trace, eta)
		switch {
		case err != nil:
			search.tooLow(x, math.NaN())
		case math.Abs(kl-epsilon) <= o.cfg.Tolerance*epsilon:
			return o.result(p, o.trial, o.klStep, eta, true, trace), nil
		case kl > epsilon:
			search.tooLow(x, math.Log(kl/epsilon))
		case x <= search.min:
			return o.result(p, o.trial, o.klStep, eta, false, trace), nil
		default:
			o.keep()
			search.feasible(x, math.Log(kl/epsilon))
		}
		x, more = search.next()
	}
	if !search.hi.seen {
		r := o.result(p, o.problem.standard, make([]float64, o.T), o.cfg.MaxEta, false, trace)
		r.Anchored = true
		return r, nil
	}
	return o.result(p, o.best, o.bestStep, math.Exp(search.hi.x), true, trace), nil
}
