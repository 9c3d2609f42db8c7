package mixture

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

// Prior is the normal-inverse-Wishart prior that a mixture gives for a set of points:
// mean mu0 with the weight of M points, and covariance Cov with that of N0 points.
type Prior struct {
	// Mean is D, Cov is D x D.
	Mean, Cov []float64
	M, N0     float64
}

// minPriorCount keeps the prior's degrees of freedom positive for small fits.
const minPriorCount = 0.1

// Query evaluates priors of one mixture.
type Query struct {
	d       *density
	entries []responsibility
	weights []float64
}

// NewQuery prepares a mixture for queries. It returns ErrDegenerate if a covariance is
// not positive definite or a parameter not finite. The mixture must not change while the
// query is in use.
func NewQuery(m *Mixture) (*Query, error) {
	d, err := newDensity(m)
	if err != nil {
		return nil, err
	}
	return &Query{d: d, entries: make([]responsibility, 0, m.K), weights: make([]float64, m.K)}, nil
}

// Weights returns the mean responsibility of each component over the points (N x D,
// finite), K, as a view that the next call overwrites. A point so far away that all its
// densities are zero to float64 belongs to the component with the smallest Mahalanobis
// distance.
func (q *Query) Weights(points []float64) []float64 {
	D := q.d.m.D
	if len(points)%D != 0 {
		panic(fmt.Sprintf("mixture: %d numbers are no points of %d dimensions", len(points), D))
	}
	n := len(points) / D
	clear(q.weights)
	first := 0
	for i := range n {
		q.entries, _, first = q.d.posterior(q.entries[:0], points[i*D:(i+1)*D], first)
		for _, r := range q.entries {
			q.weights[r.component] += r.weight / float64(n)
		}
	}
	return q.weights
}

// Prior overwrites dst with the moments of the mixture weighted by Weights(points):
// mean sum w_k mu_k, covariance sum w_k (Sigma_k + (mu_k - mean)(mu_k - mean)'), M = 1
// and N0 = (fit count - 2 - D)/fit count, at least 0.1 (arXiv:1504.00702, appendix A.3).
// No points, points that are not finite and moments out of range give an error wrapping
// ErrBadPoints, which leaves dst undefined.
func (q *Query) Prior(dst *Prior, points []float64) error {
	m := q.d.m
	D := m.D
	if len(points) == 0 {
		return fmt.Errorf("%w: a prior needs at least one", ErrBadPoints)
	}
	if err := checkFinite(points, D); err != nil {
		return err
	}
	if len(dst.Mean) != D || len(dst.Cov) != D*D {
		dst.Mean, dst.Cov = make([]float64, D), make([]float64, D*D)
	}
	weights := q.Weights(points)
	clear(dst.Mean)
	clear(dst.Cov)
	for k, w := range weights {
		if w == 0 {
			continue
		}
		for i, v := range m.Mean(k) {
			dst.Mean[i] += w * v
		}
	}
	for k, w := range weights {
		if w == 0 {
			continue
		}
		mean, cov := m.Mean(k), m.Cov(k)
		for i := range D {
			di := mean[i] - dst.Mean[i]
			for j := range i + 1 {
				dst.Cov[i*D+j] += w * (cov[i*D+j] + di*(mean[j]-dst.Mean[j]))
			}
		}
	}
	dense.MirrorLower(dst.Cov, D)
	dst.M = 1
	dst.N0 = math.Max(minPriorCount, float64(m.FitCount-2-D)/float64(max(1, m.FitCount)))
	for i, v := range dst.Cov {
		if v-v != 0 {
			return fmt.Errorf("%w: the mixture's covariance there is %v at [%d, %d]: its components are too far apart for float64, use other units", ErrBadPoints, v, i/D, i%D)
		}
	}
	return nil
}
