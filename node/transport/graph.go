package transport

// GraphReader tells which nodes there are, and what they publish, subscribe to, offer and call.
type GraphReader interface {
	// Graph returns a snapshot of what has been discovered so far, this node included. It
	// allocates, and takes time that grows with the graph; not for a control loop.
	Graph() (Graph, error)
	// OnGraphChange has changed called on the node's service goroutine soon after each change
	// of the graph, once for changes in quick succession, until stop is called.
	OnGraphChange(changed func()) (stop func())
}

// Graph is what is known of a ROS 2 graph, sorted by name.
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
	QoS       QoS
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
