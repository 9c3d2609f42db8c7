package node

import (
	"fmt"
	"io"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/simrobot"
	"guidedpolicysearch/node/trajectory"
)

// Names returns the names of all nodes that a parameter file may hold parameters of.
func Names() []string { return []string{DefaultName, SimulatorName, TrajectoryName} }

// WriteDefaults writes all parameters of the named nodes with their defaults, as a ROS 2
// parameter file with a comment on each.
func WriteDefaults(w io.Writer, names ...string) error {
	for _, name := range names {
		sets, err := declared([]string{name})
		if err != nil {
			return err
		}
		if err := sets[0].WriteYAML(w, "/"+name); err != nil {
			return err
		}
	}
	return nil
}

// declared returns the parameters of the named nodes, with their defaults.
func declared(names []string) ([]*params.Set, error) {
	var sets []*params.Set
	for _, name := range names {
		var cfg any
		switch name {
		case DefaultName:
			cfg = DefaultConfig()
		case SimulatorName:
			c := simrobot.DefaultConfig()
			cfg = &c
		case TrajectoryName:
			c := trajectory.DefaultConfig()
			cfg = &c
		default:
			return nil, fmt.Errorf("node %q, expected one of %q", name, Names())
		}
		set, err := params.Declare(cfg)
		if err != nil {
			return nil, err
		}
		sets = append(sets, set)
	}
	return sets, nil
}
