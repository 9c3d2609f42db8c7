package kernel_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

func random(rng *rand.Rand, rows, columns int) kernel.Block {
	b := kernel.NewBlock(rows, columns)
	for i := range b.Data {
		b.Data[i] = rng.NormFloat64()
	}
	return b
}

// each runs a test under every path that this machine has.
func each(t *testing.T, test func(t *testing.T)) {
	for _, p := range kernel.Available() {
		t.Run(string(p), func(t *testing.T) {
			use(t, p)
			test(t)
		})
	}
}

// L L' is the matrix, X L^-T L' the trapezoid, L^-1 L the identity and (X L^-1) L is X, for
// every size.
func TestKernelCholesky(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for n := 1; n <= 61; n += 1 + n/9 {
			below := n % 13
			rows, p := kernel.Pad(n)+below, kernel.Pad(n)
			f := kernel.NewFactor(n, below)
			root := random(rng, rows, n+3)
			a := kernel.NewBlock(rows, n)
			kernel.Set(a, root, root.T(), rows, n, n+3)
			l := kernel.NewBlock(rows, n)
			copy(l.Data, a.Data)
			if got := f.Cholesky(l, n, below); got != n {
				t.Fatalf("n=%d: column %d has no pivot", n, got)
			}
			w := kernel.NewBlock(n, n)
			for i := range w.Data { // what is above the diagonal has to become zero
				w.Data[i] = math.NaN()
			}
			f.InvertLower(w, l, n)
			x, d := random(rng, below, n), kernel.NewBlock(below, n)
			f.SolveRight(d, x, l, below, n)
			for i := range below {
				for j := range n {
					got, size := 0.0, 0.0
					for k := j; k < n; k++ {
						got += d.At(i, k) * l.At(k, j)
						size += math.Abs(d.At(i, k) * l.At(k, j))
					}
					if want := x.At(i, j); math.Abs(got-want) > 1e-14*float64(n)*size {
						t.Errorf("n=%d: (X L^-1 L)[%d, %d] is %v, want %v", n, i, j, got, want)
					}
				}
			}
			for i := range rows {
				for j := range n {
					want, got := a.At(i, j), 0.0
					for k := range min(i, j) + 1 {
						if k < n {
							got += l.At(i, k) * l.At(j, k)
						}
					}
					if i >= n && i < p {
						continue
					}
					if math.Abs(got-want) > 1e-11*float64(n) {
						t.Errorf("n=%d: (L L')[%d, %d] is %v, want %v", n, i, j, got, want)
					}
					if i < n {
						want, got = 0, 0
						if i == j {
							want = 1
						}
						for k := range n {
							if k >= j {
								got += w.At(i, k) * l.At(k, j)
							}
						}
						if !(math.Abs(got-want) <= 1e-7) {
							t.Errorf("n=%d: (W L)[%d, %d] is %v, want %v", n, i, j, got, want)
						}
					}
				}
			}
		}
	})
}
