package lqg_test

import (
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/internal/vectors"
)

func TestVectorsDonkBackward(t *testing.T) {
	for _, c := range vectors.Donk(t, "lqr_backward") {
		t.Run(c.Name, func(t *testing.T) {
			dyn := lqgtest.DonkDynamics(c.Inputs, "")
			pass := lqg.NewBackwardPass(dyn.DX, dyn.DU)
			pass.Discount = c.Inputs.Get("gamma").Float()
			got := lqg.NewController(dyn.T, dyn.DX, dyn.DU)
			if err := pass.Run(got, plain(lqgtest.DonkCost(c.Inputs, dyn.DX)), dyn, 0); err != nil {
				t.Fatal(err)
			}
			cov, precision := lqgtest.Covariances(got)
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
			dyn := lqgtest.DonkDynamics(c.Inputs, "dyn_covar")
			m := lqg.NewTrajectory(dyn.T, dyn.DX, dyn.DU)
			x0 := &lqg.InitialState{Mean: c.Inputs.Get("x0_mean").Floats(), Cov: c.Inputs.Get("x0_covar").Floats()}
			lqg.NewForwardPass(dyn.DX, dyn.DU).Run(m, x0, lqgtest.DonkController(t, c.Inputs, "K", "k", "pol_covar"), dyn)
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

// The expected KL and its sum, the reference's KL along given mean states, and the KL of
// the marginals of y. (The likelihood of the case's rollouts is package dynamics'.)
func TestVectorsDonkKL(t *testing.T) {
	const tolerance = 1e-9
	for _, c := range vectors.Donk(t, "kl") {
		t.Run(c.Name, func(t *testing.T) {
			out := c.Outputs
			dyn := lqgtest.DonkDynamics(c.Inputs, "dyn_covar")
			T, dX, dU := dyn.T, dyn.DX, dyn.DU
			p, q := lqgtest.DonkController(t, c.Inputs, "K", "k", "covar"), lqgtest.DonkController(t, c.Inputs, "prev_K", "prev_k", "prev_covar")
			x0 := &lqg.InitialState{Mean: c.Inputs.Get("x0_mean").Floats(), Cov: c.Inputs.Get("x0_covar").Floats()}
			m, mq, forward := lqg.NewTrajectory(T, dX, dU), lqg.NewTrajectory(T, dX, dU), lqg.NewForwardPass(dX, dU)
			forward.Run(m, x0, p, dyn)
			forward.Run(mq, x0, q, dyn)

			kl, w := make([]float64, T), lqg.NewDivergence(dX, dU)
			total := w.PerStep(kl, p, q, m)
			vectors.Close(t, "own_expected_per_step", kl, out.Get("own_expected_per_step").Floats(), tolerance)
			vectors.Close(t, "own_expected_mean, own_trajectory_kl", []float64{total / float64(T), total}, []float64{out.Get("own_expected_mean").Float(), out.Get("own_trajectory_kl").Float()}, tolerance)

			for k := range T {
				kl[k] = gaussianKL(m.MeanAt(k), mq.MeanAt(k), m.CovAt(k), mq.CovAt(k))
			}
			vectors.Close(t, "own_marginal_kl_per_step", kl, out.Get("own_marginal_kl_per_step").Floats(), tolerance)

			x := slices.Collect(slices.Chunk(c.Inputs.Get("X_mean").Floats(), dX))
			for k := range T {
				copy(m.MeanAt(k), x[k])
			}
			total = w.PerStepAtMeans(kl, p, q, m)
			vectors.Close(t, "per_step", kl, out.Get("per_step").Floats(), tolerance)
			vectors.Close(t, "kl_divergence_action", []float64{total / float64(T)}, []float64{out.Get("kl_divergence_action").Float()}, tolerance)
		})
	}
}

// factor returns the lower Cholesky factor of a covariance.
func factor(a []float64, n int) []float64 {
	l := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			s := a[i*n+j]
			for m := range j {
				s -= l[i*n+m] * l[j*n+m]
			}
			if i == j {
				l[i*n+j] = math.Sqrt(s)
			} else {
				l[i*n+j] = s / l[j*n+j]
			}
		}
	}
	return l
}

// whiten overwrites v with L^-1 v.
func whiten(l, v []float64) {
	n := len(v)
	for i := range n {
		for j := range i {
			v[i] -= l[i*n+j] * v[j]
		}
		v[i] /= l[i*n+i]
	}
}

// gaussianKL is the KL divergence of N(m1, S1) from N(m0, S0) by its textbook formula.
func gaussianKL(m1, m0, s1, s0 []float64) float64 {
	n := len(m1)
	l0, l1 := factor(s0, n), factor(s1, n)
	d := make([]float64, n)
	s := -float64(n)
	for i := range n {
		d[i] = m1[i] - m0[i]
		s += 2 * math.Log(l0[i*n+i]/l1[i*n+i])
	}
	whiten(l0, d)
	for j := range n {
		s += d[j] * d[j]
		column := make([]float64, n)
		for i := range n {
			column[i] = l1[i*n+j]
		}
		whiten(l0, column)
		for _, v := range column {
			s += v * v
		}
	}
	return s / 2
}

// The quadratic form of -log p that a KL term adds to a cost, and actions with noise.
func TestVectorsDonkController(t *testing.T) {
	for _, c := range vectors.Donk(t, "misc") {
		switch {
		case c.Inputs.Has("K") && c.Inputs.Has("C"):
			t.Run(c.Name, func(t *testing.T) {
				s := lqg.NewSurrogate(lqgtest.DonkController(t, c.Inputs, "K", "k", "covar"))
				vectors.Close(t, "C", s.Quad, c.Outputs.Get("C").Floats(), 1e-10)
				vectors.Close(t, "c", s.Lin, c.Outputs.Get("c").Floats(), 1e-10)
			})
		case c.Inputs.Has("K") && c.Inputs.Has("noise"):
			t.Run(c.Name, func(t *testing.T) {
				k := lqgtest.DonkController(t, c.Inputs, "K", "k", "covar")
				vectors.Close(t, "chol_covar", k.Chol, c.Outputs.Get("chol_covar").Floats(), 1e-10)
				N := c.Inputs.Get("X").Len()
				x, noise := c.Inputs.Get("X").Floats(N, k.T, k.DX), c.Inputs.Get("noise").Floats(N, k.T, k.DU)
				got := make([]float64, len(noise))
				for i := range N * k.T {
					k.Act(got[i*k.DU:(i+1)*k.DU], x[i*k.DX:(i+1)*k.DX], i%k.T, noise[i*k.DU:(i+1)*k.DU])
				}
				vectors.Close(t, "out", got, c.Outputs.Get("out").Floats(), 1e-10)
			})
		}
	}
}
