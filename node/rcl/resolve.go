package rcl

import "fmt"

// longestServiceSuffix is of the services that every node has beside its name; a node whose
// services would have too long a name cannot be made.
const longestServiceSuffix = "/set_parameters_atomically"

// Node gives the name and namespace of a node after remapping. An empty namespace is "/", and
// a relative one is taken as absolute. The error wraps ErrName.
func (a *Args) Node(name, namespace string) (NodeName, error) {
	if namespace == "" || namespace[0] != '/' {
		namespace = "/" + namespace
	}
	node := NodeName{Name: name, Namespace: namespace}
	if err := node.validate(); err != nil {
		return NodeName{}, err
	}
	// A rule "node:__ns:=..." is for the name after the name's own remapping.
	for i := range a.Remaps {
		if a.Remaps[i].applies(remapNodeName, node.Name) {
			node.Name = a.Remaps[i].Replacement
			break
		}
	}
	for i := range a.Remaps {
		if a.Remaps[i].applies(remapNamespace, node.Name) {
			node.Namespace = a.Remaps[i].Replacement
			break
		}
	}
	if err := node.validate(); err != nil {
		return NodeName{}, fmt.Errorf("after remapping: %w", err)
	}
	if err := ValidateFullTopicName(node.FQN() + longestServiceSuffix); err != nil {
		return NodeName{}, fmt.Errorf("the node's name leaves no room for its parameter services: %w", err)
	}
	return node, nil
}

// ResolveTopic expands a topic name (~, {node}, {ns}) and remaps it, for a node as Node gives it.
func (a *Args) ResolveTopic(node NodeName, topic string) (string, error) {
	return a.resolve(remapTopic, node, topic)
}

// ResolveService is ResolveTopic for services.
func (a *Args) ResolveService(node NodeName, service string) (string, error) {
	return a.resolve(remapService, node, service)
}

// resolve: the first rule whose expanded match is the expanded name gives the new name; the
// result is not matched again.
func (a *Args) resolve(kind remapKind, node NodeName, name string) (string, error) {
	full, err := ExpandTopicName(name, node)
	if err != nil {
		return "", err
	}
	for i := range a.Remaps {
		rule := &a.Remaps[i]
		if !rule.applies(kind, node.Name) {
			continue
		}
		match, err := ExpandTopicName(rule.Match, node)
		if err != nil || match != full {
			continue
		}
		if full, err = ExpandTopicName(rule.Replacement, node); err != nil {
			return "", fmt.Errorf("remap rule %q: %w", rule.Rule, err)
		}
		break
	}
	if err := ValidateFullTopicName(full); err != nil {
		return "", err
	}
	return full, nil
}
