package pi2_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/pi2"
)

// draws returns N costs of the given spread.
func draws(rng *rand.Rand, N int, spread float64) []float64 {
	costs := make([]float64, N)
	for n := range costs {
		costs[n] = spread * rng.NormFloat64()
	}
	return costs
}

// divergence is KL(w || 1/N) of the weights exp(-S/eta), as a sum over them.
func divergence(costs []float64, eta float64) float64 {
	least, sum, kl := slices.Min(costs), 0.0, 0.0
	for _, s := range costs {
		sum += math.Exp((least - s) / eta)
	}
	for _, s := range costs {
		if w := math.Exp((least-s)/eta) / sum; w > 0 {
			kl += w * math.Log(w*float64(len(costs)))
		}
	}
	return kl
}

// With costs 0 and 1 the weights at eta = 1 are 1/(1+e^-1) and the rest.
func TestTemperatureOfTwoCosts(t *testing.T) {
	w := 1 / (1 + math.Exp(-1))
	kappa := math.Log(2) + w*math.Log(w) + (1-w)*math.Log(1-w)
	if got := pi2.Temperature([]float64{0, 1}, kappa, 1e-3); !(math.Abs(got-1) <= 1e-12) {
		t.Errorf("eta is %v, want 1", got)
	}
}

func TestTemperatureUsesTheBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, N := range []int{2, 3, 10, 100, 3000} {
		for _, spread := range []float64{1e-150, 1e-6, 1, 1e8, 1e150} {
			for _, kappa := range []float64{1e-4, 0.1, 0.5, 1, 3} {
				costs := draws(rng, N, spread)
				eta := pi2.Temperature(costs, kappa, 1e-200)
				if kappa >= math.Log(float64(N)) {
					if eta != 1e-200 {
						t.Errorf("N=%d kappa=%v: eta is %v, want the least: no weights are that unequal", N, kappa, eta)
					}
					continue
				}
				if got := divergence(costs, eta); !(math.Abs(got-kappa) <= 1e-10) {
					t.Errorf("N=%d spread %v: KL is %v at eta %v, want %v", N, spread, got, eta, kappa)
				}
			}
		}
	}
}

// Between scales that are far apart the divergence hardly depends on eta, and a tangent leads
// anywhere.
func TestTemperatureOfCostsOfManyScales(t *testing.T) {
	for _, costs := range [][]float64{
		{0, 1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9},
		{0, 0, 0, 1e-8, 1e8, 1e8, 1e8, 2e8},
		{0, 1, 1e12, 1e12},
	} {
		for kappa := 0.05; kappa < 2; kappa += 0.03 {
			eta := pi2.Temperature(costs, kappa, 1e-30)
			// At the least eta the bound may be more than there is.
			if got := divergence(costs, eta); !(math.Abs(got-kappa) <= 1e-9 || eta == 1e-30 && got <= kappa) {
				t.Errorf("%v: KL is %v at eta %v, want %v", costs, got, eta, kappa)
			}
		}
	}
}

func TestTemperatureMinimisesTheDual(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		costs, kappa, least := draws(rng, 2+rng.IntN(30), math.Exp(4*rng.NormFloat64())), math.Exp(rng.NormFloat64()), math.Exp(3*rng.NormFloat64())
		eta := pi2.Temperature(costs, kappa, least)
		if !(eta >= least) {
			t.Fatalf("eta is %v, below the least, %v", eta, least)
		}
		best := pi2.Dual(costs, kappa, eta)
		for f := 1e-3; f < 1e3; f *= 1.1 {
			if other := math.Max(least, f*eta); pi2.Dual(costs, kappa, other) < best-1e-10*(1+math.Abs(best)) {
				t.Fatalf("dual is %v at %v, %v at eta %v", pi2.Dual(costs, kappa, other), other, best, eta)
			}
		}
	}
}

func TestTemperatureScalesWithTheCosts(t *testing.T) {
	costs := draws(rand.New(rand.NewPCG(5, 6)), 20, 1)
	eta := pi2.Temperature(costs, 1, 1e-9)
	var scaled, shifted []float64
	for _, s := range costs {
		scaled, shifted = append(scaled, 1000*s), append(shifted, s+50)
	}
	if got := pi2.Temperature(scaled, 1, 1e-9); !(math.Abs(got-1000*eta) <= 1e-9*eta) {
		t.Errorf("eta is %v for 1000 times the costs, want 1000 times %v", got, eta)
	}
	if got := pi2.Temperature(shifted, 1, 1e-9); !(math.Abs(got-eta) <= 1e-10) {
		t.Errorf("eta is %v for costs raised by a constant, want %v", got, eta)
	}
}

func TestTemperatureOfEqualCosts(t *testing.T) {
	for _, costs := range [][]float64{{3}, {3, 3, 3}, {0, 0}} {
		if got := pi2.Temperature(costs, 1, 0.25); got != 0.25 {
			t.Errorf("%v: eta is %v, want the least", costs, got)
		}
	}
}

func TestWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for range 50 {
		costs := draws(rng, 1+rng.IntN(40), 10)
		slices.Sort(costs)
		eta := math.Exp(3 * rng.NormFloat64())
		w, kl, effective := pi2.Weigh(costs, eta)
		sum, squares := 0.0, 0.0
		for n, v := range w {
			sum += v
			squares += v * v
			if n > 0 && v > w[n-1] {
				t.Fatalf("a higher cost has the larger weight: %v after %v", v, w[n-1])
			}
		}
		if !(math.Abs(sum-1) <= 1e-12 && math.Abs(kl-divergence(costs, eta)) <= 1e-12 && math.Abs(effective*squares-1) <= 1e-12) {
			t.Fatalf("sum %v, KL %v (want %v), effective samples %v (want %v)", sum, kl, divergence(costs, eta), effective, 1/squares)
		}
	}
	if _, kl, effective := pi2.Weigh([]float64{0, 1, 2, 3}, 1e12); !(kl <= 1e-12 && math.Abs(effective-4) <= 1e-9) {
		t.Errorf("at a large eta KL is %v with %v effective samples, want 0 and 4", kl, effective)
	}
}

func TestTemperatureMisusePanics(t *testing.T) {
	for name, f := range map[string]func(){
		"no cost":  func() { pi2.Temperature(nil, 1, 1) },
		"least 0":  func() { pi2.Temperature([]float64{1}, 1, 0) },
		"dual nan": func() { pi2.Dual([]float64{1}, 1, math.NaN()) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
