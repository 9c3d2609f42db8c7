package onnx

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Keys of metadata_props that hold names, each a JSON array of strings.
const (
	observationKey = "observation_names"
	actionKey      = "action_names"
)

// Meta describes a policy beside its numbers.
type Meta struct {
	// ObservationNames and ActionNames name each number of the input and the output; nil if the
	// file does not.
	ObservationNames, ActionNames []string
	// Producer and ProducerVersion name the program that wrote the file.
	Producer, ProducerVersion string
	// Description is text for people.
	Description string
	// Properties are further pairs of key and value, such as the task or the time step; nil if there
	// are none.
	Properties map[string]string
}

// validate returns an error wrapping ErrMeta unless m fits a network of dO inputs and dU outputs.
func (m Meta) validate(dO, dU int) error {
	for _, list := range []struct {
		key, of string
		names   []string
		want    int
	}{{observationKey, "inputs", m.ObservationNames, dO}, {actionKey, "outputs", m.ActionNames, dU}} {
		if list.names != nil && len(list.names) != list.want {
			return fmt.Errorf("%w: %s has %d names, the network has %d %s", ErrMeta, list.key, len(list.names), list.want, list.of)
		}
		seen := map[string]int{}
		for i, name := range list.names {
			if before, twice := seen[name]; twice {
				return fmt.Errorf("%w: %s has %q at %d and at %d, expected different names", ErrMeta, list.key, name, before, i)
			}
			if name == "" {
				return fmt.Errorf("%w: %s[%d] is empty, expected a name", ErrMeta, list.key, i)
			}
			seen[name] = i
		}
		if _, taken := m.Properties[list.key]; taken {
			return fmt.Errorf("%w: the properties have the key %q, which holds names", ErrMeta, list.key)
		}
	}
	return nil
}

// checkText returns an error wrapping ErrMeta unless all of m is UTF-8, as text in ONNX has to be.
func (m Meta) checkText() error {
	all := slices.Concat([]string{m.Producer, m.ProducerVersion, m.Description}, m.ObservationNames, m.ActionNames)
	for key, value := range m.Properties {
		all = append(all, key, value)
	}
	for _, text := range all {
		if !utf8.ValidString(text) {
			return fmt.Errorf("%w: %.80q is not UTF-8", ErrMeta, text)
		}
	}
	return nil
}

// pairs returns metadata_props in the order of their keys.
func (m Meta) pairs() ([][2]string, error) {
	all := maps.Clone(m.Properties)
	if all == nil {
		all = map[string]string{}
	}
	for key, names := range map[string][]string{observationKey: m.ObservationNames, actionKey: m.ActionNames} {
		if names == nil {
			continue
		}
		text, err := json.Marshal(names)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrMeta, key, err)
		}
		all[key] = string(text)
	}
	var out [][2]string
	for _, key := range slices.Sorted(maps.Keys(all)) {
		out = append(out, [2]string{key, all[key]})
	}
	return out, nil
}

// set takes over one pair of metadata_props.
func (m *Meta) set(key, value string) error {
	names := map[string]*[]string{observationKey: &m.ObservationNames, actionKey: &m.ActionNames}[key]
	if names == nil {
		if m.Properties == nil {
			m.Properties = map[string]string{}
		}
		m.Properties[key] = value
		return nil
	}
	if err := json.Unmarshal([]byte(value), names); err != nil {
		return fmt.Errorf("%w: metadata_props: %s is %.80q, expected a JSON array of strings: %w", ErrMeta, key, value, err)
	}
	return nil
}
