package pi2_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/rollout"
)

// randomController has correlated actions.
func randomController(rng *rand.Rand, T, dX, dU int) *lqg.Controller {
	c := lqg.NewController(T, dX, dU)
	for i := range c.K {
		c.K[i] = rng.NormFloat64()
	}
	for i := range c.Bias {
		c.Bias[i] = rng.NormFloat64()
	}
	for t := range T {
		for i := range dU {
			for j := range i + 1 {
				c.CholAt(t)[i*dU+j] = 0.3 * rng.NormFloat64()
			}
			c.CholAt(t)[i*dU+i] = 0.5 + rng.Float64()
		}
	}
	return c
}

// trials returns N samples of c, at states of no model, with random costs.
func trials(rng *rand.Rand, c *lqg.Controller, N int) (samples []*rollout.Rollout, costs [][]float64) {
	noise := make([]float64, c.DU)
	for range N {
		s := rollout.New(c.T, c.DX, c.DU)
		list := make([]float64, c.T)
		for i := range s.X {
			s.X[i] = rng.NormFloat64()
		}
		for t := range c.T {
			for i := range noise {
				noise[i] = rng.NormFloat64()
			}
			c.Act(s.Action(t), s.State(t), t, noise)
			list[t] = 5 * rng.Float64()
		}
		samples, costs = append(samples, s), append(costs, list)
	}
	return samples, costs
}

func mustUpdate(t *testing.T, cfg pi2.Config, c *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) *pi2.Result {
	t.Helper()
	r, err := pi2.Update(cfg, c, samples, costs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func closeTo(t *testing.T, what string, got, want []float64, tolerance float64) {
	t.Helper()
	for i, w := range want {
		if len(got) != len(want) || !(math.Abs(got[i]-w) <= tolerance*(1+math.Abs(w))) {
			t.Errorf("%s: entry %d is %v, want %v", what, i, got[i], w)
			return
		}
	}
}

// weightedMoments computes (2) and (3) in plain units.
func weightedMoments(c *lqg.Controller, samples []*rollout.Rollout, w []float64, t int) (mean, cov []float64) {
	n := c.DU
	mean, cov = make([]float64, n), make([]float64, n*n)
	forward := make([][]float64, len(samples))
	for s, r := range samples {
		forward[s] = make([]float64, n)
		for i := range n {
			v := r.Action(t)[i]
			for j, x := range r.State(t) {
				v -= c.Gain(t)[i*c.DX+j] * x
			}
			forward[s][i] = v
			mean[i] += w[s] * v
		}
	}
	for s, f := range forward {
		for i := range n {
			for j := range n {
				cov[i*n+j] += w[s] * (f[i] - mean[i]) * (f[j] - mean[j])
			}
		}
	}
	return mean, cov
}

func TestUpdateInPlainUnits(t *testing.T) {
	const T, dX, N = 4, 3, 60
	for dU := 1; dU <= 7; dU++ {
		for _, damping := range []float64{0, 1, 3} {
			t.Run(fmt.Sprintf("dU=%d damping=%v", dU, damping), func(t *testing.T) {
				rng := rand.New(rand.NewPCG(uint64(dU), 9))
				c := randomController(rng, T, dX, dU)
				samples, costs := trials(rng, c, N)
				cfg := pi2.DefaultConfig()
				cfg.CovarianceDamping, cfg.CovarianceFloor = damping, 1e-12
				r := mustUpdate(t, cfg, c, samples, costs)
				cov := make([]float64, dU*dU)
				for k := range T {
					toGo := make([]float64, N)
					for n := range toGo {
						for _, v := range costs[n][k:] {
							toGo[n] += v
						}
					}
					w, kl, effective := pi2.Weigh(toGo, r.Temperature[k])
					if !(math.Abs(kl-1) <= 1e-9 && math.Abs(r.WeightKL[k]-kl) <= 1e-12 && math.Abs(r.EffectiveSamples[k]-effective) <= 1e-9) {
						t.Errorf("step %d: KL %v, reported %v and %v effective samples, want 1 and %v", k, kl, r.WeightKL[k], r.EffectiveSamples[k], effective)
					}
					mean, want := weightedMoments(c, samples, w, k)
					closeTo(t, "feed-forward", r.Controller.BiasAt(k), mean, 1e-11)
					if damping > 0 {
						precision, trace := make([]float64, dU*dU), 0.0
						c.Precision(precision, k)
						for i, v := range precision {
							trace += v * want[i]
						}
						c.Covariance(want, k)
						for i := range want {
							want[i] *= math.Pow(trace/float64(dU), 1/damping)
						}
					}
					r.Controller.Covariance(cov, k)
					closeTo(t, "covariance", cov, want, 1e-10)
				}
				if !slices.Equal(r.Controller.K, c.K) {
					t.Error("the gains changed")
				}
				// Under any states: the gains are the same.
				states := lqg.NewTrajectory(T, dX, dU)
				for i := range states.Mean {
					states.Mean[i] = rng.NormFloat64()
				}
				perStep := make([]float64, T)
				kl := lqg.NewDivergence(dX, dU).PerStep(perStep, r.Controller, c, states)
				closeTo(t, "KL", append(r.KLPerStep, r.KL), append(perStep, kl), 1e-12)
			})
		}
	}
}

func TestEqualCostsKeepTheAnchor(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	c := randomController(rng, 5, 2, 3)
	samples, costs := trials(rng, c, 8)
	for _, list := range costs {
		copy(list, []float64{1, 2, 3, 4, 5})
	}
	for _, N := range []int{8, 1} { // one sample has nothing to be compared with
		r := mustUpdate(t, pi2.DefaultConfig(), c, samples[:N], costs[:N])
		if !reflect.DeepEqual(r.Controller, c) || r.KL != 0 || r.EffectiveSamples[0] != float64(N) {
			t.Errorf("%d samples: the controller moved by %v nat, with %v effective samples", N, r.KL, r.EffectiveSamples[0])
		}
	}
	// Equal from step 2 on only.
	costs[3][1] -= 0.5
	r := mustUpdate(t, pi2.DefaultConfig(), c, samples, costs)
	for k, kl := range r.KLPerStep {
		if (kl != 0) != (k < 2) {
			t.Errorf("step %d: KL is %v", k, kl)
		}
	}
}

func TestLargeTemperatureTakesTheMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	c := randomController(rng, 3, 2, 2)
	samples, costs := trials(rng, c, 40)
	cfg := pi2.DefaultConfig()
	cfg.MinTemperature, cfg.CovarianceDamping = 1e14, 0
	r := mustUpdate(t, cfg, c, samples, costs)
	equal := slices.Repeat([]float64{1.0 / 40}, 40)
	cov := make([]float64, 4)
	for k := range 3 {
		mean, want := weightedMoments(c, samples, equal, k)
		closeTo(t, "feed-forward", r.Controller.BiasAt(k), mean, 1e-10)
		r.Controller.Covariance(cov, k)
		closeTo(t, "covariance", cov, want, 1e-10)
	}
}

func TestOnlyDifferencesOfCostsCount(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	c := randomController(rng, 6, 2, 2)
	samples, costs := trials(rng, c, 10)
	want := mustUpdate(t, pi2.DefaultConfig(), c, samples, costs)
	for n := range costs {
		for k := range costs[n] {
			costs[n][k] = 100*costs[n][k] + float64(1000*k)
		}
	}
	got := mustUpdate(t, pi2.DefaultConfig(), c, samples, costs)
	closeTo(t, "feed-forward", got.Controller.Bias, want.Controller.Bias, 1e-9)
	closeTo(t, "factor", got.Controller.Chol, want.Controller.Chol, 1e-9)
}

func TestCostOfTheLastState(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	c := randomController(rng, 4, 2, 2)
	samples, costs := trials(rng, c, 10)
	var longer [][]float64
	for n := range costs {
		last := rng.Float64()
		longer = append(longer, append(slices.Clone(costs[n]), last))
		costs[n][3] += last
	}
	got, want := mustUpdate(t, pi2.DefaultConfig(), c, samples, longer), mustUpdate(t, pi2.DefaultConfig(), c, samples, costs)
	closeTo(t, "feed-forward", got.Controller.Bias, want.Controller.Bias, 1e-10)
}

func TestFewSamplesKeepACovariance(t *testing.T) {
	for _, damping := range []float64{0, 2} {
		for _, N := range []int{2, 3, 5} {
			rng := rand.New(rand.NewPCG(5, uint64(N)))
			c := randomController(rng, 5, 3, 7)
			samples, costs := trials(rng, c, N)
			cfg := pi2.DefaultConfig()
			cfg.CovarianceDamping, cfg.CovarianceFloor, cfg.KLThreshold = damping, 1e-3, 1000 // the best sample takes all
			r := mustUpdate(t, cfg, c, samples, costs)
			cov := make([]float64, 49)
			for k := range c.T {
				r.Controller.Covariance(cov, k)
				for i := range 7 {
					cov[i*7+i] -= 0.999e-3
				}
				least := make([]float64, 49)
				factor(least, cov, 7)
				if slices.ContainsFunc(least, math.IsNaN) {
					t.Fatalf("damping %v, %d samples, step %d: the covariance is below the floor", damping, N, k)
				}
			}
		}
	}
}

func TestFloorGoesBelowTheAnchorNowhere(t *testing.T) {
	c := lqg.NewController(1, 1, 2)
	copy(c.Chol, []float64{1e-5, 0, 0, 1}) // the first action's variance is below the floor
	rng := rand.New(rand.NewPCG(6, 6))
	samples, costs := trials(rng, c, 2)
	cfg := pi2.DefaultConfig()
	cfg.KLThreshold, cfg.CovarianceFloor = 1000, 1e-4
	r := mustUpdate(t, cfg, c, samples, costs)
	cov := make([]float64, 4)
	r.Controller.Covariance(cov, 0)
	closeTo(t, "covariance", []float64{cov[0] / 1e-10, cov[3] / 1e-4}, []float64{1, 1}, 1e-6)
}

// Samples far from the anchor in one direction: the covariance in its units is singular in doubles.
func TestSamplesFarAlongOneDirection(t *testing.T) {
	for _, far := range []float64{1e6, 1e9, 1e12} {
		rng := rand.New(rand.NewPCG(9, 9))
		c := randomController(rng, 2, 2, 3)
		samples, costs := trials(rng, c, 4)
		for n, s := range samples {
			for i := range s.U {
				s.U[i] = far * float64(n*n) * float64(1+i%3)
			}
		}
		cfg := pi2.DefaultConfig()
		cfg.CovarianceDamping, cfg.CovarianceFloor = 0, 1e-12
		r := mustUpdate(t, cfg, c, samples, costs)
		if l := r.Controller.CholAt(0); !(l[0] > 0.1*far) {
			t.Errorf("samples %v apart have a deviation of %v", far, l[0])
		}
	}
}

func TestOptimizerCanBeUsedAgain(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	c := randomController(rng, 5, 2, 3)
	before := c.Clone()
	samples, costs := trials(rng, c, 12)
	o, err := pi2.New(pi2.DefaultConfig(), 5, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, N := range []int{12, 3, 12} {
		got, err := o.Update(c, samples[:N], costs[:N])
		if err != nil {
			t.Fatal(err)
		}
		if want := mustUpdate(t, pi2.DefaultConfig(), c, samples[:N], costs[:N]); !reflect.DeepEqual(got, want) {
			t.Errorf("%d samples: a used optimizer gives another result", N)
		}
	}
	if !reflect.DeepEqual(c, before) {
		t.Error("the anchor changed")
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = o.Update(c, samples, costs) }); n > 10 {
		t.Errorf("an update allocates %v times, want its result alone (9)", n)
	}
}

func TestUpdateRefuses(t *testing.T) {
	const T, N = 4, 3
	type input struct {
		c       *lqg.Controller
		samples []*rollout.Rollout
		costs   [][]float64
	}
	for _, c := range []struct {
		name  string
		spoil func(*input)
		is    error
		says  string
	}{
		{"NaN", func(in *input) { in.costs[1][2] = math.NaN() }, pi2.ErrNotFinite, "sample 1 at time step 2 is NaN"},
		{"infinity", func(in *input) { in.costs[2][0] = math.Inf(-1) }, pi2.ErrNotFinite, "sample 2 at time step 0 is -Inf"},
		{"overflow", func(in *input) { in.costs[1][1], in.costs[1][2] = 1e308, 1e308 }, pi2.ErrNotFinite, "sample 1 from time step 2"},
		{"no samples", func(in *input) { in.samples, in.costs = nil, nil }, pi2.ErrSamples, "0 samples"},
		{"costs missing", func(in *input) { in.costs = in.costs[:2] }, pi2.ErrSamples, "3 samples with costs of 2"},
		{"few costs", func(in *input) { in.costs[0] = in.costs[0][:3] }, pi2.ErrSamples, "sample 0 has costs of 3"},
		{"ragged", func(in *input) { in.costs[2] = append(in.costs[2], 1) }, pi2.ErrSamples, "sample 2 has costs of 5"},
		{"nil sample", func(in *input) { in.samples[1] = nil }, rollout.ErrShape, "sample 1"},
		{"NaN action", func(in *input) { in.samples[1].Action(3)[1] = math.NaN() }, rollout.ErrNotFinite, "sample 1: "},
		{"other size", func(in *input) { in.samples[2] = rollout.New(T, 3, 2) }, pi2.ErrSamples, "sample 2 has T=4 dX=3 dU=2, need T=4 dX=2 dU=2"},
		{"no covariance", func(in *input) { clear(in.c.CholAt(2)) }, lqg.ErrIndefinite, "anchor"},
		{"foreign sample", func(in *input) { in.samples[0].Action(1)[0], in.c.CholAt(1)[0] = 1e300, 1e-100 }, pi2.ErrNotFinite, "sample 0 at time step 1"},
		{"distant sample", func(in *input) { in.samples[0].Action(1)[0], in.samples[1].Action(1)[0] = 1e200, -1e200 }, lqg.ErrNotFinite, "time step 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(8, 8))
			in := &input{c: randomController(rng, T, 2, 2)}
			in.samples, in.costs = trials(rng, in.c, N)
			c.spoil(in)
			_, err := pi2.Update(pi2.DefaultConfig(), in.c, in.samples, in.costs)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		key   string
		spoil func(*pi2.Config)
	}{
		{"kl_threshold", func(c *pi2.Config) { c.KLThreshold = 0 }},
		{"kl_threshold", func(c *pi2.Config) { c.KLThreshold = math.Inf(1) }},
		{"min_temperature", func(c *pi2.Config) { c.MinTemperature = -1 }},
		{"covariance_damping", func(c *pi2.Config) { c.CovarianceDamping = math.NaN() }},
		{"covariance_damping", func(c *pi2.Config) { c.CovarianceDamping = -1 }},
		{"covariance_floor", func(c *pi2.Config) { c.CovarianceFloor = 0 }},
	} {
		cfg := pi2.DefaultConfig()
		c.spoil(&cfg)
		if _, err := pi2.New(cfg, 1, 1, 1); !errors.Is(err, pi2.ErrConfig) || !strings.Contains(err.Error(), c.key) {
			t.Errorf("error is %v, want one that names %s", err, c.key)
		}
	}
}

func TestMisusePanics(t *testing.T) {
	c := randomController(rand.New(rand.NewPCG(1, 1)), 3, 2, 2)
	for name, f := range map[string]func(){
		"sizes": func() { _, _ = pi2.New(pi2.DefaultConfig(), 0, 1, 1) },
		"other anchor": func() {
			o, _ := pi2.New(pi2.DefaultConfig(), 4, 2, 2)
			_, _ = o.Update(c, nil, nil)
		},
		"no anchor": func() {
			o, _ := pi2.New(pi2.DefaultConfig(), 4, 2, 2)
			_, _ = o.Update(nil, nil, nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
