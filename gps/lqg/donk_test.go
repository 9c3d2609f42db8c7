package lqg_test

import (
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/internal/vectors"
)

// donkController reads gains, biases and covariances under the given keys.
func donkController(t *testing.T, n vectors.Node, gain, bias, covar string) *lqg.Controller {
	t.Helper()
	shape := n.Get(gain).Shape()
	c := lqg.NewController(shape[0], shape[2], shape[1])
	copy(c.K, n.Get(gain).Floats())
	copy(c.Bias, n.Get(bias).Floats())
	cov := n.Get(covar).Floats()
	d := c.DU
	for k := range c.T {
		l, a := c.CholAt(k), cov[k*d*d:(k+1)*d*d]
		for i := range d {
			for j := range i + 1 {
				s := a[i*d+j]
				for m := range j {
					s -= l[i*d+m] * l[j*d+m]
				}
				if i == j {
					l[i*d+j] = math.Sqrt(s)
				} else {
					l[i*d+j] = s / l[j*d+j]
				}
			}
		}
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	return c
}

func donkDynamics(n vectors.Node) *lqg.Dynamics {
	shape := n.Get("F").Shape()
	d := lqg.NewDynamics(shape[0], shape[1], shape[2]-shape[1])
	copy(d.F, n.Get("F").Floats())
	copy(d.Bias, n.Get("f").Floats())
	if n.Has("dyn_covar") {
		copy(d.Cov, n.Get("dyn_covar").Floats())
	}
	return d
}

func TestVectorsDonkBackward(t *testing.T) {
	for _, c := range vectors.Donk(t, "lqr_backward") {
		t.Run(c.Name, func(t *testing.T) {
			dyn := donkDynamics(c.Inputs)
			cost := lqg.NewCost(dyn.T, dyn.DX, dyn.DU)
			copy(cost.Quad, c.Inputs.Get("C").Floats())
			copy(cost.Lin, c.Inputs.Get("c").Floats())
			pass := lqg.NewBackwardPass(dyn.DX, dyn.DU)
			pass.Discount = c.Inputs.Get("gamma").Float()
			got := lqg.NewController(dyn.T, dyn.DX, dyn.DU)
			if err := pass.Run(got, plain(cost), dyn, 0); err != nil {
				t.Fatal(err)
			}
			n := dyn.DU * dyn.DU
			cov, precision := make([]float64, dyn.T*n), make([]float64, dyn.T*n)
			for k := range dyn.T {
				got.Covariance(cov[k*n:(k+1)*n], k)
				got.Precision(precision[k*n:(k+1)*n], k)
			}
			vectors.Close(t, "K", got.K, c.Outputs.Get("K").Floats(), 1e-9)
			vectors.Close(t, "k", got.Bias, c.Outputs.Get("k").Floats(), 1e-9)
			vectors.Close(t, "covar", cov, c.Outputs.Get("covar").Floats(), 1e-9)
			vectors.Close(t, "inv_covar", precision, c.Outputs.Get("inv_covar").Floats(), 1e-9)
		})
	}
}

// The reference adds its regularisation to the diagonal of covar[t], t < T, afterwards.
func TestVectorsDonkForward(t *testing.T) {
	for _, c := range vectors.Donk(t, "lqr_forward") {
		t.Run(c.Name, func(t *testing.T) {
			dyn := donkDynamics(c.Inputs)
			m := lqg.NewTrajectory(dyn.T, dyn.DX, dyn.DU)
			x0 := &lqg.InitialState{Mean: c.Inputs.Get("x0_mean").Floats(), Cov: c.Inputs.Get("x0_covar").Floats()}
			lqg.NewForwardPass(dyn.DX, dyn.DU).Run(m, x0, donkController(t, c.Inputs, "K", "k", "pol_covar"), dyn)
			d := dyn.DX + dyn.DU
			for k := range dyn.T {
				for i := range d {
					m.CovAt(k)[i*d+i] += c.Inputs.Get("regularization").Float()
				}
			}
			vectors.Close(t, "mean", m.Mean, c.Outputs.Get("mean").Floats(), 1e-10)
			vectors.Close(t, "covar", m.Cov, c.Outputs.Get("covar").Floats(), 1e-10)
		})
	}
}

func TestVectorsDonkKL(t *testing.T) {
	for _, c := range vectors.Donk(t, "kl") {
		t.Run(c.Name, func(t *testing.T) {
			dyn := donkDynamics(c.Inputs)
			p, q := donkController(t, c.Inputs, "K", "k", "covar"), donkController(t, c.Inputs, "prev_K", "prev_k", "prev_covar")
			x0 := &lqg.InitialState{Mean: c.Inputs.Get("x0_mean").Floats(), Cov: c.Inputs.Get("x0_covar").Floats()}
			m := lqg.NewTrajectory(dyn.T, dyn.DX, dyn.DU)
			lqg.NewForwardPass(dyn.DX, dyn.DU).Run(m, x0, p, dyn)
			kl, w := make([]float64, dyn.T), lqg.NewDivergence(dyn.DX, dyn.DU)
			total := w.PerStep(kl, p, q, m)
			vectors.Close(t, "own_expected_per_step", kl, c.Outputs.Get("own_expected_per_step").Floats(), 1e-9)
			vectors.Close(t, "own_trajectory_kl", []float64{total}, []float64{c.Outputs.Get("own_trajectory_kl").Float()}, 1e-9)
			// The peer measures at given mean states, without their covariance.
			clear(m.Cov)
			x := slices.Collect(slices.Chunk(c.Inputs.Get("X_mean").Floats(), dyn.DX))
			for k := range dyn.T {
				copy(m.MeanAt(k), x[k])
			}
			w.PerStep(kl, p, q, m)
			vectors.Close(t, "per_step", kl, c.Outputs.Get("per_step").Floats(), 1e-9)
		})
	}
}
