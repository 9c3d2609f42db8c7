package main

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// run measures works of one kind: every one of the table, and those that show how cost grows,
// each by its implementations in Go. With -short only what a quick run has.
func run(b *testing.B, kind string) {
	seen := map[string]bool{}
	measure := func(w *work, only string) {
		if w.Kind != kind || seen[w.Name()] {
			return
		}
		seen[w.Name()] = true
		b.Run(w.Key, func(b *testing.B) {
			in, err := w.Make()
			if err != nil {
				b.Fatal(err)
			}
			defer in.close()
			for _, d := range in.Done {
				if only != "" && d.Of != only || d.Slow && testing.Short() {
					continue
				}
				b.Run("of="+d.Of, func(b *testing.B) {
					if err := d.Run(); err != nil {
						b.Fatal(err)
					}
					b.ReportAllocs()
					used, least := processorTime(), time.Duration(math.MaxInt64)
					for b.Loop() {
						began := time.Now()
						if err := d.Run(); err != nil {
							b.Fatal(err)
						}
						least = min(least, time.Since(began))
					}
					b.ReportMetric(float64(processorTime()-used)/float64(b.N), "cpu-ns/op")
					b.ReportMetric(float64(least), "best-ns/op")
				})
			}
		})
	}
	for _, w := range works() {
		if w.Short || !testing.Short() {
			measure(w, "")
		}
	}
	if testing.Short() {
		return
	}
	for _, s := range scalings() {
		for _, w := range s.Works {
			measure(w, ours)
		}
	}
}

func BenchmarkBackward(b *testing.B)  { run(b, "Backward") }
func BenchmarkForward(b *testing.B)   { run(b, "Forward") }
func BenchmarkUpdate(b *testing.B)    { run(b, "Update") }
func BenchmarkFit(b *testing.B)       { run(b, "Fit") }
func BenchmarkEM(b *testing.B)        { run(b, "EM") }
func BenchmarkTraining(b *testing.B)  { run(b, "Training") }
func BenchmarkInference(b *testing.B) { run(b, "Inference") }
func BenchmarkExpansion(b *testing.B) { run(b, "Expansion") }
func BenchmarkIteration(b *testing.B) { run(b, "Iteration") }

// What is compared computes the same.
func TestImplementationsAgree(t *testing.T) {
	for _, w := range []*work{backwardWork(size{10, 7, 2}), backwardWork(size{20, 26, 7}), forwardWork(size{10, 7, 2}), forwardWork(size{20, 26, 7}),
		updateWork(size{10, 7, 2}), updateWork(size{100, 14, 7}), taskUpdateWork("arm", ""), taskUpdateWork("large", ""), fitWork(size{10, 7, 2}, 5, 1), fitWork(size{10, 26, 7}, 20, 1), emWork(300, 3, 1)} {
		t.Run(w.Name(), func(t *testing.T) {
			in, err := w.Make()
			if err != nil {
				t.Fatal(err)
			}
			defer in.close()
			if _, err := in.check(false); err != nil {
				t.Error(err)
			}
		})
	}
}

// Tables tell works apart by their names, and benchstat reads keys and values.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	defer func() {
		for name := range parts {
			if !seen[name] {
				t.Errorf("no work is named %s, of which the reference's time is known", name)
			}
		}
	}()
	for _, w := range works() {
		if seen[w.Name()] {
			t.Errorf("two works are named %s", w.Name())
		}
		seen[w.Name()] = true
		for _, part := range strings.Split(w.Key, "/") {
			if strings.Count(part, "=") != 1 {
				t.Errorf("%s: %q is no key=value", w.Name(), part)
			}
		}
	}
}

func TestDiffer(t *testing.T) {
	want := []array{{Name: "a", Data: []float64{1, -10}, Tolerance: 0.01}, {Name: "b", Data: []float64{0}, Tolerance: 0.01}}
	if d, err := differ([]float64{1.05, -10, 0}, want); err != nil || math.Abs(d-0.005) > 1e-12 {
		t.Errorf("got %v, %v, want 0.005 of the largest number", d, err)
	}
	for name, got := range map[string][]float64{"far": {1.2, -10, 0}, "short": {1, -10}, "long": {1, -10, 0, 0}, "NaN": {math.NaN(), -10, 0}, "not zero": {1, -10, 1e-9}} {
		if _, err := differ(got, want); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestExponent(t *testing.T) {
	at, cost := []int{10, 20, 40, 80}, make([]float64, 4)
	for i, v := range at {
		cost[i] = 3e-7 * math.Pow(float64(v), 2.5)
	}
	if e := exponent(at, cost); math.Abs(e-2.5) > 1e-12 {
		t.Errorf("exponent %v, want 2.5", e)
	}
}

// The large arm's Jacobian is the derivative of its points, and its motion solves
// (diag(I) + c c'/2) q” = u - I q'/2 - 0.2 I sin q.
func TestSevenJoints(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	q, u := normals(rng, joints, 1), normals(rng, joints, 1)
	jacobian, ahead, behind := make([]float64, 6*joints), make([]float64, 6), make([]float64, 6)
	sevenJoints{}.Jacobian(jacobian, q)
	for j := range joints {
		const h = 1e-6
		was := q[j]
		q[j] = was + h
		sevenJoints{}.Points(ahead, q)
		q[j] = was - h
		sevenJoints{}.Points(behind, q)
		q[j] = was
		for i := range ahead {
			if d := (ahead[i]-behind[i])/(2*h) - jacobian[i*joints+j]; math.Abs(d) > 1e-8 {
				t.Errorf("element (%d, %d) of the Jacobian is off by %g", i, j, d)
			}
		}
	}
	// A substep from rest leaves h times the acceleration as velocity.
	rate, angle := make([]float64, joints), append([]float64(nil), q...)
	sevenJoints{}.substep(angle, rate, u)
	var c [joints]float64
	sum, dot := 0.0, 0.0
	for i := range c {
		sum += q[i]
		c[i] = math.Cos(sum) * math.Sqrt(inertias[i])
		dot += c[i] * rate[i]
	}
	for i := range c {
		const h = timeStep / substeps
		got, want := (inertias[i]*rate[i]+0.5*c[i]*dot)/h, u[i]-0.2*inertias[i]*math.Sin(q[i])
		if math.Abs(got-want) > 1e-12 {
			t.Errorf("joint %d: inertia times acceleration is %v, want %v", i, got, want)
		}
	}
}
