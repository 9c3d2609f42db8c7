//go:build !rclgo

package dds

import (
	"strings"

	"guidedpolicysearch/node/transport"
)

// role is what a DDS endpoint is to ROS 2.
type role int

const (
	noRole role = iota // not of ROS 2
	ofTopic
	ofRequests  // read by servers, written by clients
	ofResponses // written by servers, read by clients
)

// demangleTopic is the ROS 2 name of a DDS topic: "/a" of "rt/a", "rq/aRequest" or "rr/aReply".
func demangleTopic(topic string) (role, string) {
	for _, m := range [...]struct {
		role           role
		prefix, suffix string
	}{{ofTopic, "rt", ""}, {ofRequests, "rq", "Request"}, {ofResponses, "rr", "Reply"}} {
		name, ok := strings.CutPrefix(topic, m.prefix+"/")
		if !ok {
			continue
		}
		if name, ok = strings.CutSuffix("/"+name, m.suffix); ok && transport.CheckTopic(name) == nil {
			return m.role, name
		}
		break
	}
	return noRole, ""
}

// demangleType is the ROS 2 name of a DDS type: "a/msg/B" of "a::msg::dds_::B_". Other types
// than those of ROS 2 keep their names.
func demangleType(typ string, r role) string {
	pkg, name, ok := strings.Cut(typ, "::dds_::")
	if !ok {
		return typ
	}
	switch r {
	case ofRequests:
		name, ok = strings.CutSuffix(name, "_Request_")
	case ofResponses:
		name, ok = strings.CutSuffix(name, "_Response_")
	default:
		name, ok = strings.CutSuffix(name, "_")
	}
	ros := strings.ReplaceAll(pkg, "::", "/") + "/" + name
	if !ok || (transport.Type{Name: ros}).Validate() != nil {
		return typ
	}
	return ros
}
