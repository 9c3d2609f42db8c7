package pi2

import (
	"errors"
	"fmt"
	"math"
)

// ErrState marks a state that no PILQR update can go on from.
var ErrState = errors.New("pi2: state cannot be used")

// State is what PILQR carries from one iteration to the next for one condition, apart from the
// controller.
type State struct {
	// Multiplier holds the factors on the bounds of the KL steps, T.
	Multiplier []float64
	// Eta holds the dual variables of the latest LQR step, T, > 0: the next search begins there.
	// With one bound over the trajectory they are all the same.
	Eta []float64
}

// NewState returns the state before the first iteration: multipliers of 1, and eta (> 0, in the
// cost's unit per nat) at each of T steps.
func NewState(T int, eta float64) *State {
	s := &State{Multiplier: make([]float64, T), Eta: make([]float64, T)}
	for t := range T {
		s.Multiplier[t], s.Eta[t] = 1, eta
	}
	return s
}

// Validate returns an error wrapping ErrState, which names the time step, if the state is not for T
// steps or holds what is not a finite number > 0.
func (s *State) Validate(T int) error {
	if s == nil || len(s.Multiplier) != T || len(s.Eta) != T {
		return fmt.Errorf("%w: it needs a multiplier and an eta for each of T=%d time steps; begin with NewState", ErrState, T)
	}
	for t, v := range s.Multiplier {
		if e := s.Eta[t]; !(v > 0) || !(e > 0) || math.IsInf(v, 0) || math.IsInf(e, 0) {
			return fmt.Errorf("%w: multiplier %v and eta %v at time step %d, need finite numbers > 0", ErrState, v, e, t)
		}
	}
	return nil
}
