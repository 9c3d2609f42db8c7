package mem

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"guidedpolicysearch/node/transport"
)

// Node is a node on a Bus.
type Node struct {
	bus      *Bus
	opts     transport.Options
	done     chan struct{} // closed when the goroutine of messages has ended
	served   chan struct{} // closed when that of services has
	tooLarge atomic.Uint64

	mu        sync.Mutex
	closed    bool
	open      map[closer]struct{}
	wake      sync.Cond   // for the goroutine of messages
	ready     []*endpoint // with something to handle
	called    sync.Cond   // for the goroutine of services
	requested []*server   // with a request to handle
	watchers  []*watcher  // of the graph
	regraph   bool        // the graph has changed since they were told
}

type closer interface{ Close() error }

var _ transport.Node = (*Node)(nil)

// Publisher implements transport.Node.
func (n *Node) Publisher(name string, typ transport.Type, q transport.QoS, match transport.StatusHandler) (transport.Publisher, error) {
	p := &publisher{id: n.bus.newID()}
	p.endpoint = endpoint{node: n, name: name, typ: typ, qos: q, match: match}
	p.deadline = newTimer(q.Deadline, p.missDeadline)
	if q.ManualLiveliness {
		p.lease = newTimer(q.Liveliness, p.endLease)
	}
	if err := n.add(&p.endpoint, p); err != nil {
		return nil, fmt.Errorf("publisher on %s: %w", name, err)
	}
	if q.Durability == transport.TransientLocal {
		p.history = newHistory(q.Depth)
	}
	p.topic.addPublisher(p)
	if p.running.Load() == shut { // the node closed meanwhile
		return nil, fmt.Errorf("publisher on %s: %w", name, transport.ErrClosed)
	}
	n.bus.changed(n.opts.Domain)
	return p, nil
}

// Subscribe implements transport.Node.
func (n *Node) Subscribe(name string, typ transport.Type, q transport.QoS, h transport.Handler, match transport.StatusHandler) (transport.Subscription, error) {
	if h == nil {
		return nil, fmt.Errorf("subscription to %s without a handler: %w", name, transport.ErrInvalid)
	}
	s := &subscription{}
	s.endpoint = endpoint{node: n, name: name, typ: typ, qos: q, match: match, handler: h}
	s.deadline = newTimer(q.Deadline, s.missDeadline)
	if err := n.add(&s.endpoint, s); err != nil {
		return nil, fmt.Errorf("subscription to %s: %w", name, err)
	}
	inbox := newHistory(q.Depth)
	s.inbox = &inbox
	s.topic.addSubscription(s)
	if s.running.Load() == shut { // the node closed meanwhile
		return nil, fmt.Errorf("subscription to %s: %w", name, transport.ErrClosed)
	}
	n.bus.changed(n.opts.Domain)
	return s, nil
}

func (n *Node) add(e *endpoint, c closer) error {
	if err := errors.Join(transport.CheckTopic(e.name), e.typ.Validate(), e.qos.Validate()); err != nil {
		return err
	}
	return n.register(c, func() { e.topic = n.bus.acquireTopic(n.opts.Domain, e.name) })
}

func (n *Node) addService(name string, typ transport.Type, q transport.QoS, c closer, hub **service) error {
	if err := transport.CheckService(name, typ, q); err != nil {
		return err
	}
	return n.register(c, func() { *hub = n.bus.acquireService(n.opts.Domain, name) })
}

// register puts c among what is open, and acquires what it needs to be closed.
func (n *Node) register(c closer, acquire func()) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return fmt.Errorf("node %s: %w", n.opts.Name, transport.ErrClosed)
	}
	n.open[c] = struct{}{}
	acquire()
	return nil
}

// forget takes c, which is closed, from what is open.
func (n *Node) forget(c closer) {
	n.mu.Lock()
	delete(n.open, c)
	n.mu.Unlock()
	n.bus.changed(n.opts.Domain)
}

// drop takes e from what is to be handled.
func (n *Node) drop(e *endpoint) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.ready = without(n.ready, e)
}

// enqueue needs mu.
func (n *Node) enqueue(e *endpoint) {
	if e.queued {
		return
	}
	e.queued = true
	n.ready = append(n.ready, e)
	n.wake.Signal()
}

// run calls the handlers until the node closes.
func (n *Node) run() {
	defer close(n.done)
	var m message
	for {
		n.mu.Lock()
		for len(n.ready) == 0 && !n.closed {
			n.wake.Wait()
		}
		if n.closed {
			n.mu.Unlock()
			return
		}
		e := n.ready[0]
		n.ready = append(n.ready[:0], n.ready[1:]...)
		e.queued = false
		// A new connection is told before its messages, a lost one after those
		// that the inbox can hold of it.
		waiting := e.inbox != nil && e.inbox.n > 0
		if e.changed && (!waiting || e.state.Matched >= e.told || e.putOff >= e.qos.Depth) {
			state := e.state
			e.changed, e.told, e.putOff = false, state.Matched, 0
			if waiting {
				n.enqueue(e)
			}
			n.mu.Unlock()
			e.rematch(state)
			continue
		}
		if !waiting {
			n.mu.Unlock()
			continue
		}
		if e.changed {
			e.putOff++
		}
		e.inbox.pop(&m)
		if e.changed || e.inbox.n > 0 {
			n.enqueue(e)
		}
		n.mu.Unlock()
		if now := time.Now().UnixNano(); !m.expired(now) && e.enter() {
			e.handler(m.payload, transport.Info{SourceTime: m.sourceTime, ReceiveTime: now, Publisher: m.publisher})
			e.leave()
		}
	}
}

func (e *endpoint) rematch(m transport.Status) {
	if !e.enter() {
		return
	}
	e.matched.Store(int64(m.Matched))
	if e.match != nil {
		e.match(m)
	}
	e.leave()
}

// Stats implements transport.Node.
func (n *Node) Stats() transport.Stats { return transport.Stats{TooLarge: n.tooLarge.Load()} }

// Close implements transport.Node.
func (n *Node) Close() error {
	n.mu.Lock()
	n.closed = true
	n.wake.Signal()
	n.called.Signal()
	var clients []closer // first: a handler may wait in a call
	for c := range n.open {
		if _, ok := c.(*client); ok {
			clients = append(clients, c)
		}
	}
	n.mu.Unlock()
	for _, c := range clients {
		c.Close()
	}
	<-n.done
	<-n.served
	for {
		n.mu.Lock()
		var next closer
		for next = range n.open {
			break
		}
		n.mu.Unlock()
		if next == nil {
			n.bus.leave(n)
			return nil
		}
		next.Close()
	}
}
