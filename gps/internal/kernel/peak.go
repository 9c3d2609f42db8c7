package kernel

import "time"

// peakLanes is the number of lanes of multiply-adds that a round of peak does: more than
// any core has under way.
const peakLanes = 12

// PeakGFLOPs measures for about 20 ms how many 10^9 operations a second this core does with
// the path in use, when it multiplies and adds in registers only: the bound of every kernel.
func PeakGFLOPs() float64 {
	const (
		tries = 20
		aim   = time.Millisecond
		flops = 2 * peakLanes * Lane // of a round
	)
	rounds, best := 1000, 0.0
	for i := 0; i < tries; {
		start := time.Now()
		peak(rounds)
		took := time.Since(start)
		if took < aim/2 { // the first ones find the number of rounds
			rounds *= 2
			continue
		}
		best = max(best, flops*float64(rounds)/float64(took.Nanoseconds()))
		i++
	}
	return best
}
