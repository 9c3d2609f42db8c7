package mixture

import (
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

const (
	// pruneBelow is how far, in nat, a component's log density may fall behind the best
	// one of a point before it is taken to be zero: e^-40 is below rounding.
	pruneBelow = 40
	pruned     = 4.2e-18 // e^-40
	// lowestLog bounds log densities from below, so that sums over points stay finite.
	lowestLog = -1e290
	// singularPivot is the share of a variance that must be left, given the dimensions
	// before it, for the rest to be more than rounding.
	singularPivot = 1e-15
)

// density evaluates a mixture's components, given their Cholesky factors.
type density struct {
	m *Mixture
	// inv holds the reciprocals of the factors' diagonals, K x D; factors the factors,
	// K x D x D; offset is log pi_k - log det L_k - D/2 log 2 pi.
	factors, inv, offset []float64
	z                    []float64
}

func newDensity(m *Mixture) (*density, error) {
	m.checkShape()
	d := &density{m: m, factors: make([]float64, len(m.Covs)), inv: make([]float64, m.K*m.D),
		offset: make([]float64, m.K), z: make([]float64, m.D)}
	return d, d.update()
}

// update takes the mixture's current parameters. It returns ErrDegenerate.
func (d *density) update() error {
	D := d.m.D
	copy(d.factors, d.m.Covs)
	for k := range d.m.K {
		l, cov := d.factors[k*D*D:(k+1)*D*D], d.m.Cov(k)
		ok := dense.FirstNotFinite(d.m.Mean(k)) < 0 && dense.Cholesky(l, D)
		d.offset[k] = d.m.LogWeights[k] - 0.5*float64(D)*math.Log(2*math.Pi)
		for i := 0; ok && i < D; i++ {
			v := l[i*D+i]
			ok = v*v > singularPivot*cov[i*D+i]
			d.inv[k*D+i] = 1 / v
			d.offset[k] -= math.Log(v)
		}
		if !ok || d.offset[k]-d.offset[k] != 0 || d.m.LogWeights[k] > 1e-6 {
			return d.m.degenerate(k)
		}
	}
	return nil
}

// log returns log pi_k + log N(x; mu_k, Sigma_k), or -Inf as soon as it is known to be
// below floor or out of range.
func (d *density) log(k int, x []float64, floor float64) float64 {
	D := d.m.D
	mean, l, inv := d.m.Mean(k), d.factors[k*D*D:(k+1)*D*D], d.inv[k*D:(k+1)*D]
	limit := 2 * (d.offset[k] - floor)
	if limit < 0 {
		return math.Inf(-1)
	}
	z, distance := d.z, 0.0
	for i := range D {
		v := x[i] - mean[i]
		row := l[i*D : i*D+i]
		for j, w := range row {
			v -= w * z[j]
		}
		v *= inv[i]
		z[i] = v
		distance += v * v
		if distance > limit {
			return math.Inf(-1)
		}
	}
	if !(distance <= limit) { // NaN: the difference of two infinities
		return math.Inf(-1)
	}
	return d.offset[k] - 0.5*distance
}

// responsibility is one non-zero entry of a point's responsibilities.
type responsibility struct {
	component int32
	weight    float64
}

// posterior appends the non-zero responsibilities of x to dst and returns them with
// log p(x). first is the component to try first: the likelier it is, the more is pruned.
func (d *density) posterior(dst []responsibility, x []float64, first int) (entries []responsibility, logp float64, best int) {
	start := len(dst)
	best = first
	top := d.log(first, x, math.Inf(-1))
	dst = append(dst, responsibility{int32(first), top})
	for k := range d.m.K {
		if k == first {
			continue
		}
		if v := d.log(k, x, top-pruneBelow); !math.IsInf(v, -1) {
			dst = append(dst, responsibility{int32(k), v})
			if v > top {
				top, best = v, k
			}
		}
	}
	if !(top > lowestLog) {
		best = d.nearest(x, first)
		return append(dst[:start], responsibility{int32(best), 1}), lowestLog, best
	}
	sum := 0.0
	for i := start; i < len(dst); i++ {
		dst[i].weight = math.Exp(dst[i].weight - top)
		sum += dst[i].weight
	}
	kept := start
	for _, r := range dst[start:] {
		if r.weight >= pruned {
			dst[kept] = responsibility{r.component, r.weight / sum}
			kept++
		}
	}
	return dst[:kept], top + math.Log(sum), best
}

// nearest returns the component with the smallest Mahalanobis distance to a point so
// far away that the squared distance is out of range; among all-equal ones, fallback.
// There the distances' differences are beyond any weight: the nearest has them all.
func (d *density) nearest(x []float64, fallback int) int {
	D := d.m.D
	best, bestLog := fallback, math.Inf(1)
	for k := range d.m.K {
		mean, l, inv := d.m.Mean(k), d.factors[k*D*D:(k+1)*D*D], d.inv[k*D:(k+1)*D]
		size := 0.0
		for i, v := range x {
			size = max(size, math.Abs(v/2-mean[i]/2))
		}
		distance := 0.0
		for i := range D {
			v := (x[i]/2 - mean[i]/2) / size
			for j, w := range l[i*D : i*D+i] {
				v -= w * d.z[j]
			}
			d.z[i] = v * inv[i]
			distance += d.z[i] * d.z[i]
		}
		if v := 2*math.Log(size) + math.Log(distance); v < bestLog {
			best, bestLog = k, v
		}
	}
	return best
}
