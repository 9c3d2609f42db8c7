package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

// positive returns a symmetric positive definite n x n block with below rows under it.
func positive(rng *rand.Rand, n, below int) kernel.Block {
	rows := kernel.Pad(n) + kernel.Pad(below)
	root := random(rng, rows, n+3)
	a := kernel.NewBlock(rows, n)
	kernel.Set(a, root, root.T(), rows, n, n+3)
	return a
}

// cholesky factors and inverts a copy of a, and returns all numbers that it wrote.
func cholesky(a kernel.Block, n, below int) (column int, numbers []float64) {
	l := kernel.Block{Data: append([]float64(nil), a.Data...), Stride: a.Stride}
	f := kernel.NewFactor(n, below)
	w := kernel.NewBlock(n, n)
	if column = f.Cholesky(l, n, below); column == n {
		f.InvertLower(w, l, n)
		numbers = append(l.Data, w.Data...)
	}
	return column, numbers
}

// TestKernelFactor compares every path with the portable one, for every size within a block
// and some of several blocks, with rows below and with a pivot that is none in each column.
func TestKernelFactor(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, n := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 33, 59} {
		for _, below := range []int{0, 1, 27} {
			use(t, kernel.Portable)
			whole := positive(rng, n, below)
			for j := range n { // padding is not read
				for i := n; i < kernel.Pad(n); i++ {
					whole.Set(i, j, math.NaN())
				}
			}
			for bad := -1; bad < n; bad++ {
				for _, pivot := range []float64{0, math.Copysign(0, -1), -1, -1e300, math.Inf(1), math.Inf(-1), math.NaN(), 5e-324, 0x1p-1022, math.MaxFloat64, 1e200} {
					a := kernel.Block{Data: append([]float64(nil), whole.Data...), Stride: whole.Stride}
					if bad >= 0 {
						a.Set(bad, bad, pivot)
						if rng.IntN(4) == 0 {
							a.Set(min(n-1, bad+1), bad, pivot)
						}
					}
					use(t, kernel.Portable)
					want, numbers := cholesky(a, n, below)
					for _, path := range fused() {
						use(t, path)
						got, list := cholesky(a, n, below)
						if got != want {
							t.Fatalf("%s: n=%d below=%d: pivot %v at %d: column %d, want %d", path, n, below, pivot, bad, got, want)
						}
						if i := differ(list, numbers); i >= 0 {
							t.Fatalf("%s: n=%d below=%d: pivot %v at %d: number %d is %v, want %v", path, n, below, pivot, bad, i, list[i], numbers[i])
						}
					}
					if bad < 0 {
						break
					}
				}
			}
		}
	}
}

func BenchmarkCholesky(b *testing.B) {
	for _, n := range []int{1, 2, 7, 8, 33, 59} {
		for _, path := range kernel.Available()[:2] {
			b.Run(fmt.Sprintf("%d/%s", n, path), func(b *testing.B) {
				use(b, path)
				a := positive(rand.New(rand.NewPCG(1, 1)), n, 0)
				l, w, f := kernel.NewBlock(n, n), kernel.NewBlock(n, n), kernel.NewFactor(n, 0)
				for b.Loop() {
					copy(l.Data, a.Data)
					f.Cholesky(l, n, 0)
					f.InvertLower(w, l, n)
				}
			})
		}
	}
}
