package params

import (
	"fmt"
	"slices"

	"guidedpolicysearch/node/rcl"
)

// ReadRecorded declares the parameters of cfg, a pointer to a configuration struct with its
// defaults, and sets those that a parameter file holds which a program wrote, maybe one of another
// version: what is not in the file has its default, what cfg does not declare is left out. A file
// with none of them is an error; others are those of rcl.ReadParamsFile, Declare and Set.Apply.
func ReadRecorded(path string, cfg any) (*Set, error) {
	nodes, err := rcl.ReadParamsFile(path)
	if err != nil {
		return nil, err
	}
	set, err := Declare(cfg)
	if err != nil {
		return nil, err
	}
	names := set.Names()
	var known []rcl.Override
	for _, n := range nodes {
		for _, o := range n.Overrides {
			if slices.Contains(names, o.Name) {
				known = append(known, o)
			}
		}
	}
	if len(known) == 0 {
		return nil, fmt.Errorf("%s: holds none of the node's parameters", path)
	}
	return set, set.Apply(known)
}
