//go:build !rclgo

package dds

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/cdr"
	"guidedpolicysearch/msgs/rmw_dds_common"
)

// announce encodes an announcement as a participant with identifiers of n bytes does.
func announce(n int, participant GUID, nodes ...announcedNode) []byte {
	enc := cdr.NewEncoder(nil)
	put := func(g GUID) {
		var b [gidLenHumble]byte
		copy(b[:], g[:])
		enc.Uint8s(b[:n])
	}
	put(participant)
	enc.Len(len(nodes))
	for _, node := range nodes {
		enc.String(node.namespace)
		enc.String(node.name)
		for _, half := range [][]GUID{node.endpoints[:len(node.endpoints)/2], node.endpoints[len(node.endpoints)/2:]} {
			enc.Len(len(half))
			for _, e := range half {
				put(e)
			}
		}
	}
	return enc.Bytes()
}

func TestDecodeAnnouncement(t *testing.T) {
	participant := GUID{1, 2, 3}
	nodes := []announcedNode{
		{"/", "sim_robot", []GUID{{1}, {2}, {3}}},
		{"/arm", "_hidden", nil},
		{"/arm/left", "x", []GUID{{4}}},
	}
	for _, sent := range []int{gidLenHumble, gidLen} {
		for _, first := range []int{gidLenHumble, gidLen} {
			for n := range len(nodes) + 1 {
				payload := announce(sent, participant, nodes[:n]...)
				a, err := decodeAnnouncement(payload, first)
				if err != nil || a.participant != participant || a.size != len(payload) || len(a.nodes) != n || n > 0 && !reflect.DeepEqual(a.nodes, nodes[:n]) {
					t.Errorf("%d nodes with identifiers of %d bytes, %d tried first: %+v, %v", n, sent, first, a, err)
				}
			}
		}
	}
}

func TestDecodeBadAnnouncement(t *testing.T) {
	good := announce(gidLenHumble, GUID{1}, announcedNode{"/", "a", []GUID{{1}, {2}}})
	huge := slices.Clone(good)
	copy(huge[28:], []byte{0xff, 0xff, 0xff, 0x7f})
	for name, payload := range map[string][]byte{
		"empty":            {},
		"header":           {0, 1, 0, 0},
		"XCDR2":            append([]byte{0, 7}, good[2:]...),
		"cut":              good[:len(good)-1],
		"too long":         append(slices.Clone(good), 0),
		"number of nodes":  huge,
		"name":             announce(gidLenHumble, GUID{1}, announcedNode{"/", "a/b", nil}),
		"escape in a name": announce(gidLenHumble, GUID{1}, announcedNode{"/", "a\x1b[2J", nil}),
		"no name":          announce(gidLenHumble, GUID{1}, announcedNode{"/", "", nil}),
		"namespace":        announce(gidLenHumble, GUID{1}, announcedNode{"arm", "a", nil}),
		"long name":        announce(gidLenHumble, GUID{1}, announcedNode{"/", strings.Repeat("a", 255), nil}),
	} {
		if a, err := decodeAnnouncement(payload, gidLenHumble); err == nil {
			t.Errorf("%s: taken for %+v", name, a)
		}
	}
}

func FuzzAnnouncement(f *testing.F) {
	for _, n := range []int{gidLen, gidLenHumble} {
		f.Add(announce(n, GUID{1}))
		f.Add(announce(n, GUID{1}, announcedNode{"/", "a", []GUID{{1}, {2}}}, announcedNode{"/b", "c", nil}))
	}
	f.Add([]byte{0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, payload []byte) {
		a, err := decodeAnnouncement(payload, gidLenHumble)
		if err != nil {
			return
		}
		// What was decoded is no more than was sent.
		kept := 0
		for _, n := range a.nodes {
			kept += len(n.namespace) + len(n.name) + gidLen*len(n.endpoints)
		}
		if kept > len(payload) {
			t.Errorf("%d bytes decoded from %d", kept, len(payload))
		}
		// The message type's own decoder agrees on those of Humble that are read with its length.
		if humble, err := decodeWithGID(payload, gidLenHumble); err == nil {
			var m rmw_dds_common.ParticipantEntitiesInfo
			if err := m.UnmarshalCDR(payload); err != nil || len(m.NodeEntitiesInfoSeq) != len(humble.nodes) {
				t.Errorf("%d nodes, want %d: %v", len(humble.nodes), len(m.NodeEntitiesInfoSeq), err)
			}
		}
	})
}

func TestDemangle(t *testing.T) {
	for _, c := range []struct {
		topic string
		role  role
		name  string
	}{
		{"rt/joint_states", ofTopic, "/joint_states"},
		{"rt/robot1/rosout", ofTopic, "/robot1/rosout"},
		{"rq/gps/startRequest", ofRequests, "/gps/start"},
		{"rr/gps/startReply", ofResponses, "/gps/start"},
		{"rq/gps/_action/send_goalRequest", ofRequests, "/gps/_action/send_goal"},
		{"rq/gps/startReply", noRole, ""},
		{"rq/Request", noRole, ""},
		{"rt/", noRole, ""},
		{"rt", noRole, ""},
		{"rt/a b", noRole, ""},
		{"ros_discovery_info", noRole, ""},
		{"", noRole, ""},
	} {
		if r, name := demangleTopic(c.topic); r != c.role || name != c.name {
			t.Errorf("topic %q: %d %q, want %d %q", c.topic, r, name, c.role, c.name)
		}
	}
	for _, c := range []struct {
		typ  string
		role role
		want string
	}{
		{"std_msgs::msg::dds_::String_", ofTopic, "std_msgs/msg/String"},
		{"std_srvs::srv::dds_::Trigger_Request_", ofRequests, "std_srvs/srv/Trigger"},
		{"std_srvs::srv::dds_::Trigger_Response_", ofResponses, "std_srvs/srv/Trigger"},
		{"a::action::dds_::F_SendGoal_Request_", ofRequests, "a/action/F_SendGoal"},
		{"std_srvs::srv::dds_::Trigger_", ofRequests, "std_srvs::srv::dds_::Trigger_"},
		{"Foreign", ofTopic, "Foreign"},
		{"a::dds_::B_", ofTopic, "a::dds_::B_"},
	} {
		if got := demangleType(c.typ, c.role); got != c.want {
			t.Errorf("type %q: %q, want %q", c.typ, got, c.want)
		}
	}
}
