package mixture

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
)

const (
	// maxSpread and minSpread bound what a dimension may span, so that squares and
	// their sums stay within float64's range; below minSpread it counts as constant.
	maxSpread, minSpread = 1e100, 1e-100
	// relativeFloor of a dimension's variance is the least regularisation: well above
	// the rounding of a covariance's Cholesky factor.
	relativeFloor = 1e-11
	// roundingFloor times a dimension's largest number is the least standard deviation
	// that the regularisation gives: the points themselves are no finer.
	roundingFloor = 4e-15
)

// coordinates are the standard coordinates z = (x - shift)/scale of a set of points, in
// which every dimension has mean 0 and a standard deviation of about 1. The scales are
// powers of two: dividing by them and multiplying again rounds nothing.
type coordinates struct {
	shift, scale []float64
	logScale     float64 // sum of log scale: log p(x) = log p(z) - logScale
	// regularization of every dimension, in standard coordinates.
	regularization []float64
}

// standardize returns the standard coordinates of the points (N x D).
func standardize(points []float64, D int, regularization float64) (*coordinates, error) {
	c := &coordinates{shift: make([]float64, D), scale: make([]float64, D), regularization: make([]float64, D)}
	N := float64(len(points) / D)
	low, high := slices.Clone(points[:D]), slices.Clone(points[:D])
	for x := range slices.Chunk(points, D) {
		for i, v := range x {
			low[i], high[i] = min(low[i], v), max(high[i], v)
		}
	}
	for i := range D {
		if !(high[i]-low[i] <= maxSpread) {
			return nil, fmt.Errorf("%w: dimension %d spans %.3g to %.3g, the squares of which no float64 holds: use other units, at most %g apart", ErrBadPoints, i, low[i], high[i], float64(maxSpread))
		}
	}
	// Deviations as shares of the span, so that no square is out of range.
	mean, square, share := make([]float64, D), make([]float64, D), make([]float64, D)
	for i := range D {
		if spread := high[i] - low[i]; spread >= minSpread {
			share[i] = 1 / spread
		}
	}
	for x := range slices.Chunk(points, D) {
		for i, v := range x {
			mean[i] += (v - low[i]) / N
		}
	}
	for x := range slices.Chunk(points, D) {
		for i, v := range x {
			d := (v - low[i] - mean[i]) * share[i]
			square[i] += d * d
		}
	}
	for i := range D {
		deviation := 0.0
		c.shift[i], c.scale[i] = low[i], 1
		if share[i] > 0 {
			deviation = math.Sqrt(square[i]/N) / share[i]
			c.shift[i] = low[i] + mean[i]
			c.scale[i] = math.Ldexp(1, int(math.Round(math.Log2(deviation))))
		}
		c.logScale += math.Log(c.scale[i])
		if regularization > 0 {
			v, rounding := deviation/c.scale[i], roundingFloor*max(-low[i], high[i])/c.scale[i]
			c.regularization[i] = max(regularization/c.scale[i]/c.scale[i], relativeFloor*v*v, min(rounding*rounding, maxRegularization))
		}
	}
	return c, nil
}

// points returns the points (N x D) in standard coordinates.
func (c *coordinates) points(points []float64) []float64 {
	z, D := make([]float64, len(points)), len(c.shift)
	for n := 0; n < len(z); n += D {
		for i := range D {
			z[n+i] = (points[n+i] - c.shift[i]) / c.scale[i]
		}
	}
	return z
}

// inward writes m's parameters in standard coordinates to dst.
func (c *coordinates) inward(dst, m *Mixture) {
	D := m.D
	copy(dst.LogWeights, m.LogWeights)
	for k := range m.K {
		mean, cov := m.Mean(k), m.Cov(k)
		for i, s := range c.scale {
			dst.Means[k*D+i] = (mean[i] - c.shift[i]) / s
			for j, r := range c.scale {
				dst.Covs[(k*D+i)*D+j] = cov[i*D+j] / s / r
			}
		}
	}
}

// outward writes m's parameters, which are in standard coordinates, to dst.
func (c *coordinates) outward(dst, m *Mixture) {
	D := m.D
	copy(dst.LogWeights, m.LogWeights)
	for k := range m.K {
		mean, cov := m.Mean(k), m.Cov(k)
		for i, s := range c.scale {
			dst.Means[k*D+i] = c.shift[i] + s*mean[i]
			for j, r := range c.scale {
				dst.Covs[(k*D+i)*D+j] = cov[i*D+j] * s * r
			}
		}
	}
}

// checkPoints returns the number of points.
func checkPoints(points []float64, D int) (int, error) {
	if len(points)%D != 0 {
		panic(fmt.Sprintf("mixture: %d numbers are no points of %d dimensions", len(points), D))
	}
	N := len(points) / D
	if N < 2 {
		return 0, fmt.Errorf("%w: need at least 2, got %d: record more rollouts", ErrBadPoints, N)
	}
	return N, checkFinite(points, D)
}

func checkFinite(points []float64, D int) error {
	if i := dense.FirstNotFinite(points); i >= 0 {
		return fmt.Errorf("%w: point %d has %v in dimension %d", ErrBadPoints, i/D, points[i], i%D)
	}
	return nil
}
