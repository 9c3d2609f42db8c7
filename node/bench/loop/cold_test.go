package main

import (
	"slices"
	"testing"
	"time"
)

// BenchmarkColdTick is BenchmarkTick with what it needs gone from the processor's own caches before
// each tick, as a learner leaves them. Its metrics are of the ticks alone.
func BenchmarkColdTick(b *testing.B) {
	const line = 8 // numbers
	other := make([]uint64, 4<<20/8)
	for i, k := range contenders {
		b.Run(k.name, func(b *testing.B) {
			r := newRig(b, i)
			r.begin()
			var took []time.Duration
			for n := 0; b.Loop(); n++ {
				if n%longestTurn(1000) == longestTurn(1000)-1 {
					if err := r.leave(); err != nil {
						b.Fatal(err)
					}
					r.begin()
				}
				r.now += 1e6
				r.sway()
				for at := 0; at < len(other); at += line {
					other[at]++
				}
				t, err := r.tick(r.now, 0, 0)
				if err != nil {
					b.Fatal(err)
				}
				took = append(took, t.compute)
			}
			slices.Sort(took)
			for _, q := range []struct {
				unit string
				part int // per mille
			}{{"p10-ns", 100}, {"p50-ns", 500}, {"p99-ns", 990}} {
				b.ReportMetric(float64(took[len(took)*q.part/1000]), q.unit)
			}
		})
	}
}
