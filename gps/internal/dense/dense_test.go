package dense_test

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/internal/dense"
)

// The first of two is found, at any place of a list of any length; numbers whose sum
// overflows are numbers.
func TestFirstNotFinite(t *testing.T) {
	for n := range 14 {
		list := make([]float64, n)
		for i := range list {
			list[i] = math.MaxFloat64
		}
		if got := dense.FirstNotFinite(list); got != -1 {
			t.Errorf("length %d: %d of finite numbers", n, got)
		}
		for i := range n {
			for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
				list[i], list[n-1] = bad, bad
				if got := dense.FirstNotFinite(list); got != i {
					t.Errorf("length %d: %d, want %d", n, got, i)
				}
				list[i], list[n-1] = math.MaxFloat64, math.MaxFloat64
			}
		}
	}
}
