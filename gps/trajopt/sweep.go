package trajopt

import (
	"math"

	"guidedpolicysearch/gps/lqg"
)

// sweep chooses controllers forward in time, for given Q functions, and keeps the best.
type sweep struct {
	*stepSearch
	epsilon []float64
	eta     []float64 // of the latest sweep, T
	// found tells that best, bestStep and bestEta hold a sweep, of the given objective.
	found     bool
	objective float64
	bestEta   []float64
}

// run finds the etas step by step under the marginals of the steps already chosen, which it
// leaves in s.marginal: each step's KL is its bound, by construction. A step that no eta
// brings within its bound stays at the anchor. start is where the search of each eta
// begins; run returns how far log eta moved from there at most.
func (s *sweep) run(start []float64) (moved float64) {
	if !s.cfg.PreviousMarginals {
		s.forward.Start(s.marginal, s.x0)
	}
	for t := range s.eta {
		s.q.meet(s.marginal, t)
		v := s.q.root(t, start[t], s.epsilon[t])
		s.eta[t] = v
		moved = math.Max(moved, math.Abs(math.Log(v/start[t])))
		if !(s.q.divergence(t, v) <= (1+s.cfg.Tolerance)*s.epsilon[t]) || !s.q.controller(s.trial, t, v) {
			s.eta[t] = s.cfg.MaxEta
			s.trial.CopyStep(s.standard, t)
		}
		if !s.cfg.PreviousMarginals {
			s.forward.Step(s.marginal, s.trial, s.dynamics, t)
		}
	}
	if _, err := s.measure(); err != nil {
		return moved
	}
	for t, kl := range s.klStep {
		if kl > (1+s.cfg.Tolerance)*s.epsilon[t] {
			return moved
		}
	}
	if v := s.expected(); !s.found || v < s.objective {
		s.found, s.objective = true, v
		s.trial, s.best = s.best, s.trial
		s.klStep, s.bestStep = s.bestStep, s.klStep
		copy(s.bestEta, s.eta)
	}
	return moved
}

// expected returns the objective without the KL terms, E[cost] - w H up to a constant, of
// the latest sweep; +Inf where it overflows.
func (s *sweep) expected() float64 {
	v := lqg.ExpectedCost(s.costs, s.cost, s.marginal)
	for t := range s.T {
		if w := s.whole.problem.Weight(t); w > 0 {
			v -= 0.5 * w * s.trial.LogDet(t)
		}
	}
	if math.IsNaN(v) {
		return math.Inf(1)
	}
	return v
}
