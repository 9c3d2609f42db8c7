package kernel_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

// same32 says if two numbers have the same bits, or are both NaN.
func same32(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
}

func differ32(x, y []float32) int {
	for i := range x {
		if !same32(x[i], y[i]) {
			return i
		}
	}
	return -1
}

// odd32 returns numbers of which one in eight is special: what IEEE 754 treats apart, or what
// makes sums round, cancel and lie half-way between two numbers.
func odd32(rng *rand.Rand) func() float32 {
	special := []float32{0, float32(math.Copysign(0, -1)), 1e-45, -3e-40, math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
		1 << 24, -1 << 24, 1 + 0x1p-23, 1 - 0x1p-24, 0x1p-75, 0x1p-63, 1.5, 0x1.8p-126, 1}
	return func() float32 {
		if rng.IntN(8) == 0 {
			return special[rng.IntN(len(special))]
		}
		return float32(rng.NormFloat64())
	}
}

// block32 is a column-major block somewhere in a slice of numbers, as matrix makes it.
func block32(rows, columns, offset, gap int, number func() float32) ([]float32, kernel.Block32) {
	stride := rows + gap
	all := make([]float32, offset+stride*columns+kernel.Lane32)
	for i := range all {
		all[i] = number()
	}
	return all, kernel.Block32{Data: all[offset:], Stride: stride}
}

// TestKernelProduct32 compares every path with the portable one, all memory around D included,
// over sizes, strides, offsets, right operands, D in C's place and C of one column.
func TestKernelProduct32(t *testing.T) {
	rng := rand.New(rand.NewPCG(32, 1))
	for rows := range largest + 1 {
		for columns := range 2 * kernel.Lane32 {
			number := func() float32 { return float32(rng.NormFloat64()) }
			if rng.IntN(3) == 0 {
				number = odd32(rng)
			}
			compareProduct32(t, rng, rows, columns, rng.IntN(40), number)
		}
	}
}

func compareProduct32(t *testing.T, rng *rand.Rand, rows, columns, inner int, number func() float32) {
	t.Helper()
	padded := kernel.Pad32(rows)
	_, a := block32(padded, inner, rng.IntN(16), rng.IntN(17), number)
	_, c := block32(padded, columns, rng.IntN(16), rng.IntN(17), number)
	_, b := block32(max(inner, columns), max(inner, columns), rng.IntN(16), rng.IntN(17), number)
	right := []kernel.Right32{b.N(), b.T(), {Data: b.Data, Outer: 1}, {Data: b.Data, Inner: 1}}[rng.IntN(4)]
	offset, gap := rng.IntN(16), rng.IntN(17)
	form := rng.IntN(4) // set; add; add in place; add one column for all
	if form == 3 {
		c.Stride = 0
	}
	start, _ := block32(padded, columns, offset, gap, number)
	var want []float32
	for _, path := range fused() {
		use(t, path)
		all := append([]float32(nil), start...)
		d := kernel.Block32{Data: all[offset:], Stride: padded + gap}
		switch form {
		case 0:
			kernel.Set32(d, a, right, rows, columns, inner)
		case 2:
			kernel.Add32(d, d, a, right, rows, columns, inner)
		default:
			kernel.Add32(d, c, a, right, rows, columns, inner)
		}
		if want == nil {
			want = all
		} else if i := differ32(all, want); i >= 0 {
			t.Fatalf("%s: form %d of %d x %d over %d, offset %d, gap %d: number %d is %v, want %v", path, form, rows, columns, inner, offset, gap, i-offset, all[i], want[i])
		}
	}
	for i := range want {
		stride := max(padded+gap, 1)
		if r, j := (i-offset)%stride, (i-offset)/stride; i < offset || r >= (rows+7)&^7 || j >= columns {
			if !same32(start[i], want[i]) {
				t.Fatalf("number %d outside of D (%d x %d) was %v and is %v", i-offset, rows, columns, start[i], want[i])
			}
		}
	}
}

// TestKernelProduct32IsTheSum holds every path to the sum in float64, within float32's rounding.
func TestKernelProduct32IsTheSum(t *testing.T) {
	each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(32, 2))
		number := func() float32 { return float32(rng.NormFloat64()) }
		for range 200 {
			rows, columns, inner := rng.IntN(70), rng.IntN(40), rng.IntN(40)
			_, a := block32(kernel.Pad32(rows), inner, 0, 0, number)
			for i := rows; i < kernel.Pad32(rows); i++ { // padding reaches padding only
				for l := range inner {
					a.Set(i, l, float32(math.NaN()))
				}
			}
			_, b := block32(columns, inner, 0, 0, number)
			_, c := block32(kernel.Pad32(rows), columns, 0, 0, number)
			set, add := kernel.NewBlock32(rows, columns), kernel.NewBlock32(rows, columns)
			kernel.Set32(set, a, b.T(), rows, columns, inner)
			kernel.Add32(add, c, a, b.T(), rows, columns, inner)
			for j := range columns {
				for i := range rows {
					sum, size := 0.0, 1.0
					for l := range inner {
						sum += float64(a.At(i, l)) * float64(b.At(j, l))
						size += math.Abs(float64(a.At(i, l)) * float64(b.At(j, l)))
					}
					limit := 0x1p-22 * float64(inner+2) * size
					if got := float64(set.At(i, j)); math.Abs(got-sum) > limit {
						t.Fatalf("Set32 of %d x %d over %d: [%d, %d] is %v, want %v", rows, columns, inner, i, j, got, sum)
					}
					if got, want := float64(add.At(i, j)), sum+float64(c.At(i, j)); math.Abs(got-want) > limit*4 {
						t.Fatalf("Add32 of %d x %d over %d: [%d, %d] is %v, want %v", rows, columns, inner, i, j, got, want)
					}
				}
			}
		}
	})
}

// TestKernelFMA32 holds the portable multiply-add, which the others are compared with, to exact
// arithmetic: the product of 1 x 1 blocks is one.
func TestKernelFMA32(t *testing.T) {
	use(t, kernel.Portable)
	rng := rand.New(rand.NewPCG(32, 3))
	a, b, c, d := kernel.NewBlock32(1, 1), kernel.NewBlock32(1, 1), kernel.NewBlock32(1, 1), kernel.NewBlock32(1, 1)
	check := func(x, y, z float32) {
		a.Data[0], b.Data[0], c.Data[0] = x, y, z
		kernel.Add32(d, c, a, b.N(), 1, 1, 1)
		exact := new(big.Float).SetPrec(2000)
		exact.Mul(big.NewFloat(float64(x)), big.NewFloat(float64(y)).SetPrec(2000))
		exact.Add(exact, big.NewFloat(float64(z)))
		if want, _ := exact.Float32(); d.Data[0] != want {
			t.Fatalf("%x %x + %x is %x, want %x", x, y, z, d.Data[0], want)
		}
	}
	// Half-way cases that a first rounding to float64 hides.
	check(1+0x1p-12, 1+0x1p-12, 0x1p-60)
	check(1+0x1p-12, 1+0x1p-12, -0x1p-60)
	check(-1-0x1p-12, 1+0x1p-12, -0x1p-60)
	check(0x1p-75, 0x1p-75, 0x1p-149)
	check(0x1p-75+0x1p-98, 0x1p-75-0x1p-98, 0x1p-127+0x1p-149) // half-way but for less, and not normal
	check(0x1p-75+0x1p-98, 0x1p-75+0x1p-98, 0x1p-127)
	for range 50000 {
		short := func(low int) float32 { // few bits, so that sums are often half-way
			return float32(math.Ldexp(float64(rng.IntN(1<<13)-1<<12), rng.IntN(30)+low))
		}
		check(short(-20), short(-20), short(-60))
		check(float32(rng.NormFloat64()), float32(rng.NormFloat64()), float32(rng.NormFloat64()))
		check(short(-90), short(-90), short(-170)) // results that are not normal
	}
}

// FuzzKernelProduct32 compares paths for sizes and seeds that fuzzing chooses.
func FuzzKernelProduct32(f *testing.F) {
	f.Add(uint64(1), 7, 1, 64)
	f.Add(uint64(2), 64, 25, 26)
	f.Fuzz(func(t *testing.T, seed uint64, rows, columns, inner int) {
		rng := rand.New(rand.NewPCG(seed, 2))
		compareProduct32(t, rng, rows&0x7f, columns&0x3f, inner&0x3f, odd32(rng))
	})
}

func BenchmarkProduct32(b *testing.B) {
	for _, s := range [][3]int{{64, 1, 64}, {64, 64, 26}, {64, 64, 64}, {7, 64, 64}} {
		for _, path := range kernel.Available()[:2] {
			b.Run(fmt.Sprintf("%dx%dx%d/%s", s[0], s[1], s[2], path), func(b *testing.B) {
				use(b, path)
				d, a, right := kernel.NewBlock32(s[0], s[1]), kernel.NewBlock32(s[0], s[2]), kernel.NewBlock32(s[2], s[1])
				for b.Loop() {
					kernel.Set32(d, a, right.N(), s[0], s[1], s[2])
				}
				b.ReportMetric(2*float64(s[0]*s[1]*s[2])*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOP/s")
			})
		}
	}
}
