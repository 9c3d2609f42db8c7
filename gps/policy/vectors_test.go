package policy_test

import (
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// samples reads the states of N samples of T steps; the states that the last actions lead to are
// not told, and zero.
func samples(n vectors.Node, dU int) []*rollout.Rollout {
	shape, x := n.Shape(), n.Floats()
	T, dX := shape[1], shape[2]
	var list []*rollout.Rollout
	for i := range shape[0] {
		r := rollout.New(T, dX, dU)
		copy(r.X, x[i*T*dX:(i+1)*T*dX])
		list = append(list, r)
	}
	return list
}

// factorOfVariances returns the lower factor of a diagonal covariance.
func factorOfVariances(t *testing.T, variances []float64) []float64 {
	n := len(variances)
	l := make([]float64, n*n)
	for i, v := range variances {
		l[i*(n+1)] = v
	}
	if !dense.Cholesky(l, n) {
		t.Fatalf("variances %v", variances)
	}
	return l
}

// duals reads the multipliers of a case's policy.
func duals(p *lqgtest.Policy) *policy.Duals {
	c := p.Controller
	return &policy.Duals{T: c.T, DX: c.DX, DU: c.DU, Gain: p.DualGain, Bias: p.DualBias, Weight: p.Weight}
}

func TestVectorsLinearisation(t *testing.T) {
	for _, c := range vectors.GPS(t, "policy_fit_mixture", "policy_fit_constant") {
		t.Run(c.Name, func(t *testing.T) {
			means, cov := c.Inputs.Get("policy_mean"), c.Inputs.Get("policy_cov").Floats()
			shape := means.Shape()
			N, T, dU := shape[0], shape[1], shape[2]
			list := samples(c.Inputs.Get("X"), dU)
			dX := list[0].DX
			cfg := policy.DefaultLineariseConfig()
			cfg.Mean, cfg.Regularization, cfg.MinVariance = dynamics.SampleMean, 0, 1e-12
			strength := c.Inputs.Get("strength").Float()
			var prior dynamics.Prior
			if c.Kind == "policy_fit_constant" {
				ones := []float64{1, 1, 1, 1, 1, 1}
				constant := policy.ConstantPrior(strength, ones[:dX], ones[:dU])
				vectors.Close(t, "prior_mean", constant.Mean, c.Outputs.Get("prior_mean").Floats(), c.Tolerance)
				vectors.Close(t, "prior_scatter", constant.Scatter, c.Outputs.Get("prior_scatter").Floats(), c.Tolerance)
				vectors.Close(t, "m, n0", []float64{constant.NMean, constant.Weight()}, []float64{c.Outputs.Get("m").Float(), c.Outputs.Get("n0").Float()}, c.Tolerance)
				prior = constant
			} else {
				cfg.Strength = strength
				m := c.Inputs.Get("mixture")
				shape := m.Get("means").Shape()
				mix := mixture.New(shape[0], shape[1])
				copy(mix.Means, m.Get("means").Floats())
				copy(mix.Covs, m.Get("covs").Floats())
				copy(mix.LogWeights, m.Get("log_weights").Floats())
				mix.FitCount = m.Get("fit_count").Int()
				var err error
				if prior, err = dynamics.FromMixture(mix); err != nil {
					t.Fatal(err)
				}
			}
			// The reference adds 1e-8 to every entry of the states' block, at t = 0 alone.
			prior = everyEntry{prior, float64(N), 1e-8, dX}
			l, err := policy.NewLineariser(cfg, T, dX, dU)
			if err != nil {
				t.Fatal(err)
			}
			got := lqg.NewController(T, dX, dU)
			if err := l.Fit(got, list, means.Floats(), cov, prior); err != nil {
				t.Fatal(err)
			}
			covs, _ := lqgtest.Covariances(got)
			vectors.Close(t, "gain", got.K, c.Outputs.Get("gain").Floats(), c.Tolerance)
			vectors.Close(t, "bias", got.Bias, c.Outputs.Get("bias").Floats(), c.Tolerance)
			vectors.Close(t, "cov", covs, c.Outputs.Get("cov").Floats(), c.Tolerance)
		})
	}
}

// everyEntry adds a number to every entry of the states' block of the posterior covariance at t = 0:
// (samples + n0) times it to the scatter, under a prior of strength 1.
type everyEntry struct {
	dynamics.Prior
	samples, number float64
	dX              int
}

func (e everyEntry) At(dst *dynamics.NIW, t int, points []float64) error {
	if err := e.Prior.At(dst, t, points); err != nil || t > 0 {
		return err
	}
	D := len(dst.Mean)
	for i := range e.dX {
		for j := range e.dX {
			dst.Scatter[i*D+j] += e.number * (e.samples + dst.Weight())
		}
	}
	return nil
}

func TestVectorsDivergenceAtSamples(t *testing.T) {
	for _, c := range vectors.GPS(t, "badmm_policy_kl") {
		t.Run(c.Name, func(t *testing.T) {
			s := lqgtest.System(c.Inputs.Get("system"))
			k := s.Controller
			list := samples(c.Inputs.Get("X"), k.DU)
			means, chol := c.Inputs.Get("policy_mean").Floats(), factorOfVariances(t, c.Inputs.Get("policy_var").Floats())
			// The reference takes the multipliers themselves off the controller.
			shifted := k.Clone()
			for i, v := range s.Policy.DualGain {
				shifted.K[i] -= v
			}
			for i, v := range s.Policy.DualBias {
				shifted.Bias[i] -= v
			}
			w := policy.NewDivergence(k.DX, k.DU)
			for name, p := range map[string]*lqg.Controller{"kl": k, "kl_dual": shifted} {
				each, mean := make([]float64, len(list)*k.T), make([]float64, k.T)
				w.AtSamples(each, mean, p, list, means, chol)
				vectors.Close(t, name, each, c.Outputs.Get(name).Floats(), c.Tolerance)
				vectors.Close(t, name+"_mean", mean, c.Outputs.Get(name+"_mean").Floats(), c.Tolerance)
			}
		})
	}
}

func TestVectorsEstimate(t *testing.T) {
	for _, c := range vectors.GPS(t, "badmm_estimate") {
		t.Run(c.Name, func(t *testing.T) {
			s := lqgtest.System(c.Inputs.Get("system"))
			k := s.Controller
			e := policy.NewEstimator(k.T, k.DX, k.DU)
			cost, kl, err := e.Run(k, s.Policy.Controller, s.Dynamics, &s.X0, s.Cost)
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "cost_per_step", e.Cost[:k.T], c.Outputs.Get("cost_per_step").Floats(), c.Tolerance)
			// The reference has + dU/2 where - dU/2 is right.
			want, sums := c.Outputs.Get("kl_per_step").Floats(), [2]float64{}
			for i := range want {
				want[i] -= float64(k.DU)
				sums[0], sums[1] = sums[0]+e.Cost[i], sums[1]+e.KL[i]
			}
			vectors.Close(t, "kl_per_step", e.KL, want, c.Tolerance)
			vectors.Close(t, "sums", []float64{cost, kl}, sums[:], 1e-12)
		})
	}
}

func TestVectorsDuals(t *testing.T) {
	rules := []policy.WeightRule{policy.WeightByGradient, policy.WeightBySteps, policy.WeightByChange, policy.WeightBySpread}
	for _, c := range vectors.GPS(t, "badmm_dual_step") {
		t.Run(c.Name, func(t *testing.T) {
			s, a := lqgtest.System(c.Inputs.Get("system")), c.Inputs.Get("algorithm")
			k, d := s.Controller, duals(s.Policy)
			cfg := policy.DefaultDualConfig()
			cfg.Rate, cfg.GainRate = a.Get("policy_dual_rate").Float(), a.Get("policy_dual_rate_covar").Float()
			cfg.Weights, cfg.Step = rules[a.Get("fixed_lg_step").Int()], a.Get("lg_step").Float()
			cfg.Below, cfg.Above = a.Get("exp_step_lower").Float(), a.Get("exp_step_upper").Float()
			cfg.Decrease, cfg.Increase = a.Get("exp_step_decrease").Float(), a.Get("exp_step_increase").Float()
			if err := cfg.Validate(); err != nil {
				t.Fatal(err)
			}
			list, means := samples(c.Inputs.Get("X"), k.DU), c.Inputs.Get("policy_mean").Floats()
			kl := make([]float64, k.T)
			policy.NewDivergence(k.DX, k.DU).AtSamples(nil, kl, k, list, means, factorOfVariances(t, c.Inputs.Get("policy_var").Floats()))
			if err := d.Climb(cfg, k, s.Policy.Controller, list, means); err != nil {
				t.Fatal(err)
			}
			if err := d.Reweigh(cfg, kl, c.Inputs.Get("system", "policy", "previous_kl").Floats()); err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "dual_bias", d.Bias, c.Outputs.Get("dual_bias").Floats(), c.Tolerance)
			vectors.Close(t, "dual_gain", d.Gain, c.Outputs.Get("dual_gain").Floats(), c.Tolerance)
			vectors.Close(t, "weight", d.Weight, c.Outputs.Get("weight").Floats(), c.Tolerance)
		})
	}
}

func TestVectorsTargets(t *testing.T) {
	for _, c := range vectors.GPS(t, "mdgps_targets", "badmm_targets") {
		t.Run(c.Name, func(t *testing.T) {
			s := lqgtest.System(c.Inputs.Get("system"))
			k := s.Controller
			if c.Kind == "badmm_targets" {
				// The reference shifts by nu C lambda where C lambda / nu is right.
				d := duals(s.Policy).Clone()
				for i := range d.Gain {
					w := d.Weight[i/(d.DX*d.DU)]
					d.Gain[i] *= w * w
				}
				for i := range d.Bias {
					w := d.Weight[i/d.DU]
					d.Bias[i] *= w * w
				}
				k = lqg.NewController(k.T, k.DX, k.DU)
				d.Shift(k, s.Controller)
			}
			list := samples(c.Inputs.Get("X"), k.DU)
			a := policy.NewTargets(k.DX, k.DU)
			for _, r := range list { // one after the other, as iterations may
				a.Add(k, []*rollout.Rollout{r}, s.Policy.Weight)
			}
			vectors.Close(t, "targets", a.Means, c.Outputs.Get("targets").Floats(), c.Tolerance)
			vectors.Close(t, "precision", a.Precisions, c.Outputs.Get("precision").Floats(), c.Tolerance)
			vectors.Close(t, "weights", a.Weights, c.Outputs.Get("weights").Floats(), c.Tolerance)
			vectors.Close(t, "states", a.States, c.Inputs.Get("X").Floats(), 0)
			for i, n := range a.Rollouts {
				if n != i/k.T {
					t.Fatalf("target %d is of rollout %d, want %d", i, n, i/k.T)
				}
			}
		})
	}
}

func TestVectorsPreparation(t *testing.T) {
	for _, c := range vectors.GPS(t, "policy_opt_prepare") {
		t.Run(c.Name, func(t *testing.T) {
			obs, precisions := c.Inputs.Get("obs").Floats(), c.Inputs.Get("precision").Floats()
			dO, dU := c.Inputs.Get("obs").Shape()[2], c.Inputs.Get("precision").Shape()[3]
			weights, err := policy.RobustWeights(c.Inputs.Get("weights").Floats())
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "weights", weights, c.Outputs.Get("weights").Floats(), c.Tolerance)
			N := len(weights)
			a := &policy.Targets{DX: dO, DU: dU, States: obs, Means: make([]float64, N*dU), Precisions: precisions, Weights: c.Inputs.Get("weights").Floats(), Rollouts: make([]int, N)}
			d, err := a.Dataset(nil)
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "weights of the dataset", d.Weight, c.Outputs.Get("weights").Floats(), c.Tolerance)
			scale := precisions[0] / d.Precision[0]
			weighted := make([]float64, len(d.Precision))
			diagonal, total := 0.0, 0.0
			for i, v := range d.Precision {
				weighted[i] = v * d.Weight[i/(dU*dU)] * scale
			}
			for n, w := range d.Weight {
				for i := range dU {
					diagonal += w * d.Precision[n*dU*dU+i*(dU+1)]
				}
				total += w * float64(dU)
			}
			vectors.Close(t, "weighted_precision", weighted, c.Outputs.Get("weighted_precision").Floats(), c.Tolerance)
			vectors.Close(t, "mean diagonal of the dataset's precisions", []float64{diagonal / total}, []float64{1}, 1e-12)

			inputs, bias, err := nn.Standardisation(d.X, dO, 1e-3)
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "scale", inputs, c.Outputs.Get("scale").Floats(), c.Tolerance)
			vectors.Close(t, "bias", bias, c.Outputs.Get("bias").Floats(), c.Tolerance)
			normalised := make([]float64, len(d.X))
			for i, v := range d.X {
				normalised[i] = inputs[i%dO]*v + bias[i%dO]
			}
			vectors.Close(t, "normalised_obs", normalised, c.Outputs.Get("normalised_obs").Floats(), c.Tolerance)

			// The reference divides the sum of unweighted precisions by the weights'.
			unweighted := make([]float64, len(precisions))
			for i, v := range precisions {
				unweighted[i] = v / weights[i/(dU*dU)]
			}
			chol := make([]float64, dU*dU)
			if err := policy.Covariance(chol, unweighted, weights, c.Inputs.Get("entropy_reg").Float(), policy.Diagonal); err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "variance", []float64{chol[0] * chol[0], chol[3] * chol[3]}, c.Outputs.Get("variance").Floats(), c.Tolerance)
		})
	}
}
