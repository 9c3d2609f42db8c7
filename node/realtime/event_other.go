//go:build !linux

package realtime

import "time"

// Event wakes one goroutine when another one has something for it, such as a joint state in a
// Latest.
type Event struct{ signal chan struct{} }

// NewEvent returns an event that is not set.
func NewEvent() *Event { return &Event{make(chan struct{}, 1)} }

// Set has the present Wait return, or the next one. Any goroutine may call it.
func (e *Event) Set() {
	select {
	case e.signal <- struct{}{}:
	default:
	}
}

// Wait returns true as soon as the event is set, which it then is no more, and false when that
// has not happened for a time. Sets between two waits count as one. It is for one goroutine.
func (e *Event) Wait(timeout time.Duration) bool {
	select {
	case <-e.signal:
		return true
	default:
	}
	select {
	case <-e.signal:
		return true
	case <-time.After(timeout):
		return false
	}
}
