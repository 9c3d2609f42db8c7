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
	"unsafe"

	"guidedpolicysearch/node/transport"
)

// Node is a DDS participant with one ROS 2 node in it.
type Node struct {
	opts        transport.Options
	participant C.dds_entity_t
	guid        GUID
	messages    *queue    // of topics
	services    *queue    // of services and clients
	discovery   *endpoint // writer of ros_discovery_info
	graph       graph
	malformed   atomic.Uint64
	tooLarge    atomic.Uint64

	mu     sync.Mutex // order of changes of the node's endpoints and their announcement
	closed bool
	lastID uint64
	info   []byte // encoding buffer of the announcement

	lastServiceID uint32 // of services and clients
	clients       map[*client]struct{}

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
	n := &Node{opts: o, clients: map[*client]struct{}{}}
	n.table.byID = map[uint64]*endpoint{}
	if err := n.open(); err != nil {
		releaseDomain(o.Domain)
		return nil, fmt.Errorf("node %s in domain %d: %w", o.Name, o.Domain, err)
	}
	go n.run(n.messages)
	go n.run(n.services)
	return n, nil
}

func (n *Node) open() error {
	data := C.CString("enclave=" + n.opts.Enclave + ";")
	defer C.free(unsafe.Pointer(data))
	security, err := properties(n.opts)
	if err != nil {
		return err
	}
	defer freeProperties(security)
	n.participant = C.participant_open(C.uint32_t(n.opts.Domain), data, unsafe.SliceData(security), C.size_t(len(security)), (*C.uchar)(&n.guid[0]))
	if err := checkJoined(n.opts, n.participant, len(security) > 0); err != nil {
		return fmt.Errorf("participant: %w", err)
	}
	n.messages, n.services = newQueue(), newQueue()
	err = n.openDiscovery()
	if err == nil && n.opts.Range == transport.Localhost && !C.endpoint_is_local(n.discovery.c) {
		err = fmt.Errorf("discovery range is localhost, but CYCLONEDDS_URI=%q selects another network interface; unset it or take the interface out of it: %w",
			n.opts.Config, transport.ErrInvalid)
	}
	if err != nil {
		for _, e := range []*endpoint{n.discovery, n.graph.reader} {
			if e != nil {
				e.close()
			}
		}
		n.messages.free()
		n.services.free()
		C.dds_delete(n.participant)
	}
	return err
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
	if err := e.open(n.messages, names{"rt" + e.topic, typeName(typ, ""), n.hashData(typ.Hash)}, q, n.opts.MaxPayload); err != nil {
		return err
	}
	if err := n.announce(); err != nil {
		e.close()
		return err
	}
	return nil
}

// hashData is the part of an endpoint's user data that carries a type's hash.
func (n *Node) hashData(hash string) string {
	if hash == "" || n.opts.Distro == transport.DefaultDistro {
		return ""
	}
	return "typehash=" + hash + ";"
}

// typeName is the DDS name of a ROS 2 type, with a suffix ("_Request").
func typeName(t transport.Type, suffix string) string {
	i := strings.LastIndexByte(t.Name, '/')
	return strings.ReplaceAll(t.Name[:i], "/", "::") + "::dds_::" + t.Name[i+1:] + suffix + "_"
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
		<-n.messages.done
		<-n.services.done
		return nil
	}
	n.closed = true
	for c := range n.clients { // handlers may wait for responses
		c.shut()
	}
	n.mu.Unlock()

	n.messages.stop()
	n.services.stop()
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
	n.messages.free()
	n.services.free()
	return errors.Join(err, releaseDomain(n.opts.Domain))
}
