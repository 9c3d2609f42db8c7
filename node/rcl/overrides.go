package rcl

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/agnivade/levenshtein"
)

// Override is a parameter value from a file or an argument.
type Override struct {
	Name   string
	Value  Value
	Source Position
	// Wildcard tells that files alone give the parameter, and only under node keys that end
	// in a wildcard, which hold for nodes without it too.
	Wildcard bool
	// Ignored holds values written after this one under the same node key that rcl drops
	// because their type comes later in its order: `-p gain:=0.5` does not replace `gain: 1`.
	Ignored []Assignment
	// Shadowed holds values under node keys first written before the one that wins, though
	// they may themselves have been written later.
	Shadowed []Assignment
	// Repeated holds the earlier places where the same file gives the parameter under the
	// same node key.
	Repeated []Position
}

// Overrides gives the parameters for the node of this fully qualified name, merged as rclcpp
// does (by node key in the order the keys were first written, the last one wins), in the order
// the names were first written. Parameters that rclcpp refuses (without a value, or a
// use_sim_time that is no bool) are left out and named in the error, which wraps ErrParameters;
// the others are there even then.
func (a *Args) Overrides(fqn string) ([]Override, error) {
	var matching []*nodeEntries
	for _, s := range a.stores {
		for _, n := range s.nodes {
			if matchNodeKey(n.key, fqn) {
				matching = append(matching, n)
			}
		}
	}
	var faults faultList
	list := mergeOverrides(matching, &faults)
	return list, faults.join()
}

// faultList collects errors, the first hundred in full.
type faultList struct {
	errs []error
	more int
}

const maxFaults = 100

func (f *faultList) add(at Position, format string, args ...any) {
	if len(f.errs) == maxFaults {
		f.more++
		return
	}
	f.errs = append(f.errs, &SourceError{Source: at, Problem: fmt.Sprintf(format, args...), Err: ErrParameters})
}

func (f *faultList) join() error {
	if f.more > 0 {
		return errors.Join(append(f.errs, fmt.Errorf("and %d more", f.more))...)
	}
	return errors.Join(f.errs...)
}

func mergeOverrides(nodes []*nodeEntries, faults *faultList) []Override {
	var list []Override
	index := map[string]int{}
	owner := map[string]*nodeEntries{} // of the value in list
	pass := map[string]int{}
	for _, n := range nodes {
		for _, e := range n.entries {
			w := e.winner()
			switch {
			case w.Value.Type == NotSet:
				faults.add(w.Source, "%s has no value (ROS has no type for an empty sequence or map)", e.name)
				continue
			case e.name == "use_sim_time" && w.Value.Type != Bool:
				faults.add(w.Source, "use_sim_time: got %s %s, expected bool", w.Value.Type, w.Value)
				continue
			}
			o := Override{Name: e.name, Value: w.Value, Source: w.Source, Wildcard: endsInWildcard(n.key) && w.Source.Argument == "",
				Ignored: e.ignored(), Repeated: append([]Position(nil), e.repeated...)}
			i, known := index[e.name]
			if !known {
				index[e.name] = len(list)
				list = append(list, o)
			} else {
				old := list[i]
				if owner[e.name] == n && pass[e.name] == e.pass && e.pass != 0 {
					o.Repeated = append(append(o.Repeated, old.Repeated...), old.Source)
				}
				o.Wildcard = o.Wildcard && old.Wildcard
				o.Shadowed = append(old.Shadowed, Assignment{Value: old.Value, Source: old.Source})
				list[i] = o
			}
			owner[e.name], pass[e.name] = n, e.pass
		}
	}
	return list
}

// ParseValue types text as -p does: YAML, a scalar or a sequence of one type. The error is a
// *SourceError.
func ParseValue(text string, at Position) (Value, error) {
	var s store
	rule := paramRule{node: "/**", name: "value", value: text}
	if text == "" {
		return Value{}, &SourceError{Source: at, Problem: "no value (write '' for an empty string)", Err: ErrParameters}
	}
	if err := s.readParam(rule, at); err != nil {
		return Value{}, err
	}
	v := s.nodes[0].entries[0].winner().Value
	if v.Type == NotSet {
		return Value{}, &SourceError{Source: at, Err: ErrParameters,
			Problem: "no value (ROS has no type for an empty sequence)"}
	}
	return v, nil
}

// UnmatchedKey is a node key that holds for none of the nodes there are.
type UnmatchedKey struct {
	Key     string
	Source  Position
	Nearest string // the node name most like it
}

// UnmatchedNodeKeys lists the node keys of files and arguments that hold for no node of fqns
// (fully qualified names): most often a misspelt node name, whose parameters would silently be
// lost. A key with a wildcard is listed if it ends in a name that none of the nodes has; one
// that ends in a wildcard never is.
func (a *Args) UnmatchedNodeKeys(fqns ...string) []UnmatchedKey {
	var list []UnmatchedKey
	for _, s := range a.stores {
	keys:
		for _, n := range s.nodes {
			if endsInWildcard(n.key) {
				continue
			}
			for _, fqn := range fqns {
				// Below which namespace the node will be may be left open, and its name not.
				if matchNodeKey(n.key, fqn) || hasWildcard(n.key) && path.Base(n.key) == path.Base(fqn) {
					continue keys
				}
			}
			list = append(list, UnmatchedKey{Key: n.key, Source: n.source, Nearest: NearestNode(n.key, fqns)})
		}
	}
	return list
}

// NearestNode returns the first of the fully qualified names that are most like a node key,
// "" of none. Of a key with a wildcard the node's own name counts.
func NearestNode(key string, fqns []string) string {
	nearest, best := "", -1
	if hasWildcard(key) {
		key = path.Base(key)
	}
	for _, fqn := range fqns {
		if d := levenshtein.ComputeDistance(absolute(key), fqn); best < 0 || d < best {
			best, nearest = d, fqn
		}
	}
	return nearest
}

// absolute gives a node key as a full name, cut to what a name can be long.
func absolute(key string) string {
	return "/" + strings.TrimPrefix(key[:min(len(key), maxTopicLength)], "/")
}
