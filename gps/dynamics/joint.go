package dynamics

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
)

// errOverflow says that the covariance has numbers that are not finite; who has the points
// says whose.
var errOverflow = errors.New("the covariance overflows")

// regularizer changes the covariance of a joint Gaussian before it is conditioned.
type regularizer interface{ regularize(j *joint) }

// joint fits the Gaussian of points [w; x'] and conditions it on w; it holds the workspace
// for one size. All of a point's numbers stand in one column, w first and x' from the
// multiple of kernel.Lane after it, and so does the covariance, of which the factorisation
// takes the columns of w:
//
//	rows 0    S_ww      L
//	     pin  S_xw  ->  L_x = S_xw L^-T
//
// and then F = L_x L^-1 and S = S_xx - L_x L_x'.
type joint struct {
	in, out   int
	pin, rows int // the row where x' begins, and the height of a point
	n         int // points
	// points has a point per column and one column more, for the prior's mean: as they were
	// put in, then about their mean and scaled by scale. weighted has the points times their
	// weights where there are weights.
	points, weighted kernel.Block
	mean             []float64    // rows
	sigma            kernel.Block // rows x in
	noise            kernel.Block // out x out: S_xx, then S
	gain             kernel.Block // F, out x in
	bias             []float64    // out, padded
	variances        []float64    // of w, regularised
	factor           *kernel.Factor
	zeros            []float64
}

func newJoint(in, out int) *joint {
	pin, pout := kernel.Pad(in), kernel.Pad(out)
	rows := pin + pout
	arena := kernel.NewArena(kernel.Space(rows) + (rows+pout)*in + pout*out + pout + kernel.Space(in) + kernel.Space(rows))
	return &joint{in: in, out: out, pin: pin, rows: rows, mean: arena.Take(rows), sigma: arena.TakeBlock(rows, in),
		noise: arena.TakeBlock(out, out), gain: arena.TakeBlock(out, in), bias: arena.Take(pout), variances: arena.Take(in), zeros: arena.Take(rows),
		factor: kernel.NewFactor(in, pout)}
}

// reserve makes room for n points.
func (j *joint) reserve(n int) {
	if j.n = n; len(j.points.Data) < (n+1)*j.rows {
		j.points = kernel.NewBlock(j.rows, n+1)
	}
}

// point is where the i-th point goes: w at 0, x' at pin.
func (j *joint) point(i int) []float64 { return j.points.Column(i, j.rows) }

// fit conditions the posterior of the points, of the given weights (nil for equal ones),
// under the prior, nil for none, whose weights count strength times.
func (j *joint) fit(dst *Conditional, weights []float64, prior *NIW, strength float64, mean Mean, r regularizer) error {
	count := float64(j.n)
	divisor := count
	if prior != nil {
		divisor += strength * prior.Weight()
	}
	if !(divisor > 0) {
		return fmt.Errorf("%w: %v of them and the prior's degrees of freedom weigh %v observations, need more than 0", ErrTooFewSamples, count, divisor)
	}
	columns := j.center(weights, divisor)
	if prior != nil {
		j.shift(columns, weights != nil, prior, strength, divisor, mean)
		columns++
	}
	j.covariance(columns, weights != nil, prior, strength/divisor)
	if r != nil {
		r.regularize(j)
	}
	pivots, dependent := j.factorize()
	if pivots == j.in && !dependent {
		j.condition(dst)
		// A gain that is not finite makes its bias so, even by a mean of 0.
		if kernel.Finite(dst.Bias) && kernel.Finite(dst.Cov) {
			return nil
		}
	}
	// The covariance, which the factor has replaced, tells what is wrong.
	j.covariance(columns, weights != nil, prior, strength/divisor)
	sigma := make([]float64, (j.in+j.out)*(j.in+j.out))
	if j.unpack(sigma); dense.FirstNotFinite(sigma) >= 0 {
		return errOverflow
	}
	if r != nil {
		r.regularize(j)
		j.unpack(sigma)
	}
	switch {
	case dependent:
		return fmt.Errorf("%w: input %d is a linear function of the ones before; the matrix %s", ErrSingular, pivots, dense.Spectrum(sigma, j.in, j.in+j.out))
	case pivots < j.in:
		return fmt.Errorf("%w: it %s", ErrSingular, dense.Spectrum(sigma, j.in, j.in+j.out))
	}
	return dst.finite()
}

// center brings the points about their mean, scaled so that the sum of their products is the
// covariance, and returns their number.
func (j *joint) center(weights []float64, divisor float64) int {
	equal := [1]float64{1 / float64(j.n)}
	share := kernel.Right{Data: equal[:]}
	if weights != nil {
		share = kernel.Right{Data: weights, Inner: 1}
	}
	kernel.Set(kernel.Block{Data: j.mean, Stride: j.rows}, j.points, share, j.rows, 1, j.n)
	if weights == nil {
		scale := math.Sqrt(1 / divisor)
		for i := range j.n {
			kernel.Difference(j.point(i), j.point(i), j.mean, scale)
		}
		return j.n
	}
	if len(j.weighted.Data) < len(j.points.Data) {
		j.weighted = kernel.NewBlock(j.rows, len(j.points.Data)/j.rows)
	}
	for i, w := range weights {
		kernel.Difference(j.weighted.Column(i, j.rows), j.point(i), j.mean, w*float64(j.n)/divisor)
		kernel.Difference(j.point(i), j.point(i), j.mean, 1)
	}
	return j.n
}

// shift makes column i that of the distance between the prior's mean and the points', and
// moves the mean.
func (j *joint) shift(i int, weighted bool, prior *NIW, strength, divisor float64, mean Mean) {
	m, count := strength*prior.NMean, float64(j.n)
	part := count * m / (count + m) / divisor
	scale := math.Sqrt(part)
	if weighted {
		scale = 1
		j.away(j.weighted.Column(i, j.rows), prior, part)
	}
	j.away(j.point(i), prior, scale)
	if mean != ShrunkMean {
		return
	}
	for _, half := range []struct{ own, theirs []float64 }{{j.mean[:j.in], prior.Mean[:j.in]}, {j.mean[j.pin : j.pin+j.out], prior.Mean[j.in:]}} {
		for k, v := range half.theirs {
			half.own[k] = (m*v + count*half.own[k]) / (m + count)
		}
	}
}

// away writes (the prior's mean - the points') scale.
func (j *joint) away(dst []float64, prior *NIW, scale float64) {
	kernel.Difference(dst[:j.in], prior.Mean[:j.in], j.mean[:j.in], scale)
	clear(dst[j.in:j.pin])
	kernel.Difference(dst[j.pin:j.pin+j.out], prior.Mean[j.in:], j.mean[j.pin:j.pin+j.out], scale)
	clear(dst[j.pin+j.out:])
}

// covariance sets the lower part of the joint covariance from that many columns of points.
func (j *joint) covariance(columns int, weighted bool, prior *NIW, share float64) {
	left := j.points
	if weighted {
		left = j.weighted
	}
	x, next, right := left, left.From(j.pin, 0), j.points.From(j.pin, 0)
	if prior == nil {
		kernel.SetLower(j.sigma, x, j.points.T(), j.pin+j.out, j.in, columns)
		kernel.SetLower(j.noise, next, right.T(), j.out, j.out, columns)
	} else {
		p := j.in + j.out
		for k := range j.in {
			row, column := prior.Scatter[k*p:(k+1)*p], j.sigma.Column(k, j.rows)
			kernel.Difference(column[:j.in], row[:j.in], j.zeros[:j.in], share)
			kernel.Difference(column[j.pin:j.pin+j.out], row[j.in:], j.zeros[:j.out], share)
		}
		for k := range j.out {
			row := prior.Scatter[(j.in+k)*p+j.in:][:j.out]
			kernel.Difference(j.noise.Column(k, j.out), row, j.zeros[:j.out], share)
		}
		kernel.AddLower(j.sigma, j.sigma, x, j.points.T(), j.pin+j.out, j.in, columns)
		kernel.AddLower(j.noise, j.noise, next, right.T(), j.out, j.out, columns)
	}
}

// unpack writes the joint covariance to dst, P x P.
func (j *joint) unpack(dst []float64) {
	p := j.in + j.out
	for k := range j.in {
		column := j.sigma.Column(k, j.rows)
		for i := k; i < j.in; i++ {
			dst[i*p+k] = column[i]
		}
		for i := range j.out {
			dst[(j.in+i)*p+k] = column[j.pin+i]
		}
	}
	for k := range j.out {
		for i := k; i < j.out; i++ {
			dst[(j.in+i)*p+j.in+k] = j.noise.At(i, k)
		}
	}
	dense.MirrorLower(dst, p)
}

// pack takes the joint covariance from src, P x P and symmetric.
func (j *joint) pack(src []float64) {
	p := j.in + j.out
	for k := range j.in {
		column := j.sigma.Column(k, j.rows)
		copy(column, src[k*p:k*p+j.in])
		copy(column[j.pin:], src[k*p+j.in:(k+1)*p])
	}
	for k := range j.out {
		copy(j.noise.Column(k, j.out), src[(j.in+k)*p+j.in:])
	}
}

// rounding is the part of an input's variance below which what the other inputs leave
// unexplained of it is rounding.
func rounding(n int) float64 { return 8 * float64(n) * 0x1p-52 }

// factorize returns the number of inputs that have pivots, and if the next one has one that
// is rounding.
func (j *joint) factorize() (pivots int, dependent bool) {
	for i := range j.variances {
		j.variances[i] = j.sigma.At(i, i)
	}
	if n := j.factor.Cholesky(j.sigma, j.in, j.out); n < j.in {
		return n, false
	}
	least := rounding(j.in)
	for i, v := range j.variances {
		// The squared pivot is the part of the variance that the inputs before leave.
		if pivot := j.sigma.At(i, i); !(pivot*pivot > least*v) {
			return i, true
		}
	}
	return j.in, false
}

// condition writes x' given w to dst.
func (j *joint) condition(dst *Conditional) {
	below := j.sigma.From(j.pin, 0)
	j.factor.SolveRight(j.gain, below, j.sigma, j.out, j.in)
	next, bias := j.mean[j.pin:], kernel.Block{Data: j.bias, Stride: len(j.bias)}
	kernel.Sub(bias, kernel.Block{Data: next, Stride: len(next)}, j.gain, kernel.Right{Data: j.mean, Inner: 1}, j.out, 1, j.in)
	copy(dst.Bias, j.bias)
	kernel.Transpose(dst.Gain, j.in, j.gain, j.out, j.in)
	kernel.SubLower(j.noise, j.noise, below, below.T(), j.out, j.out, j.in)
	kernel.Mirror(j.noise, j.out)
	for i := range j.out {
		copy(dst.Cov[i*j.out:(i+1)*j.out], j.noise.Column(i, j.out))
	}
}
