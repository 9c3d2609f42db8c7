package dynamics

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
)

// ErrSingular marks a fit whose input covariance is not positive definite in working
// precision.
var ErrSingular = errors.New("dynamics: covariance of [x, u] is not positive definite")

// ErrNotFinite marks a NaN or an infinity among inputs or results.
var ErrNotFinite = errors.New("dynamics: value is not finite")

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
// the given weights (N, summing to 1; nil for equal ones) under the prior, nil for none.
// regularize, if not nil, may add to the covariance (P x P, symmetric) before it is
// conditioned. It returns ErrTooFewSamples without points or where the posterior weighs
// nothing, ErrNotFinite, or ErrSingular with the condition number of the inputs'
// covariance. It does not allocate unless it fails.
func (g *GaussianFit) Fit(dst *Conditional, points, weights []float64, prior *NIW, mean Mean, regularize func(sigma []float64)) error {
	p := g.in + g.out
	if len(points)%p != 0 || (weights != nil && len(weights)*p != len(points)) {
		panic(fmt.Sprintf("dynamics: %d numbers are no points of %d dimensions with %d weights", len(points), p, len(weights)))
	}
	if prior != nil && (len(prior.Mean) != p || len(prior.Scatter) != p*p) {
		panic(fmt.Sprintf("dynamics: points of %d dimensions, prior with a mean of %d and a scatter of %d numbers", p, len(prior.Mean), len(prior.Scatter)))
	}
	if len(dst.Gain) != g.out*g.in || len(dst.Bias) != g.out || len(dst.Cov) != g.out*g.out {
		panic(fmt.Sprintf("dynamics: conditional of %d, %d and %d numbers for %d inputs and %d outputs", len(dst.Gain), len(dst.Bias), len(dst.Cov), g.in, g.out))
	}
	if len(points) == 0 {
		return fmt.Errorf("%w: no points", ErrTooFewSamples)
	}
	if i := dense.FirstNotFinite(points); i >= 0 {
		return fmt.Errorf("%w: point %d has %v in dimension %d", ErrNotFinite, i/p, points[i], i%p)
	}
	if i := dense.FirstNotFinite(weights); i >= 0 {
		return fmt.Errorf("%w: point %d has weight %v", ErrNotFinite, i, weights[i])
	}
	g.moments(points, weights)
	count := float64(len(points) / p)
	divisor := count
	if prior != nil {
		for i, v := range prior.Scatter {
			g.sigma[i] += v
		}
		dense.AddOuter(g.sigma, count*prior.NMean/(count+prior.NMean), prior.Mean, g.mean)
		divisor += prior.Weight()
		if mean == ShrunkMean {
			for j := range g.mean {
				g.mean[j] = (prior.NMean*prior.Mean[j] + count*g.mean[j]) / (prior.NMean + count)
			}
		}
	}
	if !(divisor > 0) {
		return fmt.Errorf("%w: %v of them and the prior's degrees of freedom weigh %v observations, need more than 0", ErrTooFewSamples, count, divisor)
	}
	for i := range g.sigma {
		g.sigma[i] /= divisor
	}
	dense.MirrorLower(g.sigma, p)
	if dense.FirstNotFinite(g.sigma) >= 0 {
		return g.overflow(points, prior)
	}
	if regularize != nil {
		regularize(g.sigma)
	}
	return g.condition(dst)
}

// overflow says whose numbers are too large for the covariance.
func (g *GaussianFit) overflow(points []float64, prior *NIW) error {
	p, i := g.in+g.out, 0
	for i < p-1 && !math.IsNaN(g.sigma[i*p+i]) && !math.IsInf(g.sigma[i*p+i], 0) {
		i++
	}
	name := fmt.Sprintf("input %d", i)
	if i >= g.in {
		name = fmt.Sprintf("output %d", i-g.in)
	}
	low, high := points[i], points[i]
	for k := i; k < len(points); k += p {
		low, high = min(low, points[k]), max(high, points[k])
	}
	what := ""
	if prior != nil {
		what = fmt.Sprintf(", the prior's mean is %.3g with a weight of %.3g, and its scatter %.3g", prior.Mean[i], prior.NMean, prior.Scatter[i*p+i])
	}
	return fmt.Errorf("%w: the covariance overflows, as the squares of %s do: it goes from %.3g to %.3g%s; use other units, and look for numbers that are wrong", ErrNotFinite, name, low, high, what)
}

// moments sets the mean and the lower part of the scatter, sum N w_n (y_n - mean)(...)'.
func (g *GaussianFit) moments(points, weights []float64) {
	p := g.in + g.out
	n := len(points) / p
	clear(g.mean)
	clear(g.sigma)
	weight := 1 / float64(n)
	for i := range n {
		if weights != nil {
			weight = weights[i]
		}
		for j, v := range points[i*p : (i+1)*p] {
			g.mean[j] += weight * v
		}
	}
	for i := range n {
		if weights != nil {
			weight = weights[i]
		}
		dense.AddOuter(g.sigma, float64(n)*weight, points[i*p:(i+1)*p], g.mean)
	}
}

// rounding is the part of an input's variance below which what the other inputs leave
// unexplained of it is rounding.
func rounding(n int) float64 { return 8 * float64(n) * 0x1p-52 }

func (g *GaussianFit) condition(dst *Conditional) error {
	in, out := g.in, g.out
	p := in + out
	for i := range in {
		copy(g.factor[i*in:(i+1)*in], g.sigma[i*p:i*p+in])
		copy(g.solved[i*out:(i+1)*out], g.sigma[i*p+in:(i+1)*p])
	}
	if !dense.Cholesky(g.factor, in) {
		return fmt.Errorf("%w: it %s", ErrSingular, dense.Spectrum(g.sigma, in, p))
	}
	for i := range in {
		// The squared pivot is the part of the variance that the inputs before leave.
		if pivot := g.factor[i*in+i]; !(pivot*pivot > rounding(in)*g.sigma[i*p+i]) {
			return fmt.Errorf("%w: input %d is a linear function of the ones before; the matrix %s", ErrSingular, i, dense.Spectrum(g.sigma, in, p))
		}
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
	return dst.finite()
}

// finite returns ErrNotFinite with the first entry that is not.
func (c *Conditional) finite() error {
	if i := dense.FirstNotFinite(c.Gain); i >= 0 {
		return fmt.Errorf("%w: the gain of output %d is %v: the points' numbers are too large or too different in scale", ErrNotFinite, i*len(c.Bias)/len(c.Gain), c.Gain[i])
	}
	if i := dense.FirstNotFinite(c.Bias); i >= 0 {
		return fmt.Errorf("%w: the bias of output %d is %v: the points' numbers are too large", ErrNotFinite, i, c.Bias[i])
	}
	if i := dense.FirstNotFinite(c.Cov); i >= 0 {
		return fmt.Errorf("%w: the covariance of output %d is %v: the points' numbers are too large", ErrNotFinite, i/len(c.Bias), c.Cov[i])
	}
	return nil
}
