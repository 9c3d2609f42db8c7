//go:build !rclgo

package dds

/*
#include "graph.h"
*/
import "C"

import (
	"fmt"
	"math"
	"sync"
	"time"
	"unsafe"

	"guidedpolicysearch/node/transport"
)

// Bounds of what is kept of other participants, hostile ones included. Cyclone itself keeps
// every endpoint that is discovered; these are beside that.
const (
	// maxAnnouncement is the largest announcement of a participant's nodes: some 10000
	// endpoints.
	maxAnnouncement = 256 << 10 // bytes
	// maxAnnounced bounds all announcements together; those above it are counted as too
	// large.
	maxAnnounced = 32 << 20 // bytes
	// unreadAnnouncements is how many may come while a service handler runs.
	unreadAnnouncements = 500
	// maxEntities bounds a snapshot of participants and endpoints.
	maxEntities = 20_000
)

// graph is what the participants say of their nodes, and who wants to know of changes. What
// endpoints there are is read from Cyclone when it is asked for.
type graph struct {
	reader *endpoint // of ros_discovery_info

	mu        sync.Mutex
	announced map[uint64]announcement // of other participants, by their writers
	size      int                     // bytes of those
	changed   map[int]func()
	lastID    int
	watches   []*endpoint // open while changed has entries
}

var _ transport.GraphReader = (*Node)(nil)

// openGraph opens the reader of other participants' announcements. The node's mu is held.
func (n *Node) openGraph() error {
	g := &n.graph
	g.announced, g.changed = map[uint64]announcement{}, map[int]func(){}
	e := &endpoint{node: n, topic: discoveryTopic, hidden: true, ignoreOwn: true, handler: n.heard, peers: n.prune}
	q := transport.Latched()
	q.Depth = unreadAnnouncements // the topic has no key: all participants share the depth
	if err := e.open(n.services, n.discoveryNames(), q, maxAnnouncement); err != nil {
		return fmt.Errorf("reader of %s: %w", discoveryTopic, err)
	}
	g.reader = e
	return nil
}

// heard and prune run on the node's service goroutine.

func (n *Node) heard(payload []byte, info transport.Info) {
	a, err := decodeAnnouncement(payload, n.gidLen())
	writer := uint64(info.Publisher)
	p, there := n.graph.reader.peer(writer)
	switch {
	case err != nil || there && p.participant != a.participant: // nobody speaks for another
		n.malformed.Add(1)
		return
	case !there:
		return
	}
	g := &n.graph
	g.mu.Lock()
	size := g.size - g.announced[writer].size + a.size
	if size > maxAnnounced {
		g.mu.Unlock()
		n.tooLarge.Add(1)
		return
	}
	g.announced[writer], g.size = a, size
	g.mu.Unlock()
	n.tellChange()
}

// prune forgets participants that are gone.
func (n *Node) prune() {
	there := map[uint64]bool{}
	for _, h := range n.graph.reader.peerHandles() {
		there[h] = true
	}
	g := &n.graph
	g.mu.Lock()
	for writer, a := range g.announced {
		if !there[writer] {
			delete(g.announced, writer)
			g.size -= a.size
		}
	}
	g.mu.Unlock()
	n.tellChange()
}

// tellChange runs on the node's service goroutine.
func (n *Node) tellChange() {
	g := &n.graph
	g.mu.Lock()
	ids := make([]int, 0, len(g.changed))
	for id := range g.changed {
		ids = append(ids, id)
	}
	g.mu.Unlock()
	for _, id := range ids {
		g.mu.Lock()
		changed := g.changed[id] // nil if stopped meanwhile
		g.mu.Unlock()
		if changed != nil {
			changed()
		}
	}
}

// OnGraphChange implements transport.GraphReader.
func (n *Node) OnGraphChange(changed func()) (stop func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	g := &n.graph
	g.mu.Lock()
	g.lastID++
	id := g.lastID
	g.changed[id] = changed
	watch := len(g.watches) == 0 && !n.closed
	g.mu.Unlock()
	if watch {
		n.watchGraph()
	}
	return func() { n.stopTelling(id) }
}

// watchGraph has Cyclone tell of discovered entities. Without memory for that, announcements
// still tell of what belongs to a node. The node's mu is held.
func (n *Node) watchGraph() {
	for _, kind := range [...]C.enum_entity_kind{C.ENTITY_PARTICIPANT, C.ENTITY_WRITER, C.ENTITY_READER} {
		e := &endpoint{node: n, hidden: true, peers: n.tellChange}
		n.register(e)
		if check(C.graph_watch(n.services.box, n.participant, kind, C.uint64_t(e.id), &e.c)) != nil {
			n.forget(e)
			continue
		}
		n.graph.watches = append(n.graph.watches, e)
	}
}

func (n *Node) stopTelling(id int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	g := &n.graph
	g.mu.Lock()
	delete(g.changed, id)
	last := len(g.changed) == 0
	g.mu.Unlock()
	if last {
		for _, e := range g.watches {
			e.close()
		}
		g.watches = nil
	}
}

// Graph implements transport.GraphReader.
func (n *Node) Graph() (transport.Graph, error) {
	var read C.struct_graph
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return transport.Graph{}, fmt.Errorf("graph seen by node %s: %w", n.opts.Name, transport.ErrClosed)
	}
	err := check(C.graph_read(n.participant, maxEntities, &read))
	n.mu.Unlock()
	defer C.graph_free(&read)
	if err != nil {
		return transport.Graph{}, fmt.Errorf("graph seen by node %s: %w", n.opts.Name, err)
	}
	return n.assemble(unsafe.Slice(read.entities, int(read.size))), nil
}

// assemble puts together what Cyclone has discovered and what participants announced.
func (n *Node) assemble(entities []C.struct_entity) transport.Graph {
	var g transport.Graph
	own := transport.GraphNode{Name: n.opts.Name, Namespace: n.opts.Namespace, Enclave: n.opts.Enclave}
	enclaves := map[GUID]string{}
	for i := range entities {
		if e := &entities[i]; e.kind == C.ENTITY_PARTICIPANT {
			enclaves[guid(&e.guid)] = enclave(userData(e))
		}
	}
	g.Nodes = append(g.Nodes, own)
	owners := n.owners(enclaves, &g)
	for i := range entities {
		e := &entities[i]
		if e.kind == C.ENTITY_PARTICIPANT {
			continue
		}
		r, name := demangleTopic(C.GoString(&e.topic[0]))
		if r == noRole {
			continue
		}
		node := owners[guid(&e.guid)]
		if guid(&e.participant) == n.guid {
			node = own
		}
		typ := typeOf(e, r)
		switch {
		case r == ofTopic:
			g.Endpoints = append(g.Endpoints, transport.GraphEndpoint{Topic: name, Type: typ, Publisher: e.kind == C.ENTITY_WRITER, QoS: qosOf(e), Node: node})
		case e.kind == C.ENTITY_READER: // one of the two endpoints of a service or client counts
			g.Services = append(g.Services, transport.GraphService{Name: name, Type: typ, Client: r == ofResponses, Node: node})
		}
	}
	g.Sort()
	return g
}

// typeOf is the type of an endpoint, with the hash that it announced, if it is one.
func typeOf(e *C.struct_entity, r role) transport.Type {
	name, hash := demangleType(C.GoString(&e._type[0]), r), userValue(userData(e), hashKey)
	typ := transport.Type{Name: name, Hash: hash}
	switch r {
	case ofRequests:
		typ = transport.Type{Name: name, Request: hash}
	case ofResponses:
		typ = transport.Type{Name: name, Response: hash}
	}
	if typ.Validate() != nil {
		return transport.Type{Name: name}
	}
	return typ
}

// owners adds the nodes of other participants to g, and returns whose each endpoint is.
func (n *Node) owners(enclaves map[GUID]string, g *transport.Graph) map[GUID]transport.GraphNode {
	owners := map[GUID]transport.GraphNode{}
	n.graph.mu.Lock()
	defer n.graph.mu.Unlock()
	for _, a := range n.graph.announced {
		enclave, there := enclaves[a.participant]
		if !there {
			continue
		}
		for _, announced := range a.nodes {
			node := transport.GraphNode{Name: announced.name, Namespace: announced.namespace, Enclave: enclave}
			g.Nodes = append(g.Nodes, node)
			for _, e := range announced.endpoints {
				// A participant's own only: the first 12 bytes are the participant's.
				if [12]byte(e[:]) == [12]byte(a.participant[:]) {
					owners[e] = node
				}
			}
		}
	}
	return owners
}

// enclave is the enclave that a participant's user data names, "/" if none or no path.
func enclave(data string) string {
	e := userValue(data, enclaveKey)
	if transport.CheckTopic(e) != nil {
		return "/"
	}
	return e
}

func guid(b *[16]C.uchar) GUID { return *(*GUID)(unsafe.Pointer(b)) }

func userData(e *C.struct_entity) string {
	return string(C.GoBytes(unsafe.Pointer(&e.user_data), C.int(e.user_data_size)))
}

func qosOf(e *C.struct_entity) transport.QoS {
	q := transport.QoS{
		Depth: int(e.depth), Deadline: finite(e.deadline), Lifespan: finite(e.lifespan),
		Liveliness: finite(e.liveliness), ManualLiveliness: bool(e.manual_liveliness),
	}
	if e.reliable {
		q.Reliability = transport.Reliable
	}
	if e.transient_local {
		q.Durability = transport.TransientLocal
	}
	return q
}

// finite is a DDS duration, 0 for infinity.
func finite(ns C.int64_t) time.Duration {
	if ns == math.MaxInt64 {
		return 0
	}
	return time.Duration(ns)
}
