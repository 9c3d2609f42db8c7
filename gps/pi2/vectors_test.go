package pi2_test

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

func TestVectorsDual(t *testing.T) {
	vectors.Run(t, "pi2_dual", func(t *testing.T, c vectors.Case) {
		var got []float64
		for _, eta := range c.Inputs.Get("etas").Floats() {
			got = append(got, pi2.Dual(c.Inputs.Get("costs").Floats(), c.Inputs.Get("kl_threshold").Float(), eta))
		}
		vectors.Close(t, "dual", got, c.Outputs.Get("dual").Floats(), c.Tolerance)
	})
}

func TestVectorsUpdate(t *testing.T) {
	vectors.Run(t, "pi2_update", func(t *testing.T, c vectors.Case) {
		in, out := c.Inputs, c.Outputs
		shape := in.Get("samples").Shape()
		N, T, dU := shape[0], shape[1], shape[2]
		// The feed-forward parts are the actions where there is no feedback.
		const dX = 1
		anchor := lqg.NewController(T, dX, dU)
		copy(anchor.Bias, in.Get("old_mean").Floats(T, dU))
		cov := in.Get("old_cov").Floats(T, dU, dU)
		for k := range T {
			factor(anchor.CholAt(k), cov[k*dU*dU:], dU)
		}
		var samples []*rollout.Rollout
		var costs [][]float64
		for n := range N {
			s := rollout.New(T, dX, dU)
			copy(s.U, in.Get("samples").At(n).Floats(T, dU))
			samples, costs = append(samples, s), append(costs, in.Get("costs").At(n).Floats(T))
		}
		cfg := pi2.DefaultConfig()
		cfg.KLThreshold, cfg.MinTemperature, cfg.CovarianceDamping = in.Get("kl_threshold").Float(), in.Get("min_temperature").Float(), in.Get("covariance_damping").Float()
		o, err := pi2.New(cfg, T, dX, dU)
		if err != nil {
			t.Fatal(err)
		}
		update := func() (*pi2.Result, error) { return o.Update(anchor, samples, costs) }
		if in.Has("fixed_eta") {
			update = func() (*pi2.Result, error) {
				return o.UpdateAt(in.Get("fixed_eta").Floats(T), anchor, samples, costs)
			}
		}
		r, err := update()
		if err != nil {
			t.Fatal(err)
		}
		vectors.Close(t, "mean", r.Controller.Bias, out.Get("mean").Floats(T, dU), c.Tolerance)
		newCov, precision := lqgtest.Covariances(r.Controller)
		vectors.Close(t, "covariance", newCov, out.Get("cov").Floats(T, dU, dU), c.Tolerance)
		vectors.Close(t, "precision", precision, out.Get("precision").Floats(T, dU, dU), c.Tolerance)
		if !out.Has("eta_exact") {
			return
		}
		exact := out.Get("eta_exact").Floats(T)
		vectors.Close(t, "eta", r.Temperature, exact, 1e-7)
		dual := out.Get("dual_at_eta_and_exact")
		for k, eta := range r.Temperature {
			toGo := make([]float64, N)
			for n := range costs {
				for _, v := range costs[n][k:] {
					toGo[n] += v
				}
			}
			if got, best := pi2.Dual(toGo, cfg.KLThreshold, eta), dual.At(k).Floats(2)[1]; got > best+1e-12*(1+math.Abs(best)) {
				t.Errorf("step %d: dual is %.15g at eta %v, %.15g at %v", k, got, eta, best, exact[k])
			}
		}
	})
}

// factor writes the lower Cholesky factor of a covariance, n x n, to dst.
func factor(dst, cov []float64, n int) {
	for i := range n {
		for j := range i + 1 {
			s := cov[i*n+j]
			for k := range j {
				s -= dst[i*n+k] * dst[j*n+k]
			}
			if i == j {
				dst[i*n+i] = math.Sqrt(s)
			} else {
				dst[i*n+j] = s / dst[j*n+j]
			}
		}
	}
}
