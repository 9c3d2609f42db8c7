package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/rostime"
)

// turn is what is measured without a pause.
type turn struct {
	late, computed, published, observed []uint32 // ns

	allocations uint64 // of the whole process, beside what ends and begins the turn
	broken      int    // trials that a fault broke off
}

func newTurn(count int) *turn {
	t := new(turn)
	for _, list := range t.lists() {
		*list = make([]uint32, count)
		for i := range *list {
			(*list)[i] = 1 // no page is new while it measures
		}
	}
	return t
}

// lists returns all times, in the order in which they are sent.
func (t *turn) lists() []*[]uint32 {
	return []*[]uint32{&t.late, &t.computed, &t.published, &t.observed}
}

// run ticks in the trials of a contender. All ticks are timed after so many, by which the trial has
// begun; how late they are where a fault has just broken it off, too.
func (t *turn) run(c *control, clock *rostime.Clock, period time.Duration, contender, warm int) error {
	c.choose(contender)
	if err := c.await(); err != nil {
		return err
	}
	var before, after runtime.MemStats
	if err := align(period); err != nil {
		return err
	}
	timer := realtime.NewTimer(period)
	for i := range warm + len(t.late) {
		if i == warm {
			// It stops the world: the next tick is due a period after it.
			runtime.ReadMemStats(&before)
			if err := align(period); err != nil {
				return err
			}
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
		k := i - warm
		t.late[k], t.computed[k], t.published[k], t.observed[k] = clip(lateness), clip(tick.compute), clip(tick.publish), clip(tick.observe)
	}
	runtime.ReadMemStats(&after)
	t.allocations, t.broken = after.Mallocs-before.Mallocs, c.broken
	return c.leave()
}

// align returns at a multiple of the period on CLOCK_MONOTONIC, so that ticks have the phase of the bare
// loop's, and not that of those beside it.
func align(period time.Duration) error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return fmt.Errorf("clock_gettime: %w", err)
	}
	due := unix.NsecToTimespec((now.Nano()/int64(period) + 1) * int64(period))
	for {
		err := unix.ClockNanosleep(unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, &due, nil)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("clock_nanosleep: %w", err)
		}
	}
}

// clip is a time in ns that 32 bits hold.
func clip(d time.Duration) uint32 { return uint32(min(max(d, 0), 1<<32-1)) }

// write sends the turn to the process that asked for it.
func (t *turn) write(out io.Writer) error {
	if _, err := fmt.Fprintf(out, "%d %d %d\n", len(t.late), t.allocations, t.broken); err != nil {
		return err
	}
	for _, list := range t.lists() {
		if err := binary.Write(out, binary.NativeEndian, *list); err != nil {
			return err
		}
	}
	return nil
}
