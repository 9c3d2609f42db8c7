package mem

import (
	"slices"
	"sync"
	"sync/atomic"

	"guidedpolicysearch/node/transport"
)

// watcher is one that is told of changes of the graph.
type watcher struct {
	changed func()
	running atomic.Int32 // idle, inHandler or shut
}

func (w *watcher) tell() {
	if w.running.CompareAndSwap(idle, inHandler) {
		w.changed()
		w.running.CompareAndSwap(inHandler, idle)
	}
}

// OnGraphChange implements transport.GraphReader.
func (n *Node) OnGraphChange(changed func()) (stop func()) {
	w := &watcher{changed: changed}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.watchers = append(n.watchers, w)
	return sync.OnceFunc(func() {
		w.running.Store(shut)
		n.mu.Lock()
		defer n.mu.Unlock()
		n.watchers = without(n.watchers, w)
	})
}

// join and leave keep the nodes of each domain.

func (b *Bus) join(n *Node) {
	b.mu.Lock()
	if b.nodes == nil {
		b.nodes = map[uint32][]*Node{}
	}
	d := n.opts.Domain
	b.nodes[d] = append(b.nodes[d], n)
	b.mu.Unlock()
	b.changed(d)
}

func (b *Bus) leave(n *Node) {
	d := n.opts.Domain
	b.mu.Lock()
	b.nodes[d] = without(b.nodes[d], n)
	if len(b.nodes[d]) == 0 {
		delete(b.nodes, d)
	}
	b.mu.Unlock()
	b.changed(d)
}

// changed tells the nodes of a domain that its graph has changed. No lock of theirs is held.
func (b *Bus) changed(domain uint32) {
	for _, n := range b.in(domain) {
		n.mu.Lock()
		if len(n.watchers) > 0 {
			n.regraph = true
			n.called.Signal()
		}
		n.mu.Unlock()
	}
}

// in is a copy of the list of a domain's nodes.
func (b *Bus) in(domain uint32) []*Node {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.nodes[domain])
}

// Graph implements transport.GraphReader.
func (n *Node) Graph() (transport.Graph, error) {
	n.mu.Lock()
	closed := n.closed
	n.mu.Unlock()
	if closed {
		return transport.Graph{}, transport.ErrClosed
	}
	var g transport.Graph
	for _, other := range n.bus.in(n.opts.Domain) {
		other.addTo(&g)
	}
	g.Sort()
	return g, nil
}

func (n *Node) addTo(g *transport.Graph) {
	node := transport.GraphNode{Name: n.opts.Name, Namespace: n.opts.Namespace, Enclave: n.opts.Enclave}
	g.Nodes = append(g.Nodes, node)
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.open {
		switch c := c.(type) {
		case *publisher:
			g.Endpoints = append(g.Endpoints, transport.GraphEndpoint{Topic: c.name, Type: c.typ, Publisher: true, QoS: c.qos, Node: node})
		case *subscription:
			g.Endpoints = append(g.Endpoints, transport.GraphEndpoint{Topic: c.name, Type: c.typ, QoS: c.qos, Node: node})
		case *server:
			g.Services = append(g.Services, transport.GraphService{Name: c.name, Type: c.typ, Node: node})
		case *client:
			g.Services = append(g.Services, transport.GraphService{Name: c.name, Type: c.typ, Client: true, Node: node})
		}
	}
}
