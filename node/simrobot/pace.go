package simrobot

import (
	"context"
	"time"
)

// pace says when simulated time is due: at the real-time factor, from an origin, which is zero
// until it begins. It keeps absolute time, so that nothing adds up.
type pace struct {
	factor float64 // simulated seconds per second; 0 is as fast as can be
	origin time.Time
	clock  func() time.Time
	sleep  func(ctx context.Context, d time.Duration)
}

func newPace(c *Config) *pace {
	factor := c.RealTimeFactor
	if factor == 0 && !c.LockStep {
		factor = 1
	}
	return &pace{factor: factor, clock: time.Now, sleep: sleep}
}

// begin begins with simulated time 0.
func (p *pace) begin() { p.origin = p.clock() }

// time returns the simulated time in ns that is due at a time.
func (p *pace) time(at time.Time) int64 { return int64(float64(at.Sub(p.origin)) * p.factor) }

// wait waits until the simulated time at, in ns, is due; it returns false when ctx has ended.
func (p *pace) wait(ctx context.Context, at int64) bool {
	if p.factor == 0 {
		return ctx.Err() == nil
	}
	// Rounded up, so that the time is due when it is over.
	due := p.origin.Add(time.Duration(float64(at)/p.factor) + 1)
	for ctx.Err() == nil {
		left := due.Sub(p.clock())
		if left <= 0 {
			return true
		}
		p.sleep(ctx, left)
	}
	return false
}

// slip lets simulated time stand still for a while, in ns of simulated time.
func (p *pace) slip(by int64) { p.origin = p.origin.Add(time.Duration(float64(by) / p.factor)) }

// coarse is what Go's timers may be late by: they wake a whole program up.
const coarse = 2 * time.Millisecond

// sleep sleeps for about d, or less; at least until ctx ends or d is short.
func sleep(ctx context.Context, d time.Duration) {
	if d <= coarse {
		nap(d)
		return
	}
	timer := time.NewTimer(d - coarse/2)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
