package lqg_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
)

// chain is a stable system with couplings and correlated noise, whose steps remember much
// of the ones before.
func chain(T int) (*lqg.InitialState, *lqg.Controller, *lqg.Dynamics) {
	dyn, c := lqg.NewDynamics(T, 2, 1), lqg.NewController(T, 2, 1)
	for t := range T {
		s := 0.1 * float64(t%3)
		copy(dyn.FAt(t), []float64{0.9, 0.3 - s, 0.2, -0.2, 0.8, 0.5 + s})
		copy(dyn.BiasAt(t), []float64{0.3, -0.2 - s})
		copy(dyn.CovAt(t), []float64{0.04, 0.03, 0.03, 0.05 + s})
		copy(c.Gain(t), []float64{-0.3, 0.2 + s})
		c.BiasAt(t)[0] = 0.1 - s
		c.CholAt(t)[0] = 0.3 + s
	}
	return &lqg.InitialState{Mean: []float64{1, -2}, Cov: []float64{0.5, -0.2, -0.2, 0.4}}, c, dyn
}

// The moments of sampled trajectories are those of the distribution: at each step by
// itself those of the forward pass, between steps F Sigma and its continuation in time.
func TestSamplesHaveTheCorrelationInTime(t *testing.T) {
	const T, dX, dU, D, N = 5, 2, 1, 3, 100_000
	x0, c, dyn := chain(T)
	distribution, err := lqg.NewTrajectoryDistribution(x0, c, dyn)
	if err != nil {
		t.Fatal(err)
	}
	m := distribution.Marginals()
	// Entry i of step t stands at t*D+i; the last step has no action.
	const size = T*D + dX
	want := make([]float64, size*size)
	for t := range T + 1 {
		// carried is Cov(y_s, y_t) for s = t, t+1, ...: x_{s+1} adds F_s on the left, and
		// its action K.
		carried := append([]float64(nil), m.CovAt(t)...)
		for s := t; ; s++ {
			for i := range D {
				for j := range D {
					if a, b := s*D+i, t*D+j; a < size && b < size {
						want[a*size+b], want[b*size+a] = carried[i*D+j], carried[i*D+j]
					}
				}
			}
			if s == T {
				break
			}
			next := make([]float64, D*D)
			for j := range D {
				for i := range dX {
					for k := range D {
						next[i*D+j] += dyn.FAt(s)[i*D+k] * carried[k*D+j]
					}
				}
				for k := range dX {
					if s+1 < T {
						next[dX*D+j] += c.Gain(s + 1)[k] * next[k*D+j]
					}
				}
			}
			carried = next
		}
	}
	rng := rand.New(rand.NewPCG(5, 5))
	x, u := make([]float64, (T+1)*dX), make([]float64, T*dU)
	mean, cov, z := make([]float64, size), make([]float64, size*size), make([]float64, size)
	for range N {
		distribution.Sample(x, u, rng)
		for i := range z {
			if step, at := i/D, i%D; at < dX {
				z[i] = x[step*dX+at]
			} else {
				z[i] = u[step*dU+at-dX]
			}
			z[i] -= m.Mean[i]
			mean[i] += z[i] / N
		}
		for i, v := range z {
			for j, w := range z {
				cov[i*size+j] += v * w / N
			}
		}
	}
	// Five standard deviations of a mean and of a sample covariance.
	lagged := 0
	for i := range size {
		if bound := 5 * math.Sqrt(want[i*size+i]/N); math.Abs(mean[i]) > bound {
			t.Errorf("mean %d is off by %.3g, bound %.3g", i, mean[i], bound)
		}
		for j := range size {
			w := want[i*size+j]
			bound := 5 * math.Sqrt((want[i*size+i]*want[j*size+j]+w*w)/N)
			if math.Abs(cov[i*size+j]-w) > bound {
				t.Errorf("covariance of %d (step %d) and %d (step %d) is %.4g, want %.4g within %.2g", i, i/D, j, j/D, cov[i*size+j], w, bound)
			}
			if i/D == j/D+1 && math.Abs(w) > 4*bound {
				lagged++
			}
		}
	}
	// Independent draws per step have none of these covariances.
	if lagged < 20 {
		t.Errorf("only %d covariances between neighbouring steps are large enough to be told from 0", lagged)
	}
}

// Without noise a trajectory obeys the model exactly, from a start on the line that its
// singular covariance allows.
func TestSampleWithoutNoise(t *testing.T) {
	const T = 6
	x0, c, dyn := chain(T)
	clear(dyn.Cov)
	copy(x0.Cov, []float64{1, 2, 2, 4})
	for i := range c.Chol {
		c.Chol[i] = 1e-12
	}
	distribution, err := lqg.NewTrajectoryDistribution(x0, c, dyn)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(6, 6))
	x, u := make([]float64, (T+1)*2), make([]float64, T)
	for range 20 {
		distribution.Sample(x, u, rng)
		if d := (x[1] - x0.Mean[1]) - 2*(x[0]-x0.Mean[0]); math.Abs(d) > 1e-7 || x[0] == x0.Mean[0] {
			t.Errorf("x_0 is %v, %.3g off its line", x[:2], d)
		}
		for s := range T {
			now, next := x[s*2:s*2+2], x[s*2+2:s*2+4]
			if want := c.Gain(s)[0]*now[0] + c.Gain(s)[1]*now[1] + c.BiasAt(s)[0]; math.Abs(u[s]-want) > 1e-9 {
				t.Errorf("u_%d is %v, want %v", s, u[s], want)
			}
			for i := range 2 {
				f := dyn.FAt(s)[i*3:]
				if want := f[0]*now[0] + f[1]*now[1] + f[2]*u[s] + dyn.BiasAt(s)[i]; math.Abs(next[i]-want) > 1e-12 {
					t.Errorf("x_%d is %v, want %v", s+1, next[i], want)
				}
			}
		}
	}
	if n := testing.AllocsPerRun(10, func() { distribution.Sample(x, u, rng) }); n != 0 {
		t.Errorf("Sample allocates %v times", n)
	}
}

func TestTrajectoryDistributionRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(x0 *lqg.InitialState, c *lqg.Controller, dyn *lqg.Dynamics)
		is    error
		says  string
	}{
		{"indefinite noise", func(_ *lqg.InitialState, _ *lqg.Controller, d *lqg.Dynamics) { d.CovAt(2)[0] = -1 }, lqg.ErrIndefinite, "time step 2"},
		{"indefinite start", func(x *lqg.InitialState, _ *lqg.Controller, _ *lqg.Dynamics) { x.Cov[1], x.Cov[2] = 3, 3 }, lqg.ErrIndefinite, "x_0"},
		{"NaN noise", func(_ *lqg.InitialState, _ *lqg.Controller, d *lqg.Dynamics) { d.CovAt(1)[3] = math.NaN() }, lqg.ErrNotFinite, "time step 1"},
		{"infinite F", func(_ *lqg.InitialState, _ *lqg.Controller, d *lqg.Dynamics) { d.F[3] = math.Inf(1) }, lqg.ErrNotFinite, "F"},
		{"NaN gain", func(_ *lqg.InitialState, c *lqg.Controller, _ *lqg.Dynamics) { c.K[1] = math.NaN() }, lqg.ErrNotFinite, "gain"},
		{"NaN start", func(x *lqg.InitialState, _ *lqg.Controller, _ *lqg.Dynamics) { x.Mean[1] = math.NaN() }, lqg.ErrNotFinite, "x_0"},
	} {
		x0, controller, dyn := chain(4)
		c.spoil(x0, controller, dyn)
		if _, err := lqg.NewTrajectoryDistribution(x0, controller, dyn); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %v and %q", c.name, err, c.is, c.says)
		}
	}
}
