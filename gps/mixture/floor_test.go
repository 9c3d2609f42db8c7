package mixture_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/mixture"
)

// floorCases are data sets whose dimensions fill no, one and several panels of the
// kernels, and whose points fill no, one and several blocks.
func floorCases() []dataSet {
	var cases []dataSet
	for i, c := range []struct{ D, K, N int }{{1, 3, 40}, {7, 4, 128}, {8, 5, 129}, {25, 3, 300}, {50, 6, 400}} {
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		g := newGaussians(rng, c.D, c.K, 1.5, 10, 1)
		if c.D == 1 {
			g.scales[0] = 1
		}
		cases = append(cases, dataSet{fmt.Sprintf("D=%d", c.D), c.D, c.K, g.points(rng, c.N), g.points(rng, 50)})
	}
	arm := large()
	arm.Name, arm.Train, arm.Held = "arm", arm.Train[:700*59], arm.Train[700*59:760*59]
	arm.K = 8
	return append(cases, arm)
}

// outcome is all that a start, a fit and queries of it give.
func outcome(t *testing.T, d dataSet, cfg mixture.Config) [][]float64 {
	t.Helper()
	ctx := context.Background()
	m, err := mixture.Start(ctx, rand.New(rand.NewPCG(1, 1)), d.Train, d.D, d.K, cfg)
	if err != nil {
		t.Fatal(err)
	}
	begun := m.Clone()
	trace, err := mixture.Fit(ctx, m, d.Train, cfg)
	if err != nil {
		t.Fatal(err)
	}
	q, err := mixture.NewQuery(m)
	if err != nil {
		t.Fatal(err)
	}
	var p mixture.Prior
	if err := q.Prior(&p, d.Held); err != nil {
		t.Fatal(err)
	}
	joint := make([]float64, len(d.Held)/d.D*d.K)
	if err := m.LogJoint(joint, d.Held); err != nil {
		t.Fatal(err)
	}
	return [][]float64{begun.Means, begun.Covs, m.Means, m.Covs, m.LogWeights, trace.LogLikelihoods, p.Mean, p.Cov, joint, q.Weights(d.Held)}
}

func same(a, b [][]float64) bool {
	return slices.EqualFunc(a, b, func(x, y []float64) bool { return slices.Equal(x, y) })
}

// Every path that has fused multiply-adds gives the same bits, and plain all but rounding.
func TestKernelPathsGiveOneMixture(t *testing.T) {
	cfg := mixture.DefaultConfig()
	cfg.MaxIterations, cfg.Starts = 6, 2
	for _, d := range floorCases() {
		t.Run(d.Name, func(t *testing.T) {
			var want [][]float64
			for _, path := range kernel.Available() {
				before, err := kernel.Use(path)
				if err != nil {
					t.Fatal(err)
				}
				got := outcome(t, d, cfg)
				if _, err := kernel.Use(before); err != nil {
					t.Fatal(err)
				}
				switch {
				case path == kernel.Plain:
					last := len(got[5]) - 1
					if want != nil && math.Abs(got[5][last]-want[5][last]) > 1e-6*math.Abs(want[5][last]) {
						t.Errorf("%s: log-likelihood %v, want %v", path, got[5][last], want[5][last])
					}
				case want == nil:
					want = got
				case !same(got, want):
					t.Errorf("%s gives another mixture", path)
				}
			}
		})
	}
}

// Any number of workers gives the same bits.
func TestKernelWorkersGiveOneMixture(t *testing.T) {
	cfg := mixture.DefaultConfig()
	cfg.MaxIterations, cfg.Starts = 6, 2
	for _, d := range floorCases() {
		cfg.Workers = 1
		want := outcome(t, d, cfg)
		for _, workers := range []int{0, 2, 3, 5} {
			cfg.Workers = workers
			if !same(outcome(t, d, cfg), want) {
				t.Errorf("%s: %d workers give another mixture", d.Name, workers)
			}
		}
	}
}

// denseEM is expectation maximisation as in a textbook: all responsibilities, no pruning.
type denseEM struct {
	D, K                int
	weights, means, cov []float64
}

// choleskyOf returns the lower Cholesky factor of a, D x D, in place.
func choleskyOf(a []float64, D int) []float64 {
	for j := range D {
		for i := j; i < D; i++ {
			for k := range j {
				a[i*D+j] -= a[i*D+k] * a[j*D+k]
			}
			if i == j {
				a[j*D+j] = math.Sqrt(a[j*D+j])
			} else {
				a[i*D+j] /= a[j*D+j]
			}
		}
	}
	return a
}

func (e *denseEM) logJointOf(k int, x, l []float64) float64 {
	D := e.D
	z := make([]float64, D)
	sum := math.Log(e.weights[k]) - 0.5*float64(D)*math.Log(2*math.Pi)
	for i := range D {
		z[i] = x[i] - e.means[k*D+i]
		for j := range i {
			z[i] -= l[i*D+j] * z[j]
		}
		z[i] /= l[i*D+i]
		sum -= 0.5*z[i]*z[i] + math.Log(l[i*D+i])
	}
	return sum
}

// step does an E- and an M-step and returns the log-likelihood before.
func (e *denseEM) step(points []float64, regularization float64) (logLikelihood float64) {
	D, K, N := e.D, e.K, len(points)/e.D
	r := make([]float64, N*K)
	for k := range K {
		l := choleskyOf(slices.Clone(e.cov[k*D*D:(k+1)*D*D]), D)
		for n := range N {
			r[n*K+k] = e.logJointOf(k, points[n*D:(n+1)*D], l)
		}
	}
	for n := range N {
		row, sum := r[n*K:(n+1)*K], 0.0
		top := slices.Max(row)
		for k := range row {
			row[k] = math.Exp(row[k] - top)
			sum += row[k]
		}
		for k := range row {
			row[k] /= sum
		}
		logLikelihood += top + math.Log(sum)
	}
	for k := range K {
		mass, mean, cov := 0.0, e.means[k*D:(k+1)*D], e.cov[k*D*D:(k+1)*D*D]
		clear(mean)
		clear(cov)
		for n := range N {
			mass += r[n*K+k]
			for i := range D {
				mean[i] += r[n*K+k] * points[n*D+i]
			}
		}
		for i := range D {
			mean[i] /= mass
		}
		for n := range N {
			if w := r[n*K+k] / mass; w > 0 {
				for i := range D {
					v := w * (points[n*D+i] - mean[i])
					for j := range D {
						cov[i*D+j] += v * (points[n*D+j] - mean[j])
					}
				}
			}
		}
		for i := range D {
			cov[i*D+i] += regularization
		}
		e.weights[k] = mass / float64(N)
	}
	return logLikelihood
}

// From one start, every log-likelihood is that of expectation maximisation without
// pruning, step by step; and the fit with its guarded steps ends no lower.
func TestFitAgainstDenseEM(t *testing.T) {
	for _, d := range floorCases() {
		t.Run(d.Name, func(t *testing.T) {
			cfg := mixture.DefaultConfig()
			cfg.Starts, cfg.MaxIterations, cfg.Tolerance, cfg.MinWeight = 1, 8, 1e-300, 0
			m := start(t, rand.New(rand.NewPCG(1, 1)), d.Train, d.D, d.K, cfg)
			plain := denseEM{d.D, d.K, exp(m.LogWeights), slices.Clone(m.Means), slices.Clone(m.Covs)}
			trace := fit(t, m, d.Train, cfg)
			for i, l := range trace.LogLikelihoods {
				if want := plain.step(d.Train, cfg.Regularization); l < want-1e-9*math.Abs(want) {
					t.Errorf("E-step %d: log-likelihood %.12g, dense %.12g", i, l, want)
				}
			}
		})
	}
}

// Log densities and responsibilities are those of the definition, with pruning by stages
// and without, at any distance from the origin.
func TestDensitiesAgainstDefinition(t *testing.T) {
	for _, d := range floorCases() {
		for _, offset := range []float64{0, 1e5} {
			for i := range d.Train {
				d.Train[i] += offset
			}
			for i := range d.Held {
				d.Held[i] += offset
			}
			cfg := mixture.DefaultConfig()
			cfg.Starts, cfg.MaxIterations = 1, 3
			m := start(t, rand.New(rand.NewPCG(1, 1)), d.Train, d.D, d.K, cfg)
			if _, err := mixture.Fit(context.Background(), m, d.Train, cfg); err != nil {
				t.Fatal(err)
			}
			plain := denseEM{d.D, d.K, exp(m.LogWeights), m.Means, m.Covs}
			points := append(slices.Clone(d.Train), d.Held...)
			N := len(points) / d.D
			joint := make([]float64, N*d.K)
			if err := m.LogJoint(joint, points); err != nil {
				t.Fatal(err)
			}
			q, err := mixture.NewQuery(m)
			if err != nil {
				t.Fatal(err)
			}
			for k := range d.K {
				l := choleskyOf(slices.Clone(m.Cov(k)), d.D)
				for n := range N {
					want := plain.logJointOf(k, points[n*d.D:(n+1)*d.D], l)
					if got := joint[n*d.K+k]; math.Abs(got-want) > 1e-7*(1+math.Abs(want)) {
						t.Fatalf("%s, offset %g: log density of point %d under component %d is %v, want %v", d.Name, offset, n, k, got, want)
					}
				}
			}
			for n := range N {
				weights, row := q.Weights(points[n*d.D:(n+1)*d.D]), joint[n*d.K:(n+1)*d.K]
				top, sum := slices.Max(row), 0.0
				for _, v := range row {
					sum += math.Exp(v - top)
				}
				for k, v := range row {
					if want := math.Exp(v-top) / sum; math.Abs(weights[k]-want) > 1e-9 {
						t.Fatalf("%s, offset %g: responsibility of component %d for point %d is %v, want %v", d.Name, offset, k, n, weights[k], want)
					}
				}
			}
		}
	}
}

// Iterations allocate nothing.
func TestIterationsAllocateNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const D, K = 10, 4
	points := newGaussians(rng, D, K, 0.3, 0, 1).points(rng, 600)
	cfg := mixture.DefaultConfig()
	cfg.Starts, cfg.Tolerance, cfg.Regularization = 1, 1e-300, 0
	first := start(t, rng, points, D, K, cfg)
	for _, workers := range []int{1, 2} {
		cfg.Workers = workers
		allocations := func(iterations int) float64 {
			cfg.MaxIterations = iterations
			return testing.AllocsPerRun(5, func() {
				if trace, err := mixture.Fit(context.Background(), first.Clone(), points, cfg); err != nil || len(trace.LogLikelihoods) != iterations {
					t.Fatalf("%d E-steps, %v", len(trace.LogLikelihoods), err)
				}
			})
		}
		// The runtime itself allocates now and then; one of each iteration would be 15 more.
		if few, many := allocations(5), allocations(20); many > few+5 {
			t.Errorf("%d workers: %v allocations in 5 iterations, %v in 20", workers, few, many)
		}
	}
}

// Forks answer at the same time what one query answers alone.
func TestForksAnswerTogether(t *testing.T) {
	d := floorCases()[5]
	cfg := mixture.DefaultConfig()
	cfg.Starts = 1
	m := start(t, rand.New(rand.NewPCG(1, 1)), d.Train, d.D, d.K, cfg)
	fit(t, m, d.Train, cfg)
	q, err := mixture.NewQuery(m)
	if err != nil {
		t.Fatal(err)
	}
	size := 10 * d.D
	answers := func(q *mixture.Query) [][]float64 {
		var out [][]float64
		for from := 0; from+size <= len(d.Train); from += size {
			var p mixture.Prior
			if err := q.Prior(&p, d.Train[from:from+size]); err != nil {
				t.Error(err)
			}
			out = append(out, p.Mean, p.Cov, slices.Clone(q.Weights(d.Train[from:from+size])))
		}
		return out
	}
	want := answers(q)
	var wait sync.WaitGroup
	for range 4 {
		wait.Add(1)
		go func(q *mixture.Query) {
			defer wait.Done()
			if !same(answers(q), want) {
				t.Error("a fork answers otherwise")
			}
		}(q.Fork())
	}
	wait.Wait()
}
