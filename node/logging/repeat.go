package logging

import (
	"sync"
	"time"
)

// maxCauses bounds what a Once remembers.
const maxCauses = 256

// Once logs one line for each cause. The zero value is ready for use, by several goroutines.
type Once struct {
	mu   sync.Mutex
	said map[string]struct{}
}

// Log logs the line unless one was logged for the cause. Beyond 256 causes nothing is logged:
// they come from somebody who makes them up.
func (o *Once) Log(l *Logger, s Severity, cause, format string, args ...any) {
	if !l.Enabled(s) || !o.first(cause) {
		return
	}
	l.LogDepth(1, s, format, args...)
}

func (o *Once) first(cause string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, ok := o.said[cause]; ok || len(o.said) >= maxCauses {
		return false
	}
	if o.said == nil {
		o.said = map[string]struct{}{}
	}
	o.said[cause] = struct{}{}
	return true
}

// Throttle logs at most one line per period. It may be used by several goroutines.
type Throttle struct {
	Period time.Duration

	mu   sync.Mutex
	last time.Time
}

// Log logs the line unless one was logged within the period.
func (t *Throttle) Log(l *Logger, s Severity, format string, args ...any) {
	if !l.Enabled(s) || !t.due(time.Now()) {
		return
	}
	l.LogDepth(1, s, format, args...)
}

func (t *Throttle) due(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.last.IsZero() && now.Sub(t.last) < t.Period {
		return false
	}
	t.last = now
	return true
}
