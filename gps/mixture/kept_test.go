package mixture

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/crew"
)

// In every E-step of a fit, also after a step that is taken back, the bounds that are kept are
// below the distances, and what is left out weighs less than e^-30 of a point's best component.
func TestKeptBoundsInFit(t *testing.T) {
	for _, c := range []struct {
		D      int
		spread float64
	}{{30, 0.02}, {30, 1}, {30, 3}, {1, 1}, {1, 3}, {2, 1}, {3, 1}, {4, 2}} {
		spread, D := c.spread, c.D
		rng := rand.New(rand.NewPCG(4, 4))
		const K, N = 6, 2000
		truth := randomMixture(rng, K, D, 0)
		points := make([]float64, N*D)
		for n := range N {
			k := rng.IntN(K)
			for i := range D {
				points[n*D+i] = spread*truth.Mean(k)[i] + 0.3*rng.NormFloat64()
			}
		}
		m := New(K, D)
		for k := range K {
			m.LogWeights[k] = -math.Log(K)
			copy(m.Mean(k), points[k*297*D:][:D])
			for i := range D {
				m.Cov(k)[i*D+i] = 1
			}
		}
		cfg := DefaultConfig()
		co, err := standardize(points, D, cfg.Regularization)
		if err != nil {
			t.Fatal(err)
		}
		workers := crew.New(1)
		defer workers.Stop()
		e := newEM(cfg, co, discerningOrder(m), points, K, workers)
		if err := e.admit(m); err != nil {
			t.Fatal(err)
		}
		open, pairs := 0, 0
		for step := range 14 {
			e.expect()
			for b, block := range e.blocks {
				listed := make(map[[2]int]float64)
				for k := range K {
					p, w := e.entries[b].of(k)
					for i := range p {
						listed[[2]int{int(p[i]), k}] = w[i]
					}
				}
				for n := range block.n {
					x := block.x[n*e.m.stride:][:D]
					logs, top, sum := make([]float64, K), math.Inf(-1), 0.0
					for k := range K {
						square := e.m.distance(k, x)
						if got := e.reach[(b*blockSize+n)*K+k]; got > math.Sqrt(square)*(1+1e-9)+1e-9 {
							t.Fatalf("D=%d spread %g step %d: kept %v, distance %v", D, spread, step, got, math.Sqrt(square))
						}
						logs[k] = e.m.offsets[k] - square/2
						top = max(top, logs[k])
					}
					for _, v := range logs {
						sum += math.Exp(v - top)
					}
					for k, v := range logs {
						w, ok := listed[[2]int{n, k}]
						pairs++
						if ok {
							open++
						}
						if want := math.Exp(v-top) / sum; !ok && v-top > -30+1e-6 || math.Abs(w-want) > 1e-9*want+1e-12 {
							t.Fatalf("D=%d spread %g step %d: weight %v, want %v (%v below the best)", D, spread, step, w, want, v-top)
						}
					}
				}
			}
			if step == 7 || step == 10 {
				e.takeBack()
				continue
			}
			e.maximize(false)
		}
		t.Logf("D=%d spread %g: %d of %d pairs weigh", D, spread, open, pairs)
	}
}
