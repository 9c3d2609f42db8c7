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
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"guidedpolicysearch/node/transport"
)

// Node is a DDS participant with one ROS 2 node in it.
type Node struct {
	opts        transport.Options
	participant C.dds_entity_t
	guid        GUID
	box         *C.struct_mailbox
	done        chan struct{} // closed when the node's goroutine has ended
	discovery   *endpoint     // writer of ros_discovery_info
	malformed   atomic.Uint64
	tooLarge    atomic.Uint64

	mu     sync.Mutex // order of changes of the node's endpoints and their announcement
	closed bool
	lastID uint64
	info   []byte // encoding buffer of the announcement

	table struct {
		sync.RWMutex
		byID map[uint64]*endpoint
	}
}

var _ transport.Node = (*Node)(nil)

// GUID is a DDS entity identifier in the byte order of the wire.
type GUID [16]byte

// Open makes a node. With transport.Localhost it fails rather than use another
// network interface than loopback, whatever o.Config says.
func Open(o transport.Options) (*Node, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("node %s: %w", o.Name, err)
	}
	o = o.WithDefaults()
	if err := acquireDomain(o); err != nil {
		return nil, fmt.Errorf("node %s: %w", o.Name, err)
	}
	n := &Node{opts: o, done: make(chan struct{})}
	n.table.byID = map[uint64]*endpoint{}
	if err := n.open(); err != nil {
		releaseDomain(o.Domain)
		return nil, fmt.Errorf("node %s in domain %d: %w", o.Name, o.Domain, err)
	}
	go n.run()
	return n, nil
}

func (n *Node) open() error {
	data := C.CString("enclave=" + n.opts.Enclave + ";")
	defer C.free(unsafe.Pointer(data))
	n.participant = C.participant_open(C.uint32_t(n.opts.Domain), data, (*C.uchar)(&n.guid[0]))
	if err := check(n.participant); err != nil {
		return fmt.Errorf("participant: %w", err)
	}
	n.box = C.mailbox_new()
	if n.box == nil {
		C.dds_delete(n.participant)
		return fmt.Errorf("mailbox: %w: out of memory", ErrMiddleware)
	}
	err := n.openDiscovery()
	if err == nil && n.opts.Range == transport.Localhost && !C.endpoint_is_local(n.discovery.c) {
		err = fmt.Errorf("discovery range is localhost, but CYCLONEDDS_URI=%q selects another network interface; unset it or take the interface out of it: %w",
			n.opts.Config, transport.ErrInvalid)
	}
	if err != nil {
		if n.discovery != nil {
			n.discovery.close()
		}
		C.mailbox_free(n.box)
		C.dds_delete(n.participant)
	}
	return err
}

// run hands what the mailbox collects to the handlers until the node closes.
func (n *Node) run() {
	defer close(n.done)
	var payload []byte
	for {
		ev := C.mailbox_wait(n.box)
		if ev == nil {
			return
		}
		n.table.RLock()
		e := n.table.byID[uint64(ev.endpoint)]
		n.table.RUnlock()
		switch {
		case e == nil: // closed meanwhile
		case ev.kind == C.EVENT_MATCH:
			e.rematch(transport.Status{Matched: int(ev.matched), Incompatible: int(ev.incompatible), Policy: policy(ev.policy)})
		case ev.fault == C.RAW_MALFORMED:
			n.malformed.Add(1)
		case ev.fault == C.RAW_TOO_LARGE:
			n.tooLarge.Add(1)
		default:
			payload = append(payload[:0], unsafe.Slice((*byte)(ev.payload), int(ev.size))...)
			payload[3] &^= padMask
			e.deliver(payload, transport.Info{
				SourceTime:  int64(ev.source_time),
				ReceiveTime: time.Now().UnixNano(),
				Publisher:   transport.PublisherID(ev.publisher),
			})
			if cap(payload) > keptBuffer {
				payload = nil
			}
		}
	}
}

const (
	padMask    = 3       // bits of header byte 3 that count padding
	keptBuffer = 4 << 20 // bytes; a larger receive buffer is not kept for the next message
)

func policy(id C.uint32_t) string {
	switch id {
	case C.DDS_RELIABILITY_QOS_POLICY_ID:
		return transport.PolicyReliability
	case C.DDS_DURABILITY_QOS_POLICY_ID:
		return transport.PolicyDurability
	case C.DDS_DEADLINE_QOS_POLICY_ID:
		return transport.PolicyDeadline
	case C.DDS_LIVELINESS_QOS_POLICY_ID:
		return transport.PolicyLiveliness
	case C.DDS_INVALID_QOS_POLICY_ID:
		return ""
	}
	return fmt.Sprintf("policy %d", uint32(id))
}

// Publisher implements transport.Node.
func (n *Node) Publisher(topic string, typ transport.Type, q transport.QoS, match transport.StatusHandler) (transport.Publisher, error) {
	e := &endpoint{node: n, topic: topic, match: match}
	if err := n.add(e, typ, q); err != nil {
		return nil, fmt.Errorf("publisher on %s: %w", topic, err)
	}
	return publisher{e}, nil
}

// Subscribe implements transport.Node.
func (n *Node) Subscribe(topic string, typ transport.Type, q transport.QoS, h transport.Handler, match transport.StatusHandler) (transport.Subscription, error) {
	if h == nil {
		return nil, fmt.Errorf("subscription to %s without a handler: %w", topic, transport.ErrInvalid)
	}
	e := &endpoint{node: n, topic: topic, match: match, handler: h}
	if err := n.add(e, typ, q); err != nil {
		return nil, fmt.Errorf("subscription to %s: %w", topic, err)
	}
	return e, nil
}

// add opens e and announces it.
func (n *Node) add(e *endpoint, typ transport.Type, q transport.QoS) error {
	if err := errors.Join(transport.CheckTopic(e.topic), typ.Validate(), q.Validate()); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return fmt.Errorf("node %s: %w", n.opts.Name, transport.ErrClosed)
	}
	var userData string
	if typ.Hash != "" && n.opts.Distro != transport.DefaultDistro {
		userData = "typehash=" + typ.Hash + ";"
	}
	if err := e.open("rt"+e.topic, typeName(typ), userData, q); err != nil {
		return err
	}
	if err := n.announce(); err != nil {
		e.close()
		return err
	}
	return nil
}

// typeName is the DDS name of a ROS 2 type.
func typeName(t transport.Type) string {
	i := strings.LastIndexByte(t.Name, '/')
	return strings.ReplaceAll(t.Name[:i], "/", "::") + "::dds_::" + t.Name[i+1:] + "_"
}

// Stats implements transport.Node.
func (n *Node) Stats() transport.Stats {
	return transport.Stats{Malformed: n.malformed.Load(), TooLarge: n.tooLarge.Load()}
}

// GUID is the identifier of the node's participant.
func (n *Node) GUID() GUID { return n.guid }

// Close implements transport.Node.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		<-n.done
		return nil
	}
	n.closed = true
	n.mu.Unlock()

	C.mailbox_shut(n.box)
	<-n.done
	n.table.RLock()
	open := make([]*endpoint, 0, len(n.table.byID))
	for _, e := range n.table.byID {
		open = append(open, e)
	}
	n.table.RUnlock()
	for _, e := range open {
		e.close()
	}
	err := check(C.dds_delete(n.participant))
	C.mailbox_free(n.box)
	return errors.Join(err, releaseDomain(n.opts.Domain))
}
