package rosnode

import (
	"sync"

	"guidedpolicysearch/node/transport"
)

// snapshot is the graph as it was when it was last asked for, and whether it has changed
// since.
type snapshot struct {
	unwatch func()

	mu      sync.Mutex
	current bool
	graph   transport.Graph
}

// outdate is told of each change of the graph.
func (s *snapshot) outdate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current = false
}

// Graph returns what has been discovered so far, as transport.GraphReader does, and makes it
// anew only after a change. The caller must not write to it.
func (n *Node) Graph() (transport.Graph, error) {
	s := &n.graph
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current {
		return s.graph, nil
	}
	// A change from here on is one that the snapshot may lack.
	s.current = true
	g, err := n.Node.Graph()
	if err != nil {
		s.current = false
		return transport.Graph{}, err
	}
	s.graph = g
	return g, nil
}
