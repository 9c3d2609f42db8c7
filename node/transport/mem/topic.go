package mem

import (
	"slices"
	"sync"

	"guidedpolicysearch/node/transport"
)

// topic connects the endpoints of one name. Its lock is taken before those of
// the nodes.
type topic struct {
	mu   sync.Mutex
	pubs []*publisher
	subs []*subscription
}

func (t *topic) addPublisher(p *publisher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.running.Load() == shut { // the node closed meanwhile
		return
	}
	t.pubs = append(t.pubs, p)
	p.showLife()
	p.change(opened)
	for _, s := range t.subs {
		connect(p, s)
	}
}

func (t *topic) addSubscription(s *subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.running.Load() == shut { // the node closed meanwhile
		return
	}
	t.subs = append(t.subs, s)
	s.change(opened)
	for _, p := range t.pubs {
		connect(p, s)
	}
}

func (t *topic) removePublisher(p *publisher) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pubs = without(t.pubs, p)
	p.deadline.stop()
	p.lease.stop()
	for _, s := range p.subs {
		s.disconnect(p.dead)
	}
	p.subs = nil
}

func (t *topic) removeSubscription(s *subscription) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subs = without(t.subs, s)
	for _, p := range t.pubs {
		if slices.Contains(p.subs, s) {
			p.subs = without(p.subs, s)
			p.change(disconnected)
		}
	}
}

// connect tells both sides of a pair whether they match, and hands over the
// publisher's history if they do. The topic is locked.
func connect(p *publisher, s *subscription) {
	if p.typ.Name != s.typ.Name {
		return
	}
	if policy := transport.Incompatible(p.qos, s.qos); policy != "" {
		p.change(incompatible(policy))
		s.change(incompatible(policy))
		return
	}
	p.subs = append(p.subs, s)
	p.change(connected)
	s.change(connected)
	if p.dead {
		s.change(died)
	}
	if s.qos.Durability != transport.TransientLocal {
		return
	}
	for i := 0; i < p.history.n; i++ {
		s.receive(p.history.at(i))
	}
}

func without[T comparable](list []T, x T) []T {
	if i := slices.Index(list, x); i >= 0 {
		return slices.Delete(list, i, i+1)
	}
	return list
}
