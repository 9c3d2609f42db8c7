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

var methods = []mixture.Method{mixture.KMeans, mixture.ScaledKMeans, mixture.Random}

// Clusters far apart are found from every k-means start, at any offset; and a random
// start, whose centres may share a cluster, gives a fit that lacks none of its properties.
func TestStartFindsClusters(t *testing.T) {
	for _, offset := range []float64{0, 1e8} {
		for seed := range uint64(10) {
			rng := rand.New(rand.NewPCG(seed, 1))
			const D, K, N = 4, 5, 250
			g := newGaussians(rng, D, K, 40, offset, 1)
			points := g.points(rng, N)
			for _, method := range methods {
				cfg := mixture.DefaultConfig()
				cfg.Method = method
				m := start(t, rng, points, D, K, cfg)
				if m.K != K || m.D != D || m.FitCount != N {
					t.Fatalf("mixture of %d components in %d dimensions for %d points", m.K, m.D, m.FitCount)
				}
				fit(t, m, points, cfg)
				if method == mixture.Random {
					continue
				}
				for k := range K {
					if !slices.ContainsFunc(slices.Collect(slices.Chunk(m.Means, D)), func(mean []float64) bool {
						d := 0.0
						for i, v := range mean {
							d = math.Max(d, math.Abs(v-offset-g.means[k*D+i]))
						}
						return d < 2
					}) {
						t.Errorf("%s, offset %g, seed %d: no component near cluster %d", method, offset, seed, k)
					}
				}
			}
		}
	}
}

// Scaled k-means finds clusters that are apart in a dimension with small numbers, where
// another has large numbers without clusters.
func TestScaledKMeansSeesSmallDimensions(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var points []float64
	for n := range 300 {
		points = append(points, float64(n%2)+0.02*rng.NormFloat64(), 100*rng.NormFloat64())
	}
	apart := func(method mixture.Method) float64 {
		cfg := mixture.DefaultConfig()
		cfg.Method = method
		m := start(t, rng, points, 2, 2, cfg)
		return math.Abs(m.Mean(0)[0] - m.Mean(1)[0])
	}
	if d := apart(mixture.ScaledKMeans); d < 0.9 {
		t.Errorf("scaled k-means: centres %g apart, want 1", d)
	}
	if d := apart(mixture.KMeans); d > 0.5 {
		t.Errorf("k-means: centres %g apart: the test tests nothing", d)
	}
}

// More starts give better fits of overlapping clusters, on points held out too.
func TestMoreStartsFitBetter(t *testing.T) {
	held := func(starts int) float64 {
		sum := 0.0
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, 3))
			g := newGaussians(rng, 3, 6, 3, 0, 1)
			points := g.points(rng, 400)
			cfg := mixture.DefaultConfig()
			cfg.Starts = starts
			m := start(t, rng, points, 3, 6, cfg)
			fit(t, m, points, cfg)
			sum += perPoint(t, m, g.points(rng, 2000)) / 12
		}
		return sum
	}
	one, eight := held(1), held(8)
	t.Logf("one start %.4f, eight %.4f", one, eight)
	if eight <= one {
		t.Errorf("log-likelihood held out %.4f from one start, %.4f from eight", one, eight)
	}
}

func TestStartErrors(t *testing.T) {
	good := []float64{0, 0, 1, 1, 2, 0, 3, 3}
	for _, c := range []struct {
		name   string
		points []float64
		K      int
		says   string
	}{
		{"more components than points", good, 5, "4 points for 5 components"},
		{"no component", good, 0, "0 components"},
		{"NaN", []float64{0, 0, 1, math.NaN()}, 1, "point 1"},
		{"one point", good[:2], 1, "at least 2"},
		{"too far apart", []float64{0, -1e300, 1, 1e300}, 1, "units"},
	} {
		_, err := mixture.Start(context.Background(), rand.New(rand.NewPCG(1, 1)), c.points, 2, c.K, mixture.DefaultConfig())
		if !errors.Is(err, mixture.ErrBadPoints) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := mixture.Start(cancelled, rand.New(rand.NewPCG(1, 1)), good, 2, 2, mixture.DefaultConfig()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	// As many components as points, and equal points.
	for _, method := range methods {
		cfg := mixture.DefaultConfig()
		cfg.Method = method
		rng := rand.New(rand.NewPCG(1, 1))
		for _, points := range [][]float64{good, {1, 2, 1, 2, 1, 2, 1, 2}} {
			m := start(t, rng, points, 2, 4, cfg)
			fit(t, m, points, cfg)
		}
	}
}

func TestWrongShapesPanic(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for name, f := range map[string]func(){
		"fit": func() {
			_, _ = mixture.Fit(context.Background(), identity(1, 2), make([]float64, 5), mixture.DefaultConfig())
		},
		"mixture": func() { _, _ = mixture.NewQuery(&mixture.Mixture{K: 2, D: 2, Means: make([]float64, 3)}) },
		"start": func() {
			_, _ = mixture.Start(context.Background(), rng, make([]float64, 5), 2, 1, mixture.DefaultConfig())
		},
		"k-means":    func() { mixture.KMeansPlusPlus(rng, make([]float64, 5), 2, 1) },
		"assignment": func() { mixture.FromAssignment(make([]float64, 4), 2, make([]int, 3), 1, 0, 0) },
		"joint":      func() { _ = identity(2, 2).LogJoint(make([]float64, 3), make([]float64, 4)) },
		"likelihood": func() { _, _ = identity(2, 2).LogLikelihood(make([]float64, 3)) },
		"new":        func() { mixture.New(0, 2) },
		"weights": func() {
			q, err := mixture.NewQuery(identity(1, 2))
			if err == nil {
				q.Weights(make([]float64, 3))
			}
		},
	} {
		func() {
			defer func() {
				if s, ok := recover().(string); !ok || !strings.HasPrefix(s, "mixture: ") {
					t.Errorf("%s: recovered %q", name, s)
				}
			}()
			f()
		}()
	}
}
