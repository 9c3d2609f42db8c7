package transport

import (
	"cmp"
	"slices"
)

// GraphReader tells which nodes there are, and what they publish, subscribe to, offer and call.
type GraphReader interface {
	// Graph returns a snapshot of what has been discovered so far, this node included, sorted.
	// It allocates, and takes time that grows with the graph; not for a control loop.
	// Errors: ErrClosed.
	Graph() (Graph, error)
	// OnGraphChange has changed called on the node's service goroutine soon after each change
	// of the graph, this node's own endpoints included, once for changes in quick succession.
	// What is there already is no change. changed does not start any more once stop has
	// returned; one that is running is not waited for, so it may stop itself. Stopping twice
	// does nothing.
	OnGraphChange(changed func()) (stop func())
}

// Graph is what is known of a ROS 2 graph, sorted by name (Graph.Sort).
type Graph struct {
	Nodes     []GraphNode
	Endpoints []GraphEndpoint // of topics; those of services and actions' services are in Services
	Services  []GraphService
}

// GraphNode is a node. Two nodes of one name are two entries.
type GraphNode struct {
	Name      string // "sim_robot"
	Namespace string // "/" or "/robot1"
	Enclave   string // "/" where none was announced
}

// FQN is the fully qualified name: "/robot1/sim_robot".
func (n GraphNode) FQN() string {
	if n.Namespace == "/" {
		return "/" + n.Name
	}
	return n.Namespace + "/" + n.Name
}

// GraphEndpoint is a publisher or subscription.
type GraphEndpoint struct {
	Topic     string // "/joint_states"
	Type      Type   // Hash empty where none was announced
	Publisher bool
	// QoS is what was announced: MaxBlocking and, of a subscription, Lifespan never are, and
	// Depth is 0 where a middleware keeps it to itself.
	QoS QoS
	// Node is the node it belongs to; its Name is empty for an endpoint of no ROS node, or of one whose
	// announcement has not come yet.
	Node GraphNode
}

// GraphService is a server or client of a service.
type GraphService struct {
	Name   string // "/gps/start"
	Type   Type   // "std_srvs/srv/Trigger"
	Client bool
	Node   GraphNode
}

// Publishers is the number of publishers on a topic, whatever their type.
func (g *Graph) Publishers(topic string) int { return g.count(topic, true) }

// Subscriptions is the number of subscriptions to a topic, whatever their type.
func (g *Graph) Subscriptions(topic string) int { return g.count(topic, false) }

func (g *Graph) count(topic string, publisher bool) int {
	n := 0
	for _, e := range g.Endpoints {
		if e.Topic == topic && e.Publisher == publisher {
			n++
		}
	}
	return n
}

// Sort puts everything in the order of its full name, then of what tells equals apart.
func (g *Graph) Sort() {
	slices.SortFunc(g.Nodes, compareNodes)
	slices.SortFunc(g.Endpoints, func(a, b GraphEndpoint) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), compareBool(b.Publisher, a.Publisher), cmp.Compare(a.Type.Name, b.Type.Name), compareNodes(a.Node, b.Node))
	})
	slices.SortFunc(g.Services, func(a, b GraphService) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), compareBool(a.Client, b.Client), cmp.Compare(a.Type.Name, b.Type.Name), compareNodes(a.Node, b.Node))
	})
}

func compareNodes(a, b GraphNode) int {
	return cmp.Or(cmp.Compare(a.FQN(), b.FQN()), cmp.Compare(a.Enclave, b.Enclave))
}

// compareBool puts false first.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
