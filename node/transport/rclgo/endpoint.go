//go:build rclgo

package rclgo

/*
#include "rcl.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/tiiuae/rclgo/pkg/rclgo"

	"guidedpolicysearch/node/transport"
)

// endpoint is a publisher or subscription. It is the transport.Subscription; publisher adds
// Publish.
type endpoint struct {
	node    *Node
	topic   string
	handler transport.Handler // nil for a publisher
	told    transport.StatusHandler
	matched atomic.Int64
	running atomic.Int32 // idle, inHandler or shut

	mu     sync.RWMutex // held for reading while the handles are in use
	closed bool
	pub    *C.rcl_publisher_t // one of the two
	sub    *C.rcl_subscription_t
	free   func() error // rclgo's Close
	events []*event

	// guarded by node.mu
	state  transport.Status
	queued bool // in node.changed
}

// States of endpoint.running. A handler starts only out of idle, so that none starts after
// shut was stored.
const (
	idle int32 = iota
	inHandler
	shut
)

// Publisher implements transport.Node.
func (n *Node) Publisher(topic string, typ transport.Type, q transport.QoS, status transport.StatusHandler) (transport.Publisher, error) {
	e := &endpoint{node: n, topic: topic, told: status}
	if err := e.open(typ, q); err != nil {
		return nil, fmt.Errorf("publisher on %s: %w", topic, err)
	}
	return publisher{e}, nil
}

// Subscribe implements transport.Node.
func (n *Node) Subscribe(topic string, typ transport.Type, q transport.QoS, h transport.Handler, status transport.StatusHandler) (transport.Subscription, error) {
	if h == nil {
		return nil, fmt.Errorf("subscription to %s without a handler: %w", topic, transport.ErrInvalid)
	}
	e := &endpoint{node: n, topic: topic, told: status, handler: h}
	if err := e.open(typ, q); err != nil {
		return nil, fmt.Errorf("subscription to %s: %w", topic, err)
	}
	return e, nil
}

func (e *endpoint) open(typ transport.Type, q transport.QoS) error {
	if err := errors.Join(transport.CheckTopic(e.topic), typ.Validate(), q.Validate()); err != nil {
		return err
	}
	n := e.node
	if err := n.begin(); err != nil {
		return err
	}
	defer n.making.RUnlock()
	t, err := loadMessage(typ)
	if err != nil {
		return err
	}
	err = n.inNode(func() error {
		if e.handler != nil {
			return e.makeSubscription(t, q)
		}
		return e.makePublisher(t, q)
	})
	if err != nil {
		return err
	}
	if err = e.openEvents(q); err != nil {
		return errors.Join(err, e.close())
	}
	n.add(e)
	// What can happen from here on is told: the first status, and then events and messages.
	n.change(e, func(*transport.Status) {})
	n.count(e)
	n.events.add(e.eventsToWaitFor()...)
	if e.handler != nil {
		n.messages.add(e)
	}
	return nil
}

func (e *endpoint) makePublisher(t *messageType, q transport.QoS) error {
	p, err := e.node.node.NewPublisher(e.topic, t, &rclgo.PublisherOptions{Qos: profile(q)})
	if err != nil {
		return err
	}
	c, err := handle(p, publisherField)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	e.pub, e.free = (*C.rcl_publisher_t)(c), p.Close
	return nil
}

func (e *endpoint) makeSubscription(t *messageType, q transport.QoS) error {
	s, err := e.node.node.NewSubscription(e.topic, t, &rclgo.SubscriptionOptions{Qos: profile(q)}, nil)
	if err != nil {
		return err
	}
	c, err := handle(s, subscriptionField)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	e.sub, e.free = (*C.rcl_subscription_t)(c), s.Close
	return nil
}

// profile is q as rclgo has it. What rcl cannot express is in the package's documentation.
func profile(q transport.QoS) rclgo.QosProfile {
	p := rclgo.QosProfile{
		History:                 rclgo.HistoryKeepLast,
		Depth:                   q.Depth,
		Reliability:             rclgo.ReliabilityBestEffort,
		Durability:              rclgo.DurabilityVolatile,
		Deadline:                q.Deadline,
		Lifespan:                q.Lifespan,
		Liveliness:              rclgo.LivelinessAutomatic,
		LivelinessLeaseDuration: q.Liveliness,
	}
	if q.Reliability == transport.Reliable {
		p.Reliability = rclgo.ReliabilityReliable
	}
	if q.Durability == transport.TransientLocal {
		p.Durability = rclgo.DurabilityTransientLocal
	}
	if q.ManualLiveliness {
		p.Liveliness = rclgo.LivelinessManualByTopic
	}
	return p
}

// entity and take make a subscription a waitable.

func (e *endpoint) entity() (C.uint32_t, unsafe.Pointer) {
	return C.SUBSCRIPTION, unsafe.Pointer(e.sub)
}

// take hands one message to the handler. More of them wait in the RMW, which keeps the last Depth.
func (e *endpoint) take() {
	n := e.node
	e.mu.RLock()
	if e.closed {
		e.mu.RUnlock()
		return
	}
	t := C.subscription_take(e.sub, n.inbox)
	e.mu.RUnlock()
	if t.outcome.code != C.RCL_RET_OK {
		if t.outcome.code != C.RCL_RET_SUBSCRIPTION_TAKE_FAILED {
			n.malformed.Add(1)
		}
		_ = check(t.outcome) // frees it
		return
	}
	payload := n.received(n.inbox)
	if payload == nil {
		return
	}
	if t.matched >= 0 && int64(t.matched) != e.matched.Load() { // a connection is told before its first message
		n.change(e, connected(int(t.matched)))
		e.tell()
	}
	if !e.running.CompareAndSwap(idle, inHandler) {
		return
	}
	e.handler(payload, transport.Info{
		SourceTime:  int64(t.source_time),
		ReceiveTime: time.Now().UnixNano(),
		Publisher:   transport.PublisherID(t.publisher),
	})
	e.running.CompareAndSwap(inHandler, idle)
}

// Matched implements transport.Publisher and transport.Subscription.
func (e *endpoint) Matched() int {
	if e.running.Load() == shut {
		return 0
	}
	return int(e.matched.Load())
}

// Close implements transport.Publisher and transport.Subscription.
func (e *endpoint) Close() error {
	e.node.making.RLock()
	defer e.node.making.RUnlock()
	if err := e.close(); err != nil {
		return fmt.Errorf("close endpoint on %s: %w", e.topic, err)
	}
	return nil
}

func (e *endpoint) close() error {
	if e.running.Swap(shut) == shut {
		return nil
	}
	n := e.node
	n.events.remove(e.eventsToWaitFor()...)
	if e.handler != nil {
		n.messages.remove(e)
	}
	n.forget(e)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	var errs []error
	for _, v := range e.events {
		errs = append(errs, check(C.event_close(v.c)))
	}
	return errors.Join(append(errs, n.inNode(e.free))...)
}

type publisher struct{ *endpoint }

// Publish implements transport.Publisher.
func (p publisher) Publish(payload []byte) error {
	if err := p.publish(payload); err != nil {
		return fmt.Errorf("publish on %s: %w", p.topic, err)
	}
	return nil
}

func (e *endpoint) publish(payload []byte) error {
	if err := transport.CheckPayload(payload, e.node.opts.MaxPayload); err != nil {
		return err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return transport.ErrClosed
	}
	return check(C.publisher_publish(e.pub, (*C.uint8_t)(unsafe.SliceData(payload)), C.size_t(len(payload))))
}

// finite is a duration of rcl's, whose infinity is 0 here.
func finite(d time.Duration) time.Duration {
	if d < 0 || d >= math.MaxInt64 {
		return 0
	}
	return d
}
