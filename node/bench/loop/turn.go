package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"runtime"
	"slices"
	"time"

	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/rostime"
)

// turn is what is measured without a pause.
type turn struct {
	late, took, sent []uint32 // ns
	allocations      uint64   // of the whole process, beside what ends and begins the turn
	broken           int      // trials that a fault broke off
}

func newTurn(count int) *turn {
	t := &turn{late: make([]uint32, count), took: make([]uint32, count), sent: make([]uint32, count)}
	for _, list := range [][]uint32{t.late, t.took, t.sent} {
		for i := range list {
			list[i] = 1 // no page is new while it measures
		}
	}
	return t
}

// run ticks in the trials of a contender. All ticks are timed after so many, by which the trial has
// begun; how late they are where a fault has just broken it off, too.
func (t *turn) run(c *control, clock *rostime.Clock, period time.Duration, contender, warm int) error {
	c.choose(contender)
	if err := c.await(); err != nil {
		return err
	}
	var before, after runtime.MemStats
	timer := realtime.NewTimer(period)
	for i := range warm + len(t.late) {
		if i == warm {
			// It stops the world: the next tick is due a period after it.
			runtime.ReadMemStats(&before)
			timer.Restart()
		}
		lateness, missed := timer.Wait()
		tick, err := c.tick(clock.Steady(), lateness, missed)
		if err != nil {
			return err
		}
		if i < warm {
			continue
		}
		if !tick.inTrial {
			tick = ticked{}
		}
		t.late[i-warm], t.took[i-warm], t.sent[i-warm] = clip(lateness), clip(tick.compute), clip(tick.publish)
	}
	runtime.ReadMemStats(&after)
	t.allocations, t.broken = after.Mallocs-before.Mallocs, c.broken
	return c.leave()
}

// clip is a time in ns that 32 bits hold.
func clip(d time.Duration) uint32 { return uint32(min(max(d, 0), 1<<32-1)) }

// write sends the turn to the process that asked for it.
func (t *turn) write(out io.Writer) error {
	if _, err := fmt.Fprintf(out, "%d %d %d\n", len(t.late), t.allocations, t.broken); err != nil {
		return err
	}
	return binary.Write(out, binary.NativeEndian, slices.Concat(t.late, t.took, t.sent))
}
