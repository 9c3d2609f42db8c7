package algorithm

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/lqg"
)

// A step whose covariance is tiny counts in the policy's covariance as one of twice the median precision.
func TestCovarianceIsRobust(t *testing.T) {
	c := lqg.NewController(5, 1, 1)
	for k, deviation := range []float64{1, 1, 1e-3, 1, 1} {
		c.CholAt(k)[0] = deviation
	}
	s := &student{cfg: DefaultPolicyConfig(), dX: 1, dU: 1}
	var got [1]float64
	if err := s.covariance(got[:], []*lqg.Controller{c}); err != nil {
		t.Fatal(err)
	}
	const weight = 2e-6 // of a precision of 1e6, where the median is 1
	if want := math.Sqrt((4 + weight) / (4 + weight*1e6)); math.Abs(got[0]-want) > 1e-9 {
		t.Errorf("deviation %v, want %v", got[0], want)
	}
}
