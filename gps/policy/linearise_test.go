package policy_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

func lineariser(t testing.TB, f func(c *policy.LineariseConfig)) *policy.Lineariser {
	t.Helper()
	cfg := policy.DefaultLineariseConfig()
	if f != nil {
		f(&cfg)
	}
	l, err := policy.NewLineariser(cfg, steps, states, actions)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// linear is a controller whose derivative is known.
type linear struct{ *lqg.Controller }

func (l linear) Jacobian(dst, mean, x []float64, t int) {
	copy(dst, l.Gain(t))
	l.Act(mean, x, t, nil)
}

// A policy that is linear is its own linearisation, however it is found.
func TestLinearisationOfLinear(t *testing.T) {
	rng := source(30)
	c, list := controller(rng), walk(rng, states+8)
	means, err := policy.Means(c, list)
	if err != nil {
		t.Fatal(err)
	}
	var cov []float64
	for k := range steps {
		cov = append(cov, square(c.CholAt(k), actions)...)
	}
	exact := lineariser(t, func(c *policy.LineariseConfig) { c.Regularization = 0 })
	got := lqg.NewController(steps, states, actions)
	check := func(name string, err error, tol float64) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		near(t, name+" gain", got.K, c.K, tol)
		near(t, name+" bias", got.Bias, c.Bias, tol)
		near(t, name+" factor", got.Chol, c.Chol, tol)
	}
	check("regression", exact.Fit(got, list, means, cov, nil), 1e-10)
	check("defaults", lineariser(t, nil).Fit(got, list, means, cov, nil), 1e-5)
	check("weak prior", exact.Fit(got, list, means, cov, policy.ConstantPrior(1e-10, slices.Repeat([]float64{1}, states), slices.Repeat([]float64{1}, actions))), 1e-8)
	check("derivative", exact.Differentiate(got, linear{c}, list, cov), 1e-12)
	check("derivative at one", exact.Differentiate(got, linear{c}, list[:1], cov), 1e-12)

	// Of each sample's covariance the mean counts.
	var each []float64
	for n := range list {
		for _, v := range cov {
			each = append(each, v*2*float64(n)/float64(len(list)-1))
		}
	}
	check("covariances of samples", exact.Fit(got, list, means, each, nil), 1e-10)
	one := square(c.CholAt(2), actions)
	if err := exact.Fit(got, list, means, one, nil); err != nil {
		t.Fatal(err)
	}
	for k := range steps {
		near(t, "one covariance", square(got.CholAt(k), actions), one, 1e-10)
	}
}

// What a linear policy does not explain is in the covariance: that of the residuals, divided by N.
func TestLinearisationHoldsResiduals(t *testing.T) {
	rng := source(31)
	const N = 400
	c, list := controller(rng), walk(rng, N)
	means, err := policy.Means(c, list)
	if err != nil {
		t.Fatal(err)
	}
	for i := range means {
		means[i] += []float64{0.5, 2, 0}[i%actions] * rng.NormFloat64()
	}
	got := lqg.NewController(steps, states, actions)
	noise := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	if err := lineariser(t, nil).Fit(got, list, means, noise, nil); err != nil {
		t.Fatal(err)
	}
	for k := range steps {
		cov := square(got.CholAt(k), actions)
		for i, want := range []float64{1.25, 5, 1} {
			if v := cov[i*(actions+1)]; math.Abs(v-want) > 0.2*want {
				t.Errorf("variance %d at time step %d is %v, want about %v", i, k, v, want)
			}
		}
		// The residuals of the regression, by its definition.
		for i := range actions {
			for j := range actions {
				want := noise[i*actions+j]
				for n, s := range list {
					u := make([]float64, actions)
					got.Act(u, s.State(k), k, nil)
					m := means[(n*steps+k)*actions:]
					want += (m[i] - u[i]) * (m[j] - u[j]) / N
				}
				near(t, "covariance", cov[i*actions+j:i*actions+j+1], []float64{want}, 1e-6)
			}
		}
	}
	jacobian := lqg.NewController(steps, states, actions)
	if err := lineariser(t, nil).Differentiate(jacobian, bent{linear{c}, list, means}, list, noise); err != nil {
		t.Fatal(err)
	}
	near(t, "gain of the derivative", jacobian.K, c.K, 1e-12)
	if cov := square(jacobian.CholAt(0), actions); math.Abs(cov[actions+1]-5) > 1 {
		t.Errorf("covariance by the derivative is %v, want about 5 at the second", cov)
	}
}

// bent acts at the samples' states as told.
type bent struct {
	linear
	list  []*rollout.Rollout
	means []float64
}

func (b bent) Act(dst, x []float64, t int, noise []float64) {
	for n, s := range b.list {
		if slices.Equal(s.State(t), x) {
			copy(dst, b.means[(n*steps+t)*actions:])
		}
	}
}

// Where samples do not spread, as at t = 0 of one initial state, or in fewer directions than there are
// states, the linearisation passes through the means and is valid.
func TestLinearisationWithoutSpread(t *testing.T) {
	rng := source(32)
	p := network(t, rng, nn.Tanh, nil, []float64{1e-6, 0, 0, 0, 1, 0, 0, 0.5, 1})
	for _, N := range []int{1, 2, 5, 20} {
		list := walk(rng, N)
		for _, s := range list {
			copy(s.State(0), list[0].State(0))
			for k := range steps {
				s.State(k)[3] = 1e6 // a target, say, that never moves
			}
		}
		for _, method := range []policy.LineariseMethod{policy.ByMixture, policy.ByConstant, policy.ByJacobian} {
			l := lineariser(t, func(c *policy.LineariseConfig) { c.Method, c.Mean = method, dynamics.SampleMean })
			got := lqg.NewController(steps, states, actions)
			means, _, err := l.Run(context.Background(), got, p, list, nil, source(1))
			if err != nil {
				t.Fatalf("%s of %d samples: %v", method, N, err)
			}
			if err := got.Validate(); err != nil {
				t.Errorf("%s of %d samples: %v", method, N, err)
			}
			u, average := make([]float64, actions), make([]float64, actions)
			for k := range steps {
				x := make([]float64, states)
				clear(average)
				for n, s := range list {
					for i, v := range s.State(k) {
						x[i] += v / float64(N)
					}
					for i := range average {
						average[i] += means[(n*steps+k)*actions+i] / float64(N)
					}
				}
				got.Act(u, x, k, nil)
				near(t, string(method)+": action at the mean state", u, average, 1e-5)
			}
		}
	}
}

// A policy without noise, or hardly any, gets the smallest variance, and a state that never moves is no
// obstacle without a prior.
func TestLinearisationKeepsVariance(t *testing.T) {
	rng := source(38)
	c, list := controller(rng), walk(rng, states+8)
	for _, s := range list {
		for k := range steps {
			s.State(k)[3] = 2
		}
	}
	means, _ := policy.Means(c, list)
	l := lineariser(t, func(c *policy.LineariseConfig) { c.MinVariance = 0.25 })
	got := lqg.NewController(steps, states, actions)
	if err := l.Fit(got, list, means, []float64{4, 0, 0, 0, 0, 0, 0, 0, 1e-30}, nil); err != nil {
		t.Fatal(err)
	}
	for k := range steps {
		near(t, "factor", got.CholAt(k), []float64{2, 0, 0, 0, 0.5, 0, 0, 0, 0.5}, 1e-6)
		for i := range actions {
			if v := got.Gain(k)[i*states+3]; math.Abs(v) > 1e-9 {
				t.Errorf("gain %v on a state that never moves", v)
			}
		}
	}
}

// By its derivative a network's gain is the mean of those at the samples.
func TestLinearisationByDerivative(t *testing.T) {
	rng := source(39)
	p, list := network(t, rng, nn.Tanh, []int{4, 0, 1}, nil), walk(rng, 3)
	got := lqg.NewController(steps, states, actions)
	if err := lineariser(t, nil).Differentiate(got, p, list, make([]float64, actions*actions)); err != nil {
		t.Fatal(err)
	}
	slope, mean := make([]float64, actions*states), make([]float64, actions)
	for k := range steps {
		want := make([]float64, actions*states)
		for _, s := range list {
			p.Jacobian(slope, mean, s.State(k), k)
			for i, v := range slope {
				want[i] += v / 3
			}
		}
		near(t, "gain", got.Gain(k), want, 1e-13)
	}
}

// The units of states do not matter to the regression.
func TestLinearisationInOtherUnits(t *testing.T) {
	rng := source(33)
	c, list := controller(rng), walk(rng, 3) // fewer than states: the ridge decides
	means, _ := policy.Means(c, list)
	cov := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	l := lineariser(t, nil)
	got, other := lqg.NewController(steps, states, actions), lqg.NewController(steps, states, actions)
	if err := l.Fit(got, list, means, cov, nil); err != nil {
		t.Fatal(err)
	}
	const unit = 1024
	for _, s := range list {
		for i := 2; i < len(s.X); i += states {
			s.X[i] *= unit
		}
	}
	if err := l.Fit(other, list, means, cov, nil); err != nil {
		t.Fatal(err)
	}
	for i := 2; i < len(other.K); i += states {
		other.K[i] *= unit
	}
	near(t, "gain", other.K, got.K, 1e-6)
}

// The mixture prior tells the slope at a step whose samples do not: that at other states. Without it the
// gain there is 0.
func TestMixturePriorFillsIn(t *testing.T) {
	rng := source(34)
	c := controller(rng)
	for k := 1; k < steps; k++ { // the same at each step, as a network is
		copy(c.Gain(k), c.Gain(0))
		copy(c.BiasAt(k), c.BiasAt(0))
	}
	list := walk(rng, 15)
	for _, s := range list {
		copy(s.State(0), make([]float64, states))
	}
	means, _ := policy.Means(c, list)
	prior := new(policy.MixturePrior)
	prior = prior.Add(dynamics.DefaultPriorConfig(), list)
	if err := prior.Fit(context.Background(), dynamics.DefaultPriorConfig(), c, source(1)); err != nil {
		t.Fatal(err)
	}
	if prior.Mixture.D != states+actions || prior.Mixture.K != 2 {
		t.Fatalf("mixture of %d components over %d dimensions", prior.Mixture.K, prior.Mixture.D)
	}
	source, err := dynamics.FromMixture(prior.Mixture)
	if err != nil {
		t.Fatal(err)
	}
	cov := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	with, without := lqg.NewController(steps, states, actions), lqg.NewController(steps, states, actions)
	l := lineariser(t, nil)
	if err := l.Fit(with, list, means, cov, source); err != nil {
		t.Fatal(err)
	}
	if err := l.Fit(without, list, means, cov, nil); err != nil {
		t.Fatal(err)
	}
	near(t, "gain at t = 0", with.Gain(0), c.Gain(0), 1e-3)
	near(t, "gain at t = 0 without prior", without.Gain(0), make([]float64, states*actions), 1e-12)

	// A stronger prior of other slopes draws the gains to them.
	bad := policy.ConstantPrior(1, slices.Repeat([]float64{1}, states), slices.Repeat([]float64{1}, actions))
	strong := lineariser(t, func(c *policy.LineariseConfig) { c.Strength = 1e6 })
	if err := strong.Fit(with, list, means, cov, bad); err != nil {
		t.Fatal(err)
	}
	near(t, "gain under a strong prior", with.Gain(3), make([]float64, states*actions), 1e-3)
}

// The prior keeps the latest rollouts, and foretells the current policy, not the actions that were taken.
func TestMixturePriorIsOfThePolicy(t *testing.T) {
	rng := source(35)
	cfg := dynamics.DefaultPriorConfig()
	cfg.MaxSamples = 4
	first := new(policy.MixturePrior)
	second := first.Add(cfg, walk(rng, 3)).Add(cfg, walk(rng, 3))
	if len(second.Rollouts) != 4 || len(first.Rollouts) != 0 {
		t.Fatalf("%d rollouts kept, %d in the prior that was added to", len(second.Rollouts), len(first.Rollouts))
	}
	a, b := controller(rng), controller(rng)
	fit := func(p policy.Policy, rng *rand.Rand) []float64 {
		prior := &policy.MixturePrior{Rollouts: second.Rollouts}
		if err := prior.Fit(context.Background(), cfg, p, rng); err != nil {
			t.Fatal(err)
		}
		return prior.Mixture.Means
	}
	once := fit(a, source(2))
	if !slices.Equal(once, fit(a, source(2))) {
		t.Error("the same seed gives another mixture")
	}
	if slices.Equal(once, fit(b, source(2))) {
		t.Error("another policy gives the same mixture")
	}
	// A fit of as many components goes on from the old one, without the source.
	prior := &policy.MixturePrior{Rollouts: second.Rollouts}
	if err := prior.Fit(context.Background(), cfg, a, source(2)); err != nil {
		t.Fatal(err)
	}
	old := prior.Mixture
	kept := old.Clone()
	if err := prior.Fit(context.Background(), cfg, b, nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(old.Means, kept.Means) || slices.Equal(prior.Mixture.Means, kept.Means) {
		t.Error("the fit changed the old mixture, not its copy")
	}
	if err := first.Fit(context.Background(), cfg, a, nil); !errors.Is(err, dynamics.ErrTooFewSamples) {
		t.Errorf("no rollouts: %v", err)
	}
	bad := walk(rng, 1)
	bad[0].State(2)[1] = math.NaN()
	p := network(t, rng, nn.Tanh, []int{0, 2}, nil) // does not see it
	if err := (&policy.MixturePrior{Rollouts: bad}).Fit(context.Background(), cfg, p, source(1)); !errors.Is(err, policy.ErrInvalid) || !has(err, "state 1 at time step 2") {
		t.Errorf("NaN state: %v", err)
	}
	cfg.MaxClusters = 0
	if err := prior.Fit(context.Background(), cfg, a, nil); err == nil {
		t.Error("settings out of range pass")
	}
}

// Run does what its parts do.
func TestRun(t *testing.T) {
	rng := source(36)
	chol := factor(rng, actions)
	p, list := network(t, rng, nn.Tanh, []int{1, 3}, chol), walk(rng, 12)
	means, _ := policy.Means(p, list)
	got, want := lqg.NewController(steps, states, actions), lqg.NewController(steps, states, actions)
	cov := square(chol, actions)
	for _, method := range []policy.LineariseMethod{policy.ByMixture, policy.ByConstant, policy.ByJacobian} {
		l := lineariser(t, func(c *policy.LineariseConfig) { c.Method = method })
		given := &policy.MixturePrior{Rollouts: walk(source(1), 2)}
		these, next, err := l.Run(context.Background(), got, p, list, given, source(9))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(these, means) {
			t.Errorf("%s: other means", method)
		}
		switch method {
		case policy.ByMixture:
			if len(next.Rollouts) != 14 || given.Mixture != nil {
				t.Fatalf("the prior has %d rollouts", len(next.Rollouts))
			}
			source, err := dynamics.FromMixture(next.Mixture)
			if err != nil {
				t.Fatal(err)
			}
			err = l.Fit(want, list, means, cov, source)
			if err != nil {
				t.Fatal(err)
			}
		case policy.ByConstant:
			ones := slices.Repeat([]float64{1}, states)
			if err := l.Fit(want, list, means, cov, policy.ConstantPrior(1e-4, ones, ones[:actions])); err != nil {
				t.Fatal(err)
			}
		case policy.ByJacobian:
			if err := l.Differentiate(want, p, list, cov); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(got.K, want.K) || !slices.Equal(got.Bias, want.Bias) || !slices.Equal(got.Chol, want.Chol) {
			t.Errorf("%s: another linearisation than that of the parts", method)
		}
		if method != policy.ByMixture && next != given {
			t.Errorf("%s: the prior changed", method)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	before := got.Clone()
	if _, _, err := lineariser(t, nil).Run(ctx, got, p, list, nil, source(9)); !errors.Is(err, context.Canceled) || !slices.Equal(got.K, before.K) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestBadLinearisation(t *testing.T) {
	rng := source(37)
	c, list := controller(rng), walk(rng, 3)
	means, _ := policy.Means(c, list)
	cov := []float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	dst := c.Clone()
	exact := lineariser(t, func(c *policy.LineariseConfig) { c.Regularization = 0 })
	same := []*rollout.Rollout{list[0], list[0], list[0]}
	nan, far := walk(rng, 3), walk(rng, 3)
	nan[1].State(4)[2] = math.NaN()
	for _, s := range far {
		s.State(4)[2] = 1e200 * rng.NormFloat64()
	}
	badMeans := slices.Clone(means)
	badMeans[7] = math.Inf(1)
	refusal := errors.New("refused")
	for name, e := range map[string]struct {
		err  error
		want error
		say  string
	}{
		"no sample":   {exact.Fit(dst, nil, nil, cov, nil), dynamics.ErrTooFewSamples, ""},
		"no spread":   {exact.Fit(dst, same, means, cov, nil), dynamics.ErrSingular, "time step 0"},
		"NaN state":   {exact.Fit(dst, nan, means, cov, nil), rollout.ErrNotFinite, "sample 1"},
		"huge states": {lineariser(t, nil).Fit(dst, far, means, cov, nil), dynamics.ErrNotFinite, "state 2"},
		"NaN mean":    {lineariser(t, nil).Fit(dst, list, badMeans, cov, nil), dynamics.ErrNotFinite, "time step 2"},
		"NaN cov":     {exact.Fit(dst, list, means, slices.Repeat([]float64{math.NaN()}, 9), nil), policy.ErrInvalid, "entry 0"},
		"prior's own": {exact.Fit(dst, list, means, cov, refusing{refusal}), refusal, "time step 0"},
		"NaN network": {exact.Differentiate(dst, linear{c}, nan, cov), policy.ErrInvalid, "time step 4"},
	} {
		if !errors.Is(e.err, e.want) || !has(e.err, e.say) {
			t.Errorf("%s: %v", name, e.err)
		}
	}
	if !slices.Equal(dst.K, c.K) {
		t.Error("an error changed the result")
	}
	panics(t, "means", func() { exact.Fit(dst, list, means[1:], cov, nil) }, "53 numbers of means")
	panics(t, "covariances", func() { exact.Fit(dst, list, means, cov[1:], nil) }, "8 of covariances")
	panics(t, "samples", func() {
		exact.Fit(dst, []*rollout.Rollout{rollout.New(1, states, actions)}, means[:steps*actions], cov, nil)
	}, "T=1", "T=6")
	for name, f := range map[string]func(c *policy.LineariseConfig){
		"method":         func(c *policy.LineariseConfig) { c.Method = "guess" },
		"strength":       func(c *policy.LineariseConfig) { c.Strength = 0 },
		"regularization": func(c *policy.LineariseConfig) { c.Regularization = math.NaN() },
		"min_variance":   func(c *policy.LineariseConfig) { c.MinVariance = 0 },
		"mean":           func(c *policy.LineariseConfig) { c.Mean = "mode" },
		"max samples":    func(c *policy.LineariseConfig) { c.Prior.MaxSamples = 0 },
	} {
		cfg := policy.DefaultLineariseConfig()
		f(&cfg)
		if _, err := policy.NewLineariser(cfg, 1, 1, 1); !has(err, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type refusing struct{ err error }

func (r refusing) At(*dynamics.NIW, int, []float64) error { return r.err }
func (r refusing) Fork() dynamics.Prior                   { return r }
