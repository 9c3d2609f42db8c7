package dynamics

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
)

// NIW is a normal-inverse-Wishart distribution over the mean and the covariance of a
// Gaussian of D dimensions: the covariance is inverse-Wishart of scale Scatter and NCovar
// degrees of freedom, the mean given the covariance is N(Mean, covariance/NMean). It is a
// Prior that is the same at every time step.
type NIW struct {
	// Mean is D (mu_0), Scatter is D x D (Phi, a covariance times its weight).
	Mean, Scatter []float64
	// NMean is the weight of Mean, in observations (m), >= 0. NCovar is the degrees of
	// freedom nu; the covariance weighs n_0 = NCovar + D + 1 observations.
	NMean, NCovar float64
}

// NewNIW returns the non-informative distribution: NMean = 0, Scatter = 0 and
// NCovar = -(D+1), so that the posterior's MAP is the sample mean and the sample
// covariance (1/N).
func NewNIW(D int) *NIW {
	if D < 1 {
		panic(fmt.Sprintf("dynamics: need D >= 1, got %d", D))
	}
	return &NIW{Mean: make([]float64, D), Scatter: make([]float64, D*D), NCovar: -float64(D + 1)}
}

// Weight returns n_0 = NCovar + D + 1, the observations that the covariance weighs.
func (p *NIW) Weight() float64 { return p.NCovar + float64(len(p.Mean)+1) }

// At makes dst a copy of p: the prior of every time step.
func (p *NIW) At(dst *NIW, _ int, _ []float64) error {
	dst.CopyFrom(p)
	return nil
}

// Fork returns p: At keeps nothing between calls.
func (p *NIW) Fork() Prior { return p }

// CopyFrom makes p a deep copy of o. It allocates only if the sizes differ.
func (p *NIW) CopyFrom(o *NIW) {
	p.Mean, p.Scatter = append(p.Mean[:0], o.Mean...), append(p.Scatter[:0], o.Scatter...)
	p.NMean, p.NCovar = o.NMean, o.NCovar
}

// tolerance is the part of sqrt(a_ii a_jj) by which a scatter may be asymmetric or, scaled
// to a unit diagonal, have an eigenvalue below zero: rounding of sums over large numbers.
const tolerance = 1e-8

// Validate returns an error if the scatter does not fit the mean, an entry is not finite
// (ErrNotFinite), the scatter is not symmetric or not positive semi-definite (but for
// rounding, 1e-8 of its diagonal), or a weight is negative.
func (p *NIW) Validate() error { return p.validate(newScatterCheck(len(p.Mean))) }

// scatterCheck is the workspace of validate for D dimensions.
type scatterCheck struct {
	scaled kernel.Block // D x D
	roots  []float64    // of the diagonal, D
	factor *kernel.Factor
}

func newScatterCheck(D int) *scatterCheck {
	return &scatterCheck{scaled: kernel.NewBlock(D, D), roots: make([]float64, D), factor: kernel.NewFactor(D, 0)}
}

// validate is Validate with a workspace.
func (p *NIW) validate(c *scatterCheck) error {
	D := len(p.Mean)
	// -1e-9 D: NCovar + D + 1 of a weight of 0 that was scaled or added to may round below 0,
	// by 1e-16 of its terms; a billionth of an observation is none.
	switch {
	case D < 1 || len(p.Scatter) != D*D:
		return fmt.Errorf("dynamics: NIW prior has a mean of %d numbers and a scatter of %d, need D and D*D", D, len(p.Scatter))
	case !(p.NMean >= 0) || math.IsInf(p.NMean, 0):
		return fmt.Errorf("dynamics: NIW prior's mean weighs %v observations, need a finite number >= 0", p.NMean)
	case !(p.Weight() >= -1e-9*float64(D)) || math.IsInf(p.NCovar, 0):
		return fmt.Errorf("dynamics: NIW prior has %v degrees of freedom for %d dimensions, need a finite number >= %d", p.NCovar, D, -(D + 1))
	}
	if i := dense.FirstNotFinite(p.Mean); i >= 0 {
		return fmt.Errorf("%w: NIW prior's mean has %v at %d", ErrNotFinite, p.Mean[i], i)
	}
	if i := dense.FirstNotFinite(p.Scatter); i >= 0 {
		return fmt.Errorf("%w: NIW prior's scatter has %v at (%d, %d)", ErrNotFinite, p.Scatter[i], i/D, i%D)
	}
	for i := range D {
		if p.Scatter[i*D+i] < 0 {
			return fmt.Errorf("dynamics: NIW prior's scatter has %v at (%d, %d): a diagonal entry is >= 0", p.Scatter[i*D+i], i, i)
		}
		c.roots[i] = math.Sqrt(p.Scatter[i*D+i])
	}
	// Dimensions have units: the test is on the matrix scaled to a unit diagonal.
	for i := range D {
		c.scaled.Set(i, i, 1+tolerance)
		for j := range i {
			a, b := p.Scatter[i*D+j], p.Scatter[j*D+i]
			c.scaled.Set(i, j, 0)
			if a == 0 && b == 0 {
				continue
			}
			diagonal := c.roots[i] * c.roots[j]
			if !(math.Abs(a-b) <= tolerance*diagonal) {
				return fmt.Errorf("dynamics: NIW prior's scatter has %v at (%d, %d) and %v at (%d, %d): it must be symmetric", a, i, j, b, j, i)
			}
			v := a / diagonal
			if c.scaled.Set(i, j, v); !(math.Abs(v) <= 1+tolerance) {
				return p.indefinite()
			}
		}
	}
	if c.factor.Cholesky(c.scaled, D, 0) < D {
		return p.indefinite()
	}
	return nil
}

func (p *NIW) indefinite() error {
	D := len(p.Mean)
	return fmt.Errorf("dynamics: NIW prior's scatter %s: it must be positive semi-definite, as sums of squares are", dense.Spectrum(p.Scatter, D, D))
}

// Update replaces p by its posterior after n observations (> 0; a fraction discounts
// them) of the given mean (D) and covariance (D x D, divided by n):
//
//	mu_0 <- (m mu_0 + n mean)/(m + n),  m <- m + n,  nu <- nu + n
//	Phi  <- Phi + n cov + m n/(m+n) (mean - mu_0)(mean - mu_0)'
//
// (K. P. Murphy 2007, section 9.) An error leaves p as it was.
func (p *NIW) Update(n float64, mean, cov []float64) error {
	D := len(p.Mean)
	if len(mean) != D || len(cov) != D*D {
		panic(fmt.Sprintf("dynamics: update of a NIW distribution of %d dimensions by a mean of %d and a covariance of %d numbers", D, len(mean), len(cov)))
	}
	if !(n > 0) || math.IsInf(n, 0) {
		return fmt.Errorf("%w: a NIW update needs a finite number > 0 of observations, got %v", ErrTooFewSamples, n)
	}
	next := NIW{Mean: make([]float64, D), Scatter: make([]float64, D*D), NMean: p.NMean + n, NCovar: p.NCovar + n}
	share := n / next.NMean
	for i := range D {
		next.Mean[i] = p.Mean[i] + share*(mean[i]-p.Mean[i])
		for j := range D {
			next.Scatter[i*D+j] = p.Scatter[i*D+j] + n*cov[i*D+j] + p.NMean*share*(mean[i]-p.Mean[i])*(mean[j]-p.Mean[j])
		}
	}
	if err := next.Validate(); err != nil {
		return fmt.Errorf("NIW update by %v observations: %w", n, err)
	}
	p.CopyFrom(&next)
	return nil
}

// MAPCovariance writes the most probable covariance, the mode Phi/(nu + D + 1) of the
// inverse-Wishart marginal, to dst (D x D). The most probable mean is Mean. It returns
// ErrTooFewSamples where n_0 = nu + D + 1 is not positive: nothing was observed yet.
func (p *NIW) MAPCovariance(dst []float64) error {
	if len(dst) != len(p.Scatter) {
		panic(fmt.Sprintf("dynamics: covariance of %d numbers for a scatter of %d", len(dst), len(p.Scatter)))
	}
	n := p.Weight()
	if !(n > 0) {
		return fmt.Errorf("%w: the covariance weighs %v observations, update the NIW distribution first", ErrTooFewSamples, n)
	}
	for i, v := range p.Scatter {
		dst[i] = v / n
	}
	if i := dense.FirstNotFinite(dst); i >= 0 {
		return fmt.Errorf("%w: covariance entry %d of a scatter of %v and %v observations", ErrNotFinite, i, p.Scatter[i], n)
	}
	return nil
}
