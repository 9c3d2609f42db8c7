package transport_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/node/transport"
)

func TestGraphSort(t *testing.T) {
	node := func(namespace, name string) transport.GraphNode {
		return transport.GraphNode{Name: name, Namespace: namespace, Enclave: "/"}
	}
	a, b := node("/", "a"), node("/", "b")
	str, empty := transport.Type{Name: "std_msgs/msg/String"}, transport.Type{Name: "std_msgs/msg/Empty"}
	want := transport.Graph{
		Nodes: []transport.GraphNode{a, {Name: "a", Namespace: "/", Enclave: "/x"}, node("/a", "z"), b, b},
		Endpoints: []transport.GraphEndpoint{
			{Topic: "/a", Type: str, Publisher: true, Node: b},
			{Topic: "/a", Type: empty, Node: b},
			{Topic: "/a", Type: str, Node: a},
			{Topic: "/a", Type: str, Node: b},
			{Topic: "/b", Type: empty, Publisher: true},
		},
		Services: []transport.GraphService{
			{Name: "/a", Type: str, Node: b},
			{Name: "/a", Type: str, Client: true, Node: a},
			{Name: "/b", Type: str, Node: a},
			{Name: "/b", Type: str, Node: b},
		},
	}
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 1))
		got := transport.Graph{Nodes: slices.Clone(want.Nodes), Endpoints: slices.Clone(want.Endpoints), Services: slices.Clone(want.Services)}
		shuffle(r, got.Nodes)
		shuffle(r, got.Endpoints)
		shuffle(r, got.Services)
		got.Sort()
		if !slices.Equal(got.Nodes, want.Nodes) || !slices.Equal(got.Endpoints, want.Endpoints) || !slices.Equal(got.Services, want.Services) {
			t.Fatalf("sorted:\n%+v, want\n%+v", got, want)
		}
	}
	if p, s := want.Publishers("/a"), want.Subscriptions("/a"); p != 1 || s != 3 {
		t.Errorf("%d publishers and %d subscriptions, want 1 and 3", p, s)
	}
}

func shuffle[T any](r *rand.Rand, list []T) {
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

func TestFQN(t *testing.T) {
	for n, want := range map[transport.GraphNode]string{
		{Name: "sim_robot", Namespace: "/"}:       "/sim_robot",
		{Name: "sim_robot", Namespace: "/robot1"}: "/robot1/sim_robot",
	} {
		if got := n.FQN(); got != want {
			t.Errorf("%+v is %s, want %s", n, got, want)
		}
	}
}
