package realtime

import (
	"fmt"
	"time"
)

// Timer says when ticks are due: at multiples of a period from its start on, whatever each of
// them takes, so that the phase stays. It is of the goroutine that waits.
type Timer struct {
	clock   clock
	period  int64
	due     int64 // of the last tick
	yielded int64 // when the Go runtime last had its way
}

// clock is the time that a Timer keeps to, in ns.
type clock interface {
	now() int64
	// sleep returns when a time has come, or earlier.
	sleep(until int64)
	// yield lets the Go runtime have the processor and the thread's goroutine rest meanwhile.
	yield()
}

// The monitor of the Go runtime asks for a processor after 10 ms (forcePreemptNS).
const yieldAfter = 4 * time.Millisecond

// NewTimer returns a timer whose first tick is due a period from now. period must be positive.
func NewTimer(period time.Duration) *Timer { return newTimer(period, newMonotonic()) }

func newTimer(period time.Duration, c clock) *Timer {
	if period <= 0 {
		panic(fmt.Sprintf("realtime: a timer's period is %v, expected more than 0", period))
	}
	t := &Timer{clock: c, period: int64(period)}
	t.Restart()
	return t
}

// Restart has the next tick be due a period from now.
func (t *Timer) Restart() {
	t.due = t.clock.now()
	t.yielded = t.due
}

// Wait returns when the next tick is due: by how much it is late, and how many ticks that are due
// since are left out for it. After those it goes on at the next multiple of the period. It does
// not allocate.
func (t *Timer) Wait() (lateness time.Duration, missed int) {
	t.due += t.period
	now := t.clock.now()
	// A quarter of a period is enough for the runtime, and where it is not there, the tick
	// goes first.
	if now-t.yielded >= int64(yieldAfter) && t.due-now > t.period/4 {
		now = t.yield()
	}
	for now < t.due {
		t.clock.sleep(t.due)
		if now = t.clock.now(); t.due-now > t.period/4 {
			// A signal ended the sleep: the runtime asks for the processor, be it for its
			// time slice or to stop the world. Else it would take it within the tick.
			now = t.yield()
		}
	}
	late := now - t.due
	passed := late / t.period
	t.due += passed * t.period
	return time.Duration(late), int(passed)
}

// yield lets the runtime have its way and returns the time after it.
func (t *Timer) yield() int64 {
	t.clock.yield()
	t.yielded = t.clock.now()
	return t.yielded
}
