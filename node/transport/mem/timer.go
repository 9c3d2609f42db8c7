package mem

import "time"

// timer runs out a period after it was last renewed. What it calls takes the lock that guards
// the timer, and asks runOut there whether a renewal or stop came first. The zero timer never
// runs out.
type timer struct {
	period time.Duration
	call   func()
	due    time.Time
	t      *time.Timer // nil until the first renewal, and after stop
}

func newTimer(period time.Duration, call func()) timer { return timer{period: period, call: call} }

// renew lets the timer run anew. It allocates only the first time.
func (t *timer) renew() {
	if t.period == 0 {
		return
	}
	t.due = time.Now().Add(t.period)
	if t.t == nil {
		t.t = time.AfterFunc(t.period, t.call)
	} else {
		t.t.Reset(t.period)
	}
}

func (t *timer) runOut() bool { return t.t != nil && !time.Now().Before(t.due) }

// again lets a timer that ran out run for one period more.
func (t *timer) again() {
	t.due = t.due.Add(t.period)
	t.t.Reset(time.Until(t.due))
}

// stop keeps the timer from running out until it is renewed.
func (t *timer) stop() {
	if t.t != nil {
		t.t.Stop()
		t.t = nil
	}
}
