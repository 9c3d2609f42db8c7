// Package mem is a transport within one process, for tests and for runs without
// a middleware. It keeps to the semantics of DDS where nodes can tell: matching
// by type and quality of service, keep-last depths, history for late joiners,
// deadlines and leases, and per node a goroutine for the handlers of messages and
// one for those of services. No message is lost on the way, so Status.Lost is 0.
package mem

import (
	"fmt"
	"sync"

	"guidedpolicysearch/node/transport"
)

// Bus connects the nodes opened on it. Domains are apart, as in DDS. The zero
// value is ready for use.
type Bus struct {
	mu       sync.Mutex
	topics   map[key]*counted[topic]
	services map[key]*counted[service]
	nodes    map[uint32][]*Node // open, by domain
	lastID   transport.PublisherID
}

// key names a topic or service.
type key struct {
	domain uint32
	name   string
}

// counted is what connects the endpoints of one name; it goes with the last of them.
type counted[T any] struct {
	hub   T
	users int
}

// Open makes a node on the bus. Options that concern a network are validated
// and otherwise unused.
func (b *Bus) Open(o transport.Options) (*Node, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("node %s: %w", o.Name, err)
	}
	n := &Node{bus: b, opts: o.WithDefaults(), open: map[closer]struct{}{}, done: make(chan struct{}), served: make(chan struct{})}
	n.wake.L, n.called.L = &n.mu, &n.mu
	go n.run()
	go n.serve()
	b.join(n)
	return n, nil
}

func (b *Bus) acquireTopic(domain uint32, name string) *topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	return acquire(&b.topics, key{domain, name})
}

func (b *Bus) releaseTopic(domain uint32, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	release(b.topics, key{domain, name})
}

func (b *Bus) acquireService(domain uint32, name string) *service {
	b.mu.Lock()
	defer b.mu.Unlock()
	return acquire(&b.services, key{domain, name})
}

func (b *Bus) releaseService(domain uint32, name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	release(b.services, key{domain, name})
}

func acquire[T any](hubs *map[key]*counted[T], k key) *T {
	if *hubs == nil {
		*hubs = map[key]*counted[T]{}
	}
	c := (*hubs)[k]
	if c == nil {
		c = &counted[T]{}
		(*hubs)[k] = c
	}
	c.users++
	return &c.hub
}

func release[T any](hubs map[key]*counted[T], k key) {
	c := hubs[k]
	if c.users--; c.users == 0 {
		delete(hubs, k)
	}
}

func (b *Bus) newID() transport.PublisherID {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lastID++
	return b.lastID
}
