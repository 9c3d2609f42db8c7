package policy_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
)

func has(err error, words string) bool { return err != nil && strings.Contains(err.Error(), words) }

func TestNearestIsPickedAndKept(t *testing.T) {
	rng := source(10)
	list := controllers(rng, 3)
	starts := [][]float64{{0, 0, 0, 7, 0}, {1, 0, 0, 7, 0}, {0, 1000, 0, 7, 0}}
	p := nearest(t, list, starts, nil)
	u, want := make([]float64, actions), make([]float64, actions)
	for _, c := range []struct {
		x    []float64
		best int
	}{
		{[]float64{0.4, 0, 0, 0, 0}, 0},
		{[]float64{0.6, 0, 0, 0, 0}, 1},
		{[]float64{0.5, 0, 0, 0, 0}, 0}, // equally near
		// In its own unit the second entry would decide: 0 is 400 away, 2 is 600; scaled by
		// the starts' deviations (0.47 and 471) 0.9 of the first entry is nearer to 1.
		{[]float64{0.9, 400, 0, 0, 0}, 1},
		{[]float64{0, 600, 0, 0, 0}, 2},
		{[]float64{0, 0, 1e9, 0, -1e9}, 0}, // all starts are alike there
	} {
		for k := range steps {
			x := slices.Clone(c.x)
			if k > 0 {
				copy(x, starts[(c.best+1)%3]) // near another one, later
			}
			p.Act(u, x, k, nil)
			list[c.best].Act(want, x, k, nil)
			if !slices.Equal(u, want) {
				t.Fatalf("from %v at step %d: %v, want that of %d, %v", c.x, k, u, c.best, want)
			}
		}
		if got := p.Fork().Nearest(c.x); got != c.best {
			t.Errorf("from %v: fork would choose %d, want %d", c.x, got, c.best)
		}
	}
	// With a named feature the rest does not matter.
	part := nearest(t, list, starts, []int{1})
	if got := part.Nearest([]float64{1, 501, 0, 0, 0}); got != 2 {
		t.Errorf("by the second entry alone: %d, want 2", got)
	}
	// Rounding is no spread.
	rounded := nearest(t, list, [][]float64{{0, 0, 0, 7, 0}, {1, 0, 0, math.Nextafter(7, 8), 0}, {3, 0, 0, 7, 0}}, nil)
	if got := rounded.Nearest([]float64{2.9, 0, 0, 8, 0}); got != 2 {
		t.Errorf("beside a start that differs by rounding: %d, want 2", got)
	}
	// A trial may begin in the middle.
	p.Fork().Act(u, starts[2], 3, nil) // the fork has not chosen yet; p is in a trial of controller 0
	if list[2].Act(want, starts[2], 3, nil); !slices.Equal(u, want) {
		t.Errorf("first call at step 3: %v, want that of 2, %v", u, want)
	}
	panics(t, "Nearest", func() { p.Nearest(starts[0][1:]) }, "4 states, need 5")
}

func TestMixtureOfOneIsThatOne(t *testing.T) {
	rng := source(11)
	list := controllers(rng, 1)
	p := mixed(t, list, marginals(rng, 1, 1), policy.DefaultMixtureConfig())
	near(t, "actions", trial(p, 2), trial(list[0], 2), 1e-14)
	cov, want := make([]float64, actions*actions), make([]float64, actions*actions)
	p.Covariance(cov, normals(rng, states), 3)
	list[0].Covariance(want, 3)
	near(t, "covariance", cov, want, 1e-14)
}

// Equal controllers give that controller wherever the state is, also far from all of them.
func TestMixtureOfEqualsIsThatOne(t *testing.T) {
	rng := source(12)
	c := controller(rng)
	p := mixed(t, []*lqg.Controller{c, c, c}, marginals(rng, 3, 2), policy.DefaultMixtureConfig())
	near(t, "actions", trial(p, 2), trial(c, 2), 1e-13)
	u, want := make([]float64, actions), make([]float64, actions)
	for _, size := range []float64{1e3, 1e20, 1e200} {
		x := []float64{size, -size, 0, 0, 1}
		p.Act(u, x, 1, nil)
		c.Act(want, x, 1, nil)
		near(t, "action far away", u, want, 1e-13)
	}
}

// Responsibilities, and what is made of them, are as the definition has them for hand-made numbers.
func TestMixtureByHand(t *testing.T) {
	a, b := lqg.NewController(1, 2, 1), lqg.NewController(1, 2, 1)
	a.K[0], a.Bias[0], a.Chol[0] = 2, 1, 0.5
	b.K[1], b.Bias[0], b.Chol[0] = 3, -4, 2
	m := []*lqg.Trajectory{lqg.NewTrajectory(1, 2, 1), lqg.NewTrajectory(1, 2, 1)}
	for k := range m {
		m[k].Cov[0], m[k].Cov[4] = 1, 1
	}
	m[0].Mean[0], m[1].Mean[0] = -1, 3
	m[1].Cov[0] = 4
	cfg := policy.MixtureConfig{Weight: []float64{0.3, 0.7}, Regularization: 1e-13}
	p := mixed(t, []*lqg.Controller{a, b}, m, cfg)
	x := []float64{0.8, 0.1}
	density := func(v, mean, variance float64) float64 {
		return math.Exp(-(v-mean)*(v-mean)/(2*variance)) / math.Sqrt(2*math.Pi*variance)
	}
	first, second := 0.3*density(0.8, -1, 1), 0.7*density(0.8, 3, 4)
	r := first / (first + second)
	near(t, "responsibilities", p.Responsibilities(x, 0), []float64{r, 1 - r}, 1e-9)
	u, cov := make([]float64, 1), make([]float64, 1)
	p.Act(u, x, 0, nil)
	mean := r*(2*0.8+1) + (1-r)*(3*0.1-4)
	near(t, "mean", u, []float64{mean}, 1e-9)
	deviation := r*0.5 + (1-r)*2
	p.Act(u, x, 0, []float64{1.5})
	near(t, "action", u, []float64{mean + 1.5*deviation}, 1e-9)
	p.Covariance(cov, x, 0)
	near(t, "covariance", cov, []float64{deviation * deviation}, 1e-9)

	// By the second entry alone they are told apart by their weights only.
	cfg.Feature = []int{1}
	near(t, "by the second entry", mixed(t, []*lqg.Controller{a, b}, m, cfg).Responsibilities(x, 0), []float64{0.3, 0.7}, 1e-9)
}

// The full covariances count: responsibilities agree with densities by another formula.
func TestMixtureDensities(t *testing.T) {
	rng := source(13)
	const d = states + actions
	list, m := controllers(rng, 2), marginals(rng, 2, 0.5)
	p := mixed(t, list, m, policy.MixtureConfig{Regularization: 1e-13})
	for k := range steps {
		x := normals(rng, states)
		var logs [2]float64
		for c := range 2 {
			matrix := make([][]float64, states)
			for i := range matrix {
				matrix[i] = append(slices.Clone(m[c].CovAt(k)[i*d:i*d+states]), x[i]-m[c].MeanAt(k)[i])
			}
			logs[c] = gaussian(matrix)
		}
		r := 1 / (1 + math.Exp(logs[1]-logs[0]))
		near(t, "responsibilities", p.Responsibilities(x, k), []float64{r, 1 - r}, 1e-8)
	}
}

// gaussian returns -1/2 (log det S + d'S^-1 d) for rows [S d], by elimination with pivots.
func gaussian(m [][]float64) float64 {
	n, logDet := len(m), 0.0
	d := make([]float64, n)
	for i := range m {
		d[i] = m[i][n]
	}
	for c := range n {
		logDet += math.Log(math.Abs(m[c][c]))
		for r := range n {
			if r == c {
				continue
			}
			f := m[r][c] / m[c][c]
			for j := range m[r] {
				m[r][j] -= f * m[c][j]
			}
		}
	}
	s := 0.0
	for i := range n {
		s += d[i] * m[i][n] / m[i][i]
	}
	return -0.5 * (logDet + s)
}

// Controllers that start from single states, of no spread at all, blend all the same.
func TestMixtureOfPoints(t *testing.T) {
	rng := source(14)
	list := controllers(rng, 2)
	m := []*lqg.Trajectory{lqg.NewTrajectory(steps, states, actions), lqg.NewTrajectory(steps, states, actions)}
	for k := range steps {
		m[1].MeanAt(k)[0] = 2
	}
	p := mixed(t, list, m, policy.DefaultMixtureConfig())
	for x, want := range map[float64]float64{0: 1, 1: 0.5, 2: 0} {
		r := p.Responsibilities([]float64{x, 0, 0, 0, 0}, 0)
		near(t, "responsibilities", r, []float64{want, 1 - want}, 1e-9)
	}
	// A part of 0.5 of the means' variance, 1, is the variance of each.
	p = mixed(t, list, m, policy.MixtureConfig{Regularization: 0.5})
	for k := range steps {
		m[1].MeanAt(k)[0] = 6
	}
	wide := mixed(t, list, m, policy.MixtureConfig{Regularization: 0.5})
	near(t, "responsibility", p.Responsibilities([]float64{0.8, 0, 0, 0, 0}, 0)[:1], []float64{1 / (1 + math.Exp(0.64-1.44))}, 1e-9)
	// So is that of the covariances' mean: 10, here.
	for k := range steps {
		m[1].MeanAt(k)[0], m[0].CovAt(k)[0], m[1].CovAt(k)[0] = 0, 4, 16
	}
	r := mixed(t, list, m, policy.MixtureConfig{Regularization: 0.5}).Responsibilities([]float64{3, 0, 0, 0, 0}, 1)
	near(t, "responsibility", r[:1], []float64{1 / (1 + math.Exp(0.5-9.0/42)*math.Sqrt(9.0/21))}, 1e-9)
	near(t, "responsibility", wide.Responsibilities([]float64{2.4, 0, 0, 0, 0}, 0)[:1], []float64{1 / (1 + math.Exp(0.64-1.44))}, 1e-9)
}

// The units of states do not matter to responsibilities.
func TestMixtureInOtherUnits(t *testing.T) {
	rng := source(16)
	const d, unit = states + actions, 1e-4
	list, m := controllers(rng, 2), marginals(rng, 2, 1)
	x := normals(rng, states)
	cfg := policy.MixtureConfig{Regularization: 0.5}
	want := slices.Clone(mixed(t, list, m, cfg).Responsibilities(x, 2))
	for _, m := range m {
		for k := range steps {
			m.MeanAt(k)[1] *= unit
			for i := range d {
				m.CovAt(k)[d+i] *= unit
				m.CovAt(k)[i*d+1] *= unit
			}
		}
	}
	x[1] *= unit
	near(t, "responsibilities", mixed(t, list, m, cfg).Responsibilities(x, 2), want, 1e-9)
}

func TestBadSeveral(t *testing.T) {
	rng := source(15)
	good := controllers(rng, 2)
	bad := good[0].Clone()
	bad.K[7] = math.NaN()
	other := lqg.NewController(steps, states+1, actions)
	for k := range steps {
		copy(other.CholAt(k), factor(rng, actions))
	}
	starts := [][]float64{normals(rng, states), normals(rng, states)}
	m := marginals(rng, 2, 1)
	for name, c := range map[string]struct {
		list []*lqg.Controller
		want error
		say  string
	}{
		"none":       {nil, policy.ErrInvalid, "no controller"},
		"nil":        {[]*lqg.Controller{good[0], nil}, policy.ErrInvalid, "controller 1 is nil"},
		"NaN":        {[]*lqg.Controller{good[0], bad}, lqg.ErrNotFinite, "controller 1"},
		"other size": {[]*lqg.Controller{good[0], other}, policy.ErrInvalid, "dX=6"},
	} {
		if p, err := policy.NewNearestNeighbour(c.list, starts, nil); p != nil || !errors.Is(err, c.want) || !has(err, c.say) {
			t.Errorf("nearest of %s: %v, %v", name, p, err)
		}
		if p, err := policy.NewMixture(c.list, m, policy.DefaultMixtureConfig()); p != nil || !errors.Is(err, c.want) || !has(err, c.say) {
			t.Errorf("mixture of %s: %v, %v", name, p, err)
		}
	}
	for name, c := range map[string]struct {
		starts  [][]float64
		feature []int
		say     string
	}{
		"one start":     {starts[:1], nil, "1 starts for 2"},
		"short start":   {[][]float64{starts[0], starts[1][1:]}, nil, "start 1 has 4"},
		"NaN start":     {[][]float64{starts[0], {0, 0, math.NaN(), 0, 0}}, nil, "start 1 has NaN in entry 2"},
		"huge starts":   {[][]float64{{1e300, 0, 0, 0, 0}, {-1e300, 0, 0, 0, 0}}, nil, "spread in entry 0"},
		"beyond x":      {starts, []int{5}, "entry 5"},
		"no feature":    {starts, []int{}, "no feature"},
		"feature twice": {starts, []int{1, 1}, "already"},
	} {
		p, err := policy.NewNearestNeighbour(good, c.starts, c.feature)
		if p != nil || !errors.Is(err, policy.ErrInvalid) || !has(err, c.say) {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
	indefinite, infinite := marginals(rng, 2, 1), marginals(rng, 2, 1)
	indefinite[1].CovAt(2)[0] = -1
	infinite[1].MeanAt(4)[1] = math.Inf(1)
	short := []*lqg.Trajectory{m[0], lqg.NewTrajectory(steps-1, states, actions)}
	def := policy.DefaultMixtureConfig()
	for name, c := range map[string]struct {
		m   []*lqg.Trajectory
		cfg policy.MixtureConfig
		say string
	}{
		"no regularization": {m, policy.MixtureConfig{}, "regularization is 0"},
		"one marginal":      {m[:1], def, "1 marginals"},
		"short marginals":   {short, def, "marginals 1"},
		"missing":           {[]*lqg.Trajectory{nil, m[0]}, def, "marginals 0"},
		"one weight":        {m, policy.MixtureConfig{Regularization: 1, Weight: []float64{1}}, "1 weights"},
		"zero weight":       {m, policy.MixtureConfig{Regularization: 1, Weight: []float64{1, 0}}, "controller 1 is 0"},
		"no feature":        {m, policy.MixtureConfig{Regularization: 1, Feature: []int{}}, "no feature"},
		"beyond x":          {m, policy.MixtureConfig{Regularization: 1, Feature: []int{-1}}, "entry -1"},
		"indefinite":        {indefinite, def, "controller 1 at time step 2"},
		"infinite":          {infinite, def, ""},
	} {
		if p, err := policy.NewMixture(good, c.m, c.cfg); p != nil || !errors.Is(err, policy.ErrInvalid) || !has(err, c.say) {
			t.Errorf("mixture with %s: %v, %v", name, p, err)
		}
	}
	p := mixed(t, good, m, def)
	panics(t, "Covariance", func() { p.Covariance(nil, starts[0], 0) }, "0 numbers", "dU=3")
}
