package lqg_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/lqg"
)

// benchmark runs a pass for the sizes of package riccati's benchmarks, whose passes over packed
// problems these are to be held against.
func benchmark(b *testing.B, run func(dyn *lqg.Dynamics, cost *lqg.Cost, x0 *lqg.InitialState, c *lqg.Controller) func() error) {
	for _, s := range [][2]int{{4, 1}, {7, 2}, {14, 7}, {26, 7}, {50, 10}} {
		b.Run(fmt.Sprintf("dX=%d/dU=%d/T=100", s[0], s[1]), func(b *testing.B) {
			dyn, cost, x0 := random(rand.New(rand.NewPCG(1, 2)), 100, s[0], s[1])
			f := run(dyn, cost, x0, lqg.NewController(100, s[0], s[1]))
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkBackward(b *testing.B) {
	benchmark(b, func(dyn *lqg.Dynamics, cost *lqg.Cost, _ *lqg.InitialState, c *lqg.Controller) func() error {
		pass, obj := lqg.NewBackwardPass(dyn.DX, dyn.DU), plain(cost)
		return func() error { return pass.Run(c, obj, dyn, 1) }
	})
}

func BenchmarkForward(b *testing.B) {
	benchmark(b, func(dyn *lqg.Dynamics, cost *lqg.Cost, x0 *lqg.InitialState, c *lqg.Controller) func() error {
		if err := lqg.NewBackwardPass(dyn.DX, dyn.DU).Run(c, plain(cost), dyn, 1); err != nil {
			b.Fatal(err)
		}
		pass, m := lqg.NewForwardPass(dyn.DX, dyn.DU), lqg.NewTrajectory(dyn.T, dyn.DX, dyn.DU)
		return func() error { return pass.Run(m, x0, c, dyn) }
	})
}
