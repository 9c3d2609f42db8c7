package safety

import "time"

// Watchdog waits for the learner's signs of life. Times are of a steady clock in ns. One
// goroutine at a time.
type Watchdog struct {
	timeout int64
	last    int64
	on      bool
}

// NewWatchdog returns a watchdog that waits for nothing yet; a timeout of 0 never faults.
func NewWatchdog(timeout time.Duration) *Watchdog { return &Watchdog{timeout: int64(timeout)} }

// Touch notes a sign of life, or that one is waited for from now on.
func (w *Watchdog) Touch(now int64) { w.last, w.on = now, true }

// Rest says that no sign of life is waited for until the next Touch.
func (w *Watchdog) Rest() { w.on = false }

// Silent returns a fault if the last sign of life is longer ago than the time-out.
func (w *Watchdog) Silent(now int64) Fault {
	if w.on && w.timeout > 0 && now-w.last > w.timeout {
		return Fault{Kind: LearnerSilent, Duration: time.Duration(now - w.last), Limit: time.Duration(w.timeout)}
	}
	return Fault{}
}

// Deadline returns when Silent is to be asked next if there is no sign of life before; ok is
// false where none is waited for.
func (w *Watchdog) Deadline() (at int64, ok bool) {
	return w.last + w.timeout + 1, w.on && w.timeout > 0
}
