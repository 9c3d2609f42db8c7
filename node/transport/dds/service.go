//go:build !rclgo

package dds

import (
	"fmt"
	"slices"
	"sync"

	"guidedpolicysearch/node/transport"
)

// service is a server: a reader of requests and a writer of responses that announce the same
// identifier.
type service struct {
	node      *Node
	name      string
	depth     int
	handler   transport.ServiceHandler
	requests  *endpoint
	responses *endpoint

	mu      sync.Mutex
	clients map[uint64]string   // identifiers of the connected clients, by the handles of their request writers
	readers map[string]struct{} // identifiers of clients whose response readers are connected
	waiting []response          // to clients whose response readers are not, at most depth
	buf     []byte
}

// response waits for the second half of a client's connection: without it the response
// would be lost.
type response struct {
	client  string
	payload []byte
}

var _ transport.Services = (*Node)(nil)

// Service implements transport.Services.
func (n *Node) Service(name string, typ transport.Type, q transport.QoS, h transport.ServiceHandler) (transport.Service, error) {
	if h == nil {
		return nil, fmt.Errorf("service %s without a handler: %w", name, transport.ErrInvalid)
	}
	s := &service{node: n, name: name, depth: q.Depth, handler: h}
	s.responses = &endpoint{node: n, topic: name, peers: s.readersChanged}
	s.requests = &endpoint{node: n, topic: name, handler: s.handle, peers: s.clientsChanged}
	if err := n.addPair(serviceKey, s.responses, s.requests, typ, q); err != nil {
		return nil, fmt.Errorf("service %s: %w", name, err)
	}
	return s, nil
}

// addPair opens the endpoints of a service or client, the writer first, and announces them.
func (n *Node) addPair(key string, writer, reader *endpoint, typ transport.Type, q transport.QoS) error {
	if err := transport.CheckService(writer.topic, typ, q); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return fmt.Errorf("node %s: %w", n.opts.Name, transport.ErrClosed)
	}
	data := key + "=" + n.newServiceID() + ";"
	requests := names{"rq" + writer.topic + "Request", typeName(typ, "_Request"), data + n.hashData(typ.Request)}
	responses := names{"rr" + writer.topic + "Reply", typeName(typ, "_Response"), data + n.hashData(typ.Response)}
	out, in := requests, responses
	if key == serviceKey {
		out, in = responses, requests
	}
	max := n.opts.MaxPayload + identityLen
	if err := writer.open(n.services, out, q, max); err != nil {
		return err
	}
	err := reader.open(n.services, in, q, max)
	if err == nil {
		err = n.announce()
	}
	if err != nil {
		reader.close()
		writer.close()
	}
	return err
}

// closePair closes the endpoints of a service or client.
func (n *Node) closePair(reader, writer *endpoint) error {
	if open := reader.close(); !writer.close() && !open {
		return nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil
	}
	return n.announce()
}

// Close implements transport.Service.
func (s *service) Close() error { return s.node.closePair(s.requests, s.responses) }

// handle, clientsChanged and readersChanged run on the node's service goroutine.

func (s *service) handle(payload []byte, info transport.Info) {
	id, request, ok := cutIdentity(payload)
	client := s.client(uint64(info.Publisher))
	if !ok || client == "" {
		s.node.malformed.Add(1)
		return
	}
	var once sync.Mutex
	replied := false
	s.handler(request, func(response []byte) error {
		once.Lock()
		defer once.Unlock()
		if replied {
			return fmt.Errorf("service %s: second response to one request: %w", s.name, transport.ErrInvalid)
		}
		if err := s.reply(uint64(info.Publisher), client, id, response); err != nil {
			return fmt.Errorf("service %s: %w", s.name, err)
		}
		replied = true
		return nil
	})
}

// client is the identifier of the client with a request writer, or empty.
func (s *service) client(writer uint64) string {
	s.mu.Lock()
	client := s.clients[writer]
	s.mu.Unlock()
	if client != "" {
		return client
	}
	// Where both sides of a connection are opened at once, in one process, a request may be
	// ahead of its news.
	s.clientsChanged()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clients[writer]
}

func (s *service) reply(writer uint64, client string, id identity, payload []byte) error {
	if err := transport.CheckPayload(payload, s.node.opts.MaxPayload); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, connected := s.readers[client]; connected {
		s.buf = withIdentity(s.buf, payload, id)
		err := s.responses.send(s.buf)
		if cap(s.buf) > keptBuffer {
			s.buf = nil
		}
		return err
	}
	switch _, there := s.clients[writer]; {
	case s.responses.running.Load() == shut:
		return transport.ErrClosed
	case !there:
		return nil
	case len(s.waiting) == s.depth:
		s.waiting = slices.Delete(s.waiting, 0, 1)
	}
	s.waiting = append(s.waiting, response{client, withIdentity(nil, payload, id)})
	return nil
}

// clientsChanged learns which clients there are. A client without an identifier is not of
// rmw_cyclonedds: its requests have no identity, and what they begin with is not one.
func (s *service) clientsChanged() {
	clients := map[uint64]string{}
	for _, p := range s.requests.connected() {
		if id := userValue(p.userData, clientKey); id != "" {
			clients[p.handle] = id
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clients = clients
	there := map[string]bool{}
	for _, id := range clients {
		there[id] = true
	}
	s.waiting = slices.DeleteFunc(s.waiting, func(r response) bool { return !there[r.client] })
}

func (s *service) readersChanged() {
	readers := map[string]struct{}{}
	for _, p := range s.responses.connected() {
		if id := userValue(p.userData, clientKey); id != "" {
			readers[id] = struct{}{}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readers = readers
	s.waiting = slices.DeleteFunc(s.waiting, func(r response) bool {
		_, connected := readers[r.client]
		if connected {
			// A client that does not keep up loses it, as it loses the oldest ones of
			// its own cache.
			_ = s.responses.send(r.payload)
		}
		return connected
	})
}
