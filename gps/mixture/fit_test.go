package mixture_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/mixture"
)

// checkFit fails the test unless checkTrace and the mixture is as likely as the last of
// the log-likelihoods.
func checkFit(t *testing.T, m *mixture.Mixture, points []float64, trace mixture.Trace) {
	t.Helper()
	checkTrace(t, m, trace)
	l, err := m.LogLikelihood(points)
	if err != nil {
		t.Fatal(err)
	}
	last := trace.LogLikelihoods[len(trace.LogLikelihoods)-1]
	if l < last-1e-6*(math.Abs(last)+float64(len(points))) {
		t.Errorf("the mixture's log-likelihood is %v, the last E-step's %v", l, last)
	}
}

// checkTrace fails the test unless the log-likelihoods of a fit never fall but after a
// revival, and the mixture's parameters are finite, symmetric and weigh 1.
func checkTrace(t *testing.T, m *mixture.Mixture, trace mixture.Trace) {
	t.Helper()
	for i, l := range trace.LogLikelihoods[1:] {
		if last := trace.LogLikelihoods[i]; !(l >= last) && !slices.Contains(trace.Revivals, i) {
			t.Errorf("log-likelihood fell from %v to %v at E-step %d", last, l, i+1)
		}
	}
	sum := 0.0
	for k := range m.K {
		sum += math.Exp(m.LogWeights[k])
		for i := range m.D {
			for j := range i {
				if m.Cov(k)[i*m.D+j] != m.Cov(k)[j*m.D+i] {
					t.Fatalf("covariance of component %d is not symmetric", k)
				}
			}
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("weights sum to %v", sum)
	}
	finite(t, m.Means, m.Covs, m.LogWeights, trace.LogLikelihoods)
}

func finite(t *testing.T, slices ...[]float64) {
	t.Helper()
	for _, s := range slices {
		for i, v := range s {
			if v-v != 0 {
				t.Fatalf("[%d] is %v", i, v)
			}
		}
	}
}

// randomPoints draws one of many kinds of data sets: clusters, with offsets, scales,
// duplicates, constant dimensions, linear dependence and outliers.
func randomPoints(rng *rand.Rand) (points []float64, D, K int) {
	D, K = 1+rng.IntN(6), 1+rng.IntN(6)
	N := 2 + rng.IntN(120)
	if rng.IntN(4) == 0 {
		N = max(2, K-2+rng.IntN(5)) // about as many points as components, or fewer
	}
	offset, scale := make([]float64, D), make([]float64, D)
	for i := range D {
		offset[i], scale[i] = math.Pow(10, 8*rng.Float64())*float64(rng.IntN(3)-1), math.Pow(10, 4*rng.Float64()-3)
	}
	centers := make([]float64, K*D)
	for i := range centers {
		centers[i] = 4 * rng.NormFloat64()
	}
	constant, dependent, repeated := rng.IntN(3) == 0, rng.IntN(2) == 0, rng.IntN(3) == 0
	for n := range N {
		if repeated && n > 0 && rng.IntN(2) == 0 {
			points = append(points, points[rng.IntN(n)*D:][:D]...)
			continue
		}
		k, first := rng.IntN(K), 0.0
		for i := range D {
			v := centers[k*D+i] + rng.NormFloat64()
			switch {
			case i == 0:
				first = v
			case i == 1 && constant:
				v = 1
			case i == D-1 && dependent:
				v = first // up to the clusters' scales, a deterministic transition
			}
			points = append(points, offset[i]+scale[i]*v)
		}
	}
	return points, D, K
}

// Without a tolerance, over many data sets and starts: the log-likelihood does not fall.
func TestLogLikelihoodNeverFalls(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	fell, revived := 0, 0
	for trial := range 600 {
		points, D, K := randomPoints(rng)
		cfg := mixture.DefaultConfig()
		cfg.Starts = 1 + rng.IntN(2)
		cfg.Method = []mixture.Method{mixture.KMeans, mixture.ScaledKMeans, mixture.Random}[rng.IntN(3)]
		cfg.Regularization = math.Pow(10, -8+8*rng.Float64())
		cfg.Tolerance = math.Pow(10, -12+8*rng.Float64())
		cfg.MaxIterations = 1 + rng.IntN(60)
		start := mixture.New(K, D)
		if N := len(points) / D; trial%3 > 0 && K <= N {
			var err error
			if start, err = mixture.Start(context.Background(), rng, points, D, K, cfg); err != nil {
				t.Fatal(err)
			}
		} else {
			// A warm start that may be far off, and narrower than the regularisation.
			for k := range K {
				copy(start.Mean(k), points[rng.IntN(N)*D:][:D])
				for i := range D {
					start.Mean(k)[i] += 10 * rng.NormFloat64()
					start.Cov(k)[i*D+i] = math.Pow(10, 8*rng.Float64()-6)
				}
			}
		}
		reference := start.Clone()
		trace, err := mixture.Fit(context.Background(), start, points, cfg)
		if err != nil {
			t.Fatal(err)
		}
		checkFit(t, start, points, trace)
		revived += len(trace.Revivals)
		cfg.ReferenceRules = true
		if trace, err = mixture.Fit(context.Background(), reference, points, cfg); err == nil && !slices.IsSorted(trace.LogLikelihoods) {
			fell++
		}
		if t.Failed() {
			t.Fatalf("trial %d: N=%d D=%d K=%d, %+v", trial, len(points)/D, D, K, cfg)
		}
	}
	// The reference's log-likelihood falls in many of them: the property is put to a test.
	t.Logf("the reference's log-likelihood fell in %d of 600; %d revivals", fell, revived)
	if fell < 20 || revived < 20 {
		t.Errorf("the reference fell in %d data sets and %d components were revived: the data test nothing", fell, revived)
	}
}

// A component that starts far away must come back to life with a weight of its own, and
// the fit end nearly as likely as one that no component died in.
func TestFitRevivesDeadComponents(t *testing.T) {
	const trials = 40
	recovered := 0
	for trial := range trials {
		rng := rand.New(rand.NewPCG(uint64(trial), 2))
		D, K := 2+trial%5, 3+trial%4
		g := newGaussians(rng, D, K, 8, 0, 1)
		points := g.points(rng, 100*K)
		alive := mixture.New(K, D)
		copy(alive.Means, g.means)
		for k := range K {
			for i := range D {
				alive.Cov(k)[i*D+i] = 1
			}
		}
		start := alive.Clone()
		for i := range D * (1 + trial%2) { // the first component or two
			start.Means[i] = 1e4
		}
		trace := fit(t, start, points, mixture.DefaultConfig())
		fit(t, alive, points, mixture.DefaultConfig())
		if len(trace.Revivals) == 0 {
			t.Errorf("trial %d: no revival", trial)
		}
		for k, l := range start.LogWeights {
			if w := math.Exp(l); w < 1e-3 {
				t.Errorf("trial %d: component %d of %d has weight %.3g", trial, k, K, w)
			}
		}
		if perPoint(t, start, points) > perPoint(t, alive, points)-0.01 {
			recovered++
		}
	}
	t.Logf("%d of %d fits found the optimum again", recovered, trials)
	if recovered < trials*3/4 {
		t.Errorf("%d of %d fits found the optimum again", recovered, trials)
	}
}

// fit fits and checks.
func fit(t *testing.T, m *mixture.Mixture, points []float64, cfg mixture.Config) mixture.Trace {
	t.Helper()
	trace, err := mixture.Fit(context.Background(), m, points, cfg)
	if err != nil {
		t.Fatal(err)
	}
	checkFit(t, m, points, trace)
	return trace
}

func start(t *testing.T, rng *rand.Rand, points []float64, D, K int, cfg mixture.Config) *mixture.Mixture {
	t.Helper()
	m, err := mixture.Start(context.Background(), rng, points, D, K, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// With an offset of 1e8 and units from 1e-3 to 1e3 the fit is that of the points as they
// were before, up to the rounding of the points themselves.
func TestFitAtLargeOffsets(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	const D, K = 4, 3
	g := newGaussians(rng, D, K, 4, 0, 1)
	points := g.points(rng, 500)
	scale, offset := []float64{1, 1e3, 1, 1e-3}, []float64{1e8, -1e11, 0, 1e4}
	moved := make([]float64, len(points))
	for i, v := range points {
		moved[i] = offset[i%D] + scale[i%D]*v
	}
	for i := range points { // what the rounding left
		points[i] = (moved[i] - offset[i%D]) / scale[i%D]
	}
	cfg := mixture.DefaultConfig()
	cfg.Regularization = 0
	assign := mixture.KMeansPlusPlus(rng, points, D, K)
	own := mixture.FromAssignment(points, D, assign, K, 0, 0)
	other := mixture.FromAssignment(moved, D, assign, K, 0, 0)
	a, b := fit(t, own, points, cfg), fit(t, other, moved, cfg)
	if len(a.LogLikelihoods) != len(b.LogLikelihoods) {
		t.Errorf("%d E-steps, moved %d", len(a.LogLikelihoods), len(b.LogLikelihoods))
	}
	for k := range K {
		for i := range D {
			// A mean at the offset has the rounding of a number of that size.
			if got, want := (other.Mean(k)[i]-offset[i])/scale[i], own.Mean(k)[i]; math.Abs(got-want) > 1e-9+2e-16*math.Abs(offset[i])/scale[i] {
				t.Errorf("mean %d of component %d is %v, want %v", i, k, got, want)
			}
			for j := range D {
				if got, want := other.Cov(k)[i*D+j]/scale[i]/scale[j], own.Cov(k)[i*D+j]; math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
					t.Errorf("covariance [%d, %d] of component %d is %v, want %v", i, j, k, got, want)
				}
			}
		}
	}
}

// Units that are powers of two change no bit of the fit.
func TestFitScalesExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const D, K = 3, 3
	points := newGaussians(rng, D, K, 2, 0, 1).points(rng, 300)
	scaled := slices.Clone(points)
	factor := []float64{math.Ldexp(1, 40), 1, math.Ldexp(1, -60)}
	for i := range scaled {
		scaled[i] *= factor[i%D]
	}
	cfg := mixture.DefaultConfig()
	cfg.Regularization, cfg.MaxIterations, cfg.Tolerance = 0, 8, 1e-15 // the stop rule depends on the units
	assign := mixture.KMeansPlusPlus(rng, points, D, K)
	own, other := mixture.FromAssignment(points, D, assign, K, 0, 0), mixture.FromAssignment(scaled, D, assign, K, 0, 0)
	fit(t, own, points, cfg)
	fit(t, other, scaled, cfg)
	for i, v := range own.Means {
		if other.Means[i] != v*factor[i%D] {
			t.Errorf("mean [%d] is %v, want %v", i, other.Means[i], v*factor[i%D])
		}
	}
	for i, v := range own.Covs {
		if want := v * factor[i/D%D] * factor[i%D]; other.Covs[i] != want {
			t.Errorf("covariance [%d] is %v, want %v", i, other.Covs[i], want)
		}
	}
}

// Spreads beyond the regularisation's reach still give positive definite covariances,
// also where a dimension repeats another.
func TestFitOfWildPoints(t *testing.T) {
	for _, scale := range []float64{1e-80, 1, 1e5, 1e10, 1e60, 1e90} {
		rng := rand.New(rand.NewPCG(8, 8))
		g := newGaussians(rng, 3, 3, 3, 0, 1)
		var points []float64
		for x := range slices.Chunk(g.points(rng, 200), 3) {
			points = append(points, scale*x[0], scale*x[1], scale*x[2], scale*x[0], scale*(x[0]+x[1]), 1)
		}
		m := start(t, rng, points, 6, 3, mixture.DefaultConfig())
		fit(t, m, points, mixture.DefaultConfig())
		if _, err := mixture.NewQuery(m); err != nil {
			t.Errorf("scale %g: %v", scale, err)
		}
	}
}

func TestFitRepeats(t *testing.T) {
	run := func() *mixture.Mixture {
		rng := rand.New(rand.NewPCG(9, 9))
		points := newGaussians(rng, 5, 6, 2, 100, 1).points(rng, 400)
		m := start(t, rng, points, 5, 6, mixture.DefaultConfig())
		fit(t, m, points, mixture.DefaultConfig())
		return m
	}
	a, b := run(), run()
	if !slices.Equal(a.Means, b.Means) || !slices.Equal(a.Covs, b.Covs) || !slices.Equal(a.LogWeights, b.LogWeights) {
		t.Error("one seed gave two mixtures")
	}
}

// A warm start goes on from what it is given: fitted again, a fit ends at once.
func TestFitWarmStart(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	points := newGaussians(rng, 4, 3, 4, 0, 1).points(rng, 300)
	m := start(t, rng, points, 4, 3, mixture.DefaultConfig())
	cold := fit(t, m, points, mixture.DefaultConfig())
	warm := fit(t, m, points, mixture.DefaultConfig())
	if n := len(warm.LogLikelihoods); n > 2 {
		t.Errorf("%d E-steps from a fitted mixture", n)
	}
	if a, b := cold.LogLikelihoods[len(cold.LogLikelihoods)-1], warm.LogLikelihoods[0]; b < a-1e-12*math.Abs(a) { // dimensions may be in another order
		t.Errorf("log-likelihood %v after %v", b, a)
	}
}

func TestFitErrors(t *testing.T) {
	ctx := context.Background()
	good := []float64{0, 0, 1, 1, 2, 0, 3, 3}
	indefinite := identity(2, 2)
	copy(indefinite.Cov(1), []float64{1, 2, 2, 1})
	infinite := identity(2, 2)
	infinite.Mean(1)[0] = math.Inf(1)
	noWeight := identity(2, 2)
	noWeight.LogWeights[1] = math.NaN()
	noRegularization := mixture.DefaultConfig()
	noRegularization.Regularization = 0
	for _, c := range []struct {
		name   string
		m      *mixture.Mixture
		points []float64
		cfg    mixture.Config
		want   error
		says   []string
	}{
		{"NaN", identity(1, 2), []float64{0, 0, 1, math.NaN()}, mixture.DefaultConfig(), mixture.ErrBadPoints, []string{"point 1", "dimension 1", "NaN"}},
		{"infinite", identity(1, 2), []float64{0, math.Inf(-1), 1, 0}, mixture.DefaultConfig(), mixture.ErrBadPoints, []string{"point 0", "dimension 1", "-Inf"}},
		{"one point", identity(1, 2), good[:2], mixture.DefaultConfig(), mixture.ErrBadPoints, []string{"at least 2", "got 1"}},
		{"no points", identity(1, 2), nil, mixture.DefaultConfig(), mixture.ErrBadPoints, []string{"got 0"}},
		{"too far apart", identity(1, 2), []float64{0, 0, 1e200, 0}, mixture.DefaultConfig(), mixture.ErrBadPoints, []string{"dimension 0", "units"}},
		{"no covariance", mixture.New(2, 2), good, mixture.DefaultConfig(), mixture.ErrDegenerate, []string{"component 0 of 2", "condition number", "regularization"}},
		{"indefinite", indefinite, good, mixture.DefaultConfig(), mixture.ErrDegenerate, []string{"component 1 of 2", "condition number"}},
		{"infinite mean", infinite, good, mixture.DefaultConfig(), mixture.ErrDegenerate, []string{"component 1 of 2", "mean"}},
		{"NaN weight", noWeight, good, mixture.DefaultConfig(), mixture.ErrDegenerate, []string{"component 1 of 2", "weight"}},
		{"points on a line", identity(1, 2), []float64{0, 0, 1, 1, 2, 2, 3, 3}, noRegularization, mixture.ErrDegenerate, []string{"component 0 of 1", "condition number", "raise the regularization"}},
		{"constant dimension", identity(1, 2), []float64{0, 7, 1, 7, 2, 7, 5, 7}, noRegularization, mixture.ErrDegenerate, []string{"component 0 of 1", "condition number", "raise the regularization"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := c.m.Clone()
			_, err := mixture.Fit(ctx, c.m, c.points, c.cfg)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			for _, s := range c.says {
				if !strings.Contains(err.Error(), s) {
					t.Errorf("%q does not say %q", err, s)
				}
			}
			if !slices.Equal(before.Means, c.m.Means) && c.name != "infinite mean" || !slices.Equal(before.Covs, c.m.Covs) {
				t.Error("the mixture was changed")
			}
		})
	}
	// With regularisation, singular data are fitted.
	for _, points := range [][]float64{{0, 0, 1, 1, 2, 2, 3, 3}, {0, 7, 1, 7, 2, 7, 5, 7}, {4, 7, 4, 7, 4, 7}, {1, 2, 1, 2}} {
		fit(t, identity(3, 2), points, mixture.DefaultConfig())
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := mixture.Fit(cancelled, identity(1, 2), good, mixture.DefaultConfig()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestConfigValidate(t *testing.T) {
	for name, change := range map[string]func(*mixture.Config){
		"method":         func(c *mixture.Config) { c.Method = "kmeans" },
		"starts":         func(c *mixture.Config) { c.Starts = 0 },
		"max iterations": func(c *mixture.Config) { c.MaxIterations = 0 },
		"tolerance":      func(c *mixture.Config) { c.Tolerance = math.NaN() },
		"regularization": func(c *mixture.Config) { c.Regularization = math.Inf(1) },
		"min weight":     func(c *mixture.Config) { c.MinWeight = 1 },
		"max revivals":   func(c *mixture.Config) { c.MaxRevivals = -2 },
		"workers":        func(c *mixture.Config) { c.Workers = -1 },
	} {
		cfg := mixture.DefaultConfig()
		change(&cfg)
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := mixture.Fit(context.Background(), identity(1, 1), []float64{0, 1}, cfg); err == nil {
			t.Errorf("Fit took a wrong %s", name)
		}
		if _, err := mixture.Start(context.Background(), rand.New(rand.NewPCG(1, 1)), []float64{0, 1}, 1, 1, cfg); err == nil {
			t.Errorf("Start took a wrong %s", name)
		}
	}
}

func identity(K, D int) *mixture.Mixture {
	m := mixture.New(K, D)
	for k := range K {
		for i := range D {
			m.Cov(k)[i*D+i] = 1
		}
	}
	return m
}

func exp(a []float64) []float64 {
	b := make([]float64, len(a))
	for i, v := range a {
		b[i] = math.Exp(v)
	}
	return b
}
