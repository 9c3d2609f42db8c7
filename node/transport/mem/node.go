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
	done     chan struct{} // closed when the node's goroutine has ended
	tooLarge atomic.Uint64

	mu     sync.Mutex
	wake   sync.Cond
	closed bool
	ready  []*endpoint // with something to handle
	open   map[closer]struct{}
}

type closer interface{ Close() error }

var _ transport.Node = (*Node)(nil)

// Publisher implements transport.Node.
func (n *Node) Publisher(name string, typ transport.Type, q transport.QoS, match transport.StatusHandler) (transport.Publisher, error) {
	p := &publisher{id: n.bus.newID()}
	p.endpoint = endpoint{node: n, name: name, typ: typ, qos: q, match: match}
	if err := n.add(&p.endpoint, p); err != nil {
		return nil, fmt.Errorf("publisher on %s: %w", name, err)
	}
	if q.Durability == transport.TransientLocal {
		p.history = newHistory(q.Depth)
	}
	p.topic.addPublisher(p)
	if p.running.Load() == shut { // the node closed meanwhile
		p.topic.removePublisher(p)
		return nil, fmt.Errorf("publisher on %s: %w", name, transport.ErrClosed)
	}
	return p, nil
}

// Subscribe implements transport.Node.
func (n *Node) Subscribe(name string, typ transport.Type, q transport.QoS, h transport.Handler, match transport.StatusHandler) (transport.Subscription, error) {
	if h == nil {
		return nil, fmt.Errorf("subscription to %s without a handler: %w", name, transport.ErrInvalid)
	}
	s := &subscription{}
	s.endpoint = endpoint{node: n, name: name, typ: typ, qos: q, match: match, handler: h}
	if err := n.add(&s.endpoint, s); err != nil {
		return nil, fmt.Errorf("subscription to %s: %w", name, err)
	}
	inbox := newHistory(q.Depth)
	s.inbox = &inbox
	s.topic.addSubscription(s)
	if s.running.Load() == shut { // the node closed meanwhile
		s.topic.removeSubscription(s)
		return nil, fmt.Errorf("subscription to %s: %w", name, transport.ErrClosed)
	}
	return s, nil
}

func (n *Node) add(e *endpoint, c closer) error {
	if err := errors.Join(transport.CheckTopic(e.name), e.typ.Validate(), e.qos.Validate()); err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return fmt.Errorf("node %s: %w", n.opts.Name, transport.ErrClosed)
	}
	n.open[c] = struct{}{}
	e.topic = n.bus.topic(n.opts.Domain, e.name)
	return nil
}

func (n *Node) forget(e *endpoint, c closer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, c)
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
	n.mu.Unlock()
	<-n.done
	for {
		n.mu.Lock()
		var next closer
		for next = range n.open {
			break
		}
		n.mu.Unlock()
		if next == nil {
			return nil
		}
		next.Close()
	}
}
