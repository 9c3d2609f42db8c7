package trajopt

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/lqg"
)

// Settings of the reference's per-step search: passes that bracket, then passes of Adam on
// eta.
const (
	perStepBracketPasses = 20
	perStepAdamPasses    = 200
	adamStep             = 0.005
	adamBeta1            = 0.9
	adamBeta2            = 0.999
	adamEpsilon          = 1e-8
)

// adam is the reference implementation's per-step search: the etas are bracketed together
// for 20 passes and then moved by Adam for up to 200, until every step's KL is within the
// tolerance of its bound. Adam leaves the last step's eta, which no state follows, alone.
// Its last pass is what it returns, whether or not that pass kept the bounds.
func (s *stepSearch) adam(epsilon, eta0 []float64) (*PerStepResult, error) {
	T := s.T
	eta := slices.Clone(eta0)
	lo, hi := make([]float64, T), make([]float64, T)
	for t := range T {
		lo[t], hi[t] = s.cfg.MinEta, s.cfg.MaxEta
	}
	s.backward.PropagateUnder = nil
	if s.cfg.PropagateAnchor {
		s.backward.PropagateUnder = s.standard
	}
	passes, settled := 0, false
	result := func() *PerStepResult {
		r := s.perStepResult(s.trial, s.klStep, eta, passes)
		r.Settled = settled
		return r
	}
	for range perStepBracketPasses {
		passes++
		if err := s.evaluatePerStep(eta); err != nil {
			return nil, err
		}
		if settled = s.withinPerStep(epsilon); settled {
			return result(), nil
		}
		for t := range T {
			lo[t], hi[t], eta[t] = nextEta(lo[t], hi[t], eta[t], s.klStep[t] < epsilon[t])
		}
	}
	m, v := make([]float64, T-1), make([]float64, T-1)
	for itr := range perStepAdamPasses {
		passes++
		if err := s.evaluatePerStep(eta); err != nil {
			return nil, err
		}
		if settled = s.withinPerStep(epsilon); settled {
			break
		}
		c1 := 1 - math.Pow(adamBeta1, float64(itr+1))
		c2 := 1 - math.Pow(adamBeta2, float64(itr+1))
		for t := range T - 1 {
			g := s.klStep[t] - epsilon[t]
			m[t] = adamBeta1*m[t] + (1-adamBeta1)*g
			v[t] = adamBeta2*v[t] + (1-adamBeta2)*g*g
			next := eta[t] + adamStep*(m[t]/c1)/(math.Sqrt(v[t]/c2)+adamEpsilon)
			eta[t] = math.Min(math.Max(next, s.cfg.MinEta), s.cfg.MaxEta)
		}
	}
	return result(), nil
}

// evaluatePerStep runs one pass; where Q_uu is not positive definite the eta of that
// step is raised by a doubling increment, in place.
func (s *stepSearch) evaluatePerStep(eta []float64) error {
	start := slices.Clone(eta)
	increment := make([]float64, len(eta))
	for {
		err := s.backward.RunPerStep(s.trial, s.cost, s.dynamics, s.standard, eta)
		var indefinite *lqg.IndefiniteError
		if err == nil {
			_, err = s.divergence()
			s.whole.seen.passSteps(eta, s.klStep)
			return err
		}
		if !errors.As(err, &indefinite) {
			return err
		}
		t := indefinite.Step
		increment[t] = math.Max(indefiniteIncrement, 2*increment[t])
		if eta[t] = start[t] + increment[t]; eta[t] >= s.cfg.MaxEta {
			return fmt.Errorf("%w at time step %d up to eta %.3g: %w", ErrNoController, t, eta[t], err)
		}
	}
}

func (s *stepSearch) withinPerStep(epsilon []float64) bool {
	for t := range epsilon {
		if math.Abs(s.klStep[t]-epsilon[t]) >= s.cfg.Tolerance*epsilon[t] {
			return false
		}
	}
	return true
}
