package transporttest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

// untilGraph waits until ok accepts the graph as r sees it.
func untilGraph(t *testing.T, r transport.GraphReader, what string, ok func(transport.Graph) bool) transport.Graph {
	t.Helper()
	var last transport.Graph
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		g, err := r.Graph()
		if err != nil {
			t.Fatal(err)
		}
		if ok(g) {
			return g
		}
		if last = g; time.Now().After(end) {
			t.Fatalf("%s did not come within %v; the graph is %+v", what, patience, last)
		}
	}
}

// nodesOf counts the nodes of one full name.
func nodesOf(g transport.Graph, fqn string) int {
	n := 0
	for _, node := range g.Nodes {
		if node.FQN() == fqn {
			n++
		}
	}
	return n
}

func testGraphNodes(t *testing.T, pair Pair) {
	near := pair.Near(t, transport.Options{Name: "reader", Namespace: "/robot1"})
	t.Cleanup(func() { near.Close() })
	untilGraph(t, near, "the node itself", func(g transport.Graph) bool { return nodesOf(g, "/robot1/reader") == 1 })
	far := pair.Far(t, transport.Options{Name: "other", Namespace: "/robot1/arm"})
	g := untilGraph(t, near, "another node", func(g transport.Graph) bool { return nodesOf(g, "/robot1/arm/other") == 1 })
	if i := slices.IndexFunc(g.Nodes, func(n transport.GraphNode) bool { return n.Name == "other" }); g.Nodes[i] !=
		(transport.GraphNode{Name: "other", Namespace: "/robot1/arm", Enclave: "/"}) {
		t.Errorf("the other node is %+v", g.Nodes[i])
	}
	// Two nodes of one name are two, and each goes alone.
	twin := pair.Near(t, transport.Options{Name: "other", Namespace: "/robot1/arm"})
	root := pair.Near(t, transport.Options{Name: "other"})
	g = untilGraph(t, near, "two nodes of one name", func(g transport.Graph) bool {
		return nodesOf(g, "/robot1/arm/other") == 2 && nodesOf(g, "/other") == 1
	})
	sorted := g
	sorted.Nodes = slices.Clone(g.Nodes)
	sorted.Sort()
	if !slices.Equal(sorted.Nodes, g.Nodes) {
		t.Errorf("the nodes are not sorted: %+v", g.Nodes)
	}
	if err := errors.Join(far.Close(), root.Close()); err != nil {
		t.Error(err)
	}
	untilGraph(t, near, "the end of one of two", func(g transport.Graph) bool {
		return nodesOf(g, "/robot1/arm/other") == 1 && nodesOf(g, "/other") == 0
	})
	if err := twin.Close(); err != nil {
		t.Error(err)
	}
	untilGraph(t, near, "the end of the last", func(g transport.Graph) bool { return nodesOf(g, "/robot1/arm/other") == 0 })
}

func testGraphEndpoints(t *testing.T, pair Pair) {
	pair.need(t, TypesOfATopic)
	far := pair.Far(t, transport.Options{Name: "far", Namespace: "/robot1"})
	t.Cleanup(func() { far.Close() })
	near := pair.near(t)
	offered := transport.QoS{
		Reliability: transport.Reliable, Durability: transport.TransientLocal, Depth: 7, Deadline: 3 * time.Second,
		Lifespan: 4 * time.Second, Liveliness: 5 * time.Second, ManualLiveliness: true,
	}
	pub := publisher(t, far, "/graph", offered, nil)
	subscribe(t, near, "/graph", transport.SensorData(), newInbox().handle, nil)
	other, err := far.Subscribe("/graph", transport.Type{Name: "std_msgs/msg/Empty"}, transport.Default(), newInbox().handle, nil)
	if err != nil {
		t.Fatal(err)
	}
	owner := map[string]transport.GraphNode{
		"far":  {Name: "far", Namespace: "/robot1", Enclave: "/"},
		"near": {Name: "near", Namespace: "/", Enclave: "/"},
	}
	on := func(g transport.Graph, topic string) []transport.GraphEndpoint {
		var list []transport.GraphEndpoint
		for _, e := range g.Endpoints {
			if e.Topic == topic {
				list = append(list, e)
			}
		}
		return list
	}
	want := []transport.GraphEndpoint{
		{Topic: "/graph", Type: stringType, Publisher: true, QoS: offered, Node: owner["far"]},
		{Topic: "/graph", Type: transport.Type{Name: "std_msgs/msg/Empty"}, QoS: transport.Default(), Node: owner["far"]},
		{Topic: "/graph", Type: stringType, QoS: transport.SensorData(), Node: owner["near"]},
	}
	g := untilGraph(t, near, "three endpoints and their nodes", func(g transport.Graph) bool {
		list := on(g, "/graph")
		return len(list) == len(want) && !slices.ContainsFunc(list, func(e transport.GraphEndpoint) bool { return e.Node.Name == "" })
	})
	compareQoS := pair.has(t, GraphQoS)
	for i, e := range on(g, "/graph") {
		e.Type.Hash = ""
		q := want[i].QoS
		if e.QoS.Depth == 0 {
			q.Depth = 0
		}
		if !compareQoS {
			q = e.QoS
		}
		if !e.Publisher {
			e.QoS.Lifespan = 0
		}
		w := want[i]
		w.QoS, e.QoS.MaxBlocking = q, 0
		if e != w {
			t.Errorf("endpoint %d is\n%+v, want\n%+v", i, e, w)
		}
	}
	if p, s := g.Publishers("/graph"), g.Subscriptions("/graph"); p != 1 || s != 2 {
		t.Errorf("%d publishers and %d subscriptions, want 1 and 2", p, s)
	}
	if n := g.Publishers("/nothing") + g.Subscriptions("/nothing"); n != 0 {
		t.Errorf("%d endpoints on a topic without", n)
	}
	if err := errors.Join(pub.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	untilGraph(t, near, "the end of two endpoints", func(g transport.Graph) bool {
		return g.Publishers("/graph") == 0 && g.Subscriptions("/graph") == 1
	})
	if err := near.Close(); err != nil {
		t.Error(err)
	}
	if _, err := near.Graph(); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Graph of a closed node: %v, want ErrClosed", err)
	}
}

func testGraphServices(t *testing.T, pair Pair) {
	far, near := pair.far(t), pair.near(t)
	s := serve(t, far, "/robot1/start", echo(t))
	c := client(t, near, "/robot1/start")
	node := func(name string) transport.GraphNode {
		return transport.GraphNode{Name: name, Namespace: "/", Enclave: "/"}
	}
	want := []transport.GraphService{
		{Name: "/robot1/start", Type: textService, Node: node("far")},
		{Name: "/robot1/start", Type: textService, Client: true, Node: node("near")},
	}
	on := func(g transport.Graph) []transport.GraphService {
		var list []transport.GraphService
		for _, s := range g.Services {
			if s.Name == "/robot1/start" {
				s.Type.Hash = ""
				list = append(list, s)
			}
		}
		return list
	}
	g := untilGraph(t, near, "the server and the client", func(g transport.Graph) bool { return slices.Equal(on(g), want) })
	for _, e := range g.Endpoints {
		if e.Topic != "/rosout" && e.Topic != "/parameter_events" {
			t.Errorf("%+v is listed as the endpoint of a topic; there are services only", e)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	untilGraph(t, near, "the end of the client", func(g transport.Graph) bool { return slices.Equal(on(g), want[:1]) })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	untilGraph(t, near, "the end of the server", func(g transport.Graph) bool { return len(on(g)) == 0 })
}

// testGraphChanges is told of nodes and endpoints that come and go, and no more once stopped.
func testGraphChanges(t *testing.T, pair Pair) {
	near := pair.near(t)
	changes := make(chan struct{}, 1000)
	stop := near.OnGraphChange(func() { changes <- struct{}{} })
	quiet := func() { // lets late news of what was before pass, so that it hides nothing
		for {
			select {
			case <-changes:
			case <-time.After(30 * time.Millisecond):
				return
			}
		}
	}
	until := func(what string, ok func(transport.Graph) bool) {
		t.Helper()
		defer quiet()
		for {
			receive(t, changes, what) // and nothing else wakes this up
			g, err := near.Graph()
			if err != nil {
				t.Fatal(err)
			}
			if ok(g) {
				return
			}
		}
	}
	bare := pair.Near(t, transport.Options{Name: "bare"})
	until("the news of a bare node", func(g transport.Graph) bool { return nodesOf(g, "/bare") == 1 })
	if err := bare.Close(); err != nil {
		t.Error(err)
	}
	until("the news of a bare node's end", func(g transport.Graph) bool { return nodesOf(g, "/bare") == 0 })
	far := pair.Far(t, transport.Options{Name: "far"})
	until("the news of a node", func(g transport.Graph) bool { return nodesOf(g, "/far") == 1 })
	pub := publisher(t, far, "/changes", transport.Default(), nil)
	until("the news of a publisher", func(g transport.Graph) bool { return g.Publishers("/changes") == 1 })
	sub := subscribe(t, near, "/changes", transport.Default(), newInbox().handle, nil)
	until("the news of an own subscription", func(g transport.Graph) bool { return g.Subscriptions("/changes") == 1 })
	serve(t, far, "/changing", echo(t))
	until("the news of a service", func(g transport.Graph) bool { return len(g.Services) > 0 })
	if err := errors.Join(pub.Close(), sub.Close()); err != nil {
		t.Error(err)
	}
	until("the news of closed endpoints", func(g transport.Graph) bool {
		return g.Publishers("/changes")+g.Subscriptions("/changes") == 0
	})
	if err := far.Close(); err != nil {
		t.Error(err)
	}
	until("the news of a closed node", func(g transport.Graph) bool { return nodesOf(g, "/far") == 0 && len(g.Services) == 0 })

	// One that is told beside it, and stops itself.
	var stopSelf func()
	ready, once := make(chan struct{}), make(chan struct{}, 1000)
	stopSelf = near.OnGraphChange(func() {
		<-ready
		stopSelf()
		once <- struct{}{}
	})
	close(ready)
	stop()
	stop()
	for i := range 5 {
		subscribe(t, near, fmt.Sprintf("/more%d", i), transport.Default(), newInbox().handle, nil)
	}
	receive(t, once, "the news of subscriptions")
	told := make(chan struct{}, 1000)
	near.OnGraphChange(func() { told <- struct{}{} })
	for len(changes) > 0 {
		<-changes // from before stop
	}
	publisher(t, near, "/more", transport.Default(), nil)
	receive(t, told, "the news of a publisher")
	if len(changes) > 0 || len(once) > 0 {
		t.Error("told of a change after stop")
	}
}

// testGraphBounded has endpoints come and go by the hundred: what is gone leaves nothing.
func testGraphBounded(t *testing.T, pair Pair) {
	near, far := pair.near(t), pair.far(t)
	for i := range cycles(300, 50) {
		p := publisher(t, far, fmt.Sprintf("/bounded%d", i), transport.Default(), nil)
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
	publisher(t, far, "/last", transport.Default(), nil)
	untilGraph(t, near, "one publisher and no other", func(g transport.Graph) bool {
		n := 0
		for _, e := range g.Endpoints {
			if e.Topic != "/rosout" && e.Topic != "/parameter_events" {
				n++
			}
		}
		return n == 1 && g.Publishers("/last") == 1
	})
}
