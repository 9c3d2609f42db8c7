package dynamics

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// covariance returns a symmetric matrix with the given eigenvalues and random eigenvectors.
func covariance(rng *rand.Rand, eigenvalues []float64) []float64 {
	n := len(eigenvalues)
	root := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			root.Set(i, j, rng.NormFloat64())
		}
	}
	var qr mat.QR
	qr.Factorize(root)
	var q mat.Dense
	qr.QTo(&q)
	a := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			for k, v := range eigenvalues {
				a[i*n+j] += q.At(i, k) * v * q.At(j, k)
			}
			a[j*n+i] = a[i*n+j]
		}
	}
	return a
}

// raisedPlainly replaces low eigenvalues by the definition.
func raisedPlainly(t *testing.T, a []float64, n int, floor float64) []float64 {
	t.Helper()
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(n, a), true) {
		t.Fatal("no eigenvalues")
	}
	values := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	b := make([]float64, n*n)
	for k, v := range values {
		for i := range n {
			for j := range n {
				b[i*n+j] += max(v, floor) * vectors.At(i, k) * vectors.At(j, k)
			}
		}
	}
	return b
}

// Raising eigenvalues is what decomposing says, whether there are none below the floor, some
// that are zero, some that are low, or both, and whichever way is taken.
func TestKernelRaise(t *testing.T) {
	const floor = 1e-8
	rng := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{1, 2, 7, 8, 9, 26} {
		s := newSpectral(n)
		for zero := range n + 1 {
			for low := range n + 1 - zero {
				if n > 9 && (zero%5 != 0 || low > 2) {
					continue
				}
				values := make([]float64, n)
				for i := range values {
					switch {
					case i < zero:
					case i < zero+low:
						values[i] = floor * (0.05 + 0.9*rng.Float64())
					default:
						values[i] = floor * math.Exp(1+8*rng.Float64())
					}
				}
				a := covariance(rng, values)
				want := raisedPlainly(t, a, n, floor)
				got := append([]float64(nil), a...)
				if quick := s.raiseNull(got, floor); quick != (zero > 0) {
					t.Errorf("n=%d, %d zero, %d low: found null eigenvalues: %v", n, zero, low, quick)
				}
				if !s.raise(a, floor) {
					t.Fatalf("n=%d: %d zero, %d low: not finite", n, zero, low)
				}
				for i, v := range a {
					// Of rounding in 1e-4, the largest eigenvalues.
					if math.Abs(v-want[i]) > 1e-6*floor {
						t.Fatalf("n=%d, %d zero, %d low: entry %d is %g, want %g", n, zero, low, i, v, want[i])
					}
					if v != a[i%n*n+i/n] {
						t.Fatalf("n=%d: entry %d is not symmetric", n, i)
					}
				}
			}
		}
	}
}

// Eigenvalues near zero that are not, and ones that rounding of the largest hides, are no
// matter of a null space.
func TestRaiseNullRefuses(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for name, c := range map[string]struct {
		values []float64
		floor  float64
	}{
		"near zero":   {[]float64{1e-12, 1e-4, 1e-3, 1e-2}, 1e-8},
		"negative":    {[]float64{-1e-10, 0, 1e-3, 1e-2}, 1e-8},
		"full rank":   {[]float64{0.5e-8, 1e-6, 1e-3, 1e-2}, 1e-8},
		"large":       {[]float64{0, 0, 1, 1e8}, 1e-8},
		"zero floor":  {[]float64{0, 0, 1, 2}, 0},
		"no number":   {[]float64{math.NaN(), 0, 1, 2}, 1e-8},
		"an infinity": {[]float64{math.Inf(1), 0, 1, 2}, 1e-8},
	} {
		a := covariance(rng, c.values)
		before := append([]float64(nil), a...)
		if newSpectral(4).raiseNull(a, c.floor) {
			t.Errorf("%s: raised", name)
		}
		for i, v := range a {
			if v != before[i] && !math.IsNaN(v) {
				t.Errorf("%s: changed", name)
			}
		}
	}
}

// FuzzRaise: of any symmetric matrix the eigenvalues are at or above the floor afterwards,
// but for rounding of the largest.
func FuzzRaise(f *testing.F) {
	f.Add(uint8(4), uint8(2), int8(-8), uint64(1))
	f.Add(uint8(9), uint8(9), int8(-3), uint64(2))
	f.Add(uint8(7), uint8(0), int8(-12), uint64(3))
	f.Fuzz(func(t *testing.T, size, rank uint8, exponent int8, seed uint64) {
		n, rng := 1+int(size%10), rand.New(rand.NewPCG(seed, 7))
		a, floor := make([]float64, n*n), math.Pow(10, float64(exponent%20))
		for range int(rank) % (n + 2) {
			scale := math.Pow(10, 12*rng.Float64()-12)
			for i := range n {
				for j := range i + 1 {
					a[i*n+j] += scale * math.Cos(float64(i)*scale*1e13) * math.Cos(float64(j)*scale*1e13)
					a[j*n+i] = a[i*n+j]
				}
			}
		}
		if rank > 200 {
			a[0] = -1
		}
		bound := float64(n) * largest(a)
		if !newSpectral(n).raise(a, floor) {
			t.Fatal("a finite matrix has no eigenvalues")
		}
		var eigen mat.EigenSym
		if !eigen.Factorize(mat.NewSymDense(n, a), false) {
			t.Fatal("no eigenvalues")
		}
		values := eigen.Values(nil)
		if values[0] < floor*(1-1e-4)-rounding(n)*max(bound, values[n-1]) {
			t.Errorf("eigenvalues %v are below the floor %g", values, floor)
		}
	})
}
