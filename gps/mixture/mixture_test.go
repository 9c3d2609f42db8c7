package mixture_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/mixture"
)

func exp(a []float64) []float64 {
	b := make([]float64, len(a))
	for i, v := range a {
		b[i] = math.Exp(v)
	}
	return b
}

// clusters draws n points around each of the given centres.
func clusters(rng *rand.Rand, centers [][]float64, n int, spread, offset float64) []float64 {
	var points []float64
	for range n {
		for _, c := range centers {
			for _, v := range c {
				points = append(points, offset+v+spread*rng.NormFloat64())
			}
		}
	}
	return points
}

func fit(t *testing.T, rng *rand.Rand, points []float64, D, K int) (*mixture.Mixture, mixture.Trace) {
	t.Helper()
	m := mixture.FromAssignment(points, D, mixture.KMeansPlusPlus(rng, points, D, K), K, 1e-6, 0)
	trace, err := mixture.Fit(context.Background(), m, points, mixture.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	return m, trace
}

func TestFitRecoversClusters(t *testing.T) {
	centers := [][]float64{{0, 0, 0}, {5, 0, 1}, {0, 7, -3}}
	// At an offset of 1e6 a difference of raw moments would lose all digits.
	for _, offset := range []float64{0, 1e6} {
		rng := rand.New(rand.NewPCG(1, 1))
		points := clusters(rng, centers, 300, 0.3, offset)
		m, trace := fit(t, rng, points, 3, 3)
		for i := 1; i < len(trace.LogLikelihoods); i++ {
			if a, b := trace.LogLikelihoods[i-1], trace.LogLikelihoods[i]; b < a-1e-9*math.Abs(a) && !slices.Contains(trace.Revivals, i-1) {
				t.Errorf("offset %g: log-likelihood fell from %v to %v at step %d", offset, a, b, i)
			}
		}
		for _, c := range centers {
			near := slices.ContainsFunc(slices.Collect(slices.Chunk(m.Means, 3)), func(mean []float64) bool {
				for i := range mean {
					if math.Abs(mean[i]-offset-c[i]) > 0.1 {
						return false
					}
				}
				return true
			})
			if !near {
				t.Errorf("offset %g: no component near %v: %v", offset, c, m.Means)
			}
		}
		for k := range 3 {
			for i := range 3 {
				if v := m.Cov(k)[i*3+i]; v < 0.06 || v > 0.12 {
					t.Errorf("offset %g: variance %g, want about 0.09", offset, v)
				}
			}
		}
	}
}

// A component that starts far away must come back to life with a weight of its own.
func TestFitRevivesDeadComponent(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	points := clusters(rng, [][]float64{{0, 0}, {10, 0}, {0, 10}}, 100, 0.5, 0)
	start := mixture.New(3, 2)
	copy(start.Means, []float64{0, 0, 10, 0, 1e4, 1e4})
	for k := range 3 {
		start.Cov(k)[0], start.Cov(k)[3] = 1, 1
	}
	trace, err := mixture.Fit(context.Background(), start, points, mixture.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if len(trace.Revivals) == 0 {
		t.Error("no revival")
	}
	for k, l := range start.LogWeights {
		if w := math.Exp(l); w < 0.25 || w > 0.42 {
			t.Errorf("component %d has weight %g, want about 1/3", k, w)
		}
	}
}

// The stop rule must hold for negative log-likelihoods too.
func TestFitStopsOnNegativeLogLikelihood(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	points := clusters(rng, [][]float64{{0, 0}, {100, 0}}, 200, 10, 0)
	_, trace := fit(t, rng, points, 2, 2)
	last := trace.LogLikelihoods[len(trace.LogLikelihoods)-1]
	if last >= 0 || len(trace.LogLikelihoods) == 100 {
		t.Errorf("%d steps, log-likelihood %g: want fewer than 100 and a negative one", len(trace.LogLikelihoods), last)
	}
}

func TestFitEdgeCases(t *testing.T) {
	ctx := context.Background()
	nan := []float64{0, 0, 1, math.NaN()}
	if _, err := mixture.Fit(ctx, identity(1, 2), nan, mixture.DefaultConfig()); !errors.Is(err, mixture.ErrBadPoints) {
		t.Errorf("NaN: %v, want ErrBadPoints", err)
	}
	if _, err := mixture.Fit(ctx, identity(1, 2), nan[:2], mixture.DefaultConfig()); !errors.Is(err, mixture.ErrBadPoints) {
		t.Errorf("one point: %v, want ErrBadPoints", err)
	}
	if _, err := mixture.Fit(ctx, mixture.New(1, 2), []float64{0, 0, 1, 1}, mixture.DefaultConfig()); !errors.Is(err, mixture.ErrDegenerate) {
		t.Errorf("zero covariance: %v, want ErrDegenerate", err)
	}
	// More components than distinct points, and constant dimensions.
	same := slices.Repeat([]float64{1, 2, 3}, 10)
	rng := rand.New(rand.NewPCG(4, 4))
	m := mixture.FromAssignment(same, 3, mixture.KMeansPlusPlus(rng, same, 3, 4), 4, 1e-6, 0)
	if _, err := mixture.Fit(ctx, m, same, mixture.DefaultConfig()); err != nil {
		t.Fatal(err)
	}
	for _, v := range slices.Concat(m.Means, m.Covs, exp(m.LogWeights)) {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Fatalf("fit of equal points holds %v", v)
		}
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := mixture.Fit(cancelled, identity(1, 2), []float64{0, 0, 1, 1}, mixture.DefaultConfig()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
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
