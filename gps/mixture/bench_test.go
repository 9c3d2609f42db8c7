package mixture_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/mixture"
)

// large returns 1980 transitions of an arm, D=59, for 20 components.
func large() dataSet {
	a := newArm(7, 3)
	return dataSet{D: 59, K: 20, Train: a.transitions(rand.New(rand.NewPCG(1, 1)), 33, 60)}
}

// small returns 2000 transitions of an arm of two joints, D=18, for 20 components.
func small() dataSet {
	a := newArm(2, 1)
	return dataSet{D: 18, K: 20, Train: a.transitions(rand.New(rand.NewPCG(1, 1)), 20, 100)}
}

// on runs a benchmark on one processor and on all.
func on(b *testing.B, run func(b *testing.B, cfg mixture.Config)) {
	for _, workers := range []int{1, 0} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			cfg := mixture.DefaultConfig()
			cfg.Starts, cfg.Workers = 1, workers
			b.ReportAllocs()
			run(b, cfg)
		})
	}
}

func fitted(b *testing.B, m *mixture.Mixture, d dataSet, cfg mixture.Config) mixture.Trace {
	trace, err := mixture.Fit(context.Background(), m, d.Train, cfg)
	if err != nil {
		b.Fatal(err)
	}
	return trace
}

func started(b *testing.B, d dataSet, cfg mixture.Config) *mixture.Mixture {
	m, err := mixture.Start(context.Background(), rand.New(rand.NewPCG(1, 1)), d.Train, d.D, d.K, cfg)
	if err != nil {
		b.Fatal(err)
	}
	return m
}

// Twenty EM iterations from a start.
func BenchmarkFit(b *testing.B) {
	on(b, func(b *testing.B, cfg mixture.Config) {
		d, iterations := large(), 0
		first := started(b, d, cfg)
		cfg.MaxIterations, cfg.Tolerance = 20, 1e-300
		for b.Loop() {
			iterations += len(fitted(b, first.Clone(), d, cfg).LogLikelihoods)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(iterations), "ns/iteration")
	})
}

// A start on the points that it was fitted to.
func BenchmarkFitWarm(b *testing.B) {
	on(b, func(b *testing.B, cfg mixture.Config) {
		d := large()
		m := started(b, d, cfg)
		fitted(b, m, d, cfg)
		for b.Loop() {
			fitted(b, m.Clone(), d, cfg)
		}
	})
}

// A start and a fit, as of the first prior of a dynamics fit.
func BenchmarkFitCold(b *testing.B) {
	for name, d := range map[string]dataSet{"D=59": large(), "D=18": small()} {
		b.Run(name, func(b *testing.B) {
			on(b, func(b *testing.B, cfg mixture.Config) {
				for b.Loop() {
					fitted(b, started(b, d, cfg), d, cfg)
				}
			})
		})
	}
}

func BenchmarkStart(b *testing.B) {
	d := large()
	for _, starts := range []int{1, 3} {
		b.Run(fmt.Sprintf("starts=%d", starts), func(b *testing.B) {
			on(b, func(b *testing.B, cfg mixture.Config) {
				cfg.Starts = starts
				for b.Loop() {
					started(b, d, cfg)
				}
			})
		})
	}
}

// The prior of 100 time steps with 20 points each.
func BenchmarkPrior(b *testing.B) {
	d := large()
	m := started(b, d, mixture.DefaultConfig())
	fitted(b, m, d, mixture.DefaultConfig())
	q, err := mixture.NewQuery(m)
	if err != nil {
		b.Fatal(err)
	}
	var steps [100][]float64
	for n := range 2000 {
		from := (n % (len(d.Train) / d.D)) * d.D
		steps[n%60] = append(steps[n%60], d.Train[from:from+d.D]...)
	}
	var p mixture.Prior
	b.ReportAllocs()
	for b.Loop() {
		for t := range steps {
			if err := q.Prior(&p, steps[t%60][:20*d.D]); err != nil {
				b.Fatal(err)
			}
		}
	}
}
