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
			return fmt.Errorf("node %q, expected one of %q", name, Names())
		}
		set, err := params.Declare(cfg)
		if err != nil {
			return err
		}
		if err := set.WriteYAML(w, "/"+name); err != nil {
			return err
		}
	}
	return nil
}
