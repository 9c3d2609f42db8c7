package mixture

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
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
			if v < low[i] {
				low[i] = v
			}
			if v > high[i] {
				high[i] = v
			}
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
	part := 1 / N
	for x := range slices.Chunk(points, D) {
		for i, v := range x {
			mean[i] += (v - low[i]) * part
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

// fill writes the points (N x D) in standard coordinates to x, N x stride in the given
// order and with zeros behind. It returns the dimensions' largest absolute values.
func (c *coordinates) fill(x, points []float64, order []int) (size []float64) {
	D := len(order)
	stride, size := kernel.Pad(D), make([]float64, D)
	inverse, shift := make([]float64, D), make([]float64, D)
	for i, from := range order {
		shift[i], inverse[i] = c.shift[from], 1/c.scale[from]
	}
	for n := range len(points) / D {
		z, source := x[n*stride:][:D], points[n*D:(n+1)*D]
		for i, from := range order {
			z[i] = (source[from] - shift[i]) * inverse[i]
		}
		widen(size, z)
	}
	return size
}

// inward writes m's parameters in standard coordinates to dst.
func (c *coordinates) inward(dst components, m *Mixture) {
	D := m.D
	place, inverse := make([]int, D), make([]float64, D)
	for i, from := range dst.order {
		place[from], inverse[from] = i, 1/c.scale[from]
	}
	copy(dst.logWeights, m.LogWeights)
	for k := range m.K {
		mean, cov := m.Mean(k), dst.covs[k]
		for i, at := range place {
			dst.mean(k)[at] = (mean[i] - c.shift[i]) * inverse[i]
			for j, v := range m.Cov(k)[i*D:][:i+1] {
				v *= inverse[i] * inverse[j]
				cov.Data[at*cov.Stride+place[j]], cov.Data[place[j]*cov.Stride+at] = v, v
			}
		}
	}
}

// outward writes the parameters, which are in standard coordinates, to dst.
func (c *coordinates) outward(dst *Mixture, m components) {
	D := m.D
	copy(dst.LogWeights, m.logWeights)
	for k := range m.K {
		mean, cov := dst.Mean(k), dst.Cov(k)
		for j, to := range m.order {
			s := c.scale[to]
			mean[to] = c.shift[to] + s*m.mean(k)[j]
			row := cov[to*D : (to+1)*D]
			for i, v := range m.covs[k].Column(j, D) {
				row[m.order[i]] = v * s * c.scale[m.order[i]]
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
	if i := firstNotFinite(points); i >= 0 {
		return fmt.Errorf("%w: point %d has %v in dimension %d", ErrBadPoints, i/D, points[i], i%D)
	}
	return nil
}

// firstNotFinite returns the index of the first number that is NaN or infinite, or -1.
func firstNotFinite(list []float64) int {
	if s := kernel.Dot(list, list); s-s == 0 {
		return -1 // much faster, unless squares are out of range
	}
	return dense.FirstNotFinite(list)
}
