package dynamics_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
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

// An exact linear system is found from dX+dU+5 rollouts under the default
// regularisation, and the better the smaller it is.
func TestFitRecoversLinearSystem(t *testing.T) {
	samples, F, f := linear(rand.New(rand.NewPCG(1, 1)), 2+1+5, 6, 0)
	for _, c := range []struct{ regularization, tolerance float64 }{{dynamics.DefaultConfig().Regularization, 1e-4}, {1e-10, 1e-8}} {
		cfg := dynamics.DefaultConfig()
		cfg.Regularization = c.regularization
		got, report, err := dynamics.Fit(samples, nil, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Warnings) != 0 {
			t.Errorf("warnings %q", report.Warnings)
		}
		for k := range got.T {
			for i, v := range got.FAt(k) {
				if math.Abs(v-F[i]) > c.tolerance {
					t.Errorf("regularisation %g, step %d: F[%d] is %v, want %v", c.regularization, k, i, v, F[i])
				}
			}
			for i, v := range got.BiasAt(k) {
				if math.Abs(v-f[i]) > c.tolerance {
					t.Errorf("regularisation %g, step %d: f[%d] is %v, want %v", c.regularization, k, i, v, f[i])
				}
			}
		}
	}
}

// Plain regression from fewer rollouts than unknowns per state warns; a prior makes few
// rollouts normal.
func TestFitWarnsOfFewRollouts(t *testing.T) {
	samples, _, _ := linear(rand.New(rand.NewPCG(7, 7)), 4, 3, 0.1)
	prior := dynamics.NewNIW(5)
	prior.NMean, prior.NCovar = 1, 2
	for i := range 5 {
		prior.Scatter[i*6] = 1
	}
	for _, c := range []struct {
		n     int
		prior dynamics.Prior
		warns bool
	}{{4, nil, false}, {3, nil, true}, {2, nil, true}, {2, prior, false}} {
		_, report, err := dynamics.Fit(samples[:c.n], c.prior, dynamics.DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		if (len(report.Warnings) > 0) != c.warns {
			t.Errorf("%d rollouts, prior %v: warnings %q", c.n, c.prior, report.Warnings)
		}
		for _, w := range report.Warnings {
			if !strings.Contains(w, fmt.Sprint(c.n, " rollouts")) || !strings.Contains(w, "dX+dU+1 = 4") {
				t.Errorf("warning %q does not say what there was and what is needed", w)
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

// steps is a prior of its own for every time step.
type steps []*dynamics.NIW

func (s steps) At(dst *dynamics.NIW, t int, points []float64) error { return s[t].At(dst, t, points) }

func (s steps) Fork() dynamics.Prior { return s }

// Any prior is taken step by step; a very strong one is the result.
func TestFitTakesAnyPrior(t *testing.T) {
	const T, D = 4, 5
	samples, _, _ := linear(rand.New(rand.NewPCG(8, 8)), 3, T, 0.1)
	var prior steps
	want := make([][]float64, T)
	for k := range T {
		// x' = F w with noise of variance 0.2, w of unit variance.
		F := make([]float64, 6)
		p := dynamics.NewNIW(D)
		p.NMean, p.NCovar = 1e9, 1e9-float64(D+1)
		for i := range F {
			F[i] = 0.1 * float64(1+i+k)
		}
		cov := make([]float64, D*D)
		for i := range 3 {
			cov[i*D+i] = 1
			for j := range 2 {
				cov[i*D+3+j], cov[(3+j)*D+i] = F[j*3+i], F[j*3+i]
				for l := range 2 {
					cov[(3+j)*D+3+l] += F[j*3+i] * F[l*3+i]
				}
			}
		}
		cov[3*D+3] += 0.2
		cov[4*D+4] += 0.2
		for i, v := range cov {
			p.Scatter[i] = 1e9 * v
		}
		prior, want[k] = append(prior, p), F
	}
	cfg := dynamics.DefaultConfig()
	cfg.Regularization = 0
	got, _, err := dynamics.Fit(samples, prior, cfg)
	if err != nil {
		t.Fatal(err)
	}
	for k := range T {
		vectors.Close(t, fmt.Sprint("F at ", k), got.FAt(k), want[k], 1e-6)
		vectors.Close(t, fmt.Sprint("f at ", k), got.BiasAt(k), []float64{0, 0}, 1e-6)
		vectors.Close(t, fmt.Sprint("noise at ", k), got.CovAt(k), []float64{0.2, 0, 0, 0.2}, 1e-6)
	}
	if want := float64(1e9); prior[0].NMean != want {
		t.Errorf("the fit changed the prior's weight to %v", prior[0].NMean)
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
	// An input that follows from the others, from time step 2 on.
	dependent, _, _ := linear(rand.New(rand.NewPCG(4, 5)), 20, 5, 0.1)
	for _, s := range dependent {
		for k := 2; k < s.T; k++ {
			s.Action(k)[0] = 0.3*s.State(k)[0] - 0.7*s.State(k)[1]
		}
	}
	_, _, err := dynamics.Fit(dependent, nil, cfg)
	if !errors.Is(err, dynamics.ErrSingular) {
		t.Fatalf("dependent inputs: %v", err)
	}
	for _, says := range []string{"time step 2", "20 rollouts", "condition number", "raise the regularisation (0)"} {
		if !strings.Contains(err.Error(), says) {
			t.Errorf("%q lacks %q", err, says)
		}
	}
	for _, s := range samples {
		s.Action(3)[0] = 1e250
	}
	samples[1].Action(3)[0] = -1e250
	if _, _, err := dynamics.Fit(samples, nil, cfg); err == nil || !strings.Contains(err.Error(), "time step 3") {
		t.Errorf("overflow: %v", err)
	}
	bad := dynamics.NewNIW(5)
	bad.Scatter[7] = math.NaN()
	if _, _, err := dynamics.Fit(dependent, bad, cfg); !errors.Is(err, dynamics.ErrNotFinite) {
		t.Errorf("NaN in the prior: %v", err)
	}
	cfg.Regularizer = "ridge"
	if _, _, err := dynamics.Fit(dependent, nil, cfg); err == nil {
		t.Error("an unknown regularizer was accepted")
	}
	cfg = dynamics.DefaultConfig()
	cfg.Strength = -1
	if _, _, err := dynamics.Fit(samples, nil, cfg); err == nil {
		t.Error("a negative strength was accepted")
	}
}

// The prior's data are the latest rollouts up to the limit, all of them: a public
// implementation drops one more when the limit is reached.
func TestPriorKeepsTheLatestRollouts(t *testing.T) {
	cfg := dynamics.DefaultPriorConfig()
	cfg.MaxSamples, cfg.MinSamplesPerCluster = 5, 4
	all, _, _ := linear(rand.New(rand.NewPCG(15, 15)), 12, 3, 0.1)
	prior := new(dynamics.MixturePrior)
	for n := 0; n < 12; n += 2 {
		before := len(prior.Rollouts)
		next := prior.Add(cfg, all[n:n+2])
		want := all[max(0, n+2-cfg.MaxSamples) : n+2]
		if !slices.Equal(next.Rollouts, want) || len(prior.Rollouts) != before {
			t.Errorf("after %d rollouts: %d are kept, want the latest %d", n+2, len(next.Rollouts), len(want))
		}
		if got, want := next.Clusters(cfg), max(2, len(want)*3/4); got != want {
			t.Errorf("after %d rollouts: %d clusters, want %d", n+2, got, want)
		}
		prior = next
	}
	empty := new(dynamics.MixturePrior)
	if _, err := empty.Fit(context.Background(), cfg, rand.New(rand.NewPCG(1, 1))); !errors.Is(err, dynamics.ErrTooFewSamples) {
		t.Errorf("a prior without data: %v", err)
	}
	all[11].State(0)[0] = math.NaN()
	if _, err := prior.Fit(context.Background(), cfg, rand.New(rand.NewPCG(1, 1))); !errors.Is(err, rollout.ErrNotFinite) {
		t.Errorf("a prior with NaN: %v", err)
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
	if _, err := dynamics.FitInitialState(nil, samples, dynamics.DefaultInitialStateConfig()); !errors.Is(err, dynamics.ErrTooFewSamples) {
		t.Errorf("no samples: %v", err)
	}
	if _, err := dynamics.FitStates([]float64{1, 2}, 2); !errors.Is(err, dynamics.ErrTooFewSamples) {
		t.Errorf("one state has a covariance: %v", err)
	}
	if x, err := dynamics.FitStates([]float64{1, 3}, 1); err != nil || x.Mean[0] != 2 || x.Cov[0] != 2 {
		t.Errorf("states of one dimension: %v, %v", x, err)
	}
	none := dynamics.DefaultInitialStateConfig()
	none.MinVariance = 0
	if x, err := dynamics.FitInitialState(samples[:1], nil, none); err != nil || slices.Max(x.Cov) != 0 {
		t.Errorf("one sample without a floor: %v, %v", x, err)
	}
	for _, v := range []float64{-1, math.NaN(), math.Inf(1)} {
		none.MinVariance = v
		if _, err := dynamics.FitInitialState(samples, nil, none); err == nil {
			t.Errorf("a smallest variance of %v was accepted", v)
		}
	}
	alone, both := fit(nil), fit(samples)
	for i := range 2 {
		if a, b := alone.Cov[i*2+i], both.Cov[i*2+i]; math.Abs(a-b) > 1e-12 {
			t.Errorf("variance of state %d is %v with the same data as prior, %v without", i, b, a)
		}
	}
}

// The fit of one time step allocates nothing.
func TestGaussianFitDoesNotAllocate(t *testing.T) {
	const in, out = 4, 3
	rng := rand.New(rand.NewPCG(14, 14))
	points := make([]float64, 9*(in+out))
	for i := range points {
		points[i] = rng.NormFloat64()
	}
	prior := dynamics.NewNIW(in + out)
	prior.NMean, prior.NCovar = 1, 1
	fit := dynamics.NewGaussianFit(in, out)
	c := dynamics.Conditional{Gain: make([]float64, out*in), Bias: make([]float64, out), Cov: make([]float64, out*out)}
	n := testing.AllocsPerRun(20, func() {
		if err := fit.Fit(&c, points, nil, prior, dynamics.ShrunkMean, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("Fit allocates %v times", n)
	}
}
