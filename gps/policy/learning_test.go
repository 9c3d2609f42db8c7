package policy_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// The covariance minimises what it is said to: every other one near it is worse.
func TestCovarianceIsTheMinimum(t *testing.T) {
	rng := source(20)
	const N, n = 7, actions
	precisions, weights := make([]float64, 0, N*n*n), make([]float64, N)
	for i := range weights {
		l := factor(rng, n)
		weights[i] = rng.Float64()
		precisions = append(precisions, square(l, n)...)
	}
	const entropy = 0.03
	value := func(l []float64) float64 {
		s, v := square(l, n), 0.0
		for i, w := range weights {
			for j, p := range precisions[i*n*n : (i+1)*n*n] {
				v += w / 2 * p * s[j]
			}
			for j := range n {
				v -= w * math.Log(l[j*(n+1)])
			}
		}
		for j := range n {
			v += N * entropy * s[j*(n+1)]
		}
		return v
	}
	for _, kind := range []policy.CovarianceKind{policy.Full, policy.Diagonal} {
		l := make([]float64, n*n)
		if err := policy.Covariance(l, precisions, weights, entropy, kind); err != nil {
			t.Fatal(err)
		}
		checkMinimum(t, kind, l, n, value)
	}
}

// checkMinimum checks that no factor near l, n x n, has a value as low, and that one of a diagonal
// covariance is diagonal.
func checkMinimum(t *testing.T, kind policy.CovarianceKind, l []float64, n int, value func(l []float64) float64) {
	t.Helper()
	least := value(l)
	for i := range n {
		for j := range i + 1 {
			if kind == policy.Diagonal && j < i {
				if l[i*n+j] != 0 {
					t.Errorf("diagonal covariance has %v at (%d, %d)", l[i*n+j], i, j)
				}
				continue
			}
			for _, step := range []float64{1e-3, -1e-3} {
				other := slices.Clone(l)
				other[i*n+j] += step
				if v := value(other); v <= least {
					t.Errorf("%s: %v at a step of %v in (%d, %d), %v at the minimum", kind, v, step, i, j, least)
				}
			}
		}
	}
}

// No covariance near the likeliest one makes the controllers' actions as likely; entropy makes it smaller.
func TestLikelyCovariance(t *testing.T) {
	const n, N = 3, 40
	rng := source(82)
	covariances, residuals, weights := make([][]float64, N), make([][]float64, N), make([]float64, N)
	weight := 0.0
	for i := range N {
		covariances[i], residuals[i], weights[i] = square(factor(rng, n), n), normals(rng, n), rng.Float64()
		weight += weights[i]
	}
	moments := func() []float64 {
		sum := make([]float64, n*n)
		for i, w := range weights {
			for j := range sum {
				sum[j] += w * (covariances[i][j] + residuals[i][j/n]*residuals[i][j%n])
			}
		}
		return sum
	}
	// value is the divergence of the controllers from N(0, l l'), up to what l has no part in.
	value := func(l []float64) float64 {
		v := 0.0
		for j := range n {
			v += 2 * weight * math.Log(l[j*(n+1)])
		}
		// tr(S^-1 M) = |L^-1 M^1/2|^2, by columns of M.
		m := moments()
		for j := range n {
			y := make([]float64, n)
			for i := range n {
				y[i] = m[i*n+j]
				for k := range i {
					y[i] -= l[i*n+k] * y[k]
				}
				y[i] /= l[i*(n+1)]
			}
			for i := n - 1; i >= 0; i-- {
				for k := i + 1; k < n; k++ {
					y[i] -= l[k*n+i] * y[k]
				}
				y[i] /= l[i*(n+1)]
			}
			v += y[j]
		}
		return v
	}
	for _, kind := range []policy.CovarianceKind{policy.Full, policy.Diagonal} {
		l := make([]float64, n*n)
		if err := policy.LikelyCovariance(l, moments(), weight, N, 0, kind); err != nil {
			t.Fatal(err)
		}
		checkMinimum(t, kind, l, n, value)
		bounded, most := make([]float64, n*n), weight/(2*N*0.1)
		if err := policy.LikelyCovariance(bounded, moments(), weight, N, 0.1, kind); err != nil {
			t.Fatal(err)
		}
		free, held := square(l, n), square(bounded, n)
		for i := range n {
			// 1 / (1/s + 1/most) for a single action.
			if v := held[i*(n+1)]; !(v < most && v < free[i*(n+1)]) || kind == policy.Diagonal && math.Abs(v-1/(1/free[i*(n+1)]+1/most)) > 1e-12 {
				t.Errorf("%s: entropy holds a variance of %v at %v, bound %v", kind, free[i*(n+1)], v, most)
			}
		}
	}
	for name, c := range map[string]struct {
		moments         []float64
		weight, entropy float64
		n               int
		kind            policy.CovarianceKind
	}{
		"nothing": {[]float64{1}, 0, 0, 1, policy.Full}, "no states": {[]float64{1}, 1, 0, 0, policy.Full}, "NaN": {[]float64{math.NaN()}, 1, 0, 1, policy.Full},
		"negative": {[]float64{-1}, 1, 0, 1, policy.Full}, "entropy": {[]float64{1}, 1, -1, 1, policy.Full}, "kind": {[]float64{1}, 1, 0, 1, "round"},
	} {
		dst := []float64{7}
		if err := policy.LikelyCovariance(dst, c.moments, c.weight, c.n, c.entropy, c.kind); !errors.Is(err, policy.ErrInvalid) || dst[0] != 7 {
			t.Errorf("%s: %v, %v", name, dst, err)
		}
	}
	panics(t, "LikelyCovariance", func() { policy.LikelyCovariance(make([]float64, 4), []float64{1}, 1, 1, 0, policy.Full) }, "1 of moments")
}

// square returns l l' of a lower factor.
func square(l []float64, n int) []float64 {
	s := make([]float64, n*n)
	for i := range n {
		for j := range n {
			for k := range min(i, j) + 1 {
				s[i*n+j] += l[i*n+k] * l[j*n+k]
			}
		}
	}
	return s
}

func TestBadCovariance(t *testing.T) {
	one := []float64{1, 0, 0, 1}
	for name, c := range map[string]struct {
		precisions, weights []float64
		entropy             float64
		kind                policy.CovarianceKind
	}{
		"nothing":          {nil, nil, 0, policy.Full},
		"negative entropy": {one, nil, -1, policy.Full},
		"NaN entropy":      {one, nil, math.NaN(), policy.Full},
		"other kind":       {one, nil, 0, "round"},
		"negative weight":  {one, []float64{-1}, 0, policy.Full},
		"NaN weight":       {one, []float64{math.NaN()}, 0, policy.Full},
		"zero weight":      {one, []float64{0}, 0, policy.Full},
		"indefinite":       {[]float64{1, 2, 2, 1}, nil, 0, policy.Full},
		"negative":         {[]float64{1, 0, 0, -1}, nil, 0, policy.Diagonal},
		"infinite":         {[]float64{1, 0, 0, math.Inf(1)}, nil, 0, policy.Full},
		"vanishing":        {[]float64{1, 0, 0, 5e-324}, nil, 0, policy.Full},
	} {
		dst := []float64{7, 7, 7, 7}
		if err := policy.Covariance(dst, c.precisions, c.weights, c.entropy, c.kind); !errors.Is(err, policy.ErrInvalid) || dst[0] != 7 {
			t.Errorf("%s: %v, %v", name, dst, err)
		}
	}
	panics(t, "Covariance", func() { policy.Covariance(make([]float64, 3), nil, nil, 0, policy.Full) }, "3 numbers")
	panics(t, "Covariance", func() { policy.Covariance(make([]float64, 4), one, []float64{1, 2}, 0, policy.Full) }, "2 weights")
}

func TestRobustWeights(t *testing.T) {
	got, err := policy.RobustWeights([]float64{1, 2, 3, 94, 0})
	if err != nil {
		t.Fatal(err)
	}
	// Their mean is 20; the median of those above 0.01 * 20 is 2.5.
	near(t, "weights", got, []float64{0.4, 0.8, 1.2, 2, 0}, 1e-15)
	for name, w := range map[string][]float64{"none": nil, "zeros": {0, 0}, "negative": {1, -1}, "NaN": {1, math.NaN()}, "overflow": {1e308, 1e308}, "underflow": {5e-324, 0}} {
		if got, err := policy.RobustWeights(w); !errors.Is(err, policy.ErrInvalid) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestDatasetSelectsObservations(t *testing.T) {
	rng := source(21)
	a := policy.NewTargets(states, actions)
	c, list := controller(rng), walk(rng, 2)
	a.Add(c, list, nil)
	d, err := a.Dataset([]int{3, 0})
	if err != nil {
		t.Fatal(err)
	}
	if d.N != 2*steps || d.In != 2 || d.Out != actions || a.Len() != d.N {
		t.Fatalf("dataset of %d pairs, %d inputs, %d outputs", d.N, d.In, d.Out)
	}
	for n := range d.N {
		x := list[n/steps].State(n % steps)
		near(t, "observation", d.X[2*n:2*n+2], []float64{x[3], x[0]}, 0)
	}
	near(t, "weights", d.Weight, slices.Repeat([]float64{1}, d.N), 0)
	if _, err := a.Dataset([]int{states}); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("observation beyond the state: %v", err)
	}
	a.Precisions[4] = math.NaN()
	if _, err := a.Dataset(nil); err == nil {
		t.Error("a NaN precision passes")
	}
	if _, err := policy.NewTargets(2, 1).Dataset(nil); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("no targets: %v", err)
	}
	panics(t, "Add", func() { a.Add(c, list, []float64{1}) }, "1 weights", "T=6")
	panics(t, "Add", func() { policy.NewTargets(states, 1).Add(c, list, nil) }, "dU=1", "dU=3")
}

// shifted targets are where the policy's part of the augmented Lagrangian is stationary:
// lambda + nu P (m - u) = 0.
func TestShiftIsStationary(t *testing.T) {
	rng := source(22)
	c, d := controller(rng), policy.NewDuals(steps, states, actions, 0)
	copy(d.Gain, normals(rng, len(d.Gain)))
	copy(d.Bias, normals(rng, len(d.Bias)))
	for k := range d.Weight {
		d.Weight[k] = 0.1 + rng.Float64()
	}
	shifted := lqg.NewController(steps, states, actions)
	d.Shift(shifted, c)
	if !slices.Equal(shifted.Chol, c.Chol) {
		t.Error("the covariance is another one")
	}
	m, u, precision := make([]float64, actions), make([]float64, actions), make([]float64, actions*actions)
	for k := range steps {
		x := normals(rng, states)
		shifted.Act(m, x, k, nil)
		c.Act(u, x, k, nil)
		c.Precision(precision, k)
		slope := make([]float64, actions)
		for i := range actions {
			slope[i] = d.Bias[k*actions+i]
			for j, v := range x {
				slope[i] += d.Gain[(k*actions+i)*states+j] * v
			}
			for j := range actions {
				slope[i] += d.Weight[k] * precision[i*actions+j] * (m[j] - u[j])
			}
		}
		near(t, "derivative", slope, make([]float64, actions), 1e-12)
	}
	panics(t, "Shift", func() { d.Shift(lqg.NewController(1, 1, 1), lqg.NewController(1, 1, 1)) }, "T=6", "T=1")
}

// BADMM's steps together bring the controller's and the policy's means together at the optimum of both:
// with a cost 1/2 (u - 3)^2 for the controller and a policy that can only be a constant for two
// conditions of targets 3 and -1, both end at 1. It needs every sign to be right.
func TestMultipliersConverge(t *testing.T) {
	goals := []float64{3, -1}
	cfg := policy.DefaultDualConfig()
	cfg.Rate = 0.5
	pi := 10.0
	var all []*policy.Duals
	for range goals {
		all = append(all, policy.NewDuals(1, 1, 1, 1))
	}
	var list []*lqg.Controller
	for range 200 {
		list = list[:0]
		linearised := lqg.NewController(1, 1, 1)
		linearised.Bias[0], linearised.Chol[0] = pi, 1
		targets := policy.NewTargets(1, 1)
		sample := []*rollout.Rollout{rollout.New(1, 1, 1)}
		for m, goal := range goals {
			cost := lqg.NewCost(1, 1, 1)
			cost.Quad[3], cost.Lin[1] = 1, -goal
			anchor := lqg.NewController(1, 1, 1)
			anchor.Chol[0] = 1
			dyn := lqg.NewDynamics(1, 1, 1)
			c := lqg.NewController(1, 1, 1)
			objective := &lqg.Objective{Cost: cost, Anchor: lqg.NewSurrogate(anchor), Policy: all[m].Term(linearised)}
			if err := lqg.NewBackwardPass(1, 1).Run(c, objective, dyn, 1e-9); err != nil {
				t.Fatal(err)
			}
			list = append(list, c)
			shifted := lqg.NewController(1, 1, 1)
			all[m].Shift(shifted, c)
			targets.Add(shifted, sample, all[m].Weight)
		}
		// The policy that fits its targets best is their precision-weighted mean.
		sum, total := 0.0, 0.0
		for n, v := range targets.Means {
			w := targets.Weights[n] * targets.Precisions[n]
			sum, total = sum+w*v, total+w
		}
		pi = sum / total
		for m := range goals {
			if err := all[m].Climb(cfg, list[m], linearised, sample, []float64{pi}); err != nil {
				t.Fatal(err)
			}
		}
	}
	near(t, "policy", []float64{pi}, []float64{1}, 1e-6)
	near(t, "controllers", []float64{list[0].Bias[0], list[1].Bias[0]}, []float64{1, 1}, 1e-6)
}

func TestWeightsStayInBounds(t *testing.T) {
	cfg := policy.DefaultDualConfig()
	cfg.MinWeight, cfg.MaxWeight = 0.75, 3
	for rule, want := range map[policy.WeightRule][]float64{
		policy.WeightBySpread:   {3, 1, 0.75, 1},
		policy.WeightByChange:   {2, 2, 0.75, 1},
		policy.WeightByGradient: {3, 3, 1, 3},
		policy.WeightBySteps:    {3, 3, 3, 3},
	} {
		cfg.Weights = rule
		d := policy.NewDuals(4, 1, 1, 1)
		d.Weight[0] = 2
		kl, before := []float64{10, 4, 0, 4}, []float64{12, 4.1, 100, 4.5}
		if err := d.Reweigh(cfg, kl, before); err != nil {
			t.Fatal(err)
		}
		near(t, string(rule), d.Weight, want, 0)
	}
	cfg.Weights = policy.WeightByChange
	d := policy.NewDuals(2, 1, 1, 1)
	if err := d.Reweigh(cfg, []float64{1, 2}, nil); err != nil || d.Weight[0] != 1 {
		t.Errorf("without divergences before: %v, %v", d.Weight, err)
	}
	if err := d.Reweigh(cfg, []float64{1, math.Inf(1)}, nil); !errors.Is(err, policy.ErrInvalid) || !has(err, "time step 1") {
		t.Errorf("infinite divergence: %v", err)
	}
	panics(t, "Reweigh", func() { d.Reweigh(cfg, []float64{1}, nil) }, "T=2", "1 divergences")
}

func TestBadDuals(t *testing.T) {
	good := policy.NewDuals(3, 2, 1, 0.5)
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(d *policy.Duals){
		"weight 0":   func(d *policy.Duals) { d.Weight[2] = 0 },
		"weight NaN": func(d *policy.Duals) { d.Weight[2] = math.NaN() },
		"gain NaN":   func(d *policy.Duals) { d.Gain[5] = math.NaN() },
		"bias inf":   func(d *policy.Duals) { d.Bias[2] = math.Inf(1) },
	} {
		d := good.Clone()
		if f(d); !has(d.Validate(), "time step 2") || !errors.Is(d.Validate(), policy.ErrInvalid) {
			t.Errorf("%s: %v", name, d.Validate())
		}
		c := lqg.NewController(3, 2, 1)
		for i := range c.Chol {
			c.Chol[i] = 1
		}
		before := d.Clone()
		if err := d.Climb(policy.DefaultDualConfig(), c, c, []*rollout.Rollout{rollout.New(3, 2, 1)}, make([]float64, 3)); err == nil || d.Bias[0] != before.Bias[0] {
			t.Errorf("%s: climbs: %v", name, err)
		}
	}
	d := good.Clone()
	d.Bias = d.Bias[1:]
	if err := d.Validate(); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("short bias: %v", err)
	}
	panics(t, "NewDuals", func() { policy.NewDuals(0, 1, 1, 1) }, "T=0")
	panics(t, "Climb", func() {
		good.Climb(policy.DefaultDualConfig(), lqg.NewController(3, 2, 1), lqg.NewController(3, 2, 1), nil, nil)
	}, "0 samples")
}

func TestDualConfig(t *testing.T) {
	if err := policy.DefaultDualConfig().Validate(); err != nil {
		t.Fatal(err)
	}
	for key, f := range map[string]func(c *policy.DualConfig){
		"rate":       func(c *policy.DualConfig) { c.Rate = math.NaN() },
		"gain_rate":  func(c *policy.DualConfig) { c.GainRate = -1 },
		"weights":    func(c *policy.DualConfig) { c.Weights = "else" },
		"step":       func(c *policy.DualConfig) { c.Step = math.Inf(1) },
		"increase":   func(c *policy.DualConfig) { c.Increase = 0.5 },
		"decrease":   func(c *policy.DualConfig) { c.Decrease = 0 },
		"satisfied":  func(c *policy.DualConfig) { c.Satisfied = 2 },
		"stalled":    func(c *policy.DualConfig) { c.Stalled = -1 },
		"above":      func(c *policy.DualConfig) { c.Above = 11 },
		"below":      func(c *policy.DualConfig) { c.Below = 11 },
		"min_weight": func(c *policy.DualConfig) { c.MinWeight = 0 },
		"max_weight": func(c *policy.DualConfig) { c.MaxWeight = c.MinWeight / 2 },
	} {
		c := policy.DefaultDualConfig()
		if f(&c); !errors.Is(c.Validate(), policy.ErrInvalid) || !has(c.Validate(), key+" is") {
			t.Errorf("%s: %v", key, c.Validate())
		}
	}
}

// At samples that are the marginals' means the divergence is that of lqg, which has its own tests.
func TestDivergenceAgreesWithModels(t *testing.T) {
	rng := source(23)
	p, q := controller(rng), controller(rng)
	list := walk(rng, 3)
	means, err := policy.Means(q, list)
	if err != nil {
		t.Fatal(err)
	}
	w := policy.NewDivergence(states, actions)
	each, mean := make([]float64, 3*steps), make([]float64, steps)
	total := w.AtSamples(each, mean, p, list, means, q.Chol)
	average, sum := make([]float64, steps), 0.0
	for n, s := range list {
		m := lqg.NewTrajectory(steps, states, actions)
		for k := range steps {
			copy(m.MeanAt(k), s.State(k))
		}
		want := make([]float64, steps)
		sum += lqg.NewDivergence(states, actions).PerStepAtMeans(want, p, q, m) / 3
		near(t, "each", each[n*steps:(n+1)*steps], want, 1e-11)
		for k, v := range want {
			average[k] += v / 3
			if v < 0 {
				t.Errorf("divergence %v", v)
			}
		}
	}
	near(t, "mean", mean, average, 1e-11)
	near(t, "sum", []float64{total}, []float64{sum}, 1e-11)

	// Of equals it is 0; of a NaN +Inf.
	same, _ := policy.Means(p, list)
	if total := w.AtSamples(each, mean, p, list, same, p.Chol); !(total <= 1e-28) {
		t.Errorf("divergence of a controller from itself: %v", total)
	}
	same[0] = math.NaN()
	w.AtSamples(each, mean, p, list, same, p.Chol)
	if !math.IsInf(each[0], 1) || !math.IsInf(mean[0], 1) || !(mean[1] <= 1e-28) {
		t.Errorf("divergence of a NaN: %v, %v", each[0], mean)
	}
	zero := slices.Clone(p.CholAt(0))
	zero[0] = 0
	panics(t, "factor", func() { w.AtSamples(nil, mean, p, list, same, zero) }, "row 0")
	panics(t, "sizes", func() { w.AtSamples(nil, mean, p, list, same[1:], p.Chol) }, "53 numbers")
	panics(t, "no sample", func() { w.AtSamples(nil, mean, p, nil, nil, p.Chol) }, "0 samples")
	panics(t, "NewDivergence", func() { policy.NewDivergence(0, 1) }, "dX=0")
}

func TestEstimateOfOverflow(t *testing.T) {
	rng := source(24)
	c := controller(rng)
	dyn := lqg.NewDynamics(steps, states, actions)
	x0 := &lqg.InitialState{Mean: normals(rng, states), Cov: make([]float64, states*states)}
	e := policy.NewEstimator(steps, states, actions)
	cost := lqg.NewCost(steps, states, actions)
	if n := testing.AllocsPerRun(10, func() { e.Run(c, c, dyn, x0, cost) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if !slices.Equal(e.Marginals().MeanAt(0)[:states], x0.Mean) {
		t.Error("the marginals do not begin with x0")
	}
	cost.Const[2] = math.Inf(1)
	if _, _, err := e.Run(c, c, dyn, x0, cost); !errors.Is(err, policy.ErrInvalid) {
		t.Errorf("infinite cost: %v", err)
	}
	dyn.F[0] = math.Inf(1)
	if _, _, err := e.Run(c, c, dyn, x0, cost); !errors.Is(err, lqg.ErrNotFinite) {
		t.Errorf("infinite dynamics: %v", err)
	}
}
