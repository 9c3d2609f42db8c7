package mixture

import (
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
)

const (
	// lowestLog bounds log densities from below, so that sums over points stay finite.
	lowestLog = -1e290
	// singularPivot is the share of a variance that must be left, given the dimensions
	// before it, for the rest to be more than rounding.
	singularPivot = 1e-15
)

// density holds the components of a mixture in the layout of package kernel, ready to be
// evaluated: dimensions in an order of its own, padded with zeros to stride, and for each
// component the inverse W_k of its covariance's Cholesky factor L_k, of which the
// Mahalanobis distance is |W_k (x - mu_k)|.
type density struct {
	K, D, stride int
	order        []int          // the mixture's dimension at each place
	means        []float64      // K x stride
	inverses     []kernel.Block // W_k, stride x D
	logWeights   []float64      // log pi_k
	logDets      []float64      // log det L_k
	offsets      []float64      // log pi_k - log det L_k - D/2 log 2 pi
	views        []kernel.Block // V_k', views x D
	// head holds V_k' W_k of all components one below the other, (views K) x D, and at what
	// these make of the means.
	head kernel.Block
	at   []float64
	// slack of a component is what rounding of the head can do to a squared distance.
	slack []float64
}

func newDensity(K int, order []int) *density {
	D := len(order)
	d := &density{K: K, D: D, stride: kernel.Pad(D), order: order, inverses: make([]kernel.Block, K), views: make([]kernel.Block, K)}
	arena := kernel.NewArena(K*(kernel.Space(d.stride*D)+d.stride) + kernel.Pad(views*K)*(D+1) + 4*kernel.Space(K))
	d.means = arena.Take(K * d.stride)
	d.head, d.at = arena.TakeBlock(views*K, D), arena.Take(views*K)
	for k := range K {
		d.inverses[k] = arena.TakeBlock(D, D)
		d.views[k] = kernel.NewBlock(views, D)
		d.lookAlongAxes(k)
	}
	for _, list := range []*[]float64{&d.logWeights, &d.logDets, &d.offsets, &d.slack} {
		*list = arena.Take(K)
	}
	return d
}

func (d *density) mean(k int) []float64 {
	return d.means[k*d.stride : (k+1)*d.stride : (k+1)*d.stride]
}

// factoring is the workspace of a covariance's factor.
type factoring struct {
	*kernel.Factor
	l      kernel.Block
	turned kernel.Block // views x D
}

func newFactoring(D int) *factoring {
	return &factoring{kernel.NewFactor(D, 0), kernel.NewBlock(D, D), kernel.NewBlock(views, D)}
}

// factor sets component k's inverse factor and determinant from its covariance, of which
// the lower part is read. It reports whether that is positive definite to working
// precision.
func (d *density) factor(k int, cov kernel.Block, f *factoring) bool {
	D, w := d.D, d.inverses[k]
	for j := range D {
		copy(f.l.Column(j, d.stride), cov.Column(j, d.stride))
	}
	if f.Cholesky(f.l, D, 0) != D {
		return false
	}
	d.logDets[k] = 0
	for i := range D {
		v := f.l.At(i, i)
		if !(v*v > singularPivot*cov.At(i, i)) {
			return false
		}
		d.logDets[k] += math.Log(v)
	}
	f.InvertLower(w, f.l, D)
	for j := range D { // what is here would count in squared distances
		clear(w.Column(j, d.stride)[D:])
	}
	return true
}

// settle derives what follows from component k's mean, weight and inverse factor. It
// reports whether they are in range.
func (d *density) settle(k int, f *factoring) bool {
	mean := d.mean(k)
	d.offsets[k] = d.logWeights[k] - 0.5*float64(d.D)*math.Log(2*math.Pi) - d.logDets[k]
	if dense.FirstNotFinite(mean) >= 0 || d.offsets[k]-d.offsets[k] != 0 || d.logWeights[k] > 1e-6 {
		return false
	}
	d.see(k, f)
	return true
}

// load takes a mixture's parameters. It returns the first component that is degenerate, or
// K.
func (d *density) load(m *Mixture, f *factoring) int {
	cov := kernel.NewBlock(m.D, m.D)
	copy(d.logWeights, m.LogWeights)
	for k := range m.K {
		for i, from := range d.order {
			d.mean(k)[i] = m.Mean(k)[from]
		}
		d.reorder(cov, m, k)
		if !d.factor(k, cov, f) || !d.settle(k, f) {
			return k
		}
	}
	return m.K
}

// nearest returns the component with the smallest Mahalanobis distance to a point so
// far away that the squared distance is out of range; among all-equal ones, fallback.
// There the distances' differences are beyond any weight: the nearest has them all.
func (d *density) nearest(x []float64, fallback int) int {
	best, bestLog := fallback, math.Inf(1)
	for k := range d.K {
		mean, w := d.mean(k)[:d.D], d.inverses[k]
		size := 0.0
		for i, v := range mean {
			size = max(size, math.Abs(x[i]/2-v/2))
		}
		distance := 0.0
		for i := range d.D {
			z := 0.0
			for j, v := range mean[:i+1] {
				z += w.At(i, j) * ((x[j]/2 - v/2) / size)
			}
			distance += z * z
		}
		if v := 2*math.Log(size) + math.Log(distance); v < bestLog {
			best, bestLog = k, v
		}
	}
	return best
}

// reorder writes a mixture's covariance k to cov.
func (d *density) reorder(cov kernel.Block, m *Mixture, k int) {
	source := m.Cov(k)
	for i, from := range d.order {
		column := cov.Column(i, m.D)
		for j, other := range d.order {
			column[j] = source[max(from, other)*m.D+min(from, other)]
		}
	}
}
