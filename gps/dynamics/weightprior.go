package dynamics

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// WeightPrior is the Gaussian prior on the weights of a Bayesian regression: for every
// state i and time step t, row i of [F_t f_t] ~ N(row i of the nominal one, Lambda^-1).
type WeightPrior struct {
	// Nominal has the prior means F_t and f_t; its noise is not used.
	Nominal *lqg.Dynamics
	// Precision is Lambda, P x P with P = dX+dU+1, symmetric and positive semi-definite,
	// ordered [x; u; 1]: element (i, j) in (unit of x' / units of i and of j)^-2. A zero
	// matrix leaves plain regression; a zero row leaves that weight free.
	Precision []float64
}

// NominalPrior returns the prior of T time steps that is centred on x' = x + B u with B
// dX x dU, nil for 0: what a plant with a short time step nearly does, and far better than
// a centre of zero. Every weight of F has the same standard deviation (> 0, in the units
// of x' per unit of the input); the bias f is free.
func NominalPrior(T, dX, dU int, B []float64, deviation float64) (*WeightPrior, error) {
	if B != nil && len(B) != dX*dU {
		panic(fmt.Sprintf("dynamics: nominal B of %d numbers for dX=%d dU=%d", len(B), dX, dU))
	}
	precision := 1 / (deviation * deviation)
	if !(deviation > 0) || math.IsInf(deviation, 0) || math.IsInf(precision, 0) {
		return nil, fmt.Errorf("dynamics: standard deviation of the prior's weights is %v, need a finite number > 0 whose inverse square is finite", deviation)
	}
	d := dX + dU
	p := &WeightPrior{Nominal: lqg.NewDynamics(T, dX, dU), Precision: make([]float64, (d+1)*(d+1))}
	for t := range T {
		for i := range dX {
			row := p.Nominal.FAt(t)[i*d : (i+1)*d]
			row[i] = 1
			if B != nil {
				copy(row[dX:], B[i*dU:(i+1)*dU])
			}
		}
	}
	for i := range d {
		p.Precision[i*(d+1)+i] = precision
	}
	return p, nil
}

// Validate returns an error if an entry is not finite (ErrNotFinite) or the precision is
// not symmetric or has a negative eigenvalue.
func (p *WeightPrior) Validate() error {
	P := p.Nominal.DX + p.Nominal.DU + 1
	if len(p.Precision) != P*P {
		return fmt.Errorf("dynamics: precision of the weights has %d numbers, need %d x %d for dX=%d dU=%d", len(p.Precision), P, P, p.Nominal.DX, p.Nominal.DU)
	}
	for _, part := range []struct {
		name string
		data []float64
	}{{"nominal F", p.Nominal.F}, {"nominal f", p.Nominal.Bias}, {"precision of the weights", p.Precision}} {
		if i := dense.FirstNotFinite(part.data); i >= 0 {
			return fmt.Errorf("%w: entry %d of the %s is %v", ErrNotFinite, i, part.name, part.data[i])
		}
	}
	// Weights have units: the test is on the matrix scaled to a unit diagonal.
	scaled := make([]float64, P*P)
	for i := range P {
		for j := range P {
			a, b := p.Precision[i*P+j], p.Precision[j*P+i]
			if a != b {
				return fmt.Errorf("dynamics: precision of the weights has %v at (%d, %d) and %v at (%d, %d): it must be symmetric", a, i, j, b, j, i)
			}
			if diagonal := math.Sqrt(p.Precision[i*P+i]) * math.Sqrt(p.Precision[j*P+j]); a != 0 {
				scaled[i*P+j] = a / diagonal
			}
		}
	}
	// A singular precision that was computed from sums of squares has eigenvalues below zero by
	// rounding, some P times 1e-16: 1e-10 is well above that for any P, and far below the unit
	// diagonal.
	eigen := dense.NewEigen(P)
	if !eigen.Decompose(scaled) || eigen.Values[0] < -1e-10 {
		return fmt.Errorf("dynamics: precision of the weights %s: it must be positive semi-definite", dense.Spectrum(p.Precision, P, P))
	}
	return nil
}
