//go:build !rclgo

package dds

import (
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/node/transport"
)

func hash(digit string) string { return "RIHS01_" + strings.Repeat(digit, 64) }

// TestHashesInGraph has the endpoints of topics and services announce the hashes of their
// messages, from Iron on.
func TestHashesInGraph(t *testing.T) {
	for _, c := range []struct {
		distro                 string
		want, request, respond string
	}{{"humble", "", "", ""}, {"jazzy", hash("a"), hash("b"), hash("c")}} {
		a, b := openAlone(t, "a", c.distro), openAlone(t, "b", c.distro)
		topic := transport.Type{Name: floats.Name, Hash: hash("a")}
		service := transport.Type{Name: trigger.Name, Hash: hash("d"), Request: hash("b"), Response: hash("c")}
		if _, err := a.Publisher("/hashed", topic, transport.Default(), nil); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Service("/hashed", service, transport.ServiceQoS(), func([]byte, transport.Reply) {}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Client("/hashed", service, transport.ServiceQoS()); err != nil {
			t.Fatal(err)
		}
		// Endpoints of the same process are discovered at once.
		g, err := b.Graph()
		if err != nil {
			t.Fatal(err)
		}
		if i := slices.IndexFunc(g.Endpoints, func(e transport.GraphEndpoint) bool { return e.Topic == "/hashed" }); i < 0 || g.Endpoints[i].Type.Hash != c.want {
			t.Errorf("%s: %+v, want one with hash %q", c.distro, g.Endpoints, c.want)
		}
		for _, s := range g.Services {
			if s.Client && s.Type.Response != c.respond || !s.Client && s.Type.Request != c.request {
				t.Errorf("%s: %+v, want hashes %q and %q", c.distro, s, c.request, c.respond)
			}
		}
		if len(g.Services) != 2 {
			t.Errorf("%s: %+v, want a server and a client", c.distro, g.Services)
		}
		if a.Close() != nil || b.Close() != nil {
			t.Error("close failed")
		}
	}
}

// TestAnnouncementsOfOthers has one participant speak for another, and one send what is no
// announcement: neither changes the graph, and both are counted.
func TestAnnouncementsOfOthers(t *testing.T) {
	liar, victim, reader := openAlone(t, "liar", "humble"), openAlone(t, "victim", "humble"), openAlone(t, "reader", "humble")
	changed := make(chan struct{}, 1000)
	defer reader.OnGraphChange(func() { changed <- struct{}{} })()
	nodes := func() (names []string) {
		g, err := reader.Graph()
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range g.Nodes {
			names = append(names, n.Name)
		}
		return names
	}
	for !slices.Contains(nodes(), "liar") || !slices.Contains(nodes(), "victim") {
		wait(t, changed, "change of the graph")
	}
	for _, payload := range [][]byte{
		announce(gidLenHumble, victim.guid, announcedNode{"/", "invented", nil}),
		{0, 1, 0, 0, 1, 2, 3},
		announce(gidLen, liar.guid, announcedNode{"/", "renamed", nil}), // its own, as later distributions write it
	} {
		if err := liar.discovery.publish(payload); err != nil {
			t.Fatal(err)
		}
	}
	for !slices.Contains(nodes(), "renamed") {
		wait(t, changed, "change of the graph")
	}
	if got := nodes(); slices.Contains(got, "invented") || !slices.Contains(got, "victim") || slices.Contains(got, "liar") {
		t.Errorf("nodes %q", got)
	}
	if n := reader.Stats().Malformed; n != 2 {
		t.Errorf("counted %d malformed announcements, want 2", n)
	}
}
