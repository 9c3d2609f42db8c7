package dynamics_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// linear draws rollouts of x' = A x + B u + f with a little noise.
func linear(rng *rand.Rand, n, T int, noise float64) ([]*rollout.Rollout, []float64, []float64) {
	F, f := []float64{0.9, 0.2, 0.1, -0.1, 0.8, 0.5}, []float64{0.3, -0.2}
	var list []*rollout.Rollout
	for range n {
		r := rollout.New(T, 2, 1)
		r.State(0)[0], r.State(0)[1] = rng.NormFloat64(), rng.NormFloat64()
		for t := range T {
			r.Action(t)[0] = rng.NormFloat64()
			y := []float64{r.State(t)[0], r.State(t)[1], r.Action(t)[0]}
			for i := range 2 {
				v := f[i] + noise*rng.NormFloat64()
				for j := range y {
					v += F[i*3+j] * y[j]
				}
				r.State(t + 1)[i] = v
			}
		}
		list = append(list, r)
	}
	return list, F, f
}

// An exact linear system is found from dX+dU+5 rollouts.
func TestFitRecoversLinearSystem(t *testing.T) {
	samples, F, f := linear(rand.New(rand.NewPCG(1, 1)), 8, 6, 0)
	cfg := dynamics.DefaultConfig()
	cfg.Regularization = 1e-10
	got, _, err := dynamics.Fit(samples, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for k := range got.T {
		for i, v := range got.FAt(k) {
			if math.Abs(v-F[i]) > 1e-6 {
				t.Errorf("step %d: F[%d] is %v, want %v", k, i, v, F[i])
			}
		}
		for i, v := range got.BiasAt(k) {
			if math.Abs(v-f[i]) > 1e-6 {
				t.Errorf("step %d: f[%d] is %v, want %v", k, i, v, f[i])
			}
		}
	}
}

// With a prior from many rollouts of the same system, 3 rollouts are enough where plain
// regression of 3 unknowns per output from 3 points cannot tell noise from signal.
func TestPriorHelpsFewSamples(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	earlier, F, _ := linear(rng, 20, 10, 0.05)
	samples, _, _ := linear(rng, 3, 10, 0.05)
	prior := new(dynamics.MixturePrior).Add(dynamics.DefaultPriorConfig(), earlier)
	if _, err := prior.Fit(context.Background(), dynamics.DefaultPriorConfig(), rng); err != nil {
		t.Fatal(err)
	}
	distance := func(p dynamics.Prior) float64 {
		d, _, err := dynamics.Fit(samples, p, dynamics.DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		s := 0.0
		for i, v := range d.F {
			s += (v - F[i%len(F)]) * (v - F[i%len(F)])
		}
		return math.Sqrt(s / float64(len(d.F)))
	}
	fromMixture, err := dynamics.FromMixture(prior.Mixture)
	if err != nil {
		t.Fatal(err)
	}
	with, without := distance(fromMixture), distance(nil)
	if with > 0.3*without {
		t.Errorf("error of F with the prior %.3g, without %.3g: want less than a third", with, without)
	}
}

// The regularisation is to go to the diagonal: added to the whole block it would tie
// independent inputs together.
func TestRegularizationOfDiagonal(t *testing.T) {
	samples, _, _ := linear(rand.New(rand.NewPCG(3, 3)), 2000, 1, 0.1)
	// Each coefficient shrinks by its own variance only: sigma^2/(sigma^2 + reg).
	cfg := dynamics.DefaultConfig()
	cfg.Regularization = 1
	got, _, err := dynamics.Fit(samples, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []float64{0.45, 0.1, 0.05, -0.05, 0.4, 0.25} {
		if math.Abs(got.F[i]-want) > 0.03 {
			t.Errorf("F[%d] is %v, want about %v", i, got.F[i], want)
		}
	}
}

// The posterior mean of a normal-inverse-Wishart model lies between prior and samples.
func TestShrunkMean(t *testing.T) {
	points := []float64{1, 1, 3, 5} // two points (w, x')
	prior := &dynamics.NIW{Mean: []float64{0, 10}, Scatter: []float64{1, 0, 0, 1}, NMean: 2, NCovar: -2}
	fit := func(mean dynamics.Mean) float64 {
		c := dynamics.Conditional{Gain: make([]float64, 1), Bias: make([]float64, 1), Cov: make([]float64, 1)}
		if err := dynamics.NewGaussianFit(1, 1).Fit(&c, points, nil, prior, mean, nil); err != nil {
			t.Fatal(err)
		}
		// At w = E[w] the prediction is E[x'].
		w := 2.0
		if mean == dynamics.ShrunkMean {
			w = (2*0 + 2*2) / 4.0
		}
		return c.Gain[0]*w + c.Bias[0]
	}
	if got := fit(dynamics.ShrunkMean); math.Abs(got-(2*10+2*3)/4.0) > 1e-12 {
		t.Errorf("shrunk mean of x' is %v, want 6.5", got)
	}
	if got := fit(dynamics.SampleMean); math.Abs(got-3) > 1e-12 {
		t.Errorf("sample mean of x' is %v, want 3", got)
	}
}

func TestFitRefuses(t *testing.T) {
	samples, _, _ := linear(rand.New(rand.NewPCG(4, 4)), 4, 5, 0.1)
	cfg := dynamics.DefaultConfig()
	if _, _, err := dynamics.Fit(samples[:1], nil, cfg); !errors.Is(err, dynamics.ErrTooFewSamples) {
		t.Errorf("one sample: %v", err)
	}
	samples[2].Action(3)[0] = math.Inf(1)
	if _, _, err := dynamics.Fit(samples, nil, cfg); !errors.Is(err, rollout.ErrNotFinite) {
		t.Errorf("infinite action: %v", err)
	}
	cfg.Regularization = 0
	same := []*rollout.Rollout{rollout.New(3, 2, 1), rollout.New(3, 2, 1)}
	if _, _, err := dynamics.Fit(same, nil, cfg); !errors.Is(err, dynamics.ErrSingular) {
		t.Errorf("equal samples: %v", err)
	}
	cfg.Strength = -1
	if _, _, err := dynamics.Fit(samples, nil, cfg); err == nil {
		t.Error("a negative strength was accepted")
	}
}

// The prior's scatter is shared among N + n0 observations: with the prior equal to the
// samples the posterior variance is theirs.
func TestInitialStatePosterior(t *testing.T) {
	samples, _, _ := linear(rand.New(rand.NewPCG(5, 5)), 50, 2, 0.1)
	fit := func(prior []*rollout.Rollout) *lqg.InitialState {
		x0, err := dynamics.FitInitialState(samples, prior, dynamics.DefaultInitialStateConfig())
		if err != nil {
			t.Fatal(err)
		}
		return x0
	}
	alone, both := fit(nil), fit(samples)
	for i := range 2 {
		if a, b := alone.Cov[i*2+i], both.Cov[i*2+i]; math.Abs(a-b) > 1e-12 {
			t.Errorf("variance of state %d is %v with the same data as prior, %v without", i, b, a)
		}
	}
}
