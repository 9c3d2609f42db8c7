package mixture

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

const (
	// maxSpread and minSpread bound what a dimension may span, so that squares and
	// their sums stay within float64's range; below minSpread it counts as constant.
	maxSpread, minSpread = 1e100, 1e-100
	// relativeFloor of a dimension's variance is the least regularisation: well above
	// the rounding of a covariance's Cholesky factor.
	relativeFloor = 1e-11
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
	N := len(points) / D
	for i := range D {
		low, high := points[i], points[i]
		for n := range N {
			low, high = min(low, points[n*D+i]), max(high, points[n*D+i])
		}
		if !(high-low <= maxSpread) {
			return nil, fmt.Errorf("%w: dimension %d spans %.3g to %.3g, the squares of which no float64 holds: use other units, at most %g apart", ErrBadPoints, i, low, high, float64(maxSpread))
		}
		deviation := 0.0
		c.shift[i], c.scale[i] = low, 1
		if spread := high - low; spread >= minSpread {
			mean, square := 0.0, 0.0
			for n := range N {
				mean += (points[n*D+i] - low) / float64(N)
			}
			for n := range N {
				v := (points[n*D+i] - low - mean) / spread
				square += v * v / float64(N)
			}
			deviation = spread * math.Sqrt(square)
			c.shift[i] = low + mean
			c.scale[i] = math.Ldexp(1, int(math.Round(math.Log2(deviation))))
		}
		c.logScale += math.Log(c.scale[i])
		if regularization > 0 {
			v := deviation / c.scale[i]
			c.regularization[i] = max(regularization/c.scale[i]/c.scale[i], relativeFloor*v*v)
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
