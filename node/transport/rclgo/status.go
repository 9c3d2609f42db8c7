//go:build rclgo

package rclgo

/*
#include "rcl.h"
*/
import "C"

import (
	"fmt"
	"maps"
	"slices"
	"time"
	"unsafe"

	"guidedpolicysearch/node/transport"
)

// event is a count that rcl keeps of an endpoint.
type event struct {
	endpoint *endpoint
	kind     C.enum_event_kind
	c        *C.rcl_event_t
}

// openEvents opens those events that the endpoint's status needs and the RMW has.
func (e *endpoint) openEvents(q transport.QoS) error {
	kinds := []C.enum_event_kind{C.MATCHED}
	if e.told != nil {
		kinds = append(kinds, C.INCOMPATIBLE)
		if q.Deadline > 0 {
			kinds = append(kinds, C.DEADLINE_MISSED)
		}
		switch {
		case e.handler != nil:
			kinds = append(kinds, C.MESSAGE_LOST)
			if q.Liveliness > 0 {
				kinds = append(kinds, C.LIVELINESS_CHANGED)
			}
		case q.Liveliness > 0 && q.ManualLiveliness:
			kinds = append(kinds, C.LIVELINESS_LOST)
		}
	}
	for _, kind := range kinds {
		v := &event{endpoint: e, kind: kind}
		if err := check(C.event_open(&v.c, e.pub, e.sub, kind)); err != nil {
			return fmt.Errorf("events of quality of service: %w", err)
		}
		if v.c != nil {
			e.events = append(e.events, v)
		}
	}
	return nil
}

func (e *endpoint) eventsToWaitFor() []waitable {
	var all []waitable
	for _, v := range e.events {
		all = append(all, v)
	}
	return all
}

func (v *event) entity() (C.uint32_t, unsafe.Pointer) { return C.EVENT, unsafe.Pointer(v.c) }

// take runs on the goroutine of events.
func (v *event) take() {
	e := v.endpoint
	e.mu.RLock()
	if e.closed {
		e.mu.RUnlock()
		return
	}
	s := C.event_take(v.c, v.kind, e.handler == nil)
	e.mu.RUnlock()
	if check(s.outcome) != nil {
		return // there was none after all
	}
	count := int(s.count)
	e.node.change(e, func(status *transport.Status) {
		switch v.kind {
		case C.MATCHED:
			connected(count)(status)
		case C.INCOMPATIBLE:
			status.Incompatible, status.Policy = count, policy(s.policy)
		case C.DEADLINE_MISSED:
			status.DeadlinesMissed = count
		case C.LIVELINESS_LOST:
			status.LivelinessLost = count
		case C.LIVELINESS_CHANGED:
			status.NotAlive = count
		case C.MESSAGE_LOST:
			status.Lost = count
		}
	})
}

func policy(of C.uint32_t) string {
	switch of {
	case C.POLICY_NONE:
		return ""
	case C.POLICY_RELIABILITY:
		return transport.PolicyReliability
	case C.POLICY_DURABILITY:
		return transport.PolicyDurability
	case C.POLICY_DEADLINE:
		return transport.PolicyDeadline
	case C.POLICY_LIVELINESS:
		return transport.PolicyLiveliness
	}
	return "other"
}

// change records a status, which the goroutine of messages tells.
func (n *Node) change(e *endpoint, to func(*transport.Status)) {
	n.mu.Lock()
	to(&e.state)
	wake := !e.queued
	if wake {
		e.queued = true
		n.changed = append(n.changed, e)
	}
	n.mu.Unlock()
	if wake {
		n.messages.wake()
	}
}

// count asks rcl how many endpoints are connected.
func (n *Node) count(e *endpoint) {
	e.mu.RLock()
	matched := C.int64_t(-1)
	switch {
	case e.closed:
	case e.handler != nil:
		matched = C.subscription_matched(e.sub)
	default:
		matched = C.publisher_matched(e.pub)
	}
	e.mu.RUnlock()
	n.mu.Lock()
	changed := matched >= 0 && int(matched) != e.state.Matched
	n.mu.Unlock()
	if changed {
		n.change(e, connected(int(matched)))
	}
}

// connected sets the number of endpoints connected. One that is not connected is not a dead one
// either, whichever of the two rcl tells first.
func connected(matched int) func(*transport.Status) {
	return func(s *transport.Status) { s.Matched, s.NotAlive = matched, min(s.NotAlive, matched) }
}

// tellStatus runs on the goroutine of messages, before it takes any.
func (n *Node) tellStatus(bool) time.Duration {
	for {
		n.mu.Lock()
		if len(n.changed) == 0 {
			n.mu.Unlock()
			return forever
		}
		e := n.changed[0]
		n.changed = n.changed[:copy(n.changed, n.changed[1:])]
		due := e.queued // unless told with a message already
		n.mu.Unlock()
		if due {
			e.tell()
		}
	}
}

// tell gives the status to the handler.
func (e *endpoint) tell() {
	n := e.node
	n.mu.Lock()
	status := e.state
	e.queued = false
	n.mu.Unlock()
	e.matched.Store(int64(status.Matched))
	if e.told == nil || !e.running.CompareAndSwap(idle, inHandler) {
		return
	}
	e.told(status)
	e.running.CompareAndSwap(inHandler, idle)
}

// settling is when the connections are counted again after a change of the graph.
type settling struct {
	left int       // times to go
	next time.Time // of them
}

// settleAfter are the times after a change of the graph at which the connections are counted
// again: a middleware tells of an endpoint before it has connected to it.
var settleAfter = [...]time.Duration{time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}

// recount runs on the goroutine of events.
func (n *Node) recount(graph bool) time.Duration {
	s := &n.settling
	now := time.Now()
	switch {
	case graph:
		s.left, s.next = len(settleAfter), now
		n.graph.mark()
	case s.left == 0:
		return forever
	case now.Before(s.next):
		return s.next.Sub(now)
	}
	for _, e := range n.endpoints() {
		n.count(e)
	}
	n.graph.recounted()
	if !graph {
		s.left--
	}
	if s.left == 0 {
		return forever
	}
	wait := settleAfter[len(settleAfter)-s.left]
	s.next = now.Add(wait)
	return wait
}

func (n *Node) endpoints() []*endpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.ends))
}
