//go:build rclgo

package rclgo

/*
#include "rcl.h"
*/
import "C"

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/tiiuae/rclgo/pkg/rclgo"

	"guidedpolicysearch/node/transport"
)

// client calls one service.
type client struct {
	node    *Node
	name    string
	typ     *serviceType
	closing chan struct{} // closed with the client

	mu     sync.RWMutex // held for reading while c is in use
	closed bool
	c      *C.rcl_client_t
	free   func() error // rclgo's Close

	waiting sync.Mutex // also held while a request is sent, so that its response finds it
	calls   map[C.int64_t]chan []byte
}

// Client implements transport.Services.
func (n *Node) Client(name string, typ transport.Type, q transport.QoS) (transport.Client, error) {
	c := &client{node: n, name: name, closing: make(chan struct{}), calls: map[C.int64_t]chan []byte{}}
	if err := c.open(typ, q); err != nil {
		return nil, fmt.Errorf("client of %s: %w", name, err)
	}
	return c, nil
}

func (c *client) open(typ transport.Type, q transport.QoS) error {
	if err := transport.CheckService(c.name, typ, q); err != nil {
		return err
	}
	n := c.node
	if err := n.begin(); err != nil {
		return err
	}
	defer n.making.RUnlock()
	var err error
	if c.typ, err = loadService(typ); err != nil {
		return err
	}
	err = n.inNode(func() error {
		made, err := n.node.NewClient(c.name, c.typ, &rclgo.ClientOptions{Qos: profile(q)})
		if err != nil {
			return err
		}
		p, err := handle(made, clientField)
		if err != nil {
			return errors.Join(err, made.Close())
		}
		c.c, c.free = (*C.rcl_client_t)(p), made.Close
		return nil
	})
	if err != nil {
		return err
	}
	n.add(c)
	n.services.add(c)
	return nil
}

// entity and take make a client a waitable.

func (c *client) entity() (C.uint32_t, unsafe.Pointer) { return C.CLIENT, unsafe.Pointer(c.c) }

func (c *client) take() {
	n := c.node
	c.mu.RLock()
	if c.closed {
		c.mu.RUnlock()
		return
	}
	r := C.client_take(c.c, &c.typ.response.c, n.requests)
	c.mu.RUnlock()
	if r.outcome.code != C.RCL_RET_OK {
		if r.outcome.code != C.RCL_RET_CLIENT_TAKE_FAILED {
			n.malformed.Add(1)
		}
		_ = check(r.outcome) // frees it
		return
	}
	response := n.received(n.requests)
	if response == nil {
		return
	}
	c.waiting.Lock()
	answer := c.calls[r.id.sequence_number]
	delete(c.calls, r.id.sequence_number) // of several responses the first counts
	c.waiting.Unlock()
	if answer != nil {
		answer <- bytes.Clone(response)
	}
}

// Call implements transport.Client.
func (c *client) Call(ctx context.Context, request []byte) ([]byte, error) {
	response, err := c.call(ctx, request)
	if err != nil {
		return nil, fmt.Errorf("call of %s: %w", c.name, err)
	}
	return response, nil
}

func (c *client) call(ctx context.Context, request []byte) ([]byte, error) {
	if err := transport.CheckPayload(request, c.node.opts.MaxPayload); err != nil {
		return nil, err
	}
	if err := c.awaitServer(ctx); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	sequence, answer, err := c.send(request)
	if err != nil {
		return nil, err
	}
	defer func() {
		c.waiting.Lock()
		defer c.waiting.Unlock()
		delete(c.calls, sequence)
	}()
	select {
	case response := <-answer:
		return response, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.closing:
		return nil, transport.ErrClosed
	case <-c.node.closing:
		return nil, transport.ErrClosed
	}
}

func (c *client) awaitServer(ctx context.Context) error {
	for {
		counted := c.node.graph.nextCount()
		there, err := c.hasServer()
		if there || err != nil {
			return err
		}
		select {
		case <-counted:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", transport.ErrNoServer, ctx.Err())
		case <-c.closing:
			return transport.ErrClosed
		case <-c.node.closing:
			return transport.ErrClosed
		}
	}
}

func (c *client) hasServer() (bool, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return false, transport.ErrClosed
	}
	c.node.rcl.Lock()
	defer c.node.rcl.Unlock()
	return bool(C.client_has_server(c.node.c, c.c)), nil
}

func (c *client) send(request []byte) (C.int64_t, <-chan []byte, error) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return 0, nil, transport.ErrClosed
	}
	c.waiting.Lock()
	defer c.waiting.Unlock()
	sent := C.client_send(c.c, &c.typ.request.c, (*C.uint8_t)(unsafe.SliceData(request)), C.size_t(len(request)))
	if err := check(sent.outcome); err != nil {
		return 0, nil, err
	}
	answer := make(chan []byte, 1)
	c.calls[sent.sequence] = answer
	return sent.sequence, answer, nil
}

// Servers implements transport.Client.
func (c *client) Servers() int {
	if there, err := c.hasServer(); !there || err != nil {
		return 0
	}
	return c.node.servers(c.name)
}

// Close implements transport.Client.
func (c *client) Close() error {
	c.node.making.RLock()
	defer c.node.making.RUnlock()
	if err := c.close(); err != nil {
		return fmt.Errorf("close client of %s: %w", c.name, err)
	}
	return nil
}

func (c *client) close() error {
	c.waiting.Lock()
	select {
	case <-c.closing:
		c.waiting.Unlock()
		return nil
	default:
		close(c.closing)
	}
	c.waiting.Unlock()
	n := c.node
	n.services.remove(c)
	n.forget(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return n.inNode(c.free)
}
