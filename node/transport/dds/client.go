//go:build !rclgo

package dds

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"guidedpolicysearch/node/transport"
)

// client is a writer of requests and a reader of responses that announce the same
// identifier.
type client struct {
	node      *Node
	name      string
	requests  *endpoint
	responses *endpoint
	ended     chan struct{} // closed with the client

	mu      sync.Mutex
	handle  uint64 // of requests, in the identity of every request
	closed  bool
	changed chan struct{} // closed at the next change of connections
	lastSeq int64
	calls   map[int64]chan []byte // by sequence number
	buf     []byte
}

// Client implements transport.Services.
func (n *Node) Client(name string, typ transport.Type, q transport.QoS) (transport.Client, error) {
	c := &client{node: n, name: name, ended: make(chan struct{}), changed: make(chan struct{}), calls: map[int64]chan []byte{}}
	c.requests = &endpoint{node: n, topic: name, peers: c.serversChanged}
	c.responses = &endpoint{node: n, topic: name, handler: c.receive, peers: c.serversChanged}
	err := n.addPair(clientKey, c.requests, c.responses, typ, q)
	if err == nil {
		err = n.addClient(c)
	}
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", name, err)
	}
	return c, nil
}

// addClient has the node's Close end c's calls.
func (n *Node) addClient(c *client) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return transport.ErrClosed
	}
	c.mu.Lock()
	c.handle = c.requests.handle()
	c.mu.Unlock()
	n.clients[c] = struct{}{}
	return nil
}

// servers counts the connected servers, and request readers that do not identify themselves
// as those of rmw_cyclonedds.
func (c *client) servers() (connected, foreign int) {
	ids := map[string]bool{}
	for _, p := range c.requests.connected() {
		if id := userValue(p.userData, serviceKey); id != "" {
			ids[id] = true
		} else {
			foreign++
		}
	}
	for _, p := range c.responses.connected() {
		if id := userValue(p.userData, serviceKey); ids[id] {
			delete(ids, id)
			connected++
		}
	}
	return connected, foreign
}

// Servers implements transport.Client.
func (c *client) Servers() int {
	connected, _ := c.servers()
	return connected
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
	seq, answered, err := c.send(request)
	if err != nil {
		return nil, err
	}
	defer c.forget(seq)
	select {
	case response := <-answered:
		return response, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("no response: %w", ctx.Err())
	case <-c.ended:
		return nil, transport.ErrClosed
	}
}

// awaitServer waits until a request reaches a server and nobody whom it could harm.
func (c *client) awaitServer(ctx context.Context) error {
	for {
		c.mu.Lock()
		changed := c.changed
		c.mu.Unlock()
		select {
		case <-c.ended:
			return transport.ErrClosed
		default:
		}
		connected, foreign := c.servers()
		if connected > 0 && foreign == 0 {
			return ctx.Err()
		}
		select {
		case <-changed:
		case <-c.ended:
			return transport.ErrClosed
		case <-ctx.Done():
			if foreign > 0 {
				return fmt.Errorf("%w that may be called: %d of another middleware, which a request could harm, listen on the same service; run them with RMW_IMPLEMENTATION=rmw_cyclonedds_cpp, or use topics: %w",
					transport.ErrNoServer, foreign, ctx.Err())
			}
			return fmt.Errorf("%w: %w", transport.ErrNoServer, ctx.Err())
		}
	}
}

func (c *client) send(request []byte) (seq int64, answered <-chan []byte, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return 0, nil, transport.ErrClosed
	}
	c.lastSeq++
	answer := make(chan []byte, 1)
	c.calls[c.lastSeq] = answer
	c.buf = withIdentity(c.buf, request, identity{c.handle, c.lastSeq})
	err = c.requests.send(c.buf)
	if cap(c.buf) > keptBuffer {
		c.buf = nil
	}
	if err != nil {
		delete(c.calls, c.lastSeq)
		return 0, nil, err
	}
	return c.lastSeq, answer, nil
}

func (c *client) forget(seq int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, seq)
}

// receive and serversChanged run on the node's service goroutine.

func (c *client) receive(payload []byte, _ transport.Info) {
	id, response, ok := cutIdentity(payload)
	if !ok {
		c.node.malformed.Add(1)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, waits := c.calls[id.seq]; waits && id.client == c.handle { // not to another client of the service
		delete(c.calls, id.seq)
		answer <- bytes.Clone(response)
	}
}

func (c *client) serversChanged() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.changed)
	c.changed = make(chan struct{})
}

// shut ends the calls that wait.
func (c *client) shut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.closed = true
		close(c.ended)
	}
}

// Close implements transport.Client.
func (c *client) Close() error {
	c.shut()
	c.node.mu.Lock()
	delete(c.node.clients, c)
	c.node.mu.Unlock()
	return c.node.closePair(c.responses, c.requests)
}
