package mem

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"guidedpolicysearch/node/transport"
)

// service connects the servers and clients of one name. Its lock is taken before those of the
// nodes.
type service struct {
	mu      sync.Mutex
	servers []*server
	joined  chan struct{} // closed when a server joins; nil while nobody waits
}

// server is one that offers a service.
type server struct {
	node    *Node
	service *service
	name    string
	typ     transport.Type
	qos     transport.QoS
	handler transport.ServiceHandler
	running atomic.Int32 // idle, inHandler or shut

	// guarded by node.mu
	inbox  []request // the last qos.Depth
	queued bool
}

// request is one that a server has not come to. The first response to it is taken.
type request struct {
	payload []byte
	client  *client
	answer  chan []byte // room for one
}

// Service implements transport.Services.
func (n *Node) Service(name string, typ transport.Type, q transport.QoS, h transport.ServiceHandler) (transport.Service, error) {
	if h == nil {
		return nil, fmt.Errorf("service %s without a handler: %w", name, transport.ErrInvalid)
	}
	s := &server{node: n, name: name, typ: typ, qos: q, handler: h}
	if err := n.addService(name, typ, q, s, &s.service); err != nil {
		return nil, fmt.Errorf("service %s: %w", name, err)
	}
	hub := s.service
	hub.mu.Lock()
	defer hub.mu.Unlock()
	if s.running.Load() == shut { // the node closed meanwhile
		return nil, fmt.Errorf("service %s: %w", name, transport.ErrClosed)
	}
	hub.servers = append(hub.servers, s)
	n.bus.changed(n.opts.Domain)
	if hub.joined != nil {
		close(hub.joined)
		hub.joined = nil
	}
	return s, nil
}

// Close implements transport.Service.
func (s *server) Close() error {
	if s.running.Swap(shut) == shut {
		return nil
	}
	s.service.mu.Lock()
	s.service.servers = without(s.service.servers, s)
	s.service.mu.Unlock()
	n := s.node
	n.mu.Lock()
	s.inbox = nil
	n.requested = without(n.requested, s)
	n.mu.Unlock()
	n.forget(s)
	n.bus.releaseService(n.opts.Domain, s.name)
	return nil
}

// receive puts a request into the inbox.
func (s *server) receive(r request) {
	n := s.node
	if len(r.payload) > n.opts.MaxPayload {
		n.tooLarge.Add(1)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.running.Load() == shut {
		return
	}
	if len(s.inbox) == s.qos.Depth {
		s.inbox = slices.Delete(s.inbox, 0, 1)
	}
	s.inbox = append(s.inbox, r)
	if !s.queued {
		s.queued = true
		n.requested = append(n.requested, s)
		n.called.Signal()
	}
}

// handle runs on the node's service goroutine.
func (s *server) handle(r request) {
	if !s.running.CompareAndSwap(idle, inHandler) {
		return
	}
	var replied atomic.Bool
	s.handler(r.payload, func(response []byte) error {
		if err := transport.CheckPayload(response, s.node.opts.MaxPayload); err != nil {
			return fmt.Errorf("response of %s: %w", s.name, err)
		}
		if s.running.Load() == shut {
			return fmt.Errorf("response of %s: %w", s.name, transport.ErrClosed)
		}
		if replied.Swap(true) {
			return fmt.Errorf("response of %s, the second to one request: %w", s.name, transport.ErrInvalid)
		}
		if to := r.client.node; len(response) > to.opts.MaxPayload {
			to.tooLarge.Add(1)
			return nil
		}
		select {
		case r.answer <- received(response):
		default: // another server was first
		}
		return nil
	})
	s.running.CompareAndSwap(inHandler, idle)
}

// received is a copy of payload as it comes out at the other side.
func received(payload []byte) []byte {
	p := append([]byte(nil), payload...)
	p[3] &^= padMask
	return p
}

type client struct {
	node    *Node
	service *service
	name    string
	typ     transport.Type
	qos     transport.QoS
	once    sync.Once
	closed  chan struct{}
}

// Client implements transport.Services.
func (n *Node) Client(name string, typ transport.Type, q transport.QoS) (transport.Client, error) {
	c := &client{node: n, name: name, typ: typ, qos: q, closed: make(chan struct{})}
	if err := n.addService(name, typ, q, c, &c.service); err != nil {
		return nil, fmt.Errorf("client of %s: %w", name, err)
	}
	n.bus.changed(n.opts.Domain)
	return c, nil
}

// Close implements transport.Client.
func (c *client) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.node.forget(c)
		c.node.bus.releaseService(c.node.opts.Domain, c.name)
	})
	return nil
}

// matches reports whether requests reach s and its responses come back.
func (c *client) matches(s *server) bool {
	return c.typ.Name == s.typ.Name && transport.Incompatible(c.qos, s.qos) == "" && transport.Incompatible(s.qos, c.qos) == ""
}

// Servers implements transport.Client.
func (c *client) Servers() int {
	select {
	case <-c.closed:
		return 0
	default:
	}
	c.service.mu.Lock()
	defer c.service.mu.Unlock()
	n := 0
	for _, s := range c.service.servers {
		if c.matches(s) {
			n++
		}
	}
	return n
}

// Call implements transport.Client.
func (c *client) Call(ctx context.Context, payload []byte) ([]byte, error) {
	if err := transport.CheckPayload(payload, c.node.opts.MaxPayload); err != nil {
		return nil, fmt.Errorf("call of %s: %w", c.name, err)
	}
	answer := make(chan []byte, 1)
	for {
		select {
		case <-c.closed:
			return nil, fmt.Errorf("call of %s: %w", c.name, transport.ErrClosed)
		default:
		}
		if err := ctx.Err(); err != nil && c.Servers() > 0 {
			return nil, fmt.Errorf("call of %s: %w", c.name, err)
		}
		joined := c.send(payload, answer)
		if joined == nil {
			break
		}
		select {
		case <-joined:
		case <-c.closed:
		case <-ctx.Done():
			return nil, fmt.Errorf("call of %s: %w: %w", c.name, transport.ErrNoServer, ctx.Err())
		}
	}
	select {
	case response := <-answer:
		return response, nil
	case <-c.closed:
		return nil, fmt.Errorf("call of %s: %w", c.name, transport.ErrClosed)
	case <-ctx.Done():
		return nil, fmt.Errorf("call of %s, no response: %w", c.name, ctx.Err())
	}
}

// send gives the request to all servers. If there is none it returns a channel that is closed
// when one joins.
func (c *client) send(payload []byte, answer chan []byte) (joined <-chan struct{}) {
	hub := c.service
	hub.mu.Lock()
	defer hub.mu.Unlock()
	sent := false
	for _, s := range hub.servers {
		if c.matches(s) {
			s.receive(request{payload: received(payload), client: c, answer: answer})
			sent = true
		}
	}
	if sent {
		return nil
	}
	if hub.joined == nil {
		hub.joined = make(chan struct{})
	}
	return hub.joined
}
