package transport

import (
	"fmt"
	"strings"
)

// Type is a ROS 2 message type.
type Type struct {
	Name string // "sensor_msgs/msg/JointState"
	Hash string // "RIHS01_" and 64 hex digits, announced to ROS 2 Iron and later; may be empty
	// Request and Response are the hashes of a service's two messages, which its endpoints
	// announce instead of the service's own; may be empty.
	Request, Response string
}

// maxName is the longest topic or node name in bytes (rmw's limit is 255 with
// room for prefixes).
const maxName = 240

// Validate returns an error unless the name is package/msg/Type.
func (t Type) Validate() error {
	parts := strings.Split(t.Name, "/")
	if len(parts) != 3 || (parts[1] != "msg" && parts[1] != "srv" && parts[1] != "action") {
		return fmt.Errorf("type %q, want package/msg/Type: %w", t.Name, ErrInvalid)
	}
	for _, p := range parts {
		if !isToken(p) {
			return fmt.Errorf("type %q, want letters, digits and underscores in each part: %w", t.Name, ErrInvalid)
		}
	}
	for _, hash := range [...]string{t.Hash, t.Request, t.Response} {
		hex, ok := strings.CutPrefix(hash, "RIHS01_")
		if hash != "" && (!ok || len(hex) != 64 || strings.Trim(hex, "0123456789abcdef") != "") {
			return fmt.Errorf("hash %q of type %s, want RIHS01_ and 64 lower-case hex digits: %w", hash, t.Name, ErrInvalid)
		}
	}
	return nil
}

// isMessage reports whether a valid t is package/msg/Type.
func (t Type) isMessage() bool { return strings.Contains(t.Name, "/msg/") }

// CheckTopic returns an error unless topic is a fully resolved topic name:
// tokens of letters, digits and underscores that do not begin with a digit,
// each after a slash (ROS 2 design, "Topic and Service name mapping to DDS").
func CheckTopic(topic string) error { return checkPath("topic", topic) }

func checkPath(what, path string) error {
	if len(path) > maxName {
		return fmt.Errorf("%s %.40q... of %d bytes, want at most %d: %w", what, path, len(path), maxName, ErrInvalid)
	}
	rest, ok := strings.CutPrefix(path, "/")
	for ok {
		var token string
		token, rest, ok = strings.Cut(rest, "/")
		if !isToken(token) {
			break
		}
		if !ok {
			return nil
		}
	}
	return fmt.Errorf("%s %q, want a fully resolved name like /joint_states: %w", what, path, ErrInvalid)
}

// isToken reports whether s is a name part: letters, digits and underscores,
// not beginning with a digit.
func isToken(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
		case '0' <= c && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}
