package node

import (
	"errors"
	"fmt"
	"slices"

	"guidedpolicysearch/node/rcl"
)

// ErrHelp is returned where the arguments ask for help.
var ErrHelp = errors.New("help was asked for")

// CheckArguments returns ErrHelp for -h and --help, and an error for anything else that is
// no ROS argument: a program that moves an arm does not start on a slip of the pen.
func CheckArguments(args *rcl.Args) error {
	if slices.Contains(args.Unparsed, "-h") || slices.Contains(args.Unparsed, "--help") {
		return ErrHelp
	}
	if len(args.Unparsed) > 0 {
		return fmt.Errorf("unexpected argument %q: ROS arguments come after --ros-args, as in --ros-args --params-file FILE", args.Unparsed[0])
	}
	return nil
}

// CheckGiven returns an error unless the robot was described: its defaults are those of
// the simulated arm.
func CheckGiven(s *Setup) error {
	for _, name := range []string{"robot.joints", "robot.effort_limit"} {
		if s.Set.Source(name) == (rcl.Position{}) {
			err := fmt.Errorf("parameter %s was not given, and an arm does not move on a guess: give --ros-args --params-file FILE with the parameters of node %s", name, s.Name.FQN())
			for _, w := range s.Warnings {
				err = fmt.Errorf("%w\n%s", err, w)
			}
			return err
		}
	}
	return nil
}
