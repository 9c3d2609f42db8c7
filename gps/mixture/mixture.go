package mixture

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
)

// ErrBadPoints marks points that no mixture can be fitted to.
var ErrBadPoints = errors.New("mixture: bad points")

// ErrDegenerate marks a component whose covariance is not positive definite.
var ErrDegenerate = errors.New("mixture: covariance is not positive definite")

// Mixture is a Gaussian mixture.
type Mixture struct {
	K, D int
	// Means is K x D, Covs is K x D x D, LogWeights is K (log pi_k).
	Means, Covs, LogWeights []float64
	// FitCount is the number of points of the last fit.
	FitCount int
}

// New returns a mixture of zeros with equal weights.
func New(K, D int) *Mixture {
	if K < 1 || D < 1 {
		panic(fmt.Sprintf("mixture: need K, D >= 1, got K=%d D=%d", K, D))
	}
	m := &Mixture{K: K, D: D, Means: make([]float64, K*D), Covs: make([]float64, K*D*D), LogWeights: make([]float64, K)}
	for k := range K {
		m.LogWeights[k] = -math.Log(float64(K))
	}
	return m
}

// Mean returns mu_k, D.
func (m *Mixture) Mean(k int) []float64 { return m.Means[k*m.D : (k+1)*m.D : (k+1)*m.D] }

// Cov returns Sigma_k, D x D.
func (m *Mixture) Cov(k int) []float64 {
	return m.Covs[k*m.D*m.D : (k+1)*m.D*m.D : (k+1)*m.D*m.D]
}

// Clone returns a deep copy.
func (m *Mixture) Clone() *Mixture {
	return &Mixture{K: m.K, D: m.D, Means: slices.Clone(m.Means), Covs: slices.Clone(m.Covs),
		LogWeights: slices.Clone(m.LogWeights), FitCount: m.FitCount}
}

// pruneBelow is how far, in nat, a component's log density may fall behind the best one
// of a point before it is taken to be zero: e^-40 is below rounding.
const pruneBelow = 40

// density evaluates a mixture's components, given their Cholesky factors.
type density struct {
	m *Mixture
	// inv holds the reciprocals of the factors' diagonals, K x D; factors the factors,
	// K x D x D; offset is log pi_k - log det L_k - D/2 log 2 pi.
	factors, inv, offset []float64
	z                    []float64
}

func newDensity(m *Mixture) (*density, error) {
	d := &density{m: m, factors: make([]float64, len(m.Covs)), inv: make([]float64, m.K*m.D),
		offset: make([]float64, m.K), z: make([]float64, m.D)}
	return d, d.update()
}

// update takes the mixture's current parameters.
func (d *density) update() error {
	D := d.m.D
	copy(d.factors, d.m.Covs)
	for k := range d.m.K {
		l := d.factors[k*D*D : (k+1)*D*D]
		if !dense.Cholesky(l, D) {
			return fmt.Errorf("%w: component %d of %d (weight %.3g): raise the regularisation or use fewer clusters", ErrDegenerate, k, d.m.K, math.Exp(d.m.LogWeights[k]))
		}
		d.offset[k] = d.m.LogWeights[k] - 0.5*float64(D)*math.Log(2*math.Pi)
		for i := range D {
			d.inv[k*D+i] = 1 / l[i*D+i]
			d.offset[k] -= math.Log(l[i*D+i])
		}
	}
	return nil
}

// log returns log pi_k + log N(x; mu_k, Sigma_k), or -Inf as soon as it is known to be
// below floor.
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
	sum := 0.0
	for _, r := range dst[start:] {
		sum += math.Exp(r.weight - top)
	}
	logp = top + math.Log(sum)
	kept := start
	for _, r := range dst[start:] {
		if r.weight > top-pruneBelow {
			dst[kept] = responsibility{r.component, math.Exp(r.weight - logp)}
			kept++
		}
	}
	return dst[:kept], logp, best
}

// LogJoint writes log pi_k + log N(x_n; mu_k, Sigma_k) to dst, N x K.
func (m *Mixture) LogJoint(dst, points []float64) error {
	d, err := newDensity(m)
	if err != nil {
		return err
	}
	for n := range len(points) / m.D {
		for k := range m.K {
			dst[n*m.K+k] = d.log(k, points[n*m.D:(n+1)*m.D], math.Inf(-1))
		}
	}
	return nil
}

// LogLikelihood returns the sum of log p(x_n) over the points, N x D.
func (m *Mixture) LogLikelihood(points []float64) (float64, error) {
	d, err := newDensity(m)
	if err != nil {
		return 0, err
	}
	var entries []responsibility
	sum, first, logp := 0.0, 0, 0.0
	for n := range len(points) / m.D {
		entries, logp, first = d.posterior(entries[:0], points[n*m.D:(n+1)*m.D], first)
		sum += logp
	}
	return sum, nil
}
