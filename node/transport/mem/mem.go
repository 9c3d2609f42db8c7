// Package mem is a transport within one process, for tests and for runs without
// a middleware. It keeps to the semantics of DDS where nodes can tell: matching
// by type and quality of service, keep-last depths, history for late joiners,
// handlers on a goroutine per node.
package mem

import (
	"fmt"
	"sync"

	"guidedpolicysearch/node/transport"
)

// Bus connects the nodes opened on it. Domains are apart, as in DDS. The zero
// value is ready for use.
type Bus struct {
	mu     sync.Mutex
	topics map[topicKey]*topic
	lastID transport.PublisherID
}

type topicKey struct {
	domain uint32
	name   string
}

// Open makes a node on the bus. Options that concern a network are validated
// and otherwise unused.
func (b *Bus) Open(o transport.Options) (*Node, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("node %s: %w", o.Name, err)
	}
	n := &Node{bus: b, opts: o.WithDefaults(), open: map[closer]struct{}{}, done: make(chan struct{})}
	n.wake.L = &n.mu
	go n.run()
	return n, nil
}

func (b *Bus) topic(domain uint32, name string) *topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := topicKey{domain, name}
	t := b.topics[k]
	if t == nil {
		if b.topics == nil {
			b.topics = map[topicKey]*topic{}
		}
		t = &topic{}
		b.topics[k] = t
	}
	return t
}

func (b *Bus) newID() transport.PublisherID {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lastID++
	return b.lastID
}
