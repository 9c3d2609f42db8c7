//go:build rclgo

package rclgo

/*
#include <rcutils/types/string_array.h>
#include "rcl.h"
*/
import "C"

import (
	"fmt"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/tiiuae/rclgo/pkg/rclgo"

	"guidedpolicysearch/node/transport"
)

// Graph implements transport.GraphReader.
func (n *Node) Graph() (transport.Graph, error) {
	var g transport.Graph
	if err := n.begin(); err != nil {
		return g, fmt.Errorf("graph: %w", err)
	}
	defer n.making.RUnlock()
	err := n.inNode(func() error {
		err := n.readNodes(&g)
		if err == nil {
			err = n.readTopics(&g)
		}
		if err == nil {
			n.readServices(&g)
		}
		return err
	})
	if err != nil {
		return transport.Graph{}, fmt.Errorf("graph: %w", err)
	}
	g.Sort()
	return g, nil
}

// readNodes asks rcl itself: rclgo leaves out the enclaves.
func (n *Node) readNodes(g *transport.Graph) error {
	names, namespaces, enclaves := C.rcutils_get_zero_initialized_string_array(), C.rcutils_get_zero_initialized_string_array(), C.rcutils_get_zero_initialized_string_array()
	arrays := []*C.rcutils_string_array_t{&names, &namespaces, &enclaves}
	code := C.rcl_get_node_names_with_enclaves(n.c, C.rcutils_get_default_allocator(), &names, &namespaces, &enclaves)
	if err := check(C.outcome_of(code)); err != nil {
		return err
	}
	var columns [3][]string
	for i, a := range arrays {
		for _, s := range unsafe.Slice(a.data, int(a.size)) {
			columns[i] = append(columns[i], C.GoString(s))
		}
		_ = check(C.outcome_of(C.rcutils_string_array_fini(a))) // fails for an invalid allocator only
	}
	for i, name := range columns[0] {
		node := transport.GraphNode{Name: name, Namespace: columns[1][i], Enclave: columns[2][i]}
		if node.Enclave == "" {
			node.Enclave = "/"
		}
		g.Nodes = append(g.Nodes, node)
	}
	return nil
}

func (n *Node) readTopics(g *transport.Graph) error {
	topics, err := n.node.GetTopicNamesAndTypes(true)
	if err != nil {
		return err
	}
	for topic := range topics {
		publishers, err := n.node.GetPublishersInfoByTopic(topic, true)
		if err != nil {
			return err
		}
		subscriptions, err := n.node.GetSubscriptionsInfoByTopic(topic, true)
		if err != nil {
			return err
		}
		for _, i := range append(publishers, subscriptions...) {
			g.Endpoints = append(g.Endpoints, transport.GraphEndpoint{
				Topic:     topic,
				Type:      transport.Type{Name: i.TopicType},
				Publisher: i.EndpointType == rclgo.EndpointPublisher,
				QoS:       announced(i.QosProfile),
				Node:      nodeOf(g.Nodes, i.NodeName, i.NodeNamespace),
			})
		}
	}
	return nil
}

// nodeOf finds the node of an endpoint, with its enclave (an RMW has a word of its own
// for a node that it does not know).
func nodeOf(nodes []transport.GraphNode, name, namespace string) transport.GraphNode {
	for _, node := range nodes {
		if node.Name == name && node.Namespace == namespace {
			return node
		}
	}
	if name == "_NODE_NAME_UNKNOWN_" || name == "" {
		return transport.GraphNode{}
	}
	return transport.GraphNode{Name: name, Namespace: namespace, Enclave: "/"}
}

func announced(p rclgo.QosProfile) transport.QoS {
	q := transport.QoS{
		Deadline:         finite(p.Deadline),
		Lifespan:         finite(p.Lifespan),
		Liveliness:       finite(p.LivelinessLeaseDuration),
		ManualLiveliness: p.Liveliness == rclgo.LivelinessManualByTopic,
	}
	if p.History == rclgo.HistoryKeepLast {
		q.Depth = p.Depth
	}
	if p.Reliability == rclgo.ReliabilityReliable {
		q.Reliability = transport.Reliable
	}
	if p.Durability == rclgo.DurabilityTransientLocal {
		q.Durability = transport.TransientLocal
	}
	return q
}

// readServices asks for those of each node. One that has gone since has none.
func (n *Node) readServices(g *transport.Graph) {
	asked := map[string]bool{}
	for _, node := range g.Nodes {
		if asked[node.FQN()] { // rcl tells two nodes of one name not apart
			continue
		}
		asked[node.FQN()] = true
		for _, of := range []struct {
			client bool
			get    func(name, namespace string) (map[string][]string, error)
		}{{false, n.node.GetServiceNamesAndTypesByNode}, {true, n.node.GetClientNamesAndTypesByNode}} {
			services, err := of.get(node.Name, node.Namespace)
			if err != nil {
				C.rcutils_reset_error()
				continue
			}
			for name, types := range services {
				for _, t := range types {
					g.Services = append(g.Services, transport.GraphService{Name: name, Type: transport.Type{Name: t}, Client: of.client, Node: node})
				}
			}
		}
	}
}

// graphWatch tells of changes of the graph.
type graphWatch struct {
	node *Node

	mu       sync.Mutex
	changed  bool // and not told yet
	watchers []*graphWatcher
	counted  chan struct{} // closed when connections were counted; nil while nobody waits
}

type graphWatcher struct{ changed func() }

// OnGraphChange implements transport.GraphReader.
func (n *Node) OnGraphChange(changed func()) (stop func()) {
	g, w := &n.graph, &graphWatcher{changed}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.watchers = append(slices.Clone(g.watchers), w)
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.watchers = slices.DeleteFunc(slices.Clone(g.watchers), func(o *graphWatcher) bool { return o == w })
	}
}

// mark runs on the goroutine of events.
func (g *graphWatch) mark() {
	g.mu.Lock()
	g.changed = true
	g.mu.Unlock()
	g.node.services.wake()
}

// recounted ends the waiting of whoever looks for a connection.
func (g *graphWatch) recounted() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.counted != nil {
		close(g.counted)
		g.counted = nil
	}
}

// nextCount is closed after the next count of connections.
func (g *graphWatch) nextCount() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.counted == nil {
		g.counted = make(chan struct{})
	}
	return g.counted
}

// tell runs on the goroutine of services.
func (g *graphWatch) tell(bool) time.Duration {
	g.mu.Lock()
	changed, watchers := g.changed, g.watchers
	g.changed = false
	g.mu.Unlock()
	if !changed {
		return forever
	}
	for _, w := range watchers {
		g.mu.Lock()
		still := slices.Contains(g.watchers, w)
		g.mu.Unlock()
		if still {
			w.changed()
		}
	}
	return forever
}

// requestTopic is the DDS topic on which servers of a service listen.
func requestTopic(service string) string { return "rq" + service + "Request" }

// servers is the number of servers of a service, at least one if rcl knows of one.
func (n *Node) servers(service string) int {
	count := 1
	err := n.inNode(func() error {
		readers, err := n.node.GetSubscriptionsInfoByTopic(requestTopic(service), false)
		count = len(readers)
		return err
	})
	if err != nil { // an RMW of other names
		return 1
	}
	return max(count, 1)
}
