package mem

import (
	"fmt"
	"sync/atomic"
	"time"

	"guidedpolicysearch/node/transport"
)

// endpoint is what publishers and subscriptions have in common.
type endpoint struct {
	node    *Node
	topic   *topic
	name    string
	typ     transport.Type
	qos     transport.QoS
	match   transport.StatusHandler
	inbox   *history // nil for a publisher
	handler transport.Handler
	matched atomic.Int64
	running atomic.Int32 // idle, inHandler or shut

	deadline timer // guarded by node.mu for a subscription, by topic.mu for a publisher

	// guarded by node.mu
	state   transport.Status
	told    int  // Matched as last given to the handler
	putOff  int  // messages that went before a lost connection
	changed bool // state is to be given to the handler
	queued  bool
}

// States of endpoint.running. A handler starts only out of idle, so that none
// starts after shut was stored.
const (
	idle int32 = iota
	inHandler
	shut
)

// change has e told of its status after apply changed it.
func (e *endpoint) change(apply func(*transport.Status)) {
	e.node.mu.Lock()
	defer e.node.mu.Unlock()
	e.changeLocked(apply)
}

// changeLocked needs node.mu.
func (e *endpoint) changeLocked(apply func(*transport.Status)) {
	apply(&e.state)
	e.changed = true
	e.node.enqueue(e)
}

// What changes a status.

func opened(*transport.Status)         {}
func connected(s *transport.Status)    { s.Matched++ }
func disconnected(s *transport.Status) { s.Matched-- }
func missed(s *transport.Status)       { s.DeadlinesMissed++ }
func lost(s *transport.Status)         { s.LivelinessLost++ }
func died(s *transport.Status)         { s.NotAlive++ }
func revived(s *transport.Status)      { s.NotAlive-- }

func incompatible(policy string) func(*transport.Status) {
	return func(s *transport.Status) {
		s.Incompatible++
		s.Policy = policy
	}
}

// receive puts a message into the inbox.
func (e *endpoint) receive(m *message) {
	n := e.node
	if len(m.payload) > n.opts.MaxPayload {
		n.tooLarge.Add(1)
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if e.running.Load() == shut {
		return
	}
	e.inbox.push(m)
	e.deadline.renew()
	n.enqueue(e)
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

// shutdown reports whether e was open.
func (e *endpoint) shutdown() bool {
	return e.running.Swap(shut) != shut
}

// withdraw takes e, as which it is closed, away from its node and topic.
func (e *endpoint) withdraw(c closer) {
	n := e.node
	n.drop(e)
	n.forget(c)
	n.bus.releaseTopic(n.opts.Domain, e.name)
}

type subscription struct{ endpoint }

// Close implements transport.Subscription.
func (s *subscription) Close() error {
	if s.shutdown() {
		s.topic.removeSubscription(s)
		s.node.mu.Lock()
		s.deadline.stop()
		s.node.mu.Unlock()
		s.withdraw(s)
	}
	return nil
}

// missDeadline is called when a subscription has waited for its deadline.
func (s *subscription) missDeadline() {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	if s.deadline.runOut() {
		s.changeLocked(missed)
		s.deadline.again()
	}
}

// disconnect takes a publisher away. After the last one no deadline is missed until the next
// message.
func (s *subscription) disconnect(dead bool) {
	s.node.mu.Lock()
	defer s.node.mu.Unlock()
	s.changeLocked(disconnected)
	if dead {
		s.changeLocked(revived)
	}
	if s.state.Matched == 0 {
		s.deadline.stop()
	}
}

type publisher struct {
	endpoint
	id transport.PublisherID

	// guarded by topic.mu
	subs    []*subscription // connected
	lease   timer           // of manual liveliness
	dead    bool            // the lease has ended
	history history         // for late joiners; no slots if volatile
	out     message         // being published
}

// Close implements transport.Publisher.
func (p *publisher) Close() error {
	if p.shutdown() {
		p.topic.removePublisher(p)
		p.withdraw(p)
	}
	return nil
}

// Publish implements transport.Publisher.
func (p *publisher) Publish(payload []byte) error {
	if err := transport.CheckPayload(payload, p.node.opts.MaxPayload); err != nil {
		return fmt.Errorf("publish on %s: %w", p.name, err)
	}
	p.topic.mu.Lock()
	defer p.topic.mu.Unlock()
	if p.running.Load() == shut {
		return fmt.Errorf("publish on %s: %w", p.name, transport.ErrClosed)
	}
	p.out.payload = append(p.out.payload[:0], payload...)
	p.out.payload[3] &^= padMask
	p.out.publisher = p.id
	p.out.sourceTime = time.Now().UnixNano()
	if p.qos.Lifespan > 0 {
		p.out.expires = p.out.sourceTime + int64(p.qos.Lifespan)
	}
	if len(p.history.slots) > 0 {
		p.history.push(&p.out)
	}
	p.deadline.renew()
	p.showLife()
	for _, s := range p.subs {
		s.receive(&p.out)
	}
	return nil
}

// showLife renews the lease of manual liveliness. The topic is locked.
func (p *publisher) showLife() {
	p.lease.renew()
	if !p.dead {
		return
	}
	p.dead = false
	for _, s := range p.subs {
		s.change(revived)
	}
}

// endLease is called when nothing was published for the lease.
func (p *publisher) endLease() {
	p.topic.mu.Lock()
	defer p.topic.mu.Unlock()
	if p.dead || !p.lease.runOut() {
		return
	}
	p.dead = true
	p.change(lost)
	for _, s := range p.subs {
		s.change(died)
	}
}

// missDeadline is called when nothing was published for the deadline.
func (p *publisher) missDeadline() {
	p.topic.mu.Lock()
	defer p.topic.mu.Unlock()
	if p.deadline.runOut() {
		p.change(missed)
		p.deadline.again()
	}
}

const padMask = 3 // bits of header byte 3 that count padding on the wire
