package kernel_test

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
)

func TestTmp(t *testing.T) {
	b := kernel.NewBlock32(16, 1)
	worst, big := 0.0, float32(0)
	at := float32(0)
	for x := float32(-12); x < 12; x += 1e-5 {
		b.Data[0] = x
		kernel.Tanh(b, 16, 1)
		w := math.Tanh(float64(x))
		e := math.Abs(float64(b.Data[0])/w - 1)
		if e > worst {
			worst, at = e, x
		}
		big = max(big, b.Data[0])
	}
	t.Log(worst, worst*float64(1<<24), at, big, big > 1)
	for _, l := range []float32{8.5, 8.8, 9, 9.02, 9.1, 20} {
		b.Data[0] = l
		kernel.Tanh(b, 16, 1)
		t.Log(l, b.Data[0], math.Float32bits(b.Data[0])-math.Float32bits(1))
	}
}
