package dynamics_test

import (
	"fmt"
	"math"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/rollout/rollouttest"
	"guidedpolicysearch/internal/vectors"
)

// closeNorm compares whole arrays: the difference's norm against that of the reference.
func closeNorm(t *testing.T, name string, got, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", name, len(got), len(want))
	}
	difference, norm := 0.0, 0.0
	for i, w := range want {
		difference = math.Hypot(difference, got[i]-w)
		norm = math.Hypot(norm, w)
	}
	if !(difference <= tolerance*norm) {
		t.Errorf("%s: differs by %.3g of its norm %.3g, tolerance %.3g", name, difference/norm, norm, tolerance)
	}
}

// donkConfig is what the second reference does: eigenvalues are lifted, the mean is the
// samples', the noise has no floor.
func donkConfig(c vectors.Case) dynamics.Config {
	cfg := dynamics.DefaultConfig()
	cfg.Regularization = c.Inputs.Get("regularization").Float()
	cfg.Regularizer = dynamics.LiftEigenvalues
	cfg.Mean = dynamics.SampleMean
	cfg.NoiseFloor = 0
	return cfg
}

func TestVectorsDonkFit(t *testing.T) {
	for _, c := range vectors.Donk(t, "fit_lr") {
		t.Run(c.Name, func(t *testing.T) {
			got, _, err := dynamics.Fit(rollouttest.Rollouts(c.Inputs.Get("X"), c.Inputs.Get("U")), nil, donkConfig(c))
			if err != nil {
				t.Fatal(err)
			}
			tolerance := math.Max(1e-10, 1e-14*c.Inputs.Get("max_cond_xu").Float())
			closeNorm(t, "F", got.F, c.Outputs.Get("F").Floats(), tolerance)
			closeNorm(t, "f", got.Bias, c.Outputs.Get("f").Floats(), tolerance)
			closeNorm(t, "covar", got.Cov, c.Outputs.Get("covar").Floats(), tolerance)
		})
	}
}

// readNIW reads a distribution as the second reference names its parts.
func readNIW(n vectors.Node) *dynamics.NIW {
	return &dynamics.NIW{Mean: n.Get("mu0").Floats(), Scatter: n.Get("Phi").Floats(), NMean: n.Get("N_mean").Float(), NCovar: n.Get("N_covar").Float()}
}

func closeNIW(t *testing.T, got, want *dynamics.NIW, tolerance float64) {
	t.Helper()
	vectors.Close(t, "mu0", got.Mean, want.Mean, tolerance)
	vectors.Close(t, "Phi", got.Scatter, want.Scatter, tolerance)
	vectors.Close(t, "N_mean, N_covar", []float64{got.NMean, got.NCovar}, []float64{want.NMean, want.NCovar}, tolerance)
}

// The reference divides the samples' number by prior_weight, which is to multiply the
// prior's weights by it.
func TestVectorsDonkFitNIW(t *testing.T) {
	const tolerance = 1e-9
	for _, c := range vectors.Donk(t, "fit_lr_niw") {
		t.Run(c.Name, func(t *testing.T) {
			prior, samples := readNIW(c.Inputs.Get("prior")), rollouttest.Rollouts(c.Inputs.Get("X"), c.Inputs.Get("U"))
			cfg := donkConfig(c)
			cfg.Strength = c.Inputs.Get("prior_weight").Float()
			got, report, err := dynamics.Fit(samples, prior, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if len(report.Warnings) != 0 {
				t.Errorf("warnings %q of a fit under a prior", report.Warnings)
			}
			vectors.Close(t, "F", got.F, c.Outputs.Get("F").Floats(), tolerance)
			vectors.Close(t, "f", got.Bias, c.Outputs.Get("f").Floats(), tolerance)
			vectors.Close(t, "covar", got.Cov, c.Outputs.Get("covar").Floats(), tolerance)

			var first []float64
			for _, s := range samples {
				first = append(append(append(first, s.State(0)...), s.Action(0)...), s.State(1)...)
			}
			D, N := len(prior.Mean), float64(len(samples))
			sample, err := dynamics.FitStates(first, D)
			if err != nil {
				t.Fatal(err)
			}
			for i := range sample.Cov {
				sample.Cov[i] *= (N - 1) / N
			}
			if err := prior.Update(N/cfg.Strength, sample.Mean, sample.Cov); err != nil {
				t.Fatal(err)
			}
			want := c.Outputs.Get("posterior_t0")
			closeNIW(t, prior, readNIW(want), tolerance)
			covariance := make([]float64, D*D)
			if err := prior.MAPCovariance(covariance); err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "map_mean", prior.Mean, want.Get("map_mean").Floats(), tolerance)
			vectors.Close(t, "map_covar", covariance, want.Get("map_covar").Floats(), tolerance)
		})
	}
}

func TestVectorsDonkNIW(t *testing.T) {
	const tolerance = 1e-12
	for _, c := range vectors.Donk(t, "niw_posterior") {
		t.Run(c.Name, func(t *testing.T) {
			D := c.Inputs.Get("d").Int()
			p, covariance := dynamics.NewNIW(D), make([]float64, D*D)
			for i := range c.Inputs.Get("steps").Len() {
				step := c.Inputs.Get("steps").At(i)
				if err := p.Update(step.Get("N").Float(), step.Get("emp_mean").Floats(), step.Get("emp_covar").Floats()); err != nil {
					t.Fatal(err)
				}
				closeNIW(t, p, readNIW(step), tolerance)
				if err := p.MAPCovariance(covariance); err != nil {
					t.Fatal(err)
				}
				vectors.Close(t, fmt.Sprintf("map_covar of step %d", i), covariance, step.Get("map_covar").Floats(), tolerance)
			}
		})
	}
}

func TestVectorsDonkStates(t *testing.T) {
	for _, c := range vectors.Donk(t, "state_distribution") {
		t.Run(c.Name, func(t *testing.T) {
			x := c.Inputs.Get("X")
			got, err := dynamics.FitStates(x.Floats(), x.Shape()[1])
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "mean", got.Mean, c.Outputs.Get("mean").Floats(), 1e-13)
			vectors.Close(t, "covar", got.Cov, c.Outputs.Get("covar").Floats(), 1e-13)
		})
	}
}

func TestVectorsDonkLogLikelihood(t *testing.T) {
	for _, c := range vectors.Donk(t, "kl") {
		t.Run(c.Name, func(t *testing.T) {
			F := c.Inputs.Get("F")
			shape := F.Shape()
			dyn := lqg.NewDynamics(shape[0], shape[1], shape[2]-shape[1])
			copy(dyn.F, F.Floats())
			copy(dyn.Bias, c.Inputs.Get("f").Floats())
			copy(dyn.Cov, c.Inputs.Get("dyn_covar").Floats())
			mean, all := make([]float64, dyn.T), rollouttest.Rollouts(c.Inputs.Get("rollout_X"), c.Inputs.Get("rollout_U"))
			for n, r := range all {
				got, err := dynamics.LogLikelihood(dyn, []*rollout.Rollout{r})
				if err != nil {
					t.Fatal(err)
				}
				vectors.Close(t, fmt.Sprintf("rollout_log_prob[%d]", n), got, c.Outputs.Get("rollout_log_prob").At(n).Floats(), 1e-9)
				for i, v := range got {
					mean[i] += v / float64(len(all))
				}
			}
			got, err := dynamics.LogLikelihood(dyn, all)
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "mean over the rollouts", got, mean, 1e-12)
		})
	}
}
