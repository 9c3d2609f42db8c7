package kernel_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

// layers32 are the functions on one block and on two.
var layers32 = []struct {
	name string
	run  func(d, a kernel.Block32, rows, columns int)
	want func(d, a float64) float64
}{
	{"ReLU", func(d, _ kernel.Block32, r, c int) { kernel.ReLU(d, r, c) }, func(d, _ float64) float64 { return math.Max(d, 0) }},
	{"ReLUSlope", kernel.ReLUSlope, func(d, a float64) float64 {
		if a <= 0 {
			return 0
		}
		return d
	}},
	{"Tanh", func(d, _ kernel.Block32, r, c int) { kernel.Tanh(d, r, c) }, func(d, _ float64) float64 { return math.Tanh(d) }},
	{"TanhSlope", kernel.TanhSlope, func(d, a float64) float64 { return d * (1 - a*a) }},
}

// TestKernelLayers32 compares paths, and each with its definition in float64.
func TestKernelLayers32(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 1))
	for _, l := range layers32 {
		for range 300 {
			rows, columns := rng.IntN(70), rng.IntN(10)
			padded, special := kernel.Pad32(rows), rng.IntN(2) == 0
			number := func() float32 { return float32(3 * rng.NormFloat64()) }
			if special {
				number = odd32(rng)
			}
			offset, gap := rng.IntN(16), rng.IntN(17)
			start, first := block32(padded, columns, offset, gap, number)
			_, a := block32(padded, columns, rng.IntN(16), rng.IntN(17), number)
			if rng.IntN(3) == 0 && columns > 0 {
				a.Stride = 0
			}
			var want []float32
			for _, path := range append(fused(), kernel.Plain) {
				use(t, path)
				all := append([]float32(nil), start...)
				d := kernel.Block32{Data: all[offset:], Stride: padded + gap}
				l.run(d, a, rows, columns)
				if want == nil {
					want = all
				} else if i := differ32(all, want); i >= 0 && path != kernel.Plain {
					t.Fatalf("%s: %s of %d x %d: number %d is %v, want %v", path, l.name, rows, columns, i-offset, all[i], want[i])
				}
				if special {
					continue
				}
				for j := range columns {
					for i := range rows {
						exact := l.want(float64(first.At(i, j)), float64(a.At(i, j)))
						if got := float64(d.At(i, j)); math.Abs(got-exact) > 4e-7*math.Abs(exact)+1e-6*math.Abs(float64(first.At(i, j)))*0x1p-2 {
							t.Fatalf("%s: %s of %v where a is %v: %v, want %v", path, l.name, first.At(i, j), a.At(i, j), got, exact)
						}
					}
				}
			}
			for i := range want {
				stride := max(padded+gap, 1)
				if r, j := (i-offset)%stride, (i-offset)/stride; (i < offset || r >= padded || j >= columns) && !same32(start[i], want[i]) {
					t.Fatalf("%s: number %d outside of %d x %d was %v and is %v", l.name, i-offset, rows, columns, start[i], want[i])
				}
			}
		}
	}
}

// Numbers that are not finite reach the result.
func TestKernelLayers32HideNothing(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	each(t, func(t *testing.T) {
		for _, c := range []struct {
			layer      int
			d, a, want float32
		}{
			{0, nan, 0, nan}, {0, inf, 0, inf}, {0, -inf, 0, 0},
			{1, 1, nan, nan}, {1, 1, inf, nan}, {1, nan, 1, nan}, {1, 2, 1, 2},
			{2, nan, 0, nan}, {2, inf, 0, 1}, {2, -inf, 0, -1}, {2, 9.1, 0, 1}, {2, 1e-30, 0, 1e-30},
			{3, 1, nan, nan}, {3, nan, 1, nan}, {3, 5, 1, 0},
		} {
			d, a := kernel.NewBlock32(1, 1), kernel.NewBlock32(1, 1)
			d.Data[0], a.Data[0] = c.d, c.a
			layers32[c.layer].run(d, a, 1, 1)
			if !same32(d.Data[0], c.want) {
				t.Errorf("%s of %v where a is %v: %v, want %v", layers32[c.layer].name, c.d, c.a, d.Data[0], c.want)
			}
		}
	})
}

// tanh is within 4 units of the last place everywhere, odd, and never beyond 1.
func TestKernelTanh(t *testing.T) {
	each(t, func(t *testing.T) {
		b := kernel.NewBlock32(kernel.Lane32, 1)
		worst, at := 0.0, float32(0)
		for bits := math.Float32bits(1e-20); bits < math.Float32bits(20); bits += 1 << 13 {
			for i := range b.Data {
				b.Data[i] = math.Float32frombits(bits + uint32(i)*513)
				if i%2 == 1 {
					b.Data[i] = -b.Data[i]
				}
			}
			x := append([]float32(nil), b.Data...)
			kernel.Tanh(b, kernel.Lane32, 1)
			for i, v := range x {
				want := math.Tanh(float64(v))
				if e := math.Abs(float64(b.Data[i]) - want); e/math.Abs(want) > worst {
					worst, at = e/math.Abs(want), v
				}
				if math.Abs(float64(b.Data[i])) > 1 {
					t.Fatalf("tanh %v is %v", v, b.Data[i])
				}
			}
		}
		if worst > 4*0x1p-23 {
			t.Errorf("tanh %v is off by %.3g of it, allowed is %.3g", at, worst, 4*0x1p-23)
		}
	})
}

// TestKernelAdam compares paths, and each with Adam's definition in float64.
func TestKernelAdam(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 2))
	for _, n := range []int{0, 16, 48, 6928} {
		a := kernel.Adam{Keep1: 0.9, Take1: 0.1, Keep2: 0.99, Take2: 0.01, Shrink: 0.999, Rate: 0.05, Root: 3, Epsilon: 1e-3}
		start := make([][]float32, 4)
		for i := range start {
			start[i] = make([]float32, n)
			for j := range start[i] {
				start[i][j] = float32(rng.NormFloat64())
				if i == 2 {
					start[i][j] *= start[i][j]
				}
			}
		}
		var want [][]float32
		for _, path := range fused() {
			use(t, path)
			var s [4][]float32
			for i := range s {
				s[i] = append([]float32(nil), start[i]...)
			}
			a.Step(s[0], s[1], s[2], s[3])
			if want == nil {
				want = s[:]
			}
			for i := range s {
				if j := differ32(s[i], want[i]); j >= 0 {
					t.Fatalf("%s: array %d of %d differs at %d: %v, want %v", path, i, n, j, s[i][j], want[i][j])
				}
			}
			for j := range n {
				p, m, v, g := float64(start[0][j]), float64(start[1][j]), float64(start[2][j]), float64(start[3][j])
				m, v = 0.9*m+0.1*g, 0.99*v+0.01*g*g
				p = 0.999*p - 0.05*m/(3*math.Sqrt(v)+1e-3)
				for i, exact := range []float64{p, m, v, g} {
					if math.Abs(float64(s[i][j])-exact) > 1e-6*(math.Abs(exact)+1) {
						t.Fatalf("%s: array %d at %d is %v, want %v", path, i, j, s[i][j], exact)
					}
				}
			}
		}
	}
}

func TestKernelTranspose32(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 3))
	for rows := range 40 {
		for columns := range 40 {
			_, a := block32(rows, columns, rng.IntN(16), rng.IntN(5), odd32(rng))
			stride, offset := columns+rng.IntN(5), rng.IntN(16)
			start, _ := block32(stride, rows, offset, 0, odd32(rng))
			for _, path := range kernel.Available() {
				use(t, path)
				all := append([]float32(nil), start...)
				kernel.Transpose32(all[offset:], stride, a, rows, columns)
				want := append([]float32(nil), start...)
				for i := range rows {
					for j := range columns {
						want[offset+i*stride+j] = a.At(i, j)
					}
				}
				if i := differ32(all, want); i >= 0 {
					t.Fatalf("%s: %d x %d: number %d is %v, want %v", path, rows, columns, i-offset, all[i], want[i])
				}
			}
		}
	}
}

func TestMisuse32PanicsWithSizes(t *testing.T) {
	b, small := kernel.NewBlock32(32, 3), kernel.NewBlock32(16, 3)
	numbers := make([]float32, 16)
	for _, c := range []struct {
		want string
		do   func()
	}{
		{"product of 17 x 3 (summed over 3) with blocks of 48, 0 and 96", func() { kernel.Set32(small, b, b.N(), 17, 3, 3) }},
		{"product of 32 x 4 (summed over 3)", func() { kernel.Set32(b, b, b.N(), 32, 4, 3) }},
		{"summed over 4", func() { kernel.Set32(b, b, b.T(), 32, 3, 4) }},
		{"product of -1 x 3", func() { kernel.Set32(b, b, b.N(), -1, 3, 3) }},
		{"product of 32 x -1", func() { kernel.Set32(b, b, b.N(), 32, -1, 3) }},
		{"summed over -1", func() { kernel.Set32(b, b, b.N(), 32, 3, -1) }},
		{"operand of 16 numbers with strides 8 and 1", func() { kernel.Set32(b, b, kernel.Right32{Data: numbers, Inner: 8, Outer: 1}, 32, 3, 3) }},
		{"operand of 16 numbers with strides -1 and 1", func() { kernel.Set32(b, b, kernel.Right32{Data: numbers, Inner: -1, Outer: 1}, 32, 3, 3) }},
		{"strides 0, 0 and 32", func() { kernel.Set32(kernel.Block32{Data: b.Data}, b, b.N(), 16, 2, 2) }},
		{"blocks of 96, 48 and 96 numbers", func() { kernel.Add32(b, small, b, b.N(), 32, 3, 3) }},
		{"blocks of 96, 0 and 96 numbers", func() { kernel.Add32(b, kernel.Block32{}, b, b.N(), 32, 3, 3) }},
		{"ReLU of 17 x 3", func() { kernel.ReLU(small, 17, 3) }},
		{"slope of ReLU of 32 x 3 float32 in blocks of 96 and 48", func() { kernel.ReLUSlope(b, small, 32, 3) }},
		{"slope of ReLU of 32 x 3 float32 in blocks of 96 and 16", func() { kernel.ReLUSlope(b, kernel.Block32{Data: numbers}, 32, 3) }},
		{"tanh of -1 x 3", func() { kernel.Tanh(small, -1, 3) }},
		{"slope of tanh of 16 x 4", func() { kernel.TanhSlope(small, b, 16, 4) }},
		{"gradient of 8 numbers", func() { new(kernel.Adam).Step(numbers, numbers, numbers, numbers[:8]) }},
		{"moments of 8 and 16", func() { new(kernel.Adam).Step(numbers, numbers[:8], numbers, numbers) }},
		{"multiple of 16", func() { new(kernel.Adam).Step(numbers[:8], numbers[:8], numbers[:8], numbers[:8]) }},
		{"8 x 3 float32 transposed", func() { kernel.Transpose32(numbers, 3, b, 8, 3) }},
	} {
		func() {
			defer func() {
				if message, ok := recover().(string); !ok || !strings.Contains(message, c.want) {
					t.Errorf("panics with %q, want %q", message, c.want)
				}
			}()
			c.do()
		}()
	}
}
