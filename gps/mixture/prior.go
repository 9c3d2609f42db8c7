package mixture

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
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

// Query evaluates priors of one mixture. It is for one goroutine at a time: others use a
// Fork.
type Query struct {
	m *Mixture
	d *density
	*evaluator
	size    []float64 // of the dimensions that the slack is for
	seen    []float64 // in a block
	x       []float64 // of a block of points
	entries responsibilities
	first   []int32
	logp    []float64
	weights []float64
	apart   kernel.Block // sqrt(w) (mu_k - mean) of the components with a weight, D x K
	spread  kernel.Block // of the means, D x D
}

// NewQuery prepares a mixture for queries. It returns ErrDegenerate if a covariance is
// not positive definite or a parameter not finite. The mixture must not change while the
// query is in use.
func NewQuery(m *Mixture) (*Query, error) {
	m.checkShape()
	return newQuery(m, discerningOrder(m))
}

func newQuery(m *Mixture, order []int) (*Query, error) {
	d, f := newDensity(m.K, order), newFactoring(m.D)
	if k := d.load(m, f); k < m.K {
		return nil, m.degenerate(k)
	}
	cov, s := kernel.NewBlock(m.D, m.D), newViewing(m.K, m.D)
	d.look(s, f, func(k int) kernel.Block {
		d.reorder(cov, m, k)
		return cov
	})
	// What points of the mixture are not beyond, most of them.
	size := make([]float64, m.D)
	for i, from := range order {
		for k := range m.K {
			size[i] = max(size[i], math.Abs(m.Mean(k)[from])+8*math.Sqrt(m.Cov(k)[from*m.D+from]))
		}
	}
	return (&Query{m: m, d: d, size: size}).Fork(), nil
}

// Fork returns a query of the same mixture for another goroutine. They share what they only
// read.
func (q *Query) Fork() *Query {
	d := *q.d
	d.slack = make([]float64, d.K)
	fork := &Query{m: q.m, d: &d, evaluator: newEvaluator(d.K, d.D),
		size: slices.Clone(q.size), seen: make([]float64, d.D), x: make([]float64, blockSize*d.stride),
		entries: newResponsibilities(blockSize, d.K), first: make([]int32, blockSize),
		logp: make([]float64, blockSize), weights: make([]float64, d.K),
		apart: kernel.NewBlock(d.D, d.K), spread: kernel.NewBlock(d.D, d.D)}
	for k := range d.K {
		d.slacken(k, fork.size)
	}
	return fork
}

// each calls visit for blocks of the points, from the first of each on.
func (q *Query) each(points []float64, visit func(from int, p block)) {
	N := len(points) / q.d.D
	for from := 0; from < N; from += blockSize {
		visit(from, q.block(points[from*q.d.D:min(from+blockSize, N)*q.d.D]))
	}
}

// block lays up to blockSize points out for the density.
func (q *Query) block(points []float64) block {
	d := q.d
	n := len(points) / d.D
	clear(q.seen)
	for i := range n {
		source, x := points[i*d.D:(i+1)*d.D], q.x[i*d.stride:][:d.D]
		for j, from := range d.order {
			x[j] = source[from]
		}
		widen(q.seen, x)
	}
	q.expect()
	return block{n, q.x[:n*d.stride]}
}

// expect sets the slack for points as large as those seen, if they are larger than any
// before. What is found does not depend on the slack, only how fast.
func (q *Query) expect() {
	grown := false
	for i, v := range q.seen {
		if v > q.size[i] {
			q.size[i], grown = 2*v, true
		}
	}
	for k := 0; grown && k < q.d.K; k++ {
		q.d.slacken(k, q.size)
	}
}

// posterior computes the responsibilities and log densities of a block of points.
func (q *Query) posterior(p block) {
	first := q.first[:p.n]
	for n := range first {
		first[n] = -1
	}
	q.evaluator.posterior(q.d, p, &q.entries, q.logp[:p.n], first, nil, nil)
}

// Weights returns the mean responsibility of each component over the points (N x D,
// finite), K, as a view that the next call overwrites. A point so far away that all its
// densities are zero to float64 belongs to the component with the smallest Mahalanobis
// distance.
func (q *Query) Weights(points []float64) []float64 {
	D := q.d.D
	if len(points)%D != 0 {
		panic(fmt.Sprintf("mixture: %d numbers are no points of %d dimensions", len(points), D))
	}
	N := len(points) / D
	clear(q.weights)
	for from := 0; from < N; from += blockSize {
		q.posterior(q.block(points[from*D : min(from+blockSize, N)*D]))
		for k := range q.weights {
			_, weights := q.entries.of(k)
			for _, w := range weights {
				q.weights[k] += w / float64(N)
			}
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
	m, D := q.m, q.m.D
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
		if w > 0 {
			kernel.Axpy(dst.Mean, w, m.Mean(k))
		}
	}
	apart := 0
	for k, w := range weights {
		if w > 0 {
			kernel.Axpy(dst.Cov, w, m.Cov(k))
			kernel.Difference(q.apart.Column(apart, D), m.Mean(k), dst.Mean, math.Sqrt(w))
			apart++
		}
	}
	if apart > 1 {
		kernel.SetLower(q.spread, q.apart, q.apart.T(), D, D, apart)
		kernel.Mirror(q.spread, D)
		for i := range D {
			kernel.Axpy(dst.Cov[i*D:i*D+i+1], 1, q.spread.Column(i, i+1))
		}
	}
	dense.MirrorLower(dst.Cov, D)
	dst.M = 1
	dst.N0 = math.Max(minPriorCount, float64(m.FitCount-2-D)/float64(max(1, m.FitCount)))
	if i := firstNotFinite(dst.Cov); i >= 0 {
		return fmt.Errorf("%w: the mixture's covariance there is %v at [%d, %d]: its components are too far apart for float64, use other units", ErrBadPoints, dst.Cov[i], i/D, i%D)
	}
	return nil
}
