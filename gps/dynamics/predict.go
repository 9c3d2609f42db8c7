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

// Predict writes the distribution of x_{t+1} given [x_t; u_t] (dX+dU) to dst. It does not
// allocate.
func (p *Posterior) Predict(dst *Prediction, t int, w []float64) {
	dX, d, P := p.Dynamics.DX, p.Dynamics.DX+p.Dynamics.DU, p.Dynamics.DX+p.Dynamics.DU+1
	if len(w) != d || len(dst.Mean) != dX || len(dst.input) != P {
		panic(fmt.Sprintf("dynamics: prediction of %d states from %d numbers, dynamics of dX=%d dU=%d", len(dst.Mean), len(w), dX, d-dX))
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
	}
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
