package riccati_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/internal/riccati"
)

func benchmark(b *testing.B, run func(p *system, q *riccati.Problem) func()) {
	for _, T := range []int{10, 100, 500} {
		for _, s := range [][2]int{{4, 1}, {7, 2}, {14, 7}, {26, 7}, {50, 10}} {
			b.Run(fmt.Sprintf("dX=%d/dU=%d/T=%d", s[0], s[1], T), func(b *testing.B) {
				p := newSystem(rand.New(rand.NewPCG(1, 2)), T, s[0], s[1])
				q := p.pack()
				q.MaxEnt = 0.1
				f := run(p, q)
				b.ReportAllocs()
				for b.Loop() {
					f()
				}
			})
		}
	}
}

func BenchmarkBackward(b *testing.B) {
	benchmark(b, func(p *system, q *riccati.Problem) func() {
		pass, dst := riccati.NewBackward(p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU)
		return func() {
			if failed := pass.Run(dst, q, 1); failed >= 0 {
				b.Fatal(failed)
			}
		}
	})
}

func BenchmarkForward(b *testing.B) {
	benchmark(b, func(p *system, q *riccati.Problem) func() {
		c := riccati.NewGains(p.T, p.dX, p.dU)
		riccati.NewBackward(p.dX, p.dU).Run(c, q, 1)
		pass, kl := riccati.NewForward(p.dX, p.dU), make([]float64, p.T)
		pass.Begin(p.mean.RawVector().Data, p.cov.RawMatrix().Data)
		return func() {
			if _, ok := pass.Run(kl, q, c); !ok {
				b.Fatal("overflow")
			}
		}
	})
}
