package inspection

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"

	"guidedpolicysearch/node/rcl"
)

// Parameters is a ROS 2 parameter file.
type Parameters struct {
	Nodes []ParametersOf `json:"nodes"`
}

// ParametersOf is what a parameter file has for a node.
type ParametersOf struct {
	Node  string `json:"node"`
	Count int    `json:"count"`
}

// isParameters tells whether a file is a parameter file, by a word that all of them have or by its name.
func isParameters(path string, head []byte) bool {
	return bytes.Contains(head, []byte("ros__parameters")) || slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path))
}

func openParameters(path string) (*Parameters, error) {
	nodes, err := rcl.ReadParamsFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	p := &Parameters{Nodes: []ParametersOf{}}
	for _, n := range nodes {
		p.Nodes = append(p.Nodes, ParametersOf{n.Key, len(n.Overrides)})
	}
	return p, nil
}
