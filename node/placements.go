package node

import (
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

// placements count how often a simulated arm was put where a trial begins, for other noise when it
// begins again after a fault of its own. A robot that was only away, or is another one, meets the same
// trial again: it is to have the outcome of one that nothing has disturbed.
type placements struct {
	begun  int  // that a fault has ended
	placed bool // and no fault since
}

// seed names the noise of the trial that begins now.
func (p *placements) seed(c *trial.Command) uint64 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio: far apart
	p.placed = true
	return c.NoiseSeed + uint64(p.begun)*golden
}

// broken takes a fault. One on the way to where the trial begins does not count.
func (p *placements) broken(f safety.Fault) {
	switch f.Kind {
	case safety.Silent, safety.Backwards, safety.ClockJump, safety.Old, safety.Frozen, safety.TwoSources, safety.Unreadable:
	default:
		if p.placed {
			p.begun++
		}
	}
	p.placed = false
}
