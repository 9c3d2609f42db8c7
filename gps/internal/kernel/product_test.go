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

// largest is the number of rows, columns and sums up to which products are compared.
const largest = 70

// odd returns numbers of which one in eight is special: what IEEE 754 treats apart, or
// what makes sums round and cancel.
func odd(rng *rand.Rand) func() float64 {
	special := []float64{0, math.Copysign(0, -1), 5e-324, -3e-310, math.MaxFloat64, math.Inf(1), math.Inf(-1), math.NaN(), 1e16, -1e16}
	return func() float64 {
		if rng.IntN(8) == 0 {
			return special[rng.IntN(len(special))]
		}
		return rng.NormFloat64()
	}
}

// TestKernelProduct compares every path with the portable one, all memory around D
// included, over sizes, strides, offsets, both right operands, and D in C's place.
func TestKernelProduct(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for rows := range largest + 1 {
		for columns := range largest + 1 {
			number := rng.NormFloat64
			if rng.IntN(3) == 0 {
				number = odd(rng)
			}
			compareProduct(t, rng, rows, columns, rng.IntN(largest+1), number)
		}
	}
}

func compareProduct(t *testing.T, rng *rand.Rand, rows, columns, inner int, number func() float64) {
	t.Helper()
	padded := kernel.Pad(rows)
	_, a := matrix(rng, padded, inner, rng.IntN(8), rng.IntN(9), number)
	_, c := matrix(rng, padded, columns, rng.IntN(8), rng.IntN(9), number)
	_, b := matrix(rng, max(inner, columns), max(inner, columns), rng.IntN(8), rng.IntN(9), number)
	for r := rows; r < padded; r++ {
		for j := range inner {
			a.Set(r, j, math.NaN())
		}
	}
	right, transposed := b.N(), rng.IntN(2) == 0
	if transposed {
		right = b.T()
	}
	offset, gap := rng.IntN(8), rng.IntN(9)
	p := products[rng.IntN(len(products))]
	alias := p.withC && rng.IntN(2) == 0
	start, _ := matrix(rng, padded, columns, offset, gap, number)
	var want []float64
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
			t.Fatalf("%s: %s of %d x %d over %d, transposed %v, in place %v, offset %d, gap %d: number %d is %v, want %v",
				path, p.name, rows, columns, inner, transposed, alias, offset, gap, i-offset, all[i], want[i])
		}
	}
	within(t, p.lower, start, want, offset, (rows+3)&^3, padded+gap, rows, columns)
}

// within holds that nothing but D's columns and rows, up to a multiple of half a Lane, is written.
func within(t *testing.T, lower bool, before, after []float64, offset, padded, stride, rows, columns int) {
	t.Helper()
	stride = max(stride, 1)
	for i := range after {
		r, c := (i-offset)%stride, (i-offset)/stride
		if i < offset || r >= padded || c >= columns || lower && r < c/kernel.Lane*kernel.Lane {
			if !same(before[i], after[i]) {
				t.Fatalf("number %d outside of D was %v and is %v", i-offset, before[i], after[i])
			}
		}
	}
}

// TestKernelProductIsTheSum holds every path to the sum written out, within its rounding,
// and NaN in the padding away from the result.
func TestKernelProductIsTheSum(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 5))
		for range 300 {
			rows, columns, inner := rng.IntN(40), rng.IntN(40), rng.IntN(40)
			a, b, c := random(rng, rows, inner), random(rng, columns, inner), random(rng, rows, columns)
			for i := rows; i < kernel.Pad(rows); i++ {
				for l := range inner {
					a.Set(i, l, math.NaN())
				}
			}
			for _, p := range products {
				d := kernel.NewBlock(rows, columns)
				p.run(d, c, a, b.T(), rows, columns, inner)
				for j := range columns {
					for i := range rows {
						sum, size, sign := 0.0, 1.0, 1.0
						if p.name == "Neg" || p.name == "Sub" || p.name == "SubLower" {
							sign = -1
						}
						for l := range inner {
							sum += sign * a.At(i, l) * b.At(j, l)
							size += math.Abs(a.At(i, l) * b.At(j, l))
						}
						if p.withC {
							sum += c.At(i, j)
						}
						if p.lower && i < j {
							continue
						}
						if math.Abs(d.At(i, j)-sum) > 0x1p-50*float64(inner+1)*size {
							t.Fatalf("%s of %d x %d over %d: [%d, %d] is %v, want %v", p.name, rows, columns, inner, i, j, d.At(i, j), sum)
						}
					}
				}
			}
		}
	})
}

// With at most Lane rows D may be op(B) = B itself.
func TestKernelProductOverItsOperand(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 6))
	for n := 1; n <= kernel.Lane; n++ {
		for columns := range largest {
			a, b := random(rng, n, n), random(rng, n, columns)
			for _, path := range fused() {
				use(t, path)
				want, got := kernel.NewBlock(n, columns), kernel.NewBlock(n, columns)
				kernel.Neg(want, a, b.N(), n, columns, n)
				copy(got.Data, b.Data)
				kernel.Neg(got, a, got.N(), n, columns, n)
				for j := range columns {
					if i := differ(got.Column(j, n), want.Column(j, n)); i >= 0 {
						t.Fatalf("%s: %d rows, %d columns: [%d, %d] is %v, want %v", path, n, columns, i, j, got.At(i, j), want.At(i, j))
					}
				}
			}
		}
	}
}

func FuzzKernelProduct(f *testing.F) {
	f.Add(uint64(1), 40, 26, 26, false)
	f.Add(uint64(2), 1, 1, 0, true)
	f.Add(uint64(3), 59, 8, 59, true)
	f.Fuzz(func(t *testing.T, seed uint64, rows, columns, inner int, special bool) {
		rng := rand.New(rand.NewPCG(seed, 0))
		number := rng.NormFloat64
		if special {
			number = odd(rng)
		}
		compareProduct(t, rng, rows&0x7f, columns&0x7f, inner&0x7f, number)
	})
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
