package mixture

import (
	"math"

	"guidedpolicysearch/gps/internal/kernel"
)

// views is in how many directions all pairs of points and components are compared.
const views = 4

// turns is in how many M-steps of a fit the views are worth another look.
const turns = 2

// viewing is the workspace of searches for views.
type viewing struct {
	heads, seen, sums kernel.Block // the heads transposed, times a covariance, and summed up, D x (views K)
	offsets, shares   kernel.Block // of the components' means, (views K) x K
}

func newViewing(K, D int) *viewing {
	stride := kernel.Pad(D)
	arena := kernel.NewArena(3*kernel.Space(stride*views*K) + 2*kernel.Space(kernel.Pad(views*K)*K))
	s := new(viewing)
	for _, b := range []*kernel.Block{&s.heads, &s.seen, &s.sums} {
		*b = arena.TakeBlock(D, views*K)
	}
	s.offsets, s.shares = arena.TakeBlock(views*K, K), arena.TakeBlock(views*K, K)
	return s
}

// lookAlongAxes gives component k the last dimensions as views: those that are the most
// determined by the others.
func (d *density) lookAlongAxes(k int) {
	clear(d.views[k].Data)
	for i := range min(views, d.D) {
		d.views[k].Set(i, d.D-1-i, 1)
	}
}

// see derives the head of component k from its views.
func (d *density) see(k int, f *factoring) {
	kernel.Set(f.turned, d.views[k], d.inverses[k].N(), views, d.D, d.D)
	mean := d.mean(k)
	var at [views]float64
	for j := range d.D {
		column := f.turned.Column(j, views)
		copy(d.head.Column(j, views*d.K)[views*k:], column)
		for i, v := range column {
			at[i] += float64(v * mean[j])
		}
	}
	copy(d.at[views*k:], at[:])
}

// look turns the views of all components towards where the others' points lie the farthest,
// by one step of subspace iteration: of sum_j a_jk W_k (Sigma_j + delta delta') W_k' with
// delta = mu_j - mu_k, and a_jk such that what is seen of each component counts as its
// weight.
func (d *density) look(s *viewing, f *factoring, covariance func(k int) kernel.Block) {
	D, n := d.D, views*d.K
	for j := range D {
		for i, v := range d.head.Column(j, n) {
			s.heads.Data[i*s.heads.Stride+j] = v
		}
	}
	means := kernel.Block{Data: d.means, Stride: d.stride}
	kernel.Set(s.offsets, d.head, means.N(), n, d.K, D)
	clear(s.sums.Data)
	clear(s.shares.Data)
	of := func(b kernel.Block, k int) []float64 { return b.Column(views*k, views*d.stride) }
	for j := range d.K {
		kernel.Set(s.seen, covariance(j), d.head.T(), D, n, D)
		offsets, shares, weight := s.offsets.Column(j, n), s.shares.Column(j, n), math.Exp(d.logWeights[j])
		for k := range d.K {
			if k == j {
				continue
			}
			total := kernel.Dot(of(s.heads, k), of(s.seen, k))
			for i, at := range d.at[views*k:][:views] {
				offset := offsets[views*k+i] - at
				total += float64(offset * offset)
			}
			share := weight / total
			if !(total > 0 && share < math.Inf(1)) {
				continue
			}
			kernel.Axpy(of(s.sums, k), share, of(s.seen, k))
			own := s.shares.Column(k, n)[views*k:]
			for i, at := range d.at[views*k:][:views] {
				v := share * (offsets[views*k+i] - at)
				shares[views*k+i] += v
				own[i] -= v
			}
		}
	}
	kernel.Add(s.sums, s.sums, means, s.shares.T(), D, n, d.K)
	for k := range d.K {
		for i := range views {
			for j, v := range s.sums.Column(views*k+i, D) {
				f.turned.Set(i, j, v)
			}
		}
		kernel.Set(d.views[k], f.turned, d.inverses[k].T(), views, D, D)
		if !orthonormalize(d.views[k], min(views, D), D) {
			d.lookAlongAxes(k)
		}
		d.see(k, f)
	}
}

// orthonormalize makes the first n rows of v, of D numbers, orthonormal: Gram and Schmidt's,
// twice. It reports whether they were independent enough; what is below becomes zero.
func orthonormalize(v kernel.Block, n, D int) bool {
	data, stride := v.Data, v.Stride
	for i := range n {
		for pass := range 3 {
			square := 0.0
			for at := i; at < D*stride; at += stride {
				square += float64(data[at] * data[at])
			}
			if !(square > 1e-200 && square < 1e200) || pass > 1 && square < 0.5 {
				return false
			}
			scale := 1 / math.Sqrt(square)
			for at := i; at < D*stride; at += stride {
				data[at] *= scale
			}
			for j := 0; j < i && pass < 2; j++ {
				dot := 0.0
				for at := 0; at < D*stride; at += stride {
					dot += float64(data[at+i] * data[at+j])
				}
				for at := 0; at < D*stride; at += stride {
					data[at+i] -= float64(dot * data[at+j])
				}
			}
		}
	}
	for j := range D {
		clear(v.Column(j, stride)[n:])
	}
	return true
}

// slacken sets the slack for points whose numbers are at most size in absolute value: what
// rounding can do to the squared distance along the views. The sums of rounding have about
// 4 D terms, each at most |V_k'| |W_k| (size + |mu_k|); by Cauchy and Schwarz.
func (d *density) slacken(k int, size []float64) {
	mean, w := d.mean(k), d.inverses[k]
	sum := 0.0
	for j, s := range size {
		s += math.Abs(mean[j])
		column := w.Column(j, d.stride)
		sum += float64(float64(s*s) * kernel.Dot(column, column))
	}
	rounding := float64(4*d.D+16) * 0x1p-53
	// |a - e|^2 >= (1 - s) a^2 - (1/s - 1) e^2.
	d.slack[k] = (1/slackShare - 1) * views * float64(d.D) * rounding * rounding * sum
}
