package ros2param

import (
	"fmt"
	"strings"

	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/paramservice/pyyaml"
)

// assignments reads a parameter file for a node as `ros2 param load` does: what stands under
// "/**" (unless wildcard is false), then what stands under the node's name, which wins. Each
// value is written out as Python does and typed as one given to `ros2 param set`: '1' in quotes is
// an integer.
func assignments(text, node string, wildcard bool) ([]paramservice.Assignment, error) {
	file, err := pyyaml.Load(text)
	if err != nil {
		return nil, err
	}
	if file.Kind != pyyaml.Dict {
		return nil, fmt.Errorf("the file is of type %s in YAML, expected maps under the names of nodes", file.Kind)
	}
	var entries []pyyaml.Entry
	found := false
	for _, key := range []string{"/**", node} {
		part, ok := file.Get(key)
		if !ok || key == "/**" && !wildcard {
			continue
		}
		found = true
		parameters, ok := part.Get("ros__parameters")
		if !ok {
			return nil, fmt.Errorf("invalid structure of parameter file for node %s: expected ros__parameters under it, as `param dump` writes it", key)
		}
		more, err := items(parameters)
		if err != nil {
			return nil, fmt.Errorf("ros__parameters of %s: %w", key, err)
		}
		entries = update(entries, more)
	}
	if !found {
		var names []string
		for _, e := range file.Dict {
			names = append(names, e.Key.Repr())
		}
		return nil, fmt.Errorf("Param file does not contain parameters for %s, only for nodes: [%s]", node, strings.Join(names, ", "))
	}
	return flatten("", entries)
}

// items are what dict.update of Python takes: a dict, or a sequence of pairs.
func items(v pyyaml.Value) ([]pyyaml.Entry, error) {
	switch v.Kind {
	case pyyaml.Dict:
		return v.Dict, nil
	case pyyaml.String:
		if v.Text == "" {
			return nil, nil
		}
	case pyyaml.List, pyyaml.Set:
		var entries []pyyaml.Entry
		for _, x := range v.Items {
			if runes := []rune(x.Text); x.Kind == pyyaml.String && len(runes) == 2 {
				x.Kind, x.Items = pyyaml.Tuple, []pyyaml.Value{
					{Kind: pyyaml.String, Text: string(runes[0])}, {Kind: pyyaml.String, Text: string(runes[1])}}
			}
			if x.Kind != pyyaml.List && x.Kind != pyyaml.Tuple || len(x.Items) != 2 {
				return nil, fmt.Errorf("got %.100s, expected a map of names and values", v.Repr())
			}
			entries = append(entries, pyyaml.Entry{Key: x.Items[0], Value: x.Items[1]})
		}
		return entries, nil
	}
	return nil, fmt.Errorf("got type %s, expected a map of names and values", v.Kind)
}

// update lets what comes later win, in the place of what was there.
func update(entries, more []pyyaml.Entry) []pyyaml.Entry {
	index := map[string]int{}
	for i, e := range entries {
		index[e.Key.Repr()] = i
	}
	for _, e := range more {
		if i, ok := index[e.Key.Repr()]; ok {
			entries[i].Value = e.Value
			continue
		}
		index[e.Key.Repr()] = len(entries)
		entries = append(entries[:len(entries):len(entries)], e)
	}
	return entries
}

func flatten(prefix string, entries []pyyaml.Entry) ([]paramservice.Assignment, error) {
	var list []paramservice.Assignment
	for _, e := range entries {
		if e.Key.Kind != pyyaml.String {
			return nil, fmt.Errorf("name %s of type %s, expected a text: put it in quotes", e.Key.Repr(), e.Key.Kind)
		}
		name := prefix + e.Key.Text
		if e.Value.Kind == pyyaml.Dict {
			inner, err := flatten(name+".", e.Value.Dict)
			if err != nil {
				return nil, err
			}
			list = append(list, inner...)
			continue
		}
		value, err := ParseValue(e.Value.Str())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, paramservice.Assignment{Name: name, Value: value})
	}
	return list, nil
}
