package riccati_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/riccati"
)

func TestKernelBackwardAgainstTextbook(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		q, pass, c := p.pack(), riccati.NewBackward(p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU)
		q.MaxEnt = 0.3
		for _, eta := range []float64{0, 1e-8, 0.7, 1e6} {
			if failed := pass.Run(c, q, eta); failed >= 0 {
				t.Fatalf("%v: failed at %d", s, failed)
			}
			compare(t, c, p.backward(eta, q.Weight, nil), 1e-10)
		}
	}
}

func TestKernelForwardAgainstTextbook(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		q, c := p.pack(), riccati.NewGains(p.T, p.dX, p.dU)
		q.MaxEnt = 0.3
		riccati.NewBackward(p.dX, p.dU).Run(c, q, 0.7)
		pass, kl := riccati.NewForward(p.dX, p.dU), make([]float64, p.T)
		pass.Begin(p.mean.RawVector().Data, p.cov.RawMatrix().Data)
		want, atMeans := p.forward(p.backward(0.7, q.Weight, nil))
		for pass.MeanStates = range map[bool]bool{true: true, false: false} {
			if pass.MeanStates {
				want, atMeans = atMeans, want
			}
			total, ok := pass.Run(kl, q, c)
			sum := 0.0
			for _, v := range kl {
				sum += v
			}
			if !ok || math.Abs(sum-total) > 1e-12*sum {
				t.Errorf("%v: total %v of %v, ok %v", s, total, sum, ok)
			}
			near(t, -1, "divergence", kl, want, 1e-10)
			if pass.MeanStates {
				want, atMeans = atMeans, want
			}
		}
	}
}
