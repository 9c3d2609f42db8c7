package mem

import (
	"fmt"
	"testing"

	"guidedpolicysearch/node/transport"
)

// TestBusForgets has a thousand names in use for a while.
func TestBusForgets(t *testing.T) {
	var bus Bus
	topicType, serviceType := transport.Type{Name: "std_msgs/msg/String"}, transport.Type{Name: "std_srvs/srv/Trigger"}
	for i := range 1000 {
		n, err := bus.Open(transport.Options{Name: "node", Domain: uint32(i % 5)})
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("/name%d", i)
		p, err := n.Publisher(name, topicType, transport.Default(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Subscribe(name, topicType, transport.Default(), func([]byte, transport.Info) {}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Service(name, serviceType, transport.ServiceQoS(), func([]byte, transport.Reply) {}); err != nil {
			t.Fatal(err)
		}
		c, err := n.Client(name, serviceType, transport.ServiceQoS())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // of some only the node's end
			p.Close()
			c.Close()
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(bus.topics)+len(bus.services)+len(bus.nodes) != 0 {
		t.Errorf("%d topics, %d services and nodes in %d domains are left, want none", len(bus.topics), len(bus.services), len(bus.nodes))
	}
}

// TestDomainsAreApart has the same names in two domains.
func TestDomainsAreApart(t *testing.T) {
	var bus Bus
	var nodes [2]*Node
	for i := range nodes {
		n, err := bus.Open(transport.Options{Name: "node", Domain: uint32(i)})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		nodes[i] = n
	}
	typ := transport.Type{Name: "std_srvs/srv/Trigger"}
	if _, err := nodes[0].Service("/a", typ, transport.ServiceQoS(), func([]byte, transport.Reply) {}); err != nil {
		t.Fatal(err)
	}
	c, err := nodes[1].Client("/a", typ, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	if n := c.Servers(); n != 0 {
		t.Errorf("%d servers of another domain", n)
	}
	g, err := nodes[1].Graph()
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Nodes) != 1 || len(g.Services) != 1 {
		t.Errorf("graph %+v, want the node of one domain and its client", g)
	}
}
