package dynamics

import (
	"fmt"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// FitStates returns the Gaussian of states (N x dX): their mean and their unbiased
// covariance, divided by N-1 (where the fits of this package divide by N, the most
// probable value). Errors wrap ErrTooFewSamples for N < 2 or ErrNotFinite.
func FitStates(states []float64, dX int) (*lqg.InitialState, error) {
	if dX < 1 || len(states)%dX != 0 {
		panic(fmt.Sprintf("dynamics: %d numbers are no states of %d dimensions", len(states), dX))
	}
	N := len(states) / dX
	if N < 2 {
		return nil, fmt.Errorf("%w: an unbiased covariance needs at least 2 states, got %d", ErrTooFewSamples, N)
	}
	if i := dense.FirstNotFinite(states); i >= 0 {
		return nil, fmt.Errorf("%w: state %d has %v in dimension %d", ErrNotFinite, i/dX, states[i], i%dX)
	}
	x := &lqg.InitialState{Mean: make([]float64, dX), Cov: make([]float64, dX*dX)}
	for i, v := range states {
		x.Mean[i%dX] += v / float64(N)
	}
	for n := range N {
		dense.AddOuter(x.Cov, 1/float64(N-1), states[n*dX:(n+1)*dX], x.Mean)
	}
	dense.MirrorLower(x.Cov, dX)
	if err := finiteState(x); err != nil {
		return nil, err
	}
	return x, nil
}
