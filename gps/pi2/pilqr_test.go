package pi2_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trajopt"
)

const (
	pT, pDX, pDU = 6, 3, 2
	pN           = 9
)

// problem is a stable linear model with a convex quadratic cost of all terms.
func problem(rng *rand.Rand) *trajopt.Problem {
	p := &trajopt.Problem{Anchor: randomController(rng, pT, pDX, pDU), Dynamics: lqg.NewDynamics(pT, pDX, pDU), Cost: lqg.NewCost(pT, pDX, pDU),
		X0: &lqg.InitialState{Mean: []float64{1, 0, -1}, Cov: make([]float64, pDX*pDX)}}
	const d = pDX + pDU
	for t := range pT {
		for i := range pDX {
			for j := range d {
				p.Dynamics.FAt(t)[i*d+j] = 0.2 * rng.NormFloat64()
			}
			p.Dynamics.BiasAt(t)[i] = 0.1 * rng.NormFloat64()
			p.Dynamics.CovAt(t)[i*pDX+i] = 1e-4
		}
	}
	for i := range pDX {
		p.X0.Cov[i*pDX+i] = 1e-3
	}
	for t := range pT + 1 {
		n := d
		if t == pT {
			n = pDX
		}
		for i := range n {
			p.Cost.QuadAt(t)[i*d+i] = 1 + rng.Float64()
			p.Cost.LinAt(t)[i] = rng.NormFloat64()
		}
		p.Cost.Const[t] = 3
	}
	return p
}

// modelled returns N samples that drawn makes in the model, without noise but that of the actions,
// that noise (N of T x dU), and their quadratic costs, T+1 each.
func modelled(rng *rand.Rand, p *trajopt.Problem, drawn *lqg.Controller, N int) (samples []*rollout.Rollout, noise, costs [][]float64) {
	const d = pDX + pDU
	for range N {
		s, e, list := rollout.New(pT, pDX, pDU), make([]float64, pT*pDU), make([]float64, pT+1)
		for i := range e {
			e[i] = rng.NormFloat64()
		}
		for i := range pDX {
			s.X[i] = p.X0.Mean[i] + 0.03*rng.NormFloat64()
		}
		y := make([]float64, pT*d)
		lqg.Simulate(y, s.State(0), drawn, p.Dynamics, e)
		for t := range pT {
			row := y[t*d : (t+1)*d]
			copy(s.State(t), row[:pDX])
			copy(s.Action(t), row[pDX:])
			list[t] = p.Cost.Eval(t, row)
			for i := range pDX {
				v := p.Dynamics.BiasAt(t)[i]
				for j, w := range row {
					v += p.Dynamics.FAt(t)[i*d+j] * w
				}
				s.State(t + 1)[i] = v
			}
		}
		list[pT] = p.Cost.Eval(pT, append(slices.Clone(s.State(pT)), make([]float64, pDU)...))
		samples, noise, costs = append(samples, s), append(noise, e), append(costs, list)
	}
	return samples, noise, costs
}

func newPILQR(t *testing.T, change func(*pi2.PILQRConfig)) *pi2.PILQR {
	t.Helper()
	cfg := pi2.DefaultPILQRConfig()
	change(&cfg)
	q, err := pi2.NewPILQR(cfg, pT, pDX, pDU)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func bounds(v float64) []float64 { return slices.Repeat([]float64{v}, pT) }

// Where the quadratic cost and the model are the truth, PILQR is the LQR step about the anchor,
// whichever controller drew the samples.
func TestPILQRWithoutResidualIsLQR(t *testing.T) {
	for name, change := range map[string]func(*pi2.PILQRConfig){
		"defaults":   func(*pi2.PILQRConfig) {},
		"states":     func(c *pi2.PILQRConfig) { c.Prediction = pi2.FromStates },
		"undamped":   func(c *pi2.PILQRConfig) { c.PI2.CovarianceDamping = 0 },
		"trajectory": func(c *pi2.PILQRConfig) { c.BoundEachStep = false },
	} {
		t.Run(name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, 1))
			p := problem(rng)
			drawn := randomController(rng, pT, pDX, pDU)
			samples, _, costs := modelled(rng, p, drawn, pN)
			state := pi2.NewState(pT, 1)
			r, err := newPILQR(t, change).Update(state, p, drawn, samples, costs, bounds(0.1))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(state, pi2.NewState(pT, 1)) {
				t.Error("the state given changed")
			}
			for k, v := range r.ResidualRatio {
				if !(v < 1e-12) || r.State.Multiplier[k] != 2 || r.Bound[k] != 0.2 {
					t.Errorf("step %d: residual ratio %v, multiplier %v, bound %v, want 0, 2 and 0.2", k, v, r.State.Multiplier[k], r.Bound[k])
				}
			}
			o, err := trajopt.New(trajopt.DefaultConfig(), pT, pDX, pDU)
			if err != nil {
				t.Fatal(err)
			}
			var want *lqg.Controller
			var eta []float64
			if name == "trajectory" {
				w, err := o.Update(p, 0.2*pT, 1)
				if err != nil {
					t.Fatal(err)
				}
				want, eta = w.Controller, slices.Repeat([]float64{w.Eta}, pT)
			} else {
				w, err := o.UpdatePerStep(p, bounds(0.2), slices.Repeat([]float64{1}, pT))
				if err != nil {
					t.Fatal(err)
				}
				want, eta = w.Controller, w.Eta
			}
			if !reflect.DeepEqual(r.Model, want) {
				t.Error("the model's controller is not that of the LQR step")
			}
			for _, part := range []struct {
				what      string
				got, want []float64
			}{{"gains", r.Controller.K, want.K}, {"feed-forward", r.Controller.Bias, want.Bias}, {"factor", r.Controller.Chol, want.Chol}, {"eta", r.State.Eta, eta}} {
				closeTo(t, part.what, part.got, part.want, 1e-11)
			}
			sum := 0.0
			for _, v := range r.KLPerStep {
				sum += v
			}
			if !r.Active || r.Anchored || r.Passes < 1 || !(math.Abs(r.KL-sum) <= 1e-12) || !(r.KL <= 1.1*0.2*pT) {
				t.Errorf("KL %v (parts %v), active %v, anchored %v, %d passes", r.KL, sum, r.Active, r.Anchored, r.Passes)
			}
		})
	}
}

// The states that the arm came to are not those of the model, and the cost has a further part.
func TestPILQRTakesTheResidual(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	p := problem(rng)
	drawn := randomController(rng, pT, pDX, pDU)
	samples, noise, predicted := modelled(rng, p, drawn, pN)
	var costs, rest [][]float64
	for n, s := range samples {
		// Another path, with the same noise.
		for t := range pT {
			drawn.Act(s.Action(t), s.State(t), t, noise[n][t*pDU:(t+1)*pDU])
			for i := range s.State(t + 1) {
				s.State(t + 1)[i] += 0.2 * rng.NormFloat64()
			}
		}
		list, extra := make([]float64, pT), make([]float64, pT)
		for t := range pT {
			extra[t] = 5 * rng.NormFloat64()
			list[t] = predicted[n][t] + extra[t]
		}
		costs, rest = append(costs, list), append(rest, extra)
	}
	r, err := newPILQR(t, func(*pi2.PILQRConfig) {}).Update(pi2.NewState(pT, 1), p, drawn, samples, costs, bounds(0.1))
	if err != nil {
		t.Fatal(err)
	}
	cov, want := make([]float64, pDU*pDU), make([]float64, pDU*pDU)
	for k := range pT {
		toGo, restToGo, all, part := make([]float64, pN), make([]float64, pN), 0.0, 0.0
		for n := range pN {
			for s := k; s < pT; s++ {
				toGo[n] += costs[n][s]
				restToGo[n] += rest[n][s]
				all += math.Abs(costs[n][s])
				part += math.Abs(rest[n][s])
			}
		}
		closeTo(t, "residual ratio", r.ResidualRatio[k:k+1], []float64{part / all}, 1e-9)
		eta := max(pi2.Temperature(toGo, 1, 1e-3), pi2.Temperature(restToGo, 1, 1e-3))
		closeTo(t, "temperature", r.Residual.Temperature[k:k+1], []float64{eta}, 1e-9)
		w, _, _ := pi2.Weigh(restToGo, eta)
		mean := slices.Clone(r.Model.BiasAt(k))
		var weighted, equal [pDU]float64
		for n := range pN {
			for i := range pDU {
				weighted[i] += w[n] * noise[n][k*pDU+i]
				equal[i] += noise[n][k*pDU+i] / pN
				for j := range i + 1 {
					mean[i] += (w[n] - 1.0/pN) * r.Model.CholAt(k)[i*pDU+j] * noise[n][k*pDU+j]
				}
			}
		}
		closeTo(t, "feed-forward", r.Controller.BiasAt(k), mean, 1e-9)
		above, below := 0.0, 0.0
		for n := range pN {
			for i := range pDU {
				above += w[n] * math.Pow(noise[n][k*pDU+i]-weighted[i], 2)
				below += math.Pow(noise[n][k*pDU+i]-equal[i], 2) / pN
			}
		}
		r.Controller.Covariance(cov, k)
		r.Model.Covariance(want, k)
		for i := range want {
			want[i] *= math.Sqrt(above / below)
		}
		closeTo(t, "covariance", cov, want, 1e-9)
	}
	if !slices.Equal(r.Controller.K, r.Model.K) {
		t.Error("the gains are not those of the LQR step")
	}
}

func TestPILQRAdaptsItsSteps(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	p := problem(rng)
	samples, _, predicted := modelled(rng, p, p.Anchor, pN)
	for _, c := range []struct {
		name              string
		share, from, want float64 // of the cost that the model does not explain
	}{
		{"halved", 0.3, 1, 0.5}, {"kept", 0.1, 1, 1}, {"doubled", 0.02, 1, 2},
		{"least", 0.3, 0.015, 0.01}, {"most", 0.02, 8, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			var costs [][]float64
			for _, list := range predicted {
				var scaled []float64
				for _, v := range list {
					scaled = append(scaled, v/(1-c.share))
				}
				costs = append(costs, scaled)
			}
			state := pi2.NewState(pT, 1)
			for k := range state.Multiplier {
				state.Multiplier[k] = c.from
			}
			r, err := newPILQR(t, func(*pi2.PILQRConfig) {}).Update(state, p, p.Anchor, samples, costs, bounds(0.1))
			if err != nil {
				t.Fatal(err)
			}
			closeTo(t, "ratio", r.ResidualRatio, bounds(c.share), 1e-9)
			closeTo(t, "multiplier", r.State.Multiplier, bounds(c.want), 0)
			closeTo(t, "bound", r.Bound, bounds(0.1*c.want), 1e-12)
			for k, kl := range r.KLPerStep {
				if !(kl <= 1.1*r.Bound[k]) {
					t.Errorf("step %d: KL is %v, allowed %v", k, kl, r.Bound[k])
				}
			}
		})
	}
}

// One step, one action, residual cost a u: exp(-a u / eta) moves the mean of N(k1, s1^2) by
// -a s1^2 / eta, which is what Importance finds. Transport takes the residual for a function of the
// noise, so that it moves by -a s s1 / eta.
func TestReuseOfManySamples(t *testing.T) {
	const N, a = 40_000, 0.7
	for _, reuse := range []pi2.Reuse{pi2.Transport, pi2.Importance} {
		t.Run(string(reuse), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(4, 4))
			p := &trajopt.Problem{Anchor: lqg.NewController(1, 1, 1), Dynamics: lqg.NewDynamics(1, 1, 1), Cost: lqg.NewCost(1, 1, 1),
				X0: &lqg.InitialState{Mean: []float64{0}, Cov: []float64{0}}}
			p.Anchor.Chol[0] = 1.5
			p.Cost.QuadAt(0)[3], p.Cost.LinAt(0)[1] = 1, -2
			var samples []*rollout.Rollout
			var costs [][]float64
			for range N {
				s := rollout.New(1, 1, 1)
				p.Anchor.Act(s.Action(0), s.State(0), 0, []float64{rng.NormFloat64()})
				u := s.U[0]
				samples, costs = append(samples, s), append(costs, []float64{u*u/2 - 2*u + a*u})
			}
			cfg := pi2.DefaultPILQRConfig()
			cfg.Reuse = reuse
			q, err := pi2.NewPILQR(cfg, 1, 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			r, err := q.Update(pi2.NewState(1, 1), p, p.Anchor, samples, costs, []float64{0.2})
			if err != nil {
				t.Fatal(err)
			}
			s, s1, eta := p.Anchor.Chol[0], r.Model.Chol[0], r.Residual.Temperature[0]
			want := -a * s1 * s1 / eta
			if reuse == pi2.Transport {
				want = -a * s * s1 / eta
			}
			if got := r.Controller.Bias[0] - r.Model.Bias[0]; !(math.Abs(got-want) <= 0.02 && s1 <= 0.9*s) {
				t.Errorf("the mean moves by %v, want %v; deviations %v and %v", got, want, s, s1)
			}
			// A linear exponent leaves the spread.
			if got := r.Controller.Chol[0]; !(math.Abs(got/s1-1) <= 0.02) {
				t.Errorf("deviation is %v, want %v", got, s1)
			}
		})
	}
}

// Where the model's states blow up under the controller that drew the samples, though not under the
// anchor, the recorded states are what there is.
func TestPILQRWithPredictionsThatOverflow(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	p := problem(rng)
	drawn := randomController(rng, pT, pDX, pDU)
	for i := range drawn.K {
		drawn.K[i] *= 1e30
	}
	samples, costs := trials(rng, drawn, pN)
	for n, s := range samples {
		for i := range s.U {
			s.U[i] = rng.NormFloat64()
		}
		for k := range costs[n] {
			costs[n][k] = p.Cost.Eval(k, append(slices.Clone(s.State(k)), s.Action(k)...))
		}
	}
	r, err := newPILQR(t, func(*pi2.PILQRConfig) {}).Update(pi2.NewState(pT, 1), p, drawn, samples, costs, bounds(0.1))
	if err != nil {
		t.Fatal(err)
	}
	if r.Prediction != pi2.FromStates || !(r.ResidualRatio[0] <= 1e-9) {
		t.Errorf("prediction from %s with a residual ratio of %v, want it from states, and 0", r.Prediction, r.ResidualRatio[0])
	}
}

// Actions that a limit clips are the same in all samples: there is nothing to choose.
func TestPILQRWithEqualActions(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	p := problem(rng)
	samples, costs := trials(rng, p.Anchor, 1)
	for n := 1; n < 7; n++ {
		samples, costs = append(samples, samples[0]), append(costs, slices.Repeat([]float64{float64(n)}, pT))
	}
	r, err := newPILQR(t, func(*pi2.PILQRConfig) {}).Update(pi2.NewState(pT, 1), p, p.Anchor, samples, costs, bounds(0.1))
	if err != nil {
		t.Fatal(err)
	}
	closeTo(t, "feed-forward", r.Controller.Bias, r.Model.Bias, 1e-12)
	closeTo(t, "factor", r.Controller.Chol, r.Model.Chol, 1e-12)
}

// With no residual there is nothing to add to p1, however the samples are weighed.
func TestImportanceWithoutResidualKeepsTheModelsController(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	p := problem(rng)
	samples, costs := trials(rng, p.Anchor, pN)
	for n, s := range samples {
		for k := range costs[n] {
			costs[n][k] = p.Cost.Eval(k, append(slices.Clone(s.State(k)), s.Action(k)...))
		}
	}
	q := newPILQR(t, func(c *pi2.PILQRConfig) { c.Reuse, c.Prediction = pi2.Importance, pi2.FromStates })
	r, err := q.Update(pi2.NewState(pT, 1), p, p.Anchor, samples, costs, bounds(0.1))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r.Controller, r.Model) {
		t.Error("the controller is not the model's")
	}
}

func TestPILQRIsDeterministic(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	p := problem(rng)
	samples, costs := trials(rng, p.Anchor, pN)
	q := newPILQR(t, func(*pi2.PILQRConfig) {})
	var first *pi2.PILQRResult
	for range 2 {
		r, err := q.Update(pi2.NewState(pT, 1), p, p.Anchor, samples, costs, bounds(0.1))
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = r
		} else if !reflect.DeepEqual(r, first) {
			t.Error("the second update gives another result")
		}
	}
}

func TestPILQRRefuses(t *testing.T) {
	type input struct {
		state  *pi2.State
		p      *trajopt.Problem
		drawn  *lqg.Controller
		costs  [][]float64
		bounds []float64
	}
	for _, c := range []struct {
		name  string
		spoil func(*input)
		is    error
		says  string
	}{
		{"no state", func(in *input) { in.state = nil }, pi2.ErrState, "NewState"},
		{"short state", func(in *input) { in.state = pi2.NewState(pT-1, 1) }, pi2.ErrState, "T=6"},
		{"multiplier 0", func(in *input) { in.state.Multiplier[2] = 0 }, pi2.ErrState, "time step 2"},
		{"eta NaN", func(in *input) { in.state.Eta[3] = math.NaN() }, pi2.ErrState, "time step 3"},
		{"bound 0", func(in *input) { in.bounds[1] = 0 }, pi2.ErrConfig, "time step 1"},
		{"cost NaN", func(in *input) { in.costs[4][5] = math.NaN() }, pi2.ErrNotFinite, "sample 4 at time step 5"},
		{"drawn", func(in *input) { in.drawn.Bias[0] = math.NaN() }, lqg.ErrNotFinite, "controller that drew the samples"},
		{"quadratic cost", func(in *input) { in.p.Cost.Const[2] = math.Inf(1) }, pi2.ErrNotFinite, "quadratic cost of sample 0 at time step 2"},
		{"dynamics", func(in *input) { in.p.Dynamics.F[0] = math.NaN() }, lqg.ErrNotFinite, "dynamics F at time step 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			in := &input{state: pi2.NewState(pT, 1), p: problem(rng), bounds: bounds(0.1)}
			in.drawn = randomController(rng, pT, pDX, pDU)
			samples, costs := trials(rng, in.drawn, pN)
			in.costs = costs
			c.spoil(in)
			_, err := newPILQR(t, func(*pi2.PILQRConfig) {}).Update(in.state, in.p, in.drawn, samples, in.costs, in.bounds)
			if !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is %v, want one that says %q", err, c.says)
			}
		})
	}
}

func TestPILQRConfigRefuses(t *testing.T) {
	for _, c := range []struct {
		says  string
		spoil func(*pi2.PILQRConfig)
	}{
		{"kl_threshold", func(c *pi2.PILQRConfig) { c.PI2.KLThreshold = 0 }},
		{"tolerance", func(c *pi2.PILQRConfig) { c.Search.Tolerance = 2 }},
		{`reuse is ""`, func(c *pi2.PILQRConfig) { c.Reuse = "" }},
		{"prediction", func(c *pi2.PILQRConfig) { c.Prediction = "dreams" }},
		{"grow_below", func(c *pi2.PILQRConfig) { c.Adapt.Grow = 0.5 }},
		{"shrink_above", func(c *pi2.PILQRConfig) { c.Adapt.Shrink = math.Inf(1) }},
		{"min_multiplier", func(c *pi2.PILQRConfig) { c.Adapt.Min = 0 }},
		{"max_multiplier", func(c *pi2.PILQRConfig) { c.Adapt.Max = 0.5 }},
	} {
		cfg := pi2.DefaultPILQRConfig()
		c.spoil(&cfg)
		if _, err := pi2.NewPILQR(cfg, 1, 1, 1); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("error is %v, want one that names %s", err, c.says)
		}
	}
}

func TestPILQRMisusePanics(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for name, spoil := range map[string]func(p *trajopt.Problem, bounds *[]float64){
		"no cost":        func(p *trajopt.Problem, _ *[]float64) { p.Cost = nil },
		"no dynamics":    func(p *trajopt.Problem, _ *[]float64) { p.Dynamics = nil },
		"no anchor":      func(p *trajopt.Problem, _ *[]float64) { p.Anchor = nil },
		"other cost":     func(p *trajopt.Problem, _ *[]float64) { p.Cost = lqg.NewCost(pT+1, pDX, pDU) },
		"no constants":   func(p *trajopt.Problem, _ *[]float64) { p.Cost.Const = nil },
		"other dynamics": func(p *trajopt.Problem, _ *[]float64) { p.Dynamics = lqg.NewDynamics(pT, pDX, pDU+1) },
		"bounds":         func(_ *trajopt.Problem, b *[]float64) { *b = (*b)[1:] },
	} {
		t.Run(name, func(t *testing.T) {
			p, b := problem(rng), bounds(0.1)
			drawn := p.Anchor
			samples, costs := trials(rng, drawn, 2)
			spoil(p, &b)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _ = newPILQR(t, func(*pi2.PILQRConfig) {}).Update(pi2.NewState(pT, 1), p, drawn, samples, costs, b)
		})
	}
}
