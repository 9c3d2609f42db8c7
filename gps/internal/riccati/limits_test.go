package riccati_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/internal/riccati"
)

// The step that has no controller is named, and its Q_uu can be had.
func TestIndefiniteStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		k := p.T / 2
		p.C[k].Set(p.dX, p.dX, -100)
		q, pass, c := p.pack(), riccati.NewBackward(p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU)
		q.MaxEnt = 1
		if failed := pass.Run(c, q, 0.5); failed != k {
			t.Fatalf("%v: failed at %d, want %d", s, failed, k)
		}
		quu := make([]float64, p.dU*p.dU)
		if !pass.FailedBlock(quu, 0.5) || !(quu[0] < -50) {
			t.Errorf("%v: Q_uu %v", s, quu)
		}
		for i := range p.dU {
			for j := range p.dU {
				if quu[i*p.dU+j] != quu[j*p.dU+i] {
					t.Errorf("%v: Q_uu is not symmetric", s)
				}
			}
		}
	}
}

// NaN, infinities and overflow end as a failed step or an infinite divergence.
func TestNotFinite(t *testing.T) {
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e200} {
		for _, spoil := range []func(*system){
			func(p *system) { p.F[2].Set(1, 0, v) },
			func(p *system) { p.F[2].Set(1, p.dX, v) },
			func(p *system) { p.f[2].SetVec(1, v*v) },
			func(p *system) { p.c[3].SetVec(0, v*v) },
			func(p *system) { p.C[p.T].Set(0, 0, v*v); p.C[p.T].Set(1, 0, v*v) },
		} {
			p := newSystem(rand.New(rand.NewPCG(10, 1)), 5, 9, 3)
			spoil(p)
			q, c, kl := p.pack(), riccati.NewGains(5, 9, 3), make([]float64, 5)
			q.MaxEnt = 1
			failed := riccati.NewBackward(9, 3).Run(c, q, 1)
			finite := true
			for k := range 5 {
				finite = finite && c.Finite(k)
			}
			if failed < 0 && !finite {
				t.Errorf("%v: a pass with a controller that is not finite", v)
			}
			if failed < 0 && !(math.Abs(v) <= math.MaxFloat64) {
				t.Errorf("%v: no step failed", v)
			}
			pass := riccati.NewForward(9, 3)
			pass.Begin(p.mean.RawVector().Data, p.cov.RawMatrix().Data)
			total, ok := pass.Run(kl, q, c)
			for k, d := range kl {
				if !(d >= 0) {
					t.Errorf("%v: divergence of step %d is %v, total %v, ok %v", v, k, d, total, ok)
				}
			}
		}
	}
	// A divisor that is 0 or infinite.
	p := newSystem(rand.New(rand.NewPCG(11, 1)), 3, 2, 1)
	for _, w := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		q := p.pack()
		q.MaxEnt = w
		if failed := riccati.NewBackward(2, 1).Run(riccati.NewGains(3, 2, 1), q, 0); failed != 2 {
			t.Errorf("weight %v: failed at %d", w, failed)
		}
	}
}

func TestMisuse(t *testing.T) {
	p := newSystem(rand.New(rand.NewPCG(12, 1)), 3, 4, 2)
	q := p.pack()
	b, f, c, small := riccati.NewBackward(4, 2), riccati.NewForward(4, 2), riccati.NewGains(3, 4, 2), riccati.NewGains(3, 3, 2)
	kl := make([]float64, 3)
	for name, use := range map[string]func(){
		"no states":        func() { riccati.NewProblem(3, 0, 2) },
		"no steps":         func() { riccati.NewProblem(0, 4, 2) },
		"no steps, gains":  func() { riccati.NewGains(0, 4, 2) },
		"backward, gains":  func() { b.Run(small, q, 1) },
		"backward, size":   func() { riccati.NewBackward(4, 1).Run(c, q, 1) },
		"backward, length": func() { b.Run(riccati.NewGains(2, 4, 2), q, 1) },
		"forward, gains":   func() { f.Run(kl, q, small) },
		"forward, length":  func() { f.Run(kl[:2], q, c) },
		"record":           func() { f.Record(riccati.NewMarginals(3, 4, 1), q, c) },
		"record, length":   func() { f.Record(riccati.NewMarginals(2, 4, 2), q, c) },
		"measure":          func() { f.Measure(kl, riccati.NewMarginals(3, 4, 1), c) },
		"measure, length":  func() { f.Measure(kl, riccati.NewMarginals(2, 4, 2), c) },
		"dynamics":         func() { q.SetDynamics(0, kl, kl, kl) },
		"forward's":        func() { q.SetForward(0, kl, kl, kl) },
		"cost":             func() { q.SetCost(0, kl, kl) },
		"controller":       func() { c.Set(0, kl, kl, kl) },
		"state":            func() { f.Begin(kl, kl) },
		"whiten":           func() { q.Whiten(0, small) },
		"restore":          func() { c.Restore(c, small, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if message, ok := recover().(string); !ok || !strings.HasPrefix(message, "riccati: ") {
					t.Errorf("panics with %v", message)
				}
			}()
			use()
		})
	}
}
