package mixture_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/mixture"
)

// large returns 1980 transitions of an arm, D=59, for 20 components.
func large() dataSet {
	a := newArm(7, 3)
	return dataSet{D: 59, K: 20, Train: a.transitions(rand.New(rand.NewPCG(1, 1)), 33, 60)}
}

// Five EM iterations from a start.
func BenchmarkFit(b *testing.B) {
	d := large()
	first := mixture.FromAssignment(d.Train, d.D, mixture.KMeansPlusPlus(rand.New(rand.NewPCG(1, 1)), d.Train, d.D, d.K), d.K, 1e-6, 0)
	cfg := mixture.DefaultConfig()
	cfg.MaxIterations, cfg.Tolerance = 5, 1e-12
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mixture.Fit(context.Background(), first.Clone(), d.Train, cfg); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/5, "ms/iteration")
}

// A warm start on the points it was fitted to.
func BenchmarkFitWarm(b *testing.B) {
	d := large()
	m := mixture.FromAssignment(d.Train, d.D, mixture.KMeansPlusPlus(rand.New(rand.NewPCG(1, 1)), d.Train, d.D, d.K), d.K, 1e-6, 0)
	if _, err := mixture.Fit(context.Background(), m, d.Train, mixture.DefaultConfig()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mixture.Fit(context.Background(), m.Clone(), d.Train, mixture.DefaultConfig()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	d := large()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := mixture.Start(context.Background(), rand.New(rand.NewPCG(1, 1)), d.Train, d.D, d.K, mixture.DefaultConfig()); err != nil {
			b.Fatal(err)
		}
	}
}
