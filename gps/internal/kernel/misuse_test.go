package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

const bits = strconv.IntSize

// TestKernelMisuse holds that sizes which do not fit panic, with the sizes, on every path:
// the assembly itself checks nothing.
func TestKernelMisuse(t *testing.T) {
	b, small := kernel.NewBlock(16, 9), kernel.NewBlock(8, 9)
	numbers := make([]float64, 9)
	tests := []struct {
		name string
		do   func()
		want string
	}{
		{"D too low", func() { kernel.Set(small, b, b.T(), 9, 9, 9) }, "product of 9 x 9 (summed over 9)"},
		{"A too low", func() { kernel.Set(b, small, b.T(), 9, 9, 9) }, "strides 16, 0 and 8"},
		{"C too low", func() { kernel.Add(b, small, b, b.T(), 9, 9, 9) }, "product"},
		{"C of too few columns", func() { kernel.Sub(b, b.From(0, 1), b, b.T(), 9, 9, 9) }, "product"},
		{"B too narrow", func() { kernel.SetLower(b, b, b.From(0, 1).T(), 9, 9, 9) }, "product"},
		{"B of one number too few", func() { kernel.Set(b, b, kernel.Right{Data: numbers[:8], Inner: 1}, 9, 1, 9) }, "right operand of 8 numbers"},
		{"B with a stride below 0", func() { kernel.Set(b, b, kernel.Right{Data: numbers, Inner: -1}, 9, 1, 9) }, "strides -1 and 0"},
		{"D with a stride whose multiples wrap around", func() { kernel.Set(kernel.Block{Data: b.Data, Stride: 1 << (bits - 4)}, b, b.T(), 9, 9, 9) }, "product of 9 x 9"},
		{"B with a stride of more than 31 bits", func() { kernel.Set(b, b, kernel.Block{Data: b.Data, Stride: 1 << (bits - 2)}.N(), 9, 2, 9) }, "strides 1 and"},
		{"no C", func() { kernel.Add(b, kernel.Block{}, b, b.T(), 9, 9, 9) }, "blocks of 144, 0 and 144 numbers"},
		{"rows below 0", func() { kernel.Set(b, b, b.T(), -1, 9, 9) }, "-1 x 9"},
		{"columns below 0", func() { kernel.Neg(b, b, b.T(), 9, -1, 9) }, "9 x -1"},
		{"sums below 0", func() { kernel.AddLower(b, b, b, b.T(), 9, 9, -1) }, "summed over -1"},
		{"dot of two lengths", func() { kernel.Dot(numbers, numbers[1:]) }, "9 and 8"},
		{"sum of two lengths", func() { kernel.Axpy(numbers, 1, numbers[1:]) }, "9 and 8"},
		{"difference of two lengths", func() { kernel.Difference(numbers, numbers, numbers[1:], 1) }, "9 and 8"},
		{"difference into another length", func() { kernel.Difference(numbers[1:], numbers, numbers, 1) }, "into 8"},
		{"squares of part of a lane", func() { kernel.AddSquares(numbers, b, 9) }, "multiple of 8"},
		{"squares of too many columns", func() { kernel.AddSquares(numbers, b.From(0, 1), 8) }, "squares of 8 rows and 9 columns"},
		{"mirror without padding", func() { kernel.Mirror(kernel.Block{Data: make([]float64, 81), Stride: 9}, 9) }, "not 9 x 9"},
		{"mirror below 0", func() { kernel.Mirror(b, -1) }, "not -1 x -1"},
		{"transpose of too few columns", func() { kernel.Transpose(numbers, 1, b.From(0, 1), 9, 9) }, "9 x 9 transposed"},
		{"transpose into too few rows", func() { kernel.Transpose(numbers, 1, b, 10, 1) }, "one of 9 with stride 1"},
		{"transpose below 0", func() { kernel.Transpose(numbers, 1, b, 9, -1) }, "9 x -1"},
		{"factor without space", func() { kernel.NewFactor(8, 0).Cholesky(b, 9, 0) }, "workspace for 8 rows"},
		{"factor of too few columns", func() { kernel.NewFactor(16, 0).Cholesky(b, 10, 0) }, "factor of 10 rows"},
		{"factor below 0", func() { kernel.NewFactor(16, 0).Cholesky(b, -1, 0) }, "factor of -1 rows"},
		{"inverse without space", func() { kernel.NewFactor(8, 0).InvertLower(b, b, 9) }, "inverse of a factor of 9 rows"},
		{"solution without space", func() { kernel.NewFactor(8, 8).SolveRight(b, small, b, 8, 9) }, "workspace for 16 rows"},
		{"solution into too few columns", func() { kernel.NewFactor(16, 8).SolveRight(b.From(0, 1), small, b, 8, 9) }, "8 x 9 divided by a factor"},
		{"solution below 0", func() { kernel.NewFactor(16, 8).SolveRight(b, small, b, -1, 9) }, "-1 x 9"},
		{"prefetch of too few columns", func() { kernel.Prefetch(b, 16, 10) }, "no 16 x 10"},
		{"prefetch of too few rows", func() { kernel.Prefetch(small, 9, 9) }, "stride 8"},
		{"prefetch below 0", func() { kernel.Prefetch(b, -1, 9) }, "no -1 x 9"},
		{"arena used up", func() { kernel.NewArena(8).Take(9) }, "8 numbers left, 9 asked for"},
	}
	each(t, func(t *testing.T) {
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				defer func() {
					if said := fmt.Sprint(recover()); !strings.HasPrefix(said, "kernel: ") || !strings.Contains(said, test.want) {
						t.Errorf("panic %q, want one of kernel with %q", said, test.want)
					}
				}()
				test.do()
			})
		}
	})
}

// TestKernelAllocations holds that no kernel allocates, on any path.
func TestKernelAllocations(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 1))
		const n, below = 33, 7
		start := positive(rng, n, below)
		rows := kernel.Pad(n) + below
		a, w, c, f := kernel.NewBlock(rows, n), kernel.NewBlock(n, n), random(rng, rows, n), kernel.NewFactor(n, below)
		x := kernel.NewBlock(below, n)
		sums := make([]float64, n)
		allocated := testing.AllocsPerRun(10, func() {
			copy(a.Data, start.Data)
			f.Cholesky(a, n, below)
			f.InvertLower(w, a, n)
			f.SolveRight(x, a.From(kernel.Pad(n), 0), a, below, n)
			kernel.Prefetch(a, rows, n)
			for _, p := range products {
				p.run(a, c, start, w.T(), rows, n, n)
			}
			kernel.Mirror(a, n)
			kernel.Transpose(a.Data, n, c, rows, n)
			kernel.AddSquares(sums, c, 40)
			sums[0] = kernel.Dot(a.Data, start.Data)
			kernel.Axpy(a.Data, 0.5, start.Data)
			kernel.Difference(a.Data, a.Data, start.Data, 0.5)
		})
		if allocated != 0 {
			t.Errorf("%v allocations", allocated)
		}
	})
}
