package mixture

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
)

// randomMixture has components with standard deviations from 1e-3 to 3 along random
// directions, around a point that is far off.
func randomMixture(rng *rand.Rand, K, D int, far float64) *Mixture {
	m := New(K, D)
	v := make([]float64, D)
	for k := range K {
		for i := range D {
			m.Mean(k)[i] = far + 2*rng.NormFloat64()
			m.Cov(k)[i*D+i] = 1e-6
		}
		for range D {
			s := math.Pow(10, 3.5*rng.Float64()-3)
			for i := range v {
				v[i] = s * rng.NormFloat64()
			}
			for i, w := range v {
				for j, u := range v {
					m.Cov(k)[i*D+j] += w * u / float64(D)
				}
			}
		}
	}
	return m
}

// distance is the squared Mahalanobis distance of x from component k.
func (d *density) distance(k int, x []float64) float64 {
	square := 0.0
	for i := range d.D {
		z := 0.0
		for j := range i + 1 {
			z += d.inverses[k].At(i, j) * (x[j] - d.mean(k)[j])
		}
		square += z * z
	}
	return square
}

// The views are orthonormal, what is seen along them is at most the distance, however far the
// points are from the origin, and a look makes it more.
func TestViewsBoundDistances(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, far := range []float64{0, 1e3, 1e8} {
		for _, size := range [][2]int{{1, 3}, {2, 1}, {3, 2}, {5, 3}, {4, 4}, {3, 9}, {7, 24}, {6, 59}} {
			K, D := size[0], size[1]
			m := randomMixture(rng, K, D, far)
			d, f := newDensity(K, naturalOrder(D)), newFactoring(D)
			if k := d.load(m, f); k < K {
				t.Fatal(m.degenerate(k))
			}
			const N = 40
			p := block{n: N, x: make([]float64, N*d.stride)}
			sizes := make([]float64, D)
			for n := range N {
				x := p.x[n*d.stride:][:D]
				k := rng.IntN(K)
				for i := range D {
					x[i] = m.Mean(k)[i] + rng.NormFloat64()
				}
				widen(sizes, x)
			}
			e, s := newEvaluator(K, D), newViewing(K, D)
			for k := range K {
				d.slacken(k, sizes)
			}
			seen := func() (logs float64) {
				e.bound(d, p)
				for n := range N {
					for k := range K {
						v, exact := e.bounds[n*K+k], d.distance(k, p.x[n*d.stride:][:D])
						if (1-slackShare)*v-d.slack[k] > exact*(1+1e-6) {
							t.Errorf("K=%d D=%d, %g from the origin: the bound of point %d and component %d is %v (slack %v), the distance %v", K, D, far, n, k, v, d.slack[k], exact)
						}
						logs += math.Log(v + 1)
					}
				}
				return logs
			}
			before := seen()
			for range 3 {
				d.look(s, f, func(k int) kernel.Block {
					cov := kernel.NewBlock(D, D)
					d.reorder(cov, m, k)
					return cov
				})
				for k := range K {
					for i := range min(views, D) {
						for j := range i + 1 {
							dot := 0.0
							for l := range D {
								dot += d.views[k].At(i, l) * d.views[k].At(j, l)
							}
							if i == j {
								dot--
							}
							if math.Abs(dot) > 1e-12 {
								t.Fatalf("K=%d D=%d: views %d and %d of component %d are %g from orthonormal", K, D, i, j, k, dot)
							}
						}
					}
				}
			}
			if after := seen(); D > 20 && far < 1e8 && after < before+N {
				t.Errorf("K=%d D=%d: the logarithms of what is seen sum to %v, along axes to %v", K, D, after, before)
			}
		}
	}
}

// From a drift's bound no distance is closer; drifts of small steps leave most of it, and
// those of large ones nothing.
func TestDriftBoundsDistances(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, D := range []int{1, 2, 7, 8, 20} {
		for _, step := range []float64{0, 1e-9, 0.003, 0.1, 0.3, 30} {
			m := randomMixture(rng, 2, D, 0) // before and after
			copy(m.Cov(1), m.Cov(0))
			copy(m.Mean(1), m.Mean(0))
			l := slices.Clone(m.Cov(0))
			if !cholesky(l, D) {
				t.Fatal("not positive definite")
			}
			if step > 0 { // as far in the covariance's own measure in all directions
				for range D {
					v, z := make([]float64, D), rng.NormFloat64()
					for j := range D {
						u := rng.NormFloat64()
						for i := j; i < D; i++ {
							v[i] += l[i*D+j] * u
						}
					}
					for i, w := range v {
						m.Mean(1)[i] += step * z * w / float64(D)
						for j, u := range v {
							m.Cov(1)[i*D+j] += step * w * u / float64(D)
						}
					}
				}
			}
			order := naturalOrder(D)
			e := &em{m: newComponents(1, order), previous: newComponents(1, order)}
			s := newMoments(D)
			for k, c := range []*components{&e.previous, &e.m} {
				copy(c.mean(0), m.Mean(k))
				c.reorder(c.covs[0], m, k)
				if !c.factor(0, c.covs[0], s.factoring) {
					t.Fatal("not positive definite")
				}
			}
			got := s.drift(e, 0)
			x := make([]float64, D)
			for range 200 {
				far := math.Pow(10, 4*rng.Float64()-2)
				for i := range x {
					x[i] = m.Mean(0)[i] + far*rng.NormFloat64()
				}
				a, b := math.Sqrt(e.previous.distance(0, x)), math.Sqrt(e.m.distance(0, x))
				if a*got.shrink-got.moved > b*(1+1e-6)+1e-9 {
					t.Errorf("D=%d step %g: a distance of %v became %v, by %+v at least %v", D, step, a, b, got, a*got.shrink-got.moved)
				}
			}
			switch {
			case step == 0 && got != drift{1, 0}:
				t.Errorf("D=%d: %+v without a step", D, got)
			case step > 0 && step < 0.01 && got.shrink < 0.9, step > 1 && D > 2 && got.shrink > 0.6:
				t.Errorf("D=%d: %+v after a step of %g", D, got, step)
			}
		}
	}
}

// cholesky replaces the lower part of a, D x D, by its factor, and says if there is one.
func cholesky(a []float64, D int) bool {
	for j := range D {
		for i := j; i < D; i++ {
			for k := range j {
				a[i*D+j] -= a[i*D+k] * a[j*D+k]
			}
			if i > j {
				a[i*D+j] /= a[j*D+j]
			} else if a[j*D+j] = math.Sqrt(a[j*D+j]); !(a[j*D+j] > 0) {
				return false
			}
		}
	}
	return true
}

// The longest axis has the largest eigenvalue, and taking a half of it off leaves a
// covariance, also where the largest column knows nothing of it.
func TestLongestAxis(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	covs := [][]float64{{4}, {1, 0, 0, 1}, {2, -1, -1, 2}}
	apart := make([]float64, 12*12) // one dimension alone, 11 that are the same
	for i := range 12 {
		for j := range 12 {
			if i > 0 && j > 0 {
				apart[i*12+j] = 0.1
			}
		}
		apart[i*12+i] = 0.1 + 1e-6
	}
	apart[0] = 1
	covs = append(covs, apart, make([]float64, 9))
	for _, D := range []int{3, 8, 17, 59} {
		for range 5 {
			covs = append(covs, randomMixture(rng, 1, D, 0).Covs)
		}
	}
	for _, c := range covs {
		D := int(math.Sqrt(float64(len(c))))
		cov := kernel.NewBlock(D, D)
		for i := range D {
			copy(cov.Column(i, D), c[i*D:(i+1)*D])
		}
		eigen := dense.NewEigen(D)
		if !eigen.Decompose(c) {
			t.Fatal("not decomposed")
		}
		largest := eigen.Values[D-1]
		axis, variance := newMoments(D).longest(cov, naturalOrder(D))
		if math.Abs(variance-largest) > 1e-3*largest {
			t.Errorf("D=%d: variance %v, the largest is %v", D, variance, largest)
		}
		if largest == 0 {
			continue
		}
		left := slices.Clone(c)
		for i, v := range axis {
			for j, w := range axis {
				left[i*D+j] -= splitOffset * splitOffset * v * w
			}
		}
		if !cholesky(left, D) {
			t.Errorf("D=%d: half the longest axis less is no covariance", D)
		}
	}
}
