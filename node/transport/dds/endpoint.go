//go:build !rclgo

package dds

/*
#include <stdlib.h>
#include "mailbox.h"
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

	"guidedpolicysearch/node/transport"
)

// endpoint is a reader or writer. It is the transport.Subscription; publisher
// adds Publish.
type endpoint struct {
	node      *Node
	id        uint64
	topic     string
	hidden    bool              // not announced as the node's
	ignoreOwn bool              // a reader of what other participants have, only
	handler   transport.Handler // nil for a writer
	match     transport.StatusHandler
	peers     func() // told, if set, of every change of the endpoints connected
	guid      GUID
	matched   atomic.Int64
	running   atomic.Int32 // idle, inHandler or shut

	// only the queue's goroutine uses these
	told   bool
	status transport.Status // last told

	mu     sync.RWMutex // held for reading while c is in use
	c      *C.struct_endpoint
	closed bool
}

// States of endpoint.running. A handler starts only out of idle, so that none
// starts after shut was stored.
const (
	idle int32 = iota
	inHandler
	shut
)

// names are what DDS knows an endpoint by.
type names struct{ topic, typ, userData string }

// open makes the DDS entity, whose events go to a queue. The node's mu is held.
func (e *endpoint) open(to *queue, name names, q transport.QoS, maxPayload int) error {
	n := e.node
	cTopic, cType, cData := C.CString(name.topic), C.CString(name.typ), C.CString(name.userData)
	defer C.free(unsafe.Pointer(cTopic))
	defer C.free(unsafe.Pointer(cType))
	defer C.free(unsafe.Pointer(cData))
	e.mu.Lock() // handlers of what comes before endpoint_open returns wait for c
	defer e.mu.Unlock()
	n.register(e)
	cfg := C.struct_endpoint_config{
		id:                C.uint64_t(e.id),
		reader:            C.bool(e.handler != nil),
		topic:             cTopic,
		_type:             cType,
		user_data:         cData,
		max_payload:       C.uint32_t(maxPayload),
		reliable:          q.Reliability == transport.Reliable,
		transient_local:   q.Durability == transport.TransientLocal,
		manual_liveliness: C.bool(q.ManualLiveliness),
		ignore_own:        C.bool(e.ignoreOwn),
		depth:             C.int32_t(q.Depth),
		deadline:          orNone(q.Deadline),
		lifespan:          orNone(q.Lifespan),
		liveliness:        orNone(q.Liveliness),
		max_blocking:      C.int64_t(q.MaxBlocking),
	}
	if q.MaxBlocking == 0 {
		cfg.max_blocking = C.int64_t(transport.DefaultMaxBlocking)
	}
	if err := check(C.endpoint_open(to.box, n.participant, &cfg, &e.c, (*C.uchar)(&e.guid[0]))); err != nil {
		e.closed = true
		n.forget(e)
		return err
	}
	return nil
}

// orNone is d in ns, or Cyclone's infinity for 0.
func orNone(d time.Duration) C.int64_t {
	if d == 0 {
		return math.MaxInt64
	}
	return C.int64_t(d)
}

// register gives e the identifier that its events carry. The node's mu is held.
func (n *Node) register(e *endpoint) {
	n.lastID++
	e.id = n.lastID
	n.table.Lock()
	n.table.byID[e.id] = e
	n.table.Unlock()
}

func (n *Node) forget(e *endpoint) {
	n.table.Lock()
	delete(n.table.byID, e.id)
	n.table.Unlock()
}

// deliver, tellStatus and tellPeers run on the queue's goroutine.

func (e *endpoint) deliver(payload []byte, info transport.Info) {
	if e.enter() {
		e.handler(payload, info)
		e.leave()
	}
}

func (e *endpoint) tellStatus(s transport.Status) {
	e.matched.Store(int64(s.Matched))
	e.tellPeers()
	if e.match == nil || e.told && s == e.status || !e.enter() {
		return
	}
	e.told, e.status = true, s
	e.match(s)
	e.leave()
}

func (e *endpoint) tellPeers() {
	if e.peers != nil && e.enter() {
		e.peers()
		e.leave()
	}
}

func (e *endpoint) enter() bool { return e.running.CompareAndSwap(idle, inHandler) }
func (e *endpoint) leave()      { e.running.CompareAndSwap(inHandler, idle) }

// Matched implements transport.Publisher and transport.Subscription.
func (e *endpoint) Matched() int {
	if e.running.Load() == shut {
		return 0
	}
	return int(e.matched.Load())
}

// close deletes the DDS entity and reports whether it was open.
func (e *endpoint) close() bool {
	e.running.Store(shut)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return false
	}
	e.closed = true
	C.endpoint_close(e.c)
	e.c = nil
	e.node.forget(e)
	return true
}

// Close implements transport.Publisher and transport.Subscription.
func (e *endpoint) Close() error {
	if !e.close() {
		return nil
	}
	n := e.node
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	return n.announce()
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
	return e.send(payload)
}

func (e *endpoint) send(payload []byte) error {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return transport.ErrClosed
	}
	err := check(C.endpoint_publish(e.c, (*C.uchar)(unsafe.SliceData(payload)), C.uint32_t(len(payload))))
	if errors.Is(err, transport.ErrClosed) {
		return fmt.Errorf("deleted by the middleware: %w", err)
	}
	return err
}
