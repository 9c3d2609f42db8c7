package dynamics

import (
	"errors"
	"fmt"
	"math"

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
	joint   *joint
	sigma   []float64 // P x P, for change
	change  func(sigma []float64)
}

// NewGaussianFit returns a fit of out dimensions conditioned on in.
func NewGaussianFit(in, out int) *GaussianFit {
	if in < 1 || out < 1 {
		panic(fmt.Sprintf("dynamics: need at least one input and output, got %d and %d", in, out))
	}
	p := in + out
	return &GaussianFit{in: in, out: out, joint: newJoint(in, out), sigma: make([]float64, p*p)}
}

// Fit conditions the posterior of the points (N x P, P = in+out, the inputs first) with
// the given weights (N, summing to 1; nil for equal ones) under the prior, nil for none.
// regularize, if not nil, may add to the covariance (P x P, symmetric) before it is
// conditioned, and again where that fails. It returns ErrTooFewSamples without points or
// where the posterior weighs nothing, ErrNotFinite, or ErrSingular with the condition number
// of the inputs' covariance. It allocates where there are more points than ever before, and
// where it fails.
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
	g.joint.reserve(len(points) / p)
	for i := range g.joint.n {
		point := g.joint.point(i)
		copy(point, points[i*p:i*p+g.in])
		copy(point[g.joint.pin:], points[i*p+g.in:(i+1)*p])
	}
	var r regularizer
	if g.change = regularize; regularize != nil {
		r = g
	}
	err := g.joint.fit(dst, weights, prior, 1, mean, r)
	if err == errOverflow {
		return g.joint.overflow(points, prior, 1)
	}
	return err
}

// regularize has the caller of Fit change the covariance.
func (g *GaussianFit) regularize(j *joint) {
	j.unpack(g.sigma)
	g.change(g.sigma)
	j.pack(g.sigma)
}

// overflow says whose numbers are too large for the covariance.
func (j *joint) overflow(points []float64, prior *NIW, strength float64) error {
	p := j.in + j.out
	sigma := make([]float64, p*p)
	j.unpack(sigma)
	i := 0
	for i < p-1 && !math.IsNaN(sigma[i*p+i]) && !math.IsInf(sigma[i*p+i], 0) {
		i++
	}
	name := fmt.Sprintf("input %d", i)
	if i >= j.in {
		name = fmt.Sprintf("output %d", i-j.in)
	}
	low, high := points[i], points[i]
	for k := i; k < len(points); k += p {
		low, high = min(low, points[k]), max(high, points[k])
	}
	what := ""
	if prior != nil {
		what = fmt.Sprintf(", the prior's mean is %.3g with a weight of %.3g, and its scatter %.3g", prior.Mean[i], strength*prior.NMean, strength*prior.Scatter[i*p+i])
	}
	return fmt.Errorf("%w: the covariance overflows, as the squares of %s do: it goes from %.3g to %.3g%s; use other units, and look for numbers that are wrong", ErrNotFinite, name, low, high, what)
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
