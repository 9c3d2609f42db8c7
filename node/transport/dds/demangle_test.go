//go:build !rclgo

package dds

import (
	"testing"

	"guidedpolicysearch/node/transport"
)

// FuzzDemangle reads names as participants of any kind announce them: what is taken for a name of
// ROS 2 is one, and is mangled to the same again.
func FuzzDemangle(f *testing.F) {
	for _, s := range [][2]string{
		{"rt/a/b", "std_msgs::msg::dds_::String_"}, {"rq/aRequest", "std_srvs::srv::dds_::Trigger_Request_"},
		{"rr/aReply", "std_srvs::srv::dds_::Trigger_Response_"}, {"rt", "::dds_::"}, {"rq/Request", "::dds_::_"},
		{"rt//a", "a::dds_::b::dds_::c_"}, {"ros_discovery_info", ""}, {"\xff", "a/b::msg::dds_::C_"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, topic, typ string) {
		r, name := demangleTopic(topic)
		if r != noRole && transport.CheckTopic(name) != nil {
			t.Errorf("topic %q of %q", name, topic)
		}
		mangled := map[role]string{ofTopic: "rt" + name, ofRequests: "rq" + name + "Request", ofResponses: "rr" + name + "Reply"}
		if r != noRole && mangled[r] != topic {
			t.Errorf("topic %q of %q, and back %q", name, topic, mangled[r])
		}
		ros := demangleType(typ, r)
		if ros == typ {
			return
		}
		valid := transport.Type{Name: ros}
		if err := valid.Validate(); err != nil {
			t.Fatal(err)
		}
		suffix := map[role]string{ofRequests: "_Request", ofResponses: "_Response"}[r]
		if back := typeName(valid, suffix); back != typ {
			t.Errorf("type %q of %q, and back %q", ros, typ, back)
		}
	})
}
