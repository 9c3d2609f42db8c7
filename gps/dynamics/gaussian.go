package dynamics

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/mixture"
)

// ErrSingular marks a fit whose input covariance is not positive definite.
var ErrSingular = errors.New("dynamics: covariance of [x, u] is not positive definite")

// Conditional is x' ~ N(Gain w + Bias, Cov) for w of In and x' of Out dimensions.
type Conditional struct {
	// Gain is Out x In, Bias is Out, Cov is Out x Out.
	Gain, Bias, Cov []float64
}

// Mean says which mean a posterior uses.
type Mean string

const (
	// ShrunkMean is the NIW posterior mean (m mu0 + N mean)/(m + N).
	ShrunkMean Mean = "shrunk"
	// SampleMean keeps the sample mean, as the public reference implementations do.
	SampleMean Mean = "sample"
)

// GaussianFit fits a joint Gaussian under a NIW prior and conditions it; it holds the
// workspace for one size.
type GaussianFit struct {
	in, out int
	mean    []float64 // P
	sigma   []float64 // P x P
	factor  []float64 // in x in
	solved  []float64 // in x out
}

// NewGaussianFit returns a fit of out dimensions conditioned on in.
func NewGaussianFit(in, out int) *GaussianFit {
	if in < 1 || out < 1 {
		panic(fmt.Sprintf("dynamics: need at least one input and output, got %d and %d", in, out))
	}
	p := in + out
	return &GaussianFit{in: in, out: out, mean: make([]float64, p), sigma: make([]float64, p*p),
		factor: make([]float64, in*in), solved: make([]float64, in*out)}
}

// Fit conditions the posterior of the points (N x P, P = in+out, the inputs first) with
// the given weights (N, summing to 1; nil for equal ones). prior.Cov is the scatter Phi
// here, that is the covariance times its weight; nil means no prior. regularize, if not
// nil, may add to the covariance (P x P) before it is conditioned. It returns
// ErrSingular with the condition that failed.
func (g *GaussianFit) Fit(dst *Conditional, points, weights []float64, prior *mixture.Prior, mean Mean, regularize func(sigma []float64)) error {
	p := g.in + g.out
	if len(points)%p != 0 || (weights != nil && len(weights)*p != len(points)) {
		panic(fmt.Sprintf("dynamics: %d numbers are no points of %d dimensions with %d weights", len(points), p, len(weights)))
	}
	n := len(points) / p
	clear(g.mean)
	clear(g.sigma)
	weight := func(i int) float64 {
		if weights == nil {
			return 1 / float64(n)
		}
		return weights[i]
	}
	for i := range n {
		for j, v := range points[i*p : (i+1)*p] {
			g.mean[j] += weight(i) * v
		}
	}
	count := float64(n)
	for i := range n {
		dense.AddOuter(g.sigma, count*weight(i), points[i*p:(i+1)*p], g.mean)
	}
	divisor := count
	if prior != nil {
		for i, v := range prior.Cov {
			g.sigma[i] += v
		}
		dense.AddOuter(g.sigma, count*prior.M/(count+prior.M), prior.Mean, g.mean)
		divisor += prior.N0
		if mean == ShrunkMean {
			for j := range g.mean {
				g.mean[j] = (prior.M*prior.Mean[j] + count*g.mean[j]) / (prior.M + count)
			}
		}
	}
	for i := range g.sigma {
		g.sigma[i] /= divisor
	}
	dense.MirrorLower(g.sigma, p)
	if regularize != nil {
		regularize(g.sigma)
	}
	return g.condition(dst)
}

func (g *GaussianFit) condition(dst *Conditional) error {
	in, out := g.in, g.out
	p := in + out
	for i := range in {
		copy(g.factor[i*in:(i+1)*in], g.sigma[i*p:i*p+in])
		copy(g.solved[i*out:(i+1)*out], g.sigma[i*p+in:(i+1)*p])
	}
	if !dense.Cholesky(g.factor, in) {
		return ErrSingular
	}
	dense.SolveFactored(g.factor, in, dense.Matrix(in, out, out, g.solved))
	for i := range out {
		dst.Bias[i] = g.mean[in+i]
		for j := range in {
			v := g.solved[j*out+i]
			dst.Gain[i*in+j] = v
			dst.Bias[i] -= v * g.mean[j]
		}
		copy(dst.Cov[i*out:(i+1)*out], g.sigma[(in+i)*p+in:(in+i+1)*p])
	}
	blas64.Gemm(blas.NoTrans, blas.NoTrans, -1, dense.Matrix(out, in, in, dst.Gain),
		dense.Matrix(in, out, p, g.sigma[in:]), 1, dense.Matrix(out, out, out, dst.Cov))
	dense.Symmetrize(dst.Cov, out, out)
	for i, v := range dst.Gain {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: the gain of output %d is %v", ErrSingular, i/in, v)
		}
	}
	return nil
}
