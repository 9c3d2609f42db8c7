package dynamics

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"guidedpolicysearch/gps/internal/dense"
)

// Prediction is the distribution of each state of x' given [x; u], by itself: Student's t
// with the given location, squared scale and degrees of freedom, a Gaussian where the
// noise is known.
type Prediction struct {
	// Mean is dX, in the states' units; Variance, dX, is the noise's and the weights'
	// together, s^2 + z'S_n z, in the units squared; Freedom is dX.
	Mean, Variance, Freedom []float64
	input, rotated          []float64
}

// NewPrediction returns a prediction for the posterior's sizes, with its workspace.
func (p *Posterior) NewPrediction() *Prediction {
	dX, P := p.Dynamics.DX, p.Dynamics.DX+p.Dynamics.DU+1
	return &Prediction{Mean: make([]float64, dX), Variance: make([]float64, dX), Freedom: make([]float64, dX),
		input: make([]float64, P), rotated: make([]float64, P)}
}

// Predict writes the distribution of x_{t+1} given [x_t; u_t] (dX+dU) to dst. An error
// wraps ErrNotFinite where a number of w is not finite, or so large that mean or variance
// are not; dst is of no use then. It does not allocate unless it fails.
func (p *Posterior) Predict(dst *Prediction, t int, w []float64) error {
	dX, d, P := p.Dynamics.DX, p.Dynamics.DX+p.Dynamics.DU, p.Dynamics.DX+p.Dynamics.DU+1
	if len(w) != d || len(dst.Mean) != dX || len(dst.input) != P {
		panic(fmt.Sprintf("dynamics: prediction of %d states from %d numbers, dynamics of dX=%d dU=%d", len(dst.Mean), len(w), dX, d-dX))
	}
	if t < 0 || t >= p.Dynamics.T {
		panic(fmt.Sprintf("dynamics: prediction at time step %d, dynamics of T=%d", t, p.Dynamics.T))
	}
	if i := dense.FirstNotFinite(w); i >= 0 {
		return fmt.Errorf("%w: element %d of [x, u] at time step %d is %v", ErrNotFinite, i, t, w[i])
	}
	b := &p.steps[t]
	b.input(dst.input, w)
	for j := range P {
		dst.rotated[j] = 0
		for k, v := range dst.input {
			dst.rotated[j] += v * b.vectors[k*P+j]
		}
	}
	for i := range dX {
		dst.Mean[i] = p.Dynamics.BiasAt(t)[i]
		for j, f := range p.Dynamics.FAt(t)[i*d : (i+1)*d] {
			dst.Mean[i] += f * w[j]
		}
		s2, uncertainty := p.NoiseVariance[t*dX+i], 0.0
		for j, v := range dst.rotated {
			uncertainty += v * v / b.precision(j, s2)
		}
		dst.Variance[i] = s2 * (1 + uncertainty)
		dst.Freedom[i] = p.Freedom[t*dX+i]
		if math.IsInf(dst.Mean[i], 0) || !(dst.Variance[i] <= math.MaxFloat64) || math.IsNaN(dst.Mean[i]) {
			return fmt.Errorf("%w: state %d after time step %d is predicted as %v with variance %v: [x, u] with numbers up to %.3g is too far from the rollouts of the fit", ErrNotFinite, i, t, dst.Mean[i], dst.Variance[i], largest(w))
		}
	}
	return nil
}

// Interval returns the central interval that holds state i of x' with the given
// probability, in (0, 1).
func (d *Prediction) Interval(i int, probability float64) (low, high float64) {
	if !(probability > 0 && probability < 1) {
		panic(fmt.Sprintf("dynamics: probability of an interval is %v, need one in (0, 1)", probability))
	}
	quantile := distuv.UnitNormal.Quantile(0.5 + 0.5*probability)
	if nu := d.Freedom[i]; nu < 1e6 { // beyond that they agree to 1e-6
		quantile = distuv.StudentsT{Mu: 0, Sigma: 1, Nu: nu}.Quantile(0.5 + 0.5*probability)
	}
	half := quantile * math.Sqrt(d.Variance[i])
	return d.Mean[i] - half, d.Mean[i] + half
}

// WeightCovariance writes S_n, the covariance of row i of [F_t f_t] given the noise's
// variance, to dst: P x P with P = dX+dU+1, ordered [x; u; 1].
func (p *Posterior) WeightCovariance(dst []float64, t, i int) {
	P := p.Dynamics.DX + p.Dynamics.DU + 1
	if len(dst) != P*P {
		panic(fmt.Sprintf("dynamics: covariance of %d numbers for %d weights", len(dst), P))
	}
	b, s2 := &p.steps[t], p.NoiseVariance[t*p.Dynamics.DX+i]
	clear(dst)
	column, zero := make([]float64, P), make([]float64, P)
	for j := range P {
		b.column(column, j)
		dense.AddOuter(dst, s2/b.precision(j, s2), column, zero)
	}
	dense.MirrorLower(dst, P)
}
