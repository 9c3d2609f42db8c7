package rcl

import (
	"fmt"
	"strings"
)

// validateNodeKey checks the node key of a parameter file (_validate_name of
// rcl_yaml_param_parser): parts are names, "*" or "**".
func validateNodeKey(key string) error {
	if key == "/**" || key == "/*" {
		return nil
	}
	namespace, name := "", key
	if i := strings.LastIndexByte(key, '/'); i >= 0 {
		namespace, name = strings.TrimPrefix(key[:i+1], "/"), key[i+1:]
	}
	for namespace != "" {
		var part string
		part, namespace, _ = strings.Cut(namespace, "/")
		if part == "" {
			return fmt.Errorf("it must not hold '//': %w", ErrName)
		}
		if part == "*" || part == "**" {
			continue
		}
		if err := ValidateNamespace("/" + part); err != nil {
			return err
		}
	}
	if name == "*" || name == "**" {
		return nil
	}
	return ValidateNodeName(name)
}

// matchNodeKey tells whether a node key holds for the node with this fully qualified name, as
// rclcpp::parameter_map_from does: "*" is one part of the name, "**" any number of parts.
func matchNodeKey(key, fqn string) bool {
	pattern := strings.Split(strings.TrimPrefix(key, "/"), "/")
	parts := strings.Split(strings.TrimPrefix(fqn, "/"), "/")
	// ends[i]: the pattern so far matches the first i parts.
	ends := make([]bool, len(parts)+1)
	ends[0] = true
	for _, p := range pattern {
		next := make([]bool, len(parts)+1)
		for i := range ends {
			switch {
			case p == "**":
				next[i] = ends[i] || i > 0 && next[i-1]
			case i > 0:
				next[i] = ends[i-1] && (p == "*" || p == parts[i-1])
			}
		}
		ends = next
	}
	return ends[len(parts)]
}

// endsInWildcard tells whether a node key leaves the node's own name open.
func endsInWildcard(key string) bool { return strings.HasSuffix(key, "*") }

// hasWildcard tells whether a valid node key can hold for more than one node.
func hasWildcard(key string) bool { return strings.Contains(key, "*") }
