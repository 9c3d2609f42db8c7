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
		t.clock.yield()
		now = t.clock.now()
		t.yielded = now
	}
	for now < t.due {
		// A signal ends the sleep early where the runtime wants the processor, for its time
		// slice or to stop the world. It has it in the next call, and then the sleep goes on.
		t.clock.sleep(t.due)
		now = t.clock.now()
	}
	late := now - t.due
	passed := late / t.period
	t.due += passed * t.period
	return time.Duration(late), int(passed)
}
