package initial_test

import (
	"testing"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/internal/vectors"
)

func TestVectorsGuessedDynamics(t *testing.T) {
	vectors.Run(t, "guessed_dynamics", func(t *testing.T, c vectors.Case) {
		in := c.Inputs
		gains := in.Get("gains").Floats()
		dU := len(gains)
		F, f := initial.GuessedDynamics(in.Get("dX").Int(), initial.Diagonal(gains, dU, dU), in.Get("acc").Floats(dU), dU, in.Get("dt").Float())
		vectors.Close(t, "F", F, c.Outputs.Get("F").Floats(), c.Tolerance)
		vectors.Close(t, "f", f, c.Outputs.Get("f").Floats(), c.Tolerance)
	})
}

func TestVectorsHoldInitialState(t *testing.T) {
	vectors.Run(t, "init_lqr_controller", func(t *testing.T, c vectors.Case) {
		in := c.Inputs
		optional := func(key string, value float64) float64 {
			if in.Has(key) {
				return in.Get(key).Float()
			}
			return value
		}
		dU := in.Get("dU").Int()
		cfg := initial.DefaultHoldConfig()
		// Gains that are not given are 1, accelerations 0.
		list := func(key string, value float64) []float64 {
			if !in.Has(key) || in.Get(key).Len() == 0 {
				return initial.Repeat(value, dU)
			}
			return in.Get(key).Floats(dU)
		}
		cfg.Actuation, cfg.Acc = initial.Diagonal(list("init_gains", 1), dU, dU), list("init_acc", 0)
		cfg.Variance, cfg.DT = in.Get("init_var").Float(), in.Get("dt").Float()
		cfg.Stiffness = optional("stiffness", cfg.Stiffness)
		cfg.StiffnessVel = optional("stiffness_vel", cfg.StiffnessVel)
		cfg.FinalWeight = optional("final_weight", cfg.FinalWeight)
		got, err := initial.HoldInitialState(cfg, in.Get("x0").Floats(in.Get("dX").Int()), in.Get("T").Int(), dU, dU)
		if err != nil {
			t.Fatal(err)
		}
		lqgtest.CompareController(t, got, c.Outputs, c.Tolerance)
	})
}

func TestVectorsProportionalDerivative(t *testing.T) {
	vectors.Run(t, "init_pd_controller", func(t *testing.T, c vectors.Case) {
		in := c.Inputs
		dQ, dU := in.Get("dQ").Int(), in.Get("dU").Int()
		cfg := uniformPD(in.Get("pos_gains").Float(), in.Get("vel_gains_mult").Float(), in.Get("init_var").Float(), dQ, dU)
		got, err := initial.ProportionalDerivative(cfg, in.Get("x0").Floats(in.Get("dX").Int()), in.Get("T").Int(), dQ, dU)
		if err != nil {
			t.Fatal(err)
		}
		lqgtest.CompareController(t, got, c.Outputs, c.Tolerance)
	})
}

func TestVectorsDonkInitialPolicies(t *testing.T) {
	for _, c := range vectors.Donk(t, "initial_policies") {
		t.Run(c.Name, func(t *testing.T) {
			in := c.Inputs
			got, err := initial.Constant(in.Get("u").Floats(), in.Get("variance").Floats(), in.Get("T").Int(), in.Get("dX").Int())
			if err != nil {
				t.Fatal(err)
			}
			const tolerance = 1e-12 // the README states none for square roots and quotients
			n := got.DU * got.DU
			cov, precision := make([]float64, got.T*n), make([]float64, got.T*n)
			for k := range got.T {
				got.Covariance(cov[k*n:], k)
				got.Precision(precision[k*n:(k+1)*n], k)
			}
			vectors.Close(t, "K", got.K, in.Get("K").Floats(), tolerance)
			vectors.Close(t, "k", got.Bias, in.Get("k").Floats(), tolerance)
			vectors.Close(t, "covar", cov, in.Get("covar").Floats(), tolerance)
			vectors.Close(t, "inv_covar", precision, in.Get("inv_covar").Floats(), tolerance)
			vectors.Close(t, "chol_covar", got.Chol, in.Get("chol_covar").Floats(), tolerance)
		})
	}
}
