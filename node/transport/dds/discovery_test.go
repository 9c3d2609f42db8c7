//go:build !rclgo

package dds

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/msgs/description"
	"guidedpolicysearch/msgs/rmw_dds_common"
	"guidedpolicysearch/node/transport"
)

// The domain is fixed here, because the package that hands domains out imports
// this one: it is above those, and closed to other machines and processes.
const ownDomain = 100

func openAlone(t *testing.T, name, distro string) *Node {
	t.Helper()
	return openLimited(t, name, distro, 0)
}

func openLimited(t *testing.T, name, distro string, maxPayload int) *Node {
	t.Helper()
	n, err := Open(transport.Options{Name: name, Namespace: "/arm", Domain: ownDomain, Range: transport.Off, Distro: distro, MaxPayload: maxPayload})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// watch subscribes n to a topic that does not follow ROS naming.
func watch(t *testing.T, n *Node, topic, typ string) <-chan []byte {
	t.Helper()
	got := make(chan []byte, 1000)
	e := &endpoint{node: n, topic: topic, hidden: true, handler: func(p []byte, _ transport.Info) { got <- slices.Clone(p) }}
	n.mu.Lock()
	defer n.mu.Unlock()
	q := transport.Latched()
	q.Depth = 1000 // the topic has no key, so all writers share the depth
	if err := e.open(n.messages, names{topic: topic, typ: typ}, q, n.opts.MaxPayload); err != nil {
		t.Fatal(err)
	}
	return got
}

func next(t *testing.T, c <-chan []byte) []byte {
	t.Helper()
	select {
	case p := <-c:
		return p
	case <-time.After(30 * time.Second):
		t.Fatal("no message within 30 s")
		return nil
	}
}

var floats = transport.Type{Name: "std_msgs/msg/Float64MultiArray"}

// TestDiscoveryInfo reads what other ROS 2 nodes read to list nodes and their
// endpoints.
func TestDiscoveryInfo(t *testing.T) {
	node := openAlone(t, "sim_robot", "humble")
	got := watch(t, openAlone(t, "watcher", "humble"), discoveryTopic, discoveryType)
	gid := func(g GUID) (d rmw_dds_common.Gid) { copy(d.Data[:], g[:]); return d }
	// expect skips announcements of other nodes and older states.
	expect := func(readers, writers []GUID) {
		t.Helper()
		for {
			var m rmw_dds_common.ParticipantEntitiesInfo
			if err := m.UnmarshalCDR(next(t, got)); err != nil {
				t.Fatal(err)
			}
			if m.Gid != gid(node.guid) {
				continue
			}
			if len(m.NodeEntitiesInfoSeq) != 1 {
				t.Fatalf("announced %d nodes, want 1", len(m.NodeEntitiesInfoSeq))
			}
			n := m.NodeEntitiesInfoSeq[0]
			if n.NodeNamespace != "/arm" || n.NodeName != "sim_robot" {
				t.Fatalf("announced node %q in %q", n.NodeName, n.NodeNamespace)
			}
			same := func(a []rmw_dds_common.Gid, b []GUID) bool {
				return slices.EqualFunc(a, b, func(x rmw_dds_common.Gid, y GUID) bool { return x == gid(y) })
			}
			if same(n.ReaderGidSeq, readers) && same(n.WriterGidSeq, writers) {
				return
			}
		}
	}
	expect(nil, nil)
	p, err := node.Publisher("/joint_states", floats, transport.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	writer := p.(publisher).guid
	expect(nil, []GUID{writer})
	s, err := node.Subscribe("/commands", floats, transport.Default(), func([]byte, transport.Info) {}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader := s.(*endpoint).guid
	expect([]GUID{reader}, []GUID{writer})
	if reader == writer || reader == (GUID{}) || [12]byte(reader[:12]) != [12]byte(node.guid[:12]) {
		t.Errorf("identifiers of participant, reader and writer: % x, % x, % x", node.guid, reader, writer)
	}
	p.Close()
	expect([]GUID{reader}, nil)
	s.Close()
	expect(nil, nil)
}

// TestHashOfDiscoveryInfo hashes the definitions with the Gid of Iron and later.
func TestHashOfDiscoveryInfo(t *testing.T) {
	dir := fstest.MapFS{}
	for name, m := range map[string]msgs.Message{
		"NodeEntitiesInfo": new(rmw_dds_common.NodeEntitiesInfo), "ParticipantEntitiesInfo": new(rmw_dds_common.ParticipantEntitiesInfo),
	} {
		own, _, _ := strings.Cut(m.Definition(), "====") // what it contains follows
		dir["msg/"+name+".msg"] = &fstest.MapFile{Data: []byte(own)}
	}
	dir["msg/Gid.msg"] = &fstest.MapFile{Data: []byte("char[16] data\n")}
	set := description.NewSet()
	if err := set.AddPackage("rmw_dds_common", dir); err != nil {
		t.Fatal(err)
	}
	d, err := set.Describe("rmw_dds_common/msg/ParticipantEntitiesInfo")
	if err != nil {
		t.Fatal(err)
	}
	for distro, want := range map[string]string{"humble": "", "jazzy": "typehash=" + d.Hash() + ";"} {
		if got := openAlone(t, "node", distro).discoveryNames().userData; got != want {
			t.Errorf("%s: user data %q, want %q", distro, got, want)
		}
	}
}

func TestDiscoveryInfoSinceIron(t *testing.T) {
	node := openAlone(t, "sim_robot", "jazzy")
	got := watch(t, openAlone(t, "watcher", "jazzy"), discoveryTopic, discoveryType)
	for {
		d := cdr.NewDecoder(next(t, got), "ParticipantEntitiesInfo")
		var gid GUID
		var namespace, name string
		d.Uint8s("gid", gid[:])
		nodes := d.Len("nodes", 1, 0)
		d.String("namespace", &namespace, 0)
		d.String("name", &name, 0)
		if d.Err() != nil || nodes != 1 || namespace != "/arm" {
			t.Fatalf("gid % x, %d nodes, namespace %q: %v", gid, nodes, namespace, d.Err())
		}
		if gid == node.guid && name == "sim_robot" {
			return
		}
	}
}

// TestMalformed has a publisher that sends what is not XCDR1. The different
// limits make Cyclone convert its samples, as it does with those of the network.
func TestMalformed(t *testing.T) {
	a, b := openAlone(t, "a", ""), openLimited(t, "b", "", 1000)
	got := make(chan []byte, 10)
	if _, err := b.Subscribe("/x", floats, transport.Default(), func(p []byte, _ transport.Info) { got <- slices.Clone(p) }, nil); err != nil {
		t.Fatal(err)
	}
	matched := make(chan struct{}, 1)
	p, err := a.Publisher("/x", floats, transport.Default(), func(m transport.Status) {
		if m.Matched == 1 {
			matched <- struct{}{}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	<-matched
	bad := [][]byte{{0, 7, 0, 0, 1, 2, 3, 4}, {0xff, 0xff, 0xff, 0xff}, {0, 3, 0, 0}}
	for _, payload := range bad {
		if err := p.(publisher).send(payload); err != nil {
			t.Fatal(err)
		}
	}
	good := []byte{0, 1, 0, 0, 5}
	if err := p.Publish(good); err != nil {
		t.Fatal(err)
	}
	if m := next(t, got); !slices.Equal(m, good) {
		t.Errorf("got % x, want % x", m, good)
	}
	if n := b.Stats().Malformed; n != uint64(len(bad)) {
		t.Errorf("counted %d malformed messages, want %d", n, len(bad))
	}
}

func TestTypeName(t *testing.T) {
	for in, want := range map[string]string{
		"sensor_msgs/msg/JointState":                "sensor_msgs::msg::dds_::JointState_",
		"rcl_interfaces/srv/GetParameters_Response": "rcl_interfaces::srv::dds_::GetParameters_Response_",
	} {
		if got := typeName(transport.Type{Name: in}, ""); got != want {
			t.Errorf("typeName(%q) = %q, want %q", in, got, want)
		}
	}
}
