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

// cholesky factors and inverts a copy of a, solves for its rows below, and returns all
// numbers that it wrote.
func cholesky(a kernel.Block, n, below int) (column int, numbers []float64) {
	l := kernel.Block{Data: append([]float64(nil), a.Data...), Stride: a.Stride}
	f := kernel.NewFactor(n, below)
	w := kernel.NewBlock(n, n)
	if column = f.Cholesky(l, n, below); column == n {
		f.InvertLower(w, l, n)
		d := kernel.NewBlock(below, n)
		if below > 0 && n > 0 {
			f.SolveRight(d, l.From(kernel.Pad(n), 0), l, below, n)
		}
		numbers = append(append(l.Data, w.Data...), d.Data...)
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
					got := compareFactor(t, a, n, below)
					if bad < 0 && got != n {
						t.Fatalf("n=%d: column %d has no pivot", n, got)
					}
					if bad >= 0 && !(pivot >= 0x1p-1022) && got > bad {
						t.Fatalf("n=%d: pivot %v in column %d passes", n, pivot, bad)
					}
					if bad < 0 {
						break
					}
				}
			}
		}
	}
}

// compareFactor factors a on every path and returns what the portable one gives.
func compareFactor(t *testing.T, a kernel.Block, n, below int) (column int) {
	t.Helper()
	var want []float64
	for i, path := range fused() {
		use(t, path)
		got, numbers := cholesky(a, n, below)
		if i == 0 {
			column, want = got, numbers
		}
		if got != column {
			t.Fatalf("%s: n=%d below=%d: column %d has no pivot, want %d", path, n, below, got, column)
		}
		if i := differ(numbers, want); i >= 0 {
			t.Fatalf("%s: n=%d below=%d: number %d is %v, want %v", path, n, below, i, numbers[i], want[i])
		}
	}
	return column
}

// FuzzKernelCholesky factors matrices that are sums of a few squares, so that some lack a
// factor, with one number changed.
func FuzzKernelCholesky(f *testing.F) {
	f.Add(uint64(1), 7, 0, 9, 0, 1.0)
	f.Add(uint64(2), 33, 5, 33, 40, math.NaN())
	f.Add(uint64(3), 8, 8, 8, 9, 1e-320)
	f.Fuzz(func(t *testing.T, seed uint64, n, below, rank, at int, v float64) {
		n, below, rank = n&0x3f, below&0x1f, rank&0x3f
		rng := rand.New(rand.NewPCG(seed, 1))
		rows := kernel.Pad(n) + kernel.Pad(below)
		root, a := random(rng, rows, rank), kernel.NewBlock(rows, n)
		use(t, kernel.Portable)
		kernel.Set(a, root, root.T(), rows, n, rank)
		if len(a.Data) > 0 {
			a.Data[uint(at)%uint(len(a.Data))] = v
		}
		if column := compareFactor(t, a, n, below); column < 0 || column > n {
			t.Fatalf("n=%d: column %d", n, column)
		}
	})
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
