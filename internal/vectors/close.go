package vectors

import (
	"math"
	"testing"
)

// Close reports a test error, and returns false, unless got and want have the same
// length and |got - want| <= tol*(1 + |want|) holds for every element; a value that is
// not finite fails unless want is the same infinity. The worst element is printed.
func Close(t testing.TB, name string, got, want []float64, tol float64) bool {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d elements, want %d", name, len(got), len(want))
		return false
	}
	worst, at, bad := -1.0, 0, 0
	for i, w := range want {
		if got[i] == w {
			continue
		}
		e := math.Abs(got[i]-w) / (1 + math.Abs(w))
		if math.IsNaN(e) {
			e = math.Inf(1)
		}
		if e > tol {
			bad++
		}
		if e > worst {
			worst, at = e, i
		}
	}
	if bad > 0 {
		t.Errorf("%s: %d of %d elements are off; worst is [%d] = %.12g, want %.12g: relative error %.3g, tolerance %.3g",
			name, bad, len(want), at, got[at], want[at], worst, tol)
	}
	return bad == 0
}
