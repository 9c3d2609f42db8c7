package dynamics_test

import (
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// rollouts reads X and U of N samples of T steps as rollouts of T-1 transitions: the
// reference stores as many states as actions and never executes the last action.
func rollouts(n vectors.Node) []*rollout.Rollout {
	xs, us := n.Get("X"), n.Get("U")
	x, u, shape := xs.Floats(), us.Floats(), xs.Shape()
	N, T, dX, dU := shape[0], shape[1], shape[2], us.Shape()[2]
	var list []*rollout.Rollout
	for i := range N {
		r := rollout.New(T-1, dX, dU)
		copy(r.X, x[i*T*dX:(i+1)*T*dX])
		copy(r.U, u[i*T*dU:])
		list = append(list, r)
	}
	return list
}

func TestVectorsGaussianFit(t *testing.T) {
	for _, c := range vectors.GPS(t, "gauss_fit") {
		t.Run(c.Name, func(t *testing.T) {
			in, out := c.Inputs.Get("dim_in").Int(), c.Inputs.Get("dim_out").Int()
			prior := &dynamics.NIW{Mean: c.Inputs.Get("prior_mean").Floats(), Scatter: c.Inputs.Get("prior_scatter").Floats(),
				NMean: c.Inputs.Get("m").Float(), NCovar: c.Inputs.Get("n0").Float() - float64(in+out+1)}
			reg := c.Inputs.Get("reg").Floats()
			got := dynamics.Conditional{Gain: make([]float64, out*in), Bias: make([]float64, out), Cov: make([]float64, out*out)}
			err := dynamics.NewGaussianFit(in, out).Fit(&got, c.Inputs.Get("points").Floats(), c.Inputs.Get("weights").Floats(), prior, dynamics.SampleMean, func(sigma []float64) {
				for i, v := range reg {
					sigma[i] += v
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "gain", got.Gain, c.Outputs.Get("gain").Floats(), c.Tolerance)
			vectors.Close(t, "bias", got.Bias, c.Outputs.Get("bias").Floats(), c.Tolerance)
			vectors.Close(t, "cov", got.Cov, c.Outputs.Get("cov").Floats(), c.Tolerance)
		})
	}
}

func TestVectorsFit(t *testing.T) {
	for _, c := range vectors.GPS(t, "dynamics_fit_prior", "dynamics_fit_lr") {
		t.Run(c.Name, func(t *testing.T) {
			cfg := dynamics.DefaultConfig()
			cfg.Regularization = c.Inputs.Get("regularization").Float()
			cfg.Regularizer = dynamics.AddWholeBlock
			cfg.NoiseFloor = 0
			cfg.Mean = dynamics.SampleMean
			var prior dynamics.Prior
			if c.Kind == "dynamics_fit_prior" {
				cfg.Strength = c.Inputs.Get("strength").Float()
				n := c.Inputs.Get("mixture")
				shape := n.Get("means").Shape()
				m := mixture.New(shape[0], shape[1])
				copy(m.Means, n.Get("means").Floats())
				copy(m.Covs, n.Get("covs").Floats())
				copy(m.LogWeights, n.Get("log_weights").Floats())
				m.FitCount = n.Get("fit_count").Int()
				var err error
				if prior, err = dynamics.FromMixture(m); err != nil {
					t.Fatal(err)
				}
			}
			samples := rollouts(c.Inputs)
			got, _, err := dynamics.Fit(samples, prior, cfg)
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "F", got.F, c.Outputs.Get("F").Floats()[:len(got.F)], c.Tolerance)
			vectors.Close(t, "f", got.Bias, c.Outputs.Get("f").Floats()[:len(got.Bias)], c.Tolerance)
			vectors.Close(t, "cov", got.Cov, c.Outputs.Get("cov").Floats()[:len(got.Cov)], c.Tolerance)
			if prior == nil {
				return
			}
			at, want := c.Inputs.Get("probe_t").Int(), c.Outputs.Get("probe")
			var points []float64
			for _, r := range samples {
				points = append(append(append(points, r.State(at)...), r.Action(at)...), r.State(at+1)...)
			}
			var probe dynamics.NIW
			if err := prior.At(&probe, at, points); err != nil {
				t.Fatal(err)
			}
			for i := range probe.Scatter {
				probe.Scatter[i] *= cfg.Strength
			}
			n0 := probe.NCovar + float64(len(probe.Mean)+1)
			vectors.Close(t, "probe.prior_mean", probe.Mean, want.Get("prior_mean").Floats(), c.Tolerance)
			vectors.Close(t, "probe.prior_scatter", probe.Scatter, want.Get("prior_scatter").Floats(), c.Tolerance)
			vectors.Close(t, "probe.m, probe.n0", []float64{cfg.Strength * probe.NMean, cfg.Strength * n0}, []float64{want.Get("m").Float(), want.Get("n0").Float()}, c.Tolerance)
		})
	}
}

func TestVectorsInitialState(t *testing.T) {
	for _, c := range vectors.GPS(t, "initial_state") {
		t.Run(c.Name, func(t *testing.T) {
			cfg := dynamics.InitialStateConfig{MinVariance: c.Inputs.Get("initial_state_var").Float(), Strength: c.Inputs.Get("strength").Float(), UndividedScatter: true}
			stored := first(c.Inputs.Get("stored_X"))
			fit := func(samples, prior []*rollout.Rollout, cfg dynamics.InitialStateConfig) *lqg.InitialState {
				x0, err := dynamics.FitInitialState(samples, prior, cfg)
				if err != nil {
					t.Fatal(err)
				}
				return x0
			}
			used := stored
			if !c.Inputs.Get("use_prior").Bool() {
				used = nil
			}
			got := fit(rollouts(c.Inputs), used, cfg)
			vectors.Close(t, "x0_mean", got.Mean, c.Outputs.Get("x0_mean").Floats(), c.Tolerance)
			vectors.Close(t, "x0_cov", got.Cov, c.Outputs.Get("x0_cov").Floats(), c.Tolerance)

			// The prior by itself is what one sample at its mean, of variance v, brings
			// out: v + scatter undivided, (v + scatter)/(1 + m) divided.
			want := c.Outputs.Get("prior")
			mean := fit(stored, nil, cfg).Mean
			at := rollout.New(1, len(mean), 1)
			copy(at.State(0), mean)
			cfg.MinVariance = 0
			scatter := fit([]*rollout.Rollout{at}, stored, cfg).Cov
			cfg.MinVariance, cfg.UndividedScatter = 1, false
			n0 := (1+scatter[0])/fit([]*rollout.Rollout{at}, stored, cfg).Cov[0] - 1
			vectors.Close(t, "prior.prior_mean", mean, want.Get("prior_mean").Floats(), c.Tolerance)
			vectors.Close(t, "prior.prior_scatter", scatter, want.Get("prior_scatter").Floats(), c.Tolerance)
			vectors.Close(t, "prior.m, prior.n0", []float64{n0, n0}, []float64{want.Get("m").Float(), want.Get("n0").Float()}, c.Tolerance)
		})
	}
}

// first reads the first states of stored trajectories as rollouts.
func first(stored vectors.Node) []*rollout.Rollout {
	shape, x := stored.Shape(), stored.Floats()
	var list []*rollout.Rollout
	for i := range shape[0] {
		r := rollout.New(1, shape[2], 1)
		copy(r.State(0), x[i*shape[1]*shape[2]:])
		list = append(list, r)
	}
	return list
}

func TestVectorsPriorDataset(t *testing.T) {
	for _, c := range vectors.GPS(t, "prior_dataset") {
		t.Run(c.Name, func(t *testing.T) {
			cfg := dynamics.DefaultPriorConfig()
			cfg.MaxClusters = c.Inputs.Get("max_clusters").Int()
			cfg.MinSamplesPerCluster = c.Inputs.Get("min_samples_per_cluster").Int()
			cfg.MaxSamples = c.Inputs.Get("max_samples").Int()
			cfg.DropOneMore = true
			prior := new(dynamics.MixturePrior)
			kept := c.Outputs.Get("kept_trajectories").Ints()
			for i := range c.Inputs.Get("batches").Len() {
				prior = prior.Add(cfg, rollouts(c.Inputs.Get("batches").At(i)))
				call := c.Outputs.Get("calls").At(i)
				points := rollout.Transitions(prior.Rollouts)
				D := len(points) / call.Get("points").Int()
				if len(prior.Rollouts) != kept[i] || D*call.Get("points").Int() != len(points) || prior.Clusters(cfg) != call.Get("clusters").Int() {
					t.Errorf("batch %d: kept %d rollouts, %d numbers, %d clusters; want %d, %d points, %d", i, len(prior.Rollouts), len(points), prior.Clusters(cfg), kept[i], call.Get("points").Int(), call.Get("clusters").Int())
				}
				vectors.Close(t, "first_point", points[:D], call.Get("first_point").Floats(), c.Tolerance)
				vectors.Close(t, "last_point", points[len(points)-D:], call.Get("last_point").Floats(), c.Tolerance)
			}
		})
	}
}
