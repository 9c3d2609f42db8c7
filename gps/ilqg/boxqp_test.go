package ilqg

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// bruteForce tries all 3^n ways to put variables on their bounds and returns the best
// feasible stationary point.
func bruteForce(h, g, lower, upper []float64) (best []float64, value float64) {
	n := len(g)
	value = math.Inf(1)
	side := make([]int, n) // 0 free, 1 at the lower, 2 at the upper bound
	for {
		var free []int
		x := make([]float64, n)
		for i, s := range side {
			switch s {
			case 0:
				free = append(free, i)
			case 1:
				x[i] = lower[i]
			case 2:
				x[i] = upper[i]
			}
		}
		if feasible := fill(x, free, h, g, lower, upper); feasible {
			if v := quadratic(h, g, x); v < value {
				best, value = x, v
			}
		}
		i := 0
		for ; i < n && side[i] == 2; i++ {
			side[i] = 0
		}
		if i == n {
			return best, value
		}
		side[i]++
	}
}

// fill sets the free variables of x to the minimum given the others.
func fill(x []float64, free []int, h, g, lower, upper []float64) bool {
	n := len(g)
	for _, v := range x {
		if math.IsInf(v, 0) {
			return false
		}
	}
	if len(free) == 0 {
		return true
	}
	a, b := mat.NewSymDense(len(free), nil), mat.NewVecDense(len(free), nil)
	for k, i := range free {
		rhs := -g[i]
		for j, v := range x {
			rhs -= h[i*n+j] * v
		}
		b.SetVec(k, rhs)
		for l, j := range free[:k+1] {
			a.SetSym(k, l, h[i*n+j])
		}
	}
	var factor mat.Cholesky
	var y mat.VecDense
	if !factor.Factorize(a) || factor.SolveVecTo(&y, b) != nil {
		return false
	}
	for k, i := range free {
		if x[i] = y.AtVec(k); x[i] < lower[i] || x[i] > upper[i] {
			return false
		}
	}
	return true
}

func quadratic(h, g, x []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += g[i] * v
		for j, w := range x {
			sum += v * h[i*len(x)+j] * w / 2
		}
	}
	return sum
}

func TestBoxQPAgainstBruteForce(t *testing.T) {
	held := 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(10, seed))
		n := 1 + int(seed%6)
		h, g := positiveDefinite(rng, n), normal(rng, n)
		lower, upper := make([]float64, n), make([]float64, n)
		for i := range n {
			lower[i] = rng.NormFloat64()
			upper[i] = lower[i] + rng.ExpFloat64()
			switch rng.IntN(8) {
			case 0:
				lower[i] = math.Inf(-1)
			case 1:
				upper[i] = math.Inf(1)
			case 2:
				upper[i] = lower[i]
			}
		}
		want, value := bruteForce(h, g, lower, upper)
		qp := NewBoxQP(n)
		for range 3 { // from cold, from elsewhere, and from the solution
			x := normal(rng, n)
			if err := qp.Solve(x, h, g, lower, upper); err != nil {
				t.Fatal(err)
			}
			if got := quadratic(h, g, x); got > value+1e-10*(1+math.Abs(value)) {
				t.Errorf("seed %d: value %v, want %v", seed, got, value)
			}
			for i, v := range x {
				if v < lower[i] || v > upper[i] || math.Abs(v-want[i]) > 1e-6*(1+math.Abs(want[i])) {
					t.Errorf("seed %d: x[%d] = %v in [%v, %v], want %v", seed, i, v, lower[i], upper[i], want[i])
				}
			}
		}
		held += n - len(qp.Free())
	}
	if held < 200 {
		t.Errorf("only %d variables were at a bound", held)
	}
}

// A model that is almost flat asks for a step far beyond the bounds.
func TestBoxQPFlat(t *testing.T) {
	x := []float64{-1, 0.5}
	if err := NewBoxQP(2).Solve(x, []float64{1e-6, 0, 0, 1e-6}, []float64{-1e17, 1e17}, []float64{-1, -1}, []float64{1, 1}); err != nil {
		t.Fatal(err)
	}
	if x[0] != 1 || x[1] != -1 {
		t.Errorf("%v, want 1 and -1", x)
	}
}

// SolveFree is the inverse of H's free block, and zero in the clamped rows.
func TestBoxQPFeedback(t *testing.T) {
	h := []float64{2, 0.5, 0.1, 0.5, 3, 0.2, 0.1, 0.2, 4}
	x := make([]float64, 3)
	qp := NewBoxQP(3)
	// The middle variable wants to go to -10/3 or so.
	g, lower, upper := []float64{0, 10, 0}, []float64{-1, -1, -1}, []float64{1, 1, 1}
	if err := qp.Solve(x, h, g, lower, upper); err != nil {
		t.Fatal(err)
	}
	b := []float64{1, 2, 3, 4, 5, 6}
	qp.SolveFree(b, 2)
	det := 2*4 - 0.1*0.1
	want := []float64{(4*1 - 0.1*5) / det, (4*2 - 0.1*6) / det, 0, 0, (2*5 - 0.1*1) / det, (2*6 - 0.1*2) / det}
	for i, v := range b {
		if math.Abs(v-want[i]) > 1e-14 {
			t.Errorf("element %d is %v, want %v", i, v, want[i])
		}
	}
	if n := testing.AllocsPerRun(20, func() {
		_ = qp.Solve(x, h, g, lower, upper)
		qp.SolveFree(b, 2)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestBoxQPRefuses(t *testing.T) {
	one, inf := []float64{1}, math.Inf(1)
	for _, c := range []struct {
		name               string
		x, h, lower, upper []float64
		want               error
	}{
		{"indefinite", []float64{0}, []float64{-1}, []float64{-1}, one, ErrIndefinite},
		{"singular", []float64{0}, []float64{0}, []float64{-1}, one, ErrIndefinite},
		{"NaN", []float64{0}, []float64{math.NaN()}, []float64{-1}, one, ErrNotFinite},
		{"start", []float64{math.NaN()}, one, []float64{-inf}, []float64{inf}, ErrNotFinite},
		{"empty box", []float64{0}, one, one, []float64{0}, ErrConfig},
		{"box at infinity", []float64{0}, one, []float64{inf}, []float64{inf}, ErrConfig},
		{"box of NaN", []float64{0}, one, []float64{math.NaN()}, one, ErrConfig},
	} {
		if err := NewBoxQP(1).Solve(c.x, c.h, []float64{1}, c.lower, c.upper); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// floats reads numbers from fuzzed bytes: any 64 bits.
func floats(data []byte, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		if len(data) >= 8 {
			v[i] = math.Float64frombits(binary.LittleEndian.Uint64(data))
			data = data[8:]
		}
	}
	return v
}

func bits(v ...float64) (data []byte) {
	for _, x := range v {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(x))
	}
	return data
}

// Whatever comes in, there is an error or a point between the bounds, and no NaN.
func FuzzBoxQP(f *testing.F) {
	f.Add(bits(2, 0.1, 3, 1, -1, -1, -1, 1, 1, 0, 0))
	f.Add(bits(1e300, 1e300, 1e300, 1e300, -1e300, -1e308, -1, 1e308, 1, 0, 0))
	f.Add(bits(1e-300, 0, 1e-300, 1, 1, math.Inf(-1), math.Inf(-1), math.Inf(1), math.Inf(1), 0, 0))
	f.Add(bits(math.NaN(), 1, 1, 1, 1, -1, -1, 1, 1, 0, 0))
	f.Fuzz(func(t *testing.T, data []byte) {
		v := floats(data, 11)
		x, lower, upper := v[9:11], v[5:7], v[7:9]
		if err := NewBoxQP(2).Solve(x, []float64{v[0], v[1], v[1], v[2]}, v[3:5], lower, upper); err != nil {
			return
		}
		for i := range x {
			if !(x[i] >= lower[i] && x[i] <= upper[i]) || math.IsInf(x[i], 0) {
				t.Errorf("x[%d] = %v in [%v, %v]", i, x[i], lower[i], upper[i])
			}
		}
	})
}
