package dynamics_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// random returns rollouts of a stable random system.
func random(n, T, dX, dU int) []*rollout.Rollout {
	rng := rand.New(rand.NewPCG(1, uint64(dX)))
	F := make([]float64, dX*(dX+dU))
	for i := range F {
		F[i] = rng.NormFloat64() / math.Sqrt(2*float64(dX+dU))
	}
	var list []*rollout.Rollout
	for range n {
		r := rollout.New(T, dX, dU)
		for i := range r.U {
			r.U[i] = rng.NormFloat64()
		}
		for i := range r.State(0) {
			r.State(0)[i] = rng.NormFloat64()
		}
		for k := range T {
			for i := range dX {
				v := 0.1 * rng.NormFloat64()
				for j := range dX {
					v += F[i*(dX+dU)+j] * r.State(k)[j]
				}
				for j := range dU {
					v += F[i*(dX+dU)+dX+j] * r.Action(k)[j]
				}
				r.State(k + 1)[i] = v
			}
		}
		list = append(list, r)
	}
	return list
}

// T=100. N=20 rollouts are fewer than the unknowns of the two larger systems: there the
// noise's floor acts. floor=0 leaves it out.
func BenchmarkFit(b *testing.B) {
	for _, s := range []struct{ n, dX, dU int }{{20, 4, 1}, {20, 7, 2}, {20, 14, 7}, {20, 26, 7}, {40, 26, 7}, {20, 50, 10}} {
		samples := random(s.n, 100, s.dX, s.dU)
		for _, floor := range []float64{0, 1e-8} {
			for _, workers := range []int{1, 0} {
				cfg := dynamics.DefaultConfig()
				cfg.NoiseFloor, cfg.Workers = floor, workers
				b.Run(fmt.Sprintf("dX=%d/dU=%d/N=%d/floor=%g/workers=%d", s.dX, s.dU, s.n, floor, workers), func(b *testing.B) {
					f, err := dynamics.NewFitter(cfg, 100, s.dX, s.dU)
					if err != nil {
						b.Fatal(err)
					}
					defer f.Stop()
					dyn := lqg.NewDynamics(100, s.dX, s.dU)
					b.ReportAllocs()
					for b.Loop() {
						if _, err := f.Fit(dyn, samples, nil); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

// As BenchmarkFit, with workspace and result anew every time.
func BenchmarkFitAnew(b *testing.B) {
	samples, cfg := random(20, 100, 26, 7), dynamics.DefaultConfig()
	cfg.Workers = 1
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := dynamics.Fit(samples, nil, cfg); err != nil {
			b.Fatal(err)
		}
	}
}

// T=100, dX=26, dU=7, 20 rollouts, under a mixture of their own of 20 components and under one prior for
// all time steps.
func BenchmarkFitPrior(b *testing.B) {
	samples := random(20, 100, 26, 7)
	for _, r := range samples {
		for i := range r.X {
			r.X[i] = 0.1*r.X[i] + 3*math.Sin(0.06*float64(i/r.DX)+float64(i%r.DX))
		}
	}
	cfg := dynamics.DefaultPriorConfig()
	data := new(dynamics.MixturePrior).Add(cfg, samples)
	if _, err := data.Fit(b.Context(), cfg, rand.New(rand.NewPCG(1, 1))); err != nil {
		b.Fatal(err)
	}
	mixed, err := dynamics.FromMixture(data.Mixture)
	if err != nil {
		b.Fatal(err)
	}
	constant := dynamics.NewNIW(59)
	constant.NMean, constant.NCovar = 1, 10
	for i := range 59 {
		constant.Scatter[i*60] = 1
	}
	for _, p := range []struct {
		name  string
		prior dynamics.Prior
	}{{"mixture", mixed}, {"constant", constant}} {
		for _, workers := range []int{1, 0} {
			b.Run(fmt.Sprintf("%s/workers=%d", p.name, workers), func(b *testing.B) {
				cfg := dynamics.DefaultConfig()
				cfg.Workers = workers
				b.ReportAllocs()
				for b.Loop() {
					if _, _, err := dynamics.Fit(samples, p.prior, cfg); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkFitBayesian(b *testing.B) {
	samples := random(60, 100, 26, 7)
	prior, err := dynamics.NominalPrior(100, 26, 7, nil, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := dynamics.FitBayesian(samples, prior, dynamics.DefaultBayesianConfig()); err != nil {
			b.Fatal(err)
		}
	}
}
