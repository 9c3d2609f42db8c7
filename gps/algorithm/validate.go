package algorithm

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
)

// validate returns an error that names the condition and what is wrong with it.
func (s *State) validate() error {
	for m, c := range s.Conditions {
		bad := func(err error) error { return fmt.Errorf("%w: condition %d: %w", ErrState, m, err) }
		if c.Controller == nil || c.Prior == nil {
			return bad(errors.New("it has no controller or no prior; begin with NewState"))
		}
		if err := c.Controller.Validate(); err != nil {
			return bad(err)
		}
		if !(c.Eta > 0) || !(c.StepMultiplier > 0) || math.IsInf(c.Eta, 0) || math.IsInf(c.StepMultiplier, 0) {
			return bad(fmt.Errorf("eta is %v and the step multiplier %v, need finite numbers > 0", c.Eta, c.StepMultiplier))
		}
		if p := c.Previous; p != nil {
			if err := p.validate(c.Controller); err != nil {
				return bad(err)
			}
		}
		if err := c.validateLearned(); err != nil {
			return bad(err)
		}
	}
	return s.validatePolicies()
}

// validateLearned looks at what path integral updates and algorithms with a policy add.
func (c *Condition) validateLearned() error {
	T, dX, dU := c.Controller.Sizes()
	if !(math.Abs(c.MeanCost) <= math.MaxFloat64) || !(c.CostDeviation >= 0) || math.IsInf(c.CostDeviation, 0) {
		return fmt.Errorf("the mean cost is %v and the costs' deviation %v, need finite numbers, the deviation >= 0", c.MeanCost, c.CostDeviation)
	}
	if c.PathIntegral != nil {
		if err := c.PathIntegral.Validate(T); err != nil {
			return err
		}
	}
	if d := c.Drawn; d != nil {
		if d.T != T || d.DX != dX || d.DU != dU {
			return fmt.Errorf("the controller that drew the samples has T=%d dX=%d dU=%d, the condition's T=%d dX=%d dU=%d", d.T, d.DX, d.DU, T, dX, dU)
		}
		if err := d.Validate(); err != nil {
			return fmt.Errorf("the controller that drew the samples: %w", err)
		}
	}
	for i, group := range c.Samples {
		if len(group) == 0 {
			return fmt.Errorf("%w: group %d of the samples that are kept is empty", ErrSamples, i)
		}
		if err := suit(group, c.Controller); err != nil {
			return fmt.Errorf("group %d of the samples that are kept: %w", i, err)
		}
	}
	if p := c.PolicyPrior; p != nil {
		if err := suit(p.Rollouts, c.Controller); err != nil {
			return fmt.Errorf("prior of the policy's linearisation: %w", err)
		}
	}
	if d := c.Duals; d != nil {
		if err := d.Validate(); err != nil {
			return err
		}
		if d.T != T || d.DX != dX || d.DU != dU {
			return fmt.Errorf("the multipliers have T=%d dX=%d dU=%d, the controller T=%d dX=%d dU=%d", d.T, d.DX, d.DU, T, dX, dU)
		}
	}
	if l := c.Linear; l != nil {
		if c.Duals == nil || l.T != T || l.DX != dX || l.DU != dU {
			return fmt.Errorf("the linearised policy has T=%d dX=%d dU=%d, the controller T=%d dX=%d dU=%d, and multipliers are given: %v", l.T, l.DX, l.DU, T, dX, dU, c.Duals != nil)
		}
		if err := l.Validate(); err != nil {
			return fmt.Errorf("the linearised policy: %w", err)
		}
	}
	if c.PolicyKL != nil && len(c.PolicyKL) != T {
		return fmt.Errorf("there are %d divergences between controller and policy, need one for each of T=%d time steps", len(c.PolicyKL), T)
	}
	if i := dense.FirstNotFinite(c.PolicyKL); i >= 0 {
		return fmt.Errorf("%w: the divergence between controller and policy at time step %d is %v", lqg.ErrNotFinite, i, c.PolicyKL[i])
	}
	return nil
}

// validatePolicies returns an error unless both policies, where there are any, are for all conditions.
func (s *State) validatePolicies() error {
	if s.Rollbacks < 0 || s.Rollbacks > s.Iteration {
		return fmt.Errorf("%w: %d rollbacks in a row after %d iterations", ErrState, s.Rollbacks, s.Iteration)
	}
	for _, p := range []struct {
		name string
		*policy.Network
	}{{"policy", s.Policy}, {"policy before", s.Before}} {
		if p.Network == nil {
			continue
		}
		if err := p.Validate(); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrState, p.name, err)
		}
		T, dX, dU := p.Sizes()
		if err := s.equalSizes("the "+p.name, T, dX, dU); err != nil {
			return err
		}
	}
	return nil
}

// equalSizes returns an error unless all conditions' controllers have the sizes of what is named.
func (s *State) equalSizes(what string, T, dX, dU int) error {
	for m := range s.Conditions {
		if c := s.Conditions[m].Controller; c.T != T || c.DX != dX || c.DU != dU {
			return fmt.Errorf("%w: condition %d: its controller has T=%d dX=%d dU=%d, %s T=%d dX=%d dU=%d", ErrState, m, c.T, c.DX, c.DU, what, T, dX, dU)
		}
	}
	return nil
}

// validate returns an error if a part is missing, of another size than c, or not finite.
func (m *Model) validate(c *lqg.Controller) error {
	if m.Controller == nil || m.Dynamics == nil || m.X0 == nil || m.Cost == nil {
		return errors.New("the previous model lacks a part")
	}
	if err := m.Controller.Validate(); err != nil {
		return fmt.Errorf("previous controller: %w", err)
	}
	T, d := c.T, c.DX+c.DU
	for _, part := range []struct {
		name string
		size int
		data []float64
	}{
		{"controller's gains", T * c.DU * c.DX, m.Controller.K}, {"dynamics F", T * c.DX * d, m.Dynamics.F}, {"dynamics f", T * c.DX, m.Dynamics.Bias},
		{"dynamics covariance", T * c.DX * c.DX, m.Dynamics.Cov}, {"initial mean", c.DX, m.X0.Mean}, {"initial covariance", c.DX * c.DX, m.X0.Cov},
		{"quadratic cost", (T + 1) * d * d, m.Cost.Quad}, {"linear cost", (T + 1) * d, m.Cost.Lin}, {"constant cost", T + 1, m.Cost.Const},
	} {
		if len(part.data) != part.size {
			return fmt.Errorf("the previous model's %s has %d numbers, need %d", part.name, len(part.data), part.size)
		}
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			return fmt.Errorf("%w: the previous model's %s has %v at entry %d", lqg.ErrNotFinite, part.name, part.data[i], i)
		}
	}
	if m.Controller.T != T || m.Controller.DX != c.DX || m.Dynamics.T != T || m.Dynamics.DX != c.DX || m.Dynamics.DU != c.DU || m.Cost.T != T || m.Cost.DX != c.DX || m.Cost.DU != c.DU {
		return fmt.Errorf("the previous model is not of the controller's T=%d dX=%d dU=%d", T, c.DX, c.DU)
	}
	return nil
}
