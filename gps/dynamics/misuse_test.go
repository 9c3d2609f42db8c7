package dynamics_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/rollout"
)

// Rollouts that do not hold what their sizes say are errors of every fit.
func TestShapesOfRollouts(t *testing.T) {
	for name, bad := range map[string]*rollout.Rollout{
		"nil":   nil,
		"short": {T: 5, DX: 2, DU: 1, X: make([]float64, 5), U: make([]float64, 5)},
		"empty": {T: 0, DX: 2, DU: 1, X: make([]float64, 2)},
	} {
		samples, _, _ := linear(rand.New(rand.NewPCG(4, 4)), 9, 5, 0.1)
		dyn, _, err := dynamics.Fit(samples, nil, dynamics.DefaultConfig())
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, 3} {
			list := append([]*rollout.Rollout(nil), samples...)
			list[at] = bad
			_, _, fit := dynamics.Fit(list, nil, dynamics.DefaultConfig())
			_, bayesian := dynamics.FitBayesian(list, nil, dynamics.DefaultBayesianConfig())
			_, initial := dynamics.FitInitialState(list, nil, dynamics.DefaultInitialStateConfig())
			_, prior := dynamics.FitInitialState(samples, list, dynamics.DefaultInitialStateConfig())
			_, likelihood := dynamics.LogLikelihood(dyn, list)
			_, mixture := (&dynamics.MixturePrior{Rollouts: list}).Fit(t.Context(), dynamics.DefaultPriorConfig(), rand.New(rand.NewPCG(1, 1)))
			for what, err := range map[string]error{"fit": fit, "Bayesian": bayesian, "x_0": initial, "prior of x_0": prior, "likelihood": likelihood, "mixture": mixture} {
				if !errors.Is(err, rollout.ErrShape) || !strings.Contains(err.Error(), fmt.Sprintf("rollout %d", at)) {
					t.Errorf("%s, %s: error %v", name, what, err)
				}
			}
		}
	}
	for want, f := range map[string]func(){
		"mixture is nil": func() { _, _ = dynamics.FromMixture(nil) },
		"nominal dynamics are n": func() {
			_, _ = dynamics.FitBayesian([]*rollout.Rollout{rollout.New(1, 1, 1)}, &dynamics.WeightPrior{}, dynamics.DefaultBayesianConfig())
		},
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}

// Numbers whose squares no float64 holds are called that, not a lack of rollouts.
func TestUnitsThatOverflow(t *testing.T) {
	scaled := func(x, u float64) []*rollout.Rollout {
		samples, _, _ := linear(rand.New(rand.NewPCG(4, 6)), 12, 2, 0.1)
		for _, s := range samples {
			for i := range s.X {
				s.X[i] *= x
			}
			for i := range s.U {
				s.U[i] *= u
			}
		}
		return samples
	}
	prior := dynamics.NewNIW(5)
	prior.NMean, prior.NCovar = 1, 1
	for i := range prior.Mean {
		prior.Mean[i], prior.Scatter[6*i] = 1e50, 1
	}
	weights, err := dynamics.NominalPrior(2, 2, 1, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	fit := func(samples []*rollout.Rollout, prior dynamics.Prior) error {
		_, _, err := dynamics.Fit(samples, prior, dynamics.DefaultConfig())
		return err
	}
	bayesian := func(samples []*rollout.Rollout) error {
		_, err := dynamics.FitBayesian(samples, weights, dynamics.DefaultBayesianConfig())
		return err
	}
	for name, c := range map[string]struct {
		err  error
		is   error
		says []string
		not  string
	}{
		"states":         {fit(scaled(1e160, 1), nil), dynamics.ErrNotFinite, []string{"time step 0", "input 0", "e+160", "other units"}, "record more"},
		"actions":        {fit(scaled(1, 1e160), nil), dynamics.ErrNotFinite, []string{"input 2", "other units"}, "record more"},
		"prior's mean":   {fit(scaled(1, 1), prior), dynamics.ErrSingular, []string{"mean up to 1e+50", "condition number"}, "use a prior"},
		"Bayesian small": {bayesian(scaled(1e-200, 1)), dynamics.ErrNotFinite, []string{"underflow", "e-201", "of input 2", "other units"}, "record more"},
		"Bayesian large": {bayesian(scaled(1e160, 1)), dynamics.ErrNotFinite, []string{"state 0", "e+159", "units"}, "record more"},
	} {
		if !errors.Is(c.err, c.is) || strings.Contains(c.err.Error(), c.not) {
			t.Errorf("%s: error %v, want %v without %q", name, c.err, c.is, c.not)
			continue
		}
		for _, s := range c.says {
			if !strings.Contains(c.err.Error(), s) {
				t.Errorf("%s: %q lacks %q", name, c.err, s)
			}
		}
	}
}

// Predictions are finite or errors.
func TestPredictRefuses(t *testing.T) {
	samples, _, _ := linear(rand.New(rand.NewPCG(4, 7)), 9, 2, 0.1)
	post, err := dynamics.FitBayesian(samples, nil, dynamics.DefaultBayesianConfig())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		w    float64
		says string
	}{{math.NaN(), "element 1 of [x, u] at time step 1 is NaN"}, {math.Inf(-1), "is -Inf"}, {1e200, "numbers up to 1e+200"}, {-1.7e308, "too far from the rollouts"}} {
		if err := post.Predict(post.NewPrediction(), 1, []float64{0, c.w, 0}); !errors.Is(err, dynamics.ErrNotFinite) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: error %v, want %q", c.w, err, c.says)
		}
	}
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "time step 2, dynamics of T=2") {
			t.Errorf("panic %q", got)
		}
	}()
	_ = post.Predict(post.NewPrediction(), 2, []float64{0, 0, 0})
}

// A scatter is a sum of squares: symmetric, and without negative eigenvalues but for
// rounding, in whatever units its dimensions are.
func TestScatterOfNIW(t *testing.T) {
	units := []float64{1, 1e-6, 1e6}
	for name, c := range map[string]struct {
		scatter []float64
		says    string
	}{
		"zero":                   {make([]float64, 9), ""},
		"definite":               {[]float64{2, 1, 0, 1, 2, -1, 0, -1, 2}, ""},
		"singular":               {[]float64{1, 1, 1, 1, 1, 1, 1, 1, 1}, ""},
		"singular, but rounding": {[]float64{1, 1 + 1e-12, 1, 1, 1, 1, 1, 1, 1 - 1e-12}, ""},
		"a row of zeros":         {[]float64{1, 0, 0.5, 0, 0, 0, 0.5, 0, 1}, ""},
		"indefinite":             {[]float64{1, 0, 3, 0, 1, 0, 3, 0, 1}, "eigenvalues from"},
		"indefinite by three":    {[]float64{1, 0.9, 0.9, 0.9, 1, -0.9, 0.9, -0.9, 1}, "condition number"},
		"no variance":            {[]float64{1, 0, 0.5, 0, 1, 0, 0.5, 0, 0}, "positive semi-definite"},
		"asymmetric":             {[]float64{1, 0, 0.9, 0, 1, 0, 0, 0, 1}, "at (0, 2): it must be symmetric"},
		"slightly asymmetric":    {[]float64{1, 0.5, 0, 0.5 + 1e-6, 1, 0, 0, 0, 1}, "symmetric"},
		"negative":               {[]float64{1, 0, 0, 0, -1, 0, 0, 0, 1}, "at (1, 1)"},
	} {
		for _, u := range [][]float64{{1, 1, 1}, units} {
			p := dynamics.NewNIW(3)
			p.NMean, p.NCovar = 1, 1
			for i, v := range c.scatter {
				p.Scatter[i] = v * u[i/3] * u[i%3]
			}
			err := p.Validate()
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s in units %v: error %v, want %q", name, u, err, c.says)
			}
		}
	}
	bad := dynamics.NewNIW(5)
	bad.NMean, bad.NCovar = 1, 1
	for i := range bad.Mean {
		bad.Scatter[6*i] = 1
	}
	bad.Scatter[3*5+4], bad.Scatter[4*5+3] = 1e6, 1e6 // of x' alone
	samples, _, _ := linear(rand.New(rand.NewPCG(4, 8)), 6, 2, 0.1)
	if _, _, err := dynamics.Fit(samples, bad, dynamics.DefaultConfig()); err == nil || !strings.Contains(err.Error(), "time step 0") || !strings.Contains(err.Error(), "semi-definite") {
		t.Errorf("fit under an indefinite prior: %v", err)
	}
}

// A number that is not finite is found wherever it stands, though the fit looks for it only
// where a covariance shows that there is one.
func TestFitFindsEveryNumberThatIsNotFinite(t *testing.T) {
	const T, dX, dU = 3, 2, 1
	for _, regularizer := range []dynamics.Regularizer{dynamics.AddDiagonal, dynamics.LiftEigenvalues, dynamics.AddWholeBlock} {
		for _, floor := range []float64{0, 1e-8} {
			cfg := dynamics.DefaultConfig()
			cfg.Regularizer, cfg.NoiseFloor = regularizer, floor
			samples := random(5, T, dX, dU)
			for _, numbers := range [][]float64{samples[1].X, samples[1].U} {
				for i, was := range numbers {
					for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
						numbers[i] = v
						_, _, err := dynamics.Fit(samples, nil, cfg)
						if !errors.Is(err, rollout.ErrNotFinite) || !strings.Contains(err.Error(), "rollout 1") {
							t.Errorf("%s, floor %v: %v as number %d of %d: error %v", regularizer, floor, v, i, len(numbers), err)
						}
					}
					numbers[i] = was
				}
			}
		}
	}
}
