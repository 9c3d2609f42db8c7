package rcl

import (
	"errors"
	"fmt"
	"strings"
)

// ErrName is wrapped by every error about the name of a topic, service, node or namespace.
var ErrName = errors.New("invalid name")

// Lengths in bytes (rmw 6.1: 255 less what a middleware puts before a topic name).
const (
	maxTopicLength     = 255 - 8
	maxNamespaceLength = maxTopicLength - 2
	maxNodeNameLength  = 255
	maxEnclaveLength   = 255
)

// NameError says what is wrong with a name and where. Code and Index are those of the C
// functions of rcl and rmw that check the same kind of name.
type NameError struct {
	Kind   string // "topic name", "full topic name", "node name", "namespace", "enclave"
	Name   string
	Code   int
	Index  int // byte index of the first offending character
	Reason string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("%s %.80q: %s (at byte %d)", e.Kind, e.Name, e.Reason, e.Index)
}

// Unwrap gives ErrName.
func (e *NameError) Unwrap() error { return ErrName }

// ValidateTopicName checks a topic or service name as a user writes it, before expansion:
// relative, absolute or private (~/), with substitutions ({node}); rcl_validate_topic_name.
func ValidateTopicName(name string) error {
	fail := func(code, index int, reason string) error {
		return &NameError{Kind: "topic name", Name: name, Code: code, Index: index, Reason: reason}
	}
	n := len(name)
	switch {
	case n == 0:
		return fail(1, 0, "must not be empty")
	case isDecimalDigit(name[0]):
		return fail(4, 0, "no part may start with a number")
	case name[n-1] == '/':
		return fail(2, n-1, "must not end with '/'")
	}
	open := -1 // index of the '{' that is open
	for i := 0; i < n; i++ {
		switch c := name[i]; {
		case isDecimalDigit(c) && open >= 0 && i-1 == open:
			return fail(9, i, "a substitution must not start with a number")
		case isAlphanumeric(c), c == '_':
		case c == '/':
			if open >= 0 {
				return fail(8, i, "a substitution may hold alphanumerics and '_' only")
			}
		case c == '~':
			if i != 0 {
				return fail(6, i, "'~' is allowed as the first character only")
			}
		case c == '{':
			if open >= 0 {
				return fail(8, i, "a substitution may hold alphanumerics and '_' only")
			}
			open = i
		case c == '}':
			if open < 0 {
				return fail(5, i, "unmatched curly brace")
			}
			open = -1
		case open >= 0:
			return fail(8, i, "a substitution may hold alphanumerics and '_' only")
		default:
			return fail(3, i, "may hold alphanumerics, '_', '/', '~', '{' and '}' only")
		}
	}
	if open >= 0 {
		return fail(5, open, "unmatched curly brace")
	}
	for i := 0; i < n-1; i++ {
		if name[i] == '/' {
			if isDecimalDigit(name[i+1]) {
				return fail(4, i+1, "no part may start with a number")
			}
		} else if i == 1 && name[0] == '~' {
			return fail(7, 1, "'~' must be followed by '/'")
		}
	}
	return nil
}

// ValidateFullTopicName checks an expanded topic or service name; rmw_validate_full_topic_name.
func ValidateFullTopicName(name string) error {
	fail := func(code, index int, reason string) error {
		return &NameError{Kind: "full topic name", Name: name, Code: code, Index: index, Reason: reason}
	}
	n := len(name)
	switch {
	case n == 0:
		return fail(1, 0, "must not be empty")
	case name[0] != '/':
		return fail(2, 0, "must start with '/'")
	case name[n-1] == '/':
		return fail(3, n-1, "must not end with '/'")
	}
	for i := 0; i < n; i++ {
		if c := name[i]; !isAlphanumeric(c) && c != '_' && c != '/' {
			return fail(4, i, "may hold alphanumerics, '_' and '/' only")
		}
	}
	for i := 0; i < n-1; i++ {
		if name[i] != '/' {
			continue
		}
		if name[i+1] == '/' {
			return fail(5, i+1, "must not hold '//'")
		}
		if isDecimalDigit(name[i+1]) {
			return fail(6, i+1, "no part may start with a number")
		}
	}
	if n > maxTopicLength {
		return fail(7, maxTopicLength-1, fmt.Sprintf("must not be longer than %d bytes", maxTopicLength))
	}
	return nil
}

// ValidateNamespace checks a node's namespace ("/" or "/a/b"); rmw_validate_namespace.
func ValidateNamespace(namespace string) error {
	return validatePath("namespace", namespace, maxNamespaceLength)
}

// ValidateEnclave checks the name of a security enclave; rcl_validate_enclave_name.
func ValidateEnclave(enclave string) error {
	return validatePath("enclave", enclave, maxEnclaveLength)
}

// validatePath: "/" itself, or a full topic name with another limit of length.
func validatePath(kind, path string, limit int) error {
	if path == "/" {
		return nil
	}
	const tooLong = 7
	if err := ValidateFullTopicName(path); err != nil {
		var name *NameError
		if errors.As(err, &name) && name.Code != tooLong {
			name.Kind = kind
			return name
		}
	}
	if len(path) > limit {
		return &NameError{Kind: kind, Name: path, Code: tooLong, Index: limit - 1,
			Reason: fmt.Sprintf("must not be longer than %d bytes", limit)}
	}
	return nil
}

// ValidateNodeName checks a node's name without its namespace; rmw_validate_node_name.
func ValidateNodeName(name string) error {
	fail := func(code, index int, reason string) error {
		return &NameError{Kind: "node name", Name: name, Code: code, Index: index, Reason: reason}
	}
	if name == "" {
		return fail(1, 0, "must not be empty")
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isAlphanumeric(c) && c != '_' {
			return fail(2, i, "may hold alphanumerics and '_' only")
		}
	}
	if isDecimalDigit(name[0]) {
		return fail(3, 0, "must not start with a number")
	}
	if len(name) > maxNodeNameLength {
		return fail(4, maxNodeNameLength-1, fmt.Sprintf("must not be longer than %d bytes", maxNodeNameLength))
	}
	return nil
}

// NodeName is a node's name and namespace, both valid: "talker" in "/" or "/a/b".
type NodeName struct {
	Name, Namespace string
}

// FQN is the fully qualified name: "/a/b/talker".
func (n NodeName) FQN() string { return strings.TrimSuffix(n.Namespace, "/") + "/" + n.Name }

// Logger is the name of the node's logger: "a.b.talker".
func (n NodeName) Logger() string { return strings.ReplaceAll(n.FQN()[1:], "/", ".") }

func (n NodeName) validate() error {
	if err := ValidateNodeName(n.Name); err != nil {
		return err
	}
	return ValidateNamespace(n.Namespace)
}

// ExpandTopicName makes a topic or service name absolute: '~' is the node, {node} its name,
// {ns} and {namespace} its namespace; rcl_expand_topic_name. The result is not checked.
func ExpandTopicName(name string, node NodeName) (string, error) {
	if err := ValidateTopicName(name); err != nil {
		return "", err
	}
	if err := node.validate(); err != nil {
		return "", err
	}
	prefix := strings.TrimSuffix(node.Namespace, "/") + "/"
	if name[0] == '~' {
		name = prefix + node.Name + name[1:]
	}
	var b strings.Builder
	for rest := name; ; {
		before, from, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			break
		}
		substitution, after, _ := strings.Cut(from, "}")
		switch substitution {
		case "node":
			b.WriteString(node.Name)
		case "ns", "namespace":
			b.WriteString(node.Namespace)
		default:
			return "", fmt.Errorf("topic name %.80q: unknown substitution {%s}, expected {node}, {ns} or {namespace}: %w",
				name, substitution, ErrName)
		}
		rest = after
	}
	if name = b.String(); name[0] != '/' {
		name = prefix + name
	}
	return name, nil
}
