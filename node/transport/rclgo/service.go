//go:build rclgo

package rclgo

/*
#include "rcl.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/tiiuae/rclgo/pkg/rclgo"
	"github.com/tiiuae/rclgo/pkg/rclgo/types"

	"guidedpolicysearch/node/transport"
)

// server is one that offers a service.
type server struct {
	node    *Node
	name    string
	typ     *serviceType
	handler transport.ServiceHandler
	running atomic.Int32 // idle, inHandler or shut

	mu     sync.RWMutex // held for reading while c is in use
	closed bool
	c      *C.rcl_service_t
	free   func() error // rclgo's Close
}

// Service implements transport.Services.
func (n *Node) Service(name string, typ transport.Type, q transport.QoS, h transport.ServiceHandler) (transport.Service, error) {
	if h == nil {
		return nil, fmt.Errorf("service %s without a handler: %w", name, transport.ErrInvalid)
	}
	s := &server{node: n, name: name, handler: h}
	if err := s.open(typ, q); err != nil {
		return nil, fmt.Errorf("service %s: %w", name, err)
	}
	return s, nil
}

func (s *server) open(typ transport.Type, q transport.QoS) error {
	if err := transport.CheckService(s.name, typ, q); err != nil {
		return err
	}
	n := s.node
	if err := n.begin(); err != nil {
		return err
	}
	defer n.making.RUnlock()
	var err error
	if s.typ, err = loadService(typ); err != nil {
		return err
	}
	err = n.inNode(func() error {
		// rclgo calls the handler in its own wait set only.
		made, err := n.node.NewService(s.name, s.typ, &rclgo.ServiceOptions{Qos: profile(q)},
			func(*rclgo.ServiceInfo, types.Message, rclgo.ServiceResponseSender) {})
		if err != nil {
			return err
		}
		c, err := handle(made, serviceField)
		if err != nil {
			return errors.Join(err, made.Close())
		}
		s.c, s.free = (*C.rcl_service_t)(c), made.Close
		return nil
	})
	if err != nil {
		return err
	}
	n.add(s)
	n.services.add(s)
	return nil
}

// entity and take make a server a waitable.

func (s *server) entity() (C.uint32_t, unsafe.Pointer) { return C.SERVICE, unsafe.Pointer(s.c) }

func (s *server) take() {
	n := s.node
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return
	}
	r := C.service_take(s.c, &s.typ.request.c, n.requests)
	s.mu.RUnlock()
	if r.outcome.code != C.RCL_RET_OK {
		if r.outcome.code != C.RCL_RET_SERVICE_TAKE_FAILED {
			n.malformed.Add(1)
		}
		_ = check(r.outcome) // frees it
		return
	}
	request := n.received(n.requests)
	if request == nil || !s.running.CompareAndSwap(idle, inHandler) {
		return
	}
	s.handler(request, (&call{server: s, id: r.id}).reply)
	s.running.CompareAndSwap(inHandler, idle)
}

// call is a request that was taken.
type call struct {
	server *server
	id     C.rmw_request_id_t

	mu      sync.Mutex
	replied bool
}

func (c *call) reply(response []byte) error {
	if err := c.send(response); err != nil {
		return fmt.Errorf("response of %s: %w", c.server.name, err)
	}
	return nil
}

func (c *call) send(response []byte) error {
	s := c.server
	if err := transport.CheckPayload(response, s.node.opts.MaxPayload); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.replied {
		return fmt.Errorf("the second to one request: %w", transport.ErrInvalid)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return transport.ErrClosed
	}
	err := check(C.service_reply(s.c, &s.typ.response.c, c.id, (*C.uint8_t)(unsafe.SliceData(response)), C.size_t(len(response))))
	c.replied = err == nil
	return err
}

// Close implements transport.Service.
func (s *server) Close() error {
	s.node.making.RLock()
	defer s.node.making.RUnlock()
	if err := s.close(); err != nil {
		return fmt.Errorf("close service %s: %w", s.name, err)
	}
	return nil
}

func (s *server) close() error {
	if s.running.Swap(shut) == shut {
		return nil
	}
	n := s.node
	n.services.remove(s)
	n.forget(s)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return n.inNode(s.free)
}
