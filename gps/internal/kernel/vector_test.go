package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

// TestKernelVectors compares the operations on vectors and Mirror on every path with the
// portable one, all memory around the result included.
func TestKernelVectors(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	operations := []struct {
		name string
		run  func(d kernel.Block, x, y kernel.Block, n, columns int)
	}{
		{"Dot", func(d, x, y kernel.Block, n, _ int) { d.Data[0] = kernel.Dot(x.Data[:n], y.Data[:n]) }},
		{"Axpy", func(d, x, _ kernel.Block, n, _ int) { kernel.Axpy(d.Data[:n], 1.7, x.Data[:n]) }},
		{"Difference", func(d, x, y kernel.Block, n, _ int) { kernel.Difference(d.Data[:n], x.Data[:n], y.Data[:n], 1.7) }},
		{"Difference in place", func(d, x, _ kernel.Block, n, _ int) { kernel.Difference(d.Data[:n], d.Data[:n], x.Data[:n], 1.7) }},
		{"Mirror", func(d, _, _ kernel.Block, n, _ int) { kernel.Mirror(d, n) }},
		{"Transpose", func(d, x, _ kernel.Block, n, columns int) {
			if n > 0 {
				kernel.Transpose(d.Data, columns, x, n, columns)
			}
		}},
		{"AddSquares", func(d, x, _ kernel.Block, n, columns int) { kernel.AddSquares(d.Data[:columns], x, kernel.Pad(n)) }},
	}
	for n := range 71 {
		for _, o := range operations {
			for range 4 {
				number := rng.NormFloat64
				if rng.IntN(3) == 0 {
					number = odd(rng)
				}
				columns, offset, gap := rng.IntN(30), rng.IntN(8), rng.IntN(9)
				_, x := matrix(rng, kernel.Pad(n), 30, rng.IntN(8), rng.IntN(9), number)
				_, y := matrix(rng, kernel.Pad(n), 30, rng.IntN(8), rng.IntN(9), number)
				start, d := matrix(rng, kernel.Pad(n), max(n, 30), offset, gap, number)
				name := fmt.Sprintf("%s n=%d columns=%d offset=%d gap=%d", o.name, n, columns, offset, gap)
				var want []float64
				for _, path := range fused() {
					use(t, path)
					all := append([]float64(nil), start...)
					o.run(kernel.Block{Data: all[offset:], Stride: d.Stride}, x, y, n, columns)
					if want == nil {
						want = all
					} else if i := differ(all, want); i >= 0 {
						t.Fatalf("%s: %s: number %d is %v, want %v", path, name, i-offset, all[i], want[i])
					}
				}
			}
		}
	}
}

func TestKernelMirror(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 4))
		for n := range 41 {
			a := random(rng, n, n)
			kernel.Mirror(a, n)
			for i := range n {
				for j := range i {
					if a.At(i, j) != a.At(j, i) {
						t.Fatalf("n=%d: [%d, %d] is %v and [%d, %d] is %v", n, i, j, a.At(i, j), j, i, a.At(j, i))
					}
				}
			}
		}
	})
}

// TestKernelTranspose transposes matrices without padding to ones without padding.
func TestKernelTranspose(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 5))
		for rows := range 20 {
			for columns := range 20 {
				a, dst := make([]float64, rows*columns), make([]float64, rows*columns+1)
				for i := range a {
					a[i] = rng.NormFloat64()
				}
				kernel.Transpose(dst[:rows*columns], columns, kernel.Block{Data: a, Stride: rows}, rows, columns)
				for i := range rows {
					for j := range columns {
						if dst[i*columns+j] != a[j*rows+i] {
							t.Fatalf("%d x %d: [%d, %d] is %v, want %v", rows, columns, i, j, dst[i*columns+j], a[j*rows+i])
						}
					}
				}
				if dst[rows*columns] != 0 {
					t.Fatalf("%d x %d: a number after the last is %v", rows, columns, dst[rows*columns])
				}
			}
		}
	})
}

// Finite finds a NaN or an infinity wherever it stands, and takes numbers whose products
// overflow.
func TestKernelFinite(t *testing.T) {
	each(t, func(t *testing.T) {
		for n := range 40 {
			a := make([]float64, n)
			for i := range a {
				a[i] = math.Copysign(1e300, float64(i%3)-1)
			}
			if !kernel.Finite(a) {
				t.Errorf("%d huge numbers are not finite", n)
			}
			for _, others := range []float64{0, 1, -1e300} {
				for i := range a {
					for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
						for k := range a {
							a[k] = others
						}
						a[i] = v
						if kernel.Finite(a) {
							t.Errorf("%v at %d of %d is finite", v, i, n)
						}
					}
				}
			}
		}
	})
}

func TestKernelPeak(t *testing.T) {
	each(t, func(t *testing.T) {
		if peak := kernel.PeakGFLOPs(); !(peak > 0) {
			t.Errorf("peak is %v GFLOP/s", peak)
		}
	})
}
