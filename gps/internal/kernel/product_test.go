package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

// use makes a path the active one until the test ends.
func use(t testing.TB, p kernel.Path) {
	t.Helper()
	before, err := kernel.Use(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := kernel.Use(before); err != nil {
			t.Error(err)
		}
	})
}

// fused returns the paths that give the same bits, the portable one first.
func fused() []kernel.Path {
	paths := []kernel.Path{kernel.Portable}
	for _, p := range kernel.Available() {
		if p != kernel.Plain && p != kernel.Portable {
			paths = append(paths, p)
		}
	}
	return paths
}

// same says if two numbers have the same bits, or are both NaN.
func same(x, y float64) bool {
	return math.Float64bits(x) == math.Float64bits(y) || math.IsNaN(x) && math.IsNaN(y)
}

// differ returns the first index at which two slices differ, or -1.
func differ(x, y []float64) int {
	for i := range x {
		if !same(x[i], y[i]) {
			return i
		}
	}
	return -1
}

// matrix is a column-major block somewhere in a slice of numbers, with other numbers around
// it: offset of them before, stride-rows of them between the columns.
func matrix(rng *rand.Rand, rows, columns, offset, gap int, number func() float64) ([]float64, kernel.Block) {
	stride := rows + gap
	all := make([]float64, offset+stride*columns+8)
	for i := range all {
		all[i] = number()
	}
	return all, kernel.Block{Data: all[offset:], Stride: stride}
}

// sizes are those at which tiles begin, end, and are cut.
var sizes = []int{0, 1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 15, 16, 17, 23, 24, 25, 26, 32, 33, 40, 47, 48, 49, 64, 70}

var products = []struct {
	name         string
	run          func(d, c, a kernel.Block, b kernel.Right, rows, columns, inner int)
	lower, withC bool
}{
	{"Set", func(d, _, a kernel.Block, b kernel.Right, r, c, n int) { kernel.Set(d, a, b, r, c, n) }, false, false},
	{"Neg", func(d, _, a kernel.Block, b kernel.Right, r, c, n int) { kernel.Neg(d, a, b, r, c, n) }, false, false},
	{"Add", kernel.Add, false, true},
	{"Sub", kernel.Sub, false, true},
	{"SetLower", func(d, _, a kernel.Block, b kernel.Right, r, c, n int) { kernel.SetLower(d, a, b, r, c, n) }, true, false},
	{"AddLower", kernel.AddLower, true, true},
	{"SubLower", kernel.SubLower, true, true},
}

// TestKernelProduct compares every path with the portable one, all memory around D
// included, over sizes, strides, offsets and both right operands.
func TestKernelProduct(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	normal := rng.NormFloat64
	for _, rows := range sizes {
		for _, columns := range sizes {
			inner := sizes[rng.IntN(len(sizes))]
			padded := kernel.Pad(rows)
			_, a := matrix(rng, padded, inner, rng.IntN(8), rng.IntN(9), normal)
			_, c := matrix(rng, padded, columns, rng.IntN(8), rng.IntN(9), normal)
			_, b := matrix(rng, max(inner, columns), max(inner, columns), rng.IntN(8), rng.IntN(9), normal)
			for r := rows; r < padded; r++ { // what is in the padding reaches padding only
				for j := range inner {
					a.Set(r, j, math.NaN())
				}
			}
			right := b.N()
			if rng.IntN(2) == 0 {
				right = b.T()
			}
			offset, gap := rng.IntN(8), rng.IntN(9)
			p := products[rng.IntN(len(products))]
			alias := p.withC && rng.IntN(2) == 0
			name := fmt.Sprintf("%s %dx%dx%d offset %d gap %d alias %v", p.name, rows, columns, inner, offset, gap, alias)
			var want []float64
			start, _ := matrix(rng, padded, columns, offset, gap, normal)
			for _, path := range fused() {
				use(t, path)
				all := append([]float64(nil), start...)
				d, from := kernel.Block{Data: all[offset:], Stride: padded + gap}, c
				if alias {
					from = d
				}
				p.run(d, from, a, right, rows, columns, inner)
				if want == nil {
					want = all
				} else if i := differ(all, want); i >= 0 {
					t.Fatalf("%s: %s: number %d is %v, want %v", path, name, i-offset, all[i], want[i])
				}
			}
		}
	}
}

func BenchmarkProduct(b *testing.B) {
	for _, s := range []struct {
		rows, columns, inner int
		lower                bool
	}{{40, 26, 26, false}, {40, 34, 26, true}, {32, 7, 7, false}, {32, 26, 7, true}, {16, 14, 14, false}, {24, 22, 14, true}, {24, 14, 7, true}, {64, 8, 59, false}, {64, 256, 59, false}, {64, 59, 512, true}} {
		for _, path := range kernel.Available()[:2] {
			name := fmt.Sprintf("%dx%dx%d", s.rows, s.columns, s.inner)
			if s.lower {
				name += "lower"
			}
			b.Run(name+"/"+string(path), func(b *testing.B) {
				use(b, path)
				rng := rand.New(rand.NewPCG(1, 1))
				x, y, c := random(rng, s.rows, s.inner), random(rng, s.columns, s.inner), random(rng, s.rows, s.columns)
				d := kernel.NewBlock(s.rows, s.columns)
				flops := float64(2 * s.rows * s.columns * s.inner)
				for b.Loop() {
					if s.lower {
						kernel.AddLower(d, c, x, y.T(), s.rows, s.columns, s.inner)
					} else {
						kernel.Set(d, x, y.T(), s.rows, s.columns, s.inner)
					}
				}
				if s.lower {
					flops = 0
					for j := range s.columns {
						flops += float64(2 * s.inner * max(0, s.rows-j))
					}
				}
				b.ReportMetric(flops*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
	}
}
