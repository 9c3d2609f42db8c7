package mixture

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
)

// ErrBadPoints marks points that no mixture can be fitted to or asked about.
var ErrBadPoints = errors.New("mixture: bad points")

// ErrDegenerate marks a component that is no Gaussian: its covariance is not positive
// definite to working precision, or a parameter is not finite.
var ErrDegenerate = errors.New("mixture: degenerate component")

// Mixture is a Gaussian mixture.
type Mixture struct {
	K, D int
	// Means is K x D, Covs is K x D x D (symmetric: what is below the diagonals counts),
	// LogWeights is K (log pi_k).
	Means, Covs, LogWeights []float64
	// FitCount is the number of points of the last fit.
	FitCount int
}

// New returns a mixture of zeros with equal weights.
func New(K, D int) *Mixture {
	if K < 1 || D < 1 {
		panic(fmt.Sprintf("mixture: need K, D >= 1, got K=%d D=%d", K, D))
	}
	m := &Mixture{K: K, D: D, Means: make([]float64, K*D), Covs: make([]float64, K*D*D), LogWeights: make([]float64, K)}
	for k := range K {
		m.LogWeights[k] = -math.Log(float64(K))
	}
	return m
}

// Mean returns mu_k, D.
func (m *Mixture) Mean(k int) []float64 { return m.Means[k*m.D : (k+1)*m.D : (k+1)*m.D] }

// Cov returns Sigma_k, D x D.
func (m *Mixture) Cov(k int) []float64 {
	return m.Covs[k*m.D*m.D : (k+1)*m.D*m.D : (k+1)*m.D*m.D]
}

// Clone returns a deep copy.
func (m *Mixture) Clone() *Mixture {
	return &Mixture{K: m.K, D: m.D, Means: slices.Clone(m.Means), Covs: slices.Clone(m.Covs),
		LogWeights: slices.Clone(m.LogWeights), FitCount: m.FitCount}
}

// checkShape panics unless the slices fit K and D.
func (m *Mixture) checkShape() {
	K, D := m.K, m.D
	if K < 1 || D < 1 || len(m.Means) != K*D || len(m.Covs) != K*D*D || len(m.LogWeights) != K {
		panic(fmt.Sprintf("mixture: K=%d D=%d with %d means, %d covariances and %d weights, want %d, %d and %d",
			K, D, len(m.Means), len(m.Covs), len(m.LogWeights), K*D, K*D*D, K))
	}
}

// degenerate says what is wrong with component k.
func (m *Mixture) degenerate(k int) error {
	const advice = "raise the regularization, use fewer components or record more points"
	if i := dense.FirstNotFinite(m.Mean(k)); i >= 0 {
		return fmt.Errorf("%w: component %d of %d has mean %v in dimension %d", ErrDegenerate, k, m.K, m.Mean(k)[i], i)
	}
	if i := dense.FirstNotFinite(m.Cov(k)); i >= 0 {
		return fmt.Errorf("%w: component %d of %d has covariance %v at [%d, %d]", ErrDegenerate, k, m.K, m.Cov(k)[i], i/m.D, i%m.D)
	}
	if w := m.LogWeights[k]; w-w != 0 || w > 1e-6 {
		return fmt.Errorf("%w: component %d of %d has log weight %v, need a finite number <= 0", ErrDegenerate, k, m.K, w)
	}
	return fmt.Errorf("%w: component %d of %d (weight %.3g): its covariance %s: it is not positive definite: %s",
		ErrDegenerate, k, m.K, math.Exp(m.LogWeights[k]), dense.Spectrum(m.Cov(k), m.D, m.D), advice)
}

// LogJoint writes log pi_k + log N(x_n; mu_k, Sigma_k) to dst, N x K; what is below
// -1e290 counts as -1e290. Errors wrap ErrBadPoints or ErrDegenerate.
func (m *Mixture) LogJoint(dst, points []float64) error {
	m.checkShape()
	q, err := newQuery(m, naturalOrder(m.D))
	if err != nil {
		return err
	}
	if len(points)%m.D != 0 || len(dst) != len(points)/m.D*m.K {
		panic(fmt.Sprintf("mixture: log densities of %d numbers under K=%d D=%d have %d elements, got %d", len(points), m.K, m.D, len(points)/m.D*m.K, len(dst)))
	}
	if err := checkFinite(points, m.D); err != nil {
		return err
	}
	every := make([]int32, blockSize)
	for n := range every {
		every[n] = int32(n)
	}
	q.each(points, func(from int, p block) {
		for k := range m.K {
			q.measure(q.d, k, p, every[:p.n], false)
			for n, distance := range q.distances[:p.n] {
				v := q.d.offsets[k] - 0.5*distance
				if !(v > lowestLog) { // NaN: the difference of two infinities
					v = lowestLog
				}
				dst[(from+n)*m.K+k] = v
			}
		}
	})
	return nil
}

// LogLikelihood returns the sum of log p(x_n) over the points, N x D; what is below
// -1e290 for a point counts as -1e290. Errors wrap ErrBadPoints or ErrDegenerate.
func (m *Mixture) LogLikelihood(points []float64) (float64, error) {
	q, err := NewQuery(m)
	if err != nil {
		return 0, err
	}
	if len(points)%m.D != 0 {
		panic(fmt.Sprintf("mixture: %d numbers are no points of %d dimensions", len(points), m.D))
	}
	if err := checkFinite(points, m.D); err != nil {
		return 0, err
	}
	sum := 0.0
	q.each(points, func(_ int, p block) {
		q.posterior(p)
		for _, v := range q.logp[:p.n] {
			sum += v
		}
	})
	return sum, nil
}
