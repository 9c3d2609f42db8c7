package dense_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/internal/dense"
)

// V diag(values) V' is the matrix again and V is orthonormal, also where all entries are
// close to the limits of the numbers, or where parts of the matrix are.
func TestEigenDecomposes(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, scale := range []float64{1, 1e-140, 1e-200, 1e-300, 1e120, 1e250, 1e305} {
		for n := 1; n <= 8; n++ {
			a := make([]float64, n*n)
			for i := range n {
				for j := range i + 1 {
					v := rng.NormFloat64()
					if i < n/2 {
						v *= scale
					}
					a[i*n+j], a[j*n+i] = v, v
				}
			}
			e := dense.NewEigen(n)
			if !e.Decompose(a) {
				t.Fatalf("scale %g, n=%d: not decomposed", scale, n)
			}
			size := math.Max(math.Abs(e.Values[0]), math.Abs(e.Values[n-1]))
			for i := range n {
				if i > 0 && e.Values[i] < e.Values[i-1] {
					t.Errorf("values %v are not ascending", e.Values)
				}
				for j := range n {
					sum, dot := 0.0, 0.0
					for k := range n {
						sum += e.Vectors[i*n+k] * e.Values[k] * e.Vectors[j*n+k]
						dot += e.Vectors[i*n+k] * e.Vectors[j*n+k]
					}
					if i == j {
						dot--
					}
					if math.Abs(sum-a[i*n+j]) > 1e-13*size || math.Abs(dot) > 1e-13 {
						t.Errorf("scale %g, n=%d: (%d, %d) is %g, want %g; V V' off by %g", scale, n, i, j, sum, a[i*n+j], dot)
					}
				}
			}
		}
	}
}

func TestEigenOfBadMatrices(t *testing.T) {
	e := dense.NewEigen(2)
	for _, bad := range []float64{math.NaN(), math.Inf(1)} {
		if e.Decompose([]float64{1, 0, bad, 1}) {
			t.Errorf("a matrix with %v was decomposed", bad)
		}
	}
	if !e.Decompose([]float64{4, 0, 0, 1}) || e.Condition() != 4 {
		t.Errorf("condition %v, want 4", e.Condition())
	}
	if !e.Decompose([]float64{1, 1, 1, 1}) || e.Condition() < 1e15 {
		t.Errorf("condition %v of a singular matrix", e.Condition())
	}
	if e.Decompose([]float64{math.MaxFloat64, math.MaxFloat64, math.MaxFloat64, math.MaxFloat64}) {
		t.Errorf("eigenvalues %v of a matrix whose largest is no number", e.Values)
	}
	for _, m := range []struct {
		a    [4]float64
		want float64
	}{
		{[4]float64{1, 0, 0, -1}, 1}, {[4]float64{-8, 0, 0, 2}, 4}, {[4]float64{-2, 0, 0, 8}, 4}, {[4]float64{-6, 0, 0, -2}, 3},
		{[4]float64{5e-324, 0, 0, 5e-324}, 1}, {[4]float64{1e308, 0, 0, 1e308}, 1},
		{[4]float64{3, 0, 0, 0}, math.Inf(1)}, {[4]float64{-3, 0, 0, 0}, math.Inf(1)}, {[4]float64{}, math.Inf(1)},
	} {
		if !e.Decompose(m.a[:]) || e.Condition() != m.want {
			t.Errorf("%v: eigenvalues %v, condition %v, want %v", m.a, e.Values, e.Condition(), m.want)
		}
	}
	larger := dense.NewEigen(3)
	larger.Resize(2)
	if !larger.Decompose([]float64{4, 0, 0, 1}) || len(larger.Values) != 2 || larger.Condition() != 4 {
		t.Errorf("of a smaller matrix: eigenvalues %v", larger.Values)
	}
	// The block of a larger matrix.
	if s := dense.Spectrum([]float64{2, 0, 9, 0, 8, 9, 9, 9, 9}, 2, 3); !strings.Contains(s, "from 2 to 8, condition number 4") {
		t.Error(s)
	}
}
