package trajopt_test

import (
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/trajopt"
)

// T=100, dX=26, dU=7: a whole search; the passes it takes are reported beside the time.
func BenchmarkUpdate(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 8))
	p := randomProblem(rng, 100, 26, 7, false)
	o, err := trajopt.New(trajopt.DefaultConfig(), 100, 26, 7)
	if err != nil {
		b.Fatal(err)
	}
	passes := 0
	for b.Loop() {
		r, err := o.Update(p, 20, 1)
		if err != nil {
			b.Fatal(err)
		}
		passes = r.Passes
	}
	b.ReportMetric(float64(passes), "passes")
}

func BenchmarkUpdatePerStep(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 8))
	p := randomProblem(rng, 100, 26, 7, false)
	o, err := trajopt.New(trajopt.DefaultConfig(), 100, 26, 7)
	if err != nil {
		b.Fatal(err)
	}
	e, h := make([]float64, 100), make([]float64, 100)
	for i := range e {
		e[i], h[i] = 0.2, 1
	}
	passes := 0
	for b.Loop() {
		r, err := o.UpdatePerStep(p, e, h)
		if err != nil {
			b.Fatal(err)
		}
		passes = r.Passes
	}
	b.ReportMetric(float64(passes), "passes")
}
