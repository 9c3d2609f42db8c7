package node

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/simrobot"
)

// Setup is what the command line and the parameter files say of one node.
type Setup struct {
	Args *rcl.Args
	Name rcl.NodeName
	Set  *params.Set
	// Warnings are lines for the log.
	Warnings []string
}

// load applies the arguments to cfg for the node of a default name. known are the default
// names of other nodes that a shared parameter file may be for; what it gives under a
// wildcard and one of them has need not be a parameter of this node. extra are overrides that
// win over all others. Parameters of other nodes are left to them, unless the name is one of
// ours misspelt. Errors tell file, line, key and what was expected.
func load(args *rcl.Args, name string, cfg any, known []string, extra []rcl.Override) (*Setup, error) {
	if err := args.Check(); err != nil {
		return nil, err
	}
	nodeName, err := args.Node(name, "")
	if err != nil {
		return nil, err
	}
	set, err := params.Declare(cfg)
	if err != nil {
		return nil, err
	}
	s := &Setup{Args: args, Name: nodeName, Set: set}
	overrides, err := args.Overrides(nodeName.FQN())
	others, othersErr := declared(known)
	err = errors.Join(err, othersErr, set.Apply(append(overrides, extra...), others...))
	full := func(defaults []string) (names []string) {
		for _, k := range defaults {
			names = append(names, strings.TrimSuffix(nodeName.Namespace, "/")+"/"+k, "/"+k)
		}
		return append(names, nodeName.FQN())
	}
	names := full(known)
	inFiles := slices.ContainsFunc(overrides, func(o rcl.Override) bool { return o.Source.Argument == "" })
	for _, u := range args.UnmatchedNodeKeys(names...) {
		base := path.Base(u.Key)
		if base != name && !slices.Contains(known, base) {
			if task := otherTask(args, base, u.Source.File); task != nil {
				err = errors.Join(err, fmt.Errorf("%s: parameters for %q: %w", u.Source, u.Key, task))
				continue
			}
		}
		if misspelt(base) {
			// The same whichever node of the file is loaded.
			nearest := rcl.NearestNode(u.Key, full(Names()))
			err = errors.Join(err, fmt.Errorf("%s: parameters for node %q, which is not there; the nearest is %q", u.Source, u.Key, nearest))
			continue
		}
		// One file may be for a whole robot. It is for this node too, most likely, if it has nothing else for it.
		if base == name && !inFiles {
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s: parameters for node %q have no effect, this node is %q: name that, or /**/NAME for any namespace", u.Source, u.Key, nodeName.FQN()))
		}
	}
	for _, o := range overrides {
		for _, lost := range o.Shadowed {
			if lost.Source.Argument == "" {
				continue // the command line wins over files, as it should
			}
			s.Warnings = append(s.Warnings, fmt.Sprintf("%s: %s has no effect: the value at %s was given for the node by its name", lost.Source, o.Name, o.Source))
		}
	}
	return s, err
}

// misspelt tells whether a node's name is most likely one of Names with a mistake: nearly that,
// or the beginning of it. One with something added, as in sim_robot2 or left_sim_robot, is another node.
func misspelt(name string) bool {
	for _, known := range Names() {
		rest, longer := strings.CutPrefix(name, known)
		switch {
		case name == known:
			return false
		case strings.HasSuffix(name, "_"+known), longer && strings.ContainsAny(rest[:1], "_0123456789"):
			return false
		}
	}
	return slices.ContainsFunc(Names(), func(known string) bool {
		return strings.HasPrefix(known, name) && 2*len(name) > len(known) ||
			4*levenshtein.ComputeDistance(name[:min(len(name), 2*len(known))], known) <= len(known)
	})
}

// otherTask returns why the parameters of a task cannot be read here: the name is that of
// the other kind of task. It is nil if the name is of none.
func otherTask(args *rcl.Args, name, file string) error {
	holds := func(name string) bool {
		return slices.ContainsFunc(args.UnmatchedNodeKeys(), func(k rcl.UnmatchedKey) bool {
			return k.Source.File == file && path.Base(k.Key) == name
		})
	}
	switch {
	case name != DefaultName && name != TrajectoryName:
		return nil
	case holds(DefaultName) && holds(TrajectoryName):
		return ErrTwoTasks
	case name == TrajectoryName:
		return ErrTrajectoryFile
	}
	return ErrRobotFile
}

// Load reads the node's parameters from its arguments.
func Load(args *rcl.Args) (*Setup, *Config, error) {
	cfg := DefaultConfig()
	s, err := load(args, DefaultName, cfg, []string{SimulatorName}, nil)
	if err == nil {
		s.dropReference(cfg, s.Set)
	}
	return s, cfg, err
}

// LoadSimulator reads the simulated robot's parameters from its arguments.
func LoadSimulator(args *rcl.Args) (*Setup, *simrobot.Config, error) {
	cfg := simrobot.DefaultConfig()
	s, err := load(args, SimulatorName, &cfg, []string{DefaultName, TrajectoryName}, nil)
	return s, &cfg, err
}

// LoadFile reads the parameters of both nodes from a parameter file, with assignments
// name=value that go to whichever node has the parameter (to both if both have it). The
// two must suit each other.
func LoadFile(file string, assignments []string) (*Config, *Setup, *simrobot.Config, error) {
	args, err := rcl.Parse([]string{"--ros-args", "--params-file", file})
	if err != nil {
		return nil, nil, nil, err
	}
	forNode, forSim, err := split(assignments, DefaultConfig())
	if err != nil {
		return nil, nil, nil, err
	}
	cfg, simCfg := DefaultConfig(), simrobot.DefaultConfig()
	s, err := load(args, DefaultName, cfg, []string{SimulatorName}, forNode)
	simSetup, simErr := load(args, SimulatorName, &simCfg, []string{DefaultName}, forSim)
	if err == nil && simErr == nil {
		err = s.checkInFile(file, DefaultName)
	}
	if err == nil && simErr == nil {
		err = suit(cfg, s.Set, &simCfg, cfg.LockStep || simCfg.LockStep)
		s.dropReference(cfg, s.Set, simSetup.Set)
	}
	return cfg, s, &simCfg, distinct(err, simErr)
}

// checkInFile returns an error unless the parameter file has a parameter of the node: a
// task is not a default.
func (s *Setup) checkInFile(file, name string) error {
	for _, p := range s.Set.Names() {
		if s.Set.Source(p).File != "" {
			return nil
		}
	}
	return fmt.Errorf("%s: it holds no parameters of %s (which learns on a robot) nor of %s (under known dynamics): expected %s: with ros__parameters: below it, and the parameters below that; `gps params` lists them", file, DefaultName, TrajectoryName, name)
}

// distinct joins errors, leaving out those that say the same: what concerns a file as a
// whole is found by each node that reads it.
func distinct(errs ...error) error {
	var list []error
	var flatten func(err error)
	flatten = func(err error) {
		if several, ok := err.(params.Mistakes); ok && len(several) > 1 {
			for i := range several {
				flatten(several[i : i+1])
			}
			return
		}
		joined, ok := err.(interface{ Unwrap() []error })
		if ok && err.Error() == errors.Join(joined.Unwrap()...).Error() { // no text of its own
			for _, e := range joined.Unwrap() {
				flatten(e)
			}
			return
		}
		if err != nil && !slices.ContainsFunc(list, func(e error) bool { return e.Error() == err.Error() }) {
			list = append(list, err)
		}
	}
	for _, err := range errs {
		flatten(err)
	}
	return errors.Join(list...)
}

// definesTask tells whether costs with one value of a parameter say nothing of those with
// another. What only changes how the task is learned does not.
func definesTask(name string) bool {
	switch name {
	case "steps", "dt", "state_rate", "velocity", "position_noise", "velocity_noise", "encoder_resolution", "stamp_jitter",
		"state_latency", "command_latency", "state_loss", "command_loss":
		return true
	case "cost.convex", "conditions.test_position", "conditions.test_lower", "conditions.test_upper":
		return false
	}
	for _, group := range []string{"cost.", "conditions.", "robot.", "plant."} {
		if strings.HasPrefix(name, group) {
			return true
		}
	}
	return false
}

// dropReference leaves out the costs to compare with if one of the sets has a parameter
// from the command line that makes it another task than the parameter file's, unless they
// were given there too.
func (s *Setup) dropReference(cfg *Config, sets ...*params.Set) {
	if cfg.Reference.MeanCost == nil || s.Set.Source("reference.mean_cost").Argument != "" {
		return
	}
	for _, set := range sets {
		for _, name := range set.Names() {
			if at := set.Source(name); at.Argument != "" && definesTask(name) {
				cfg.Reference.MeanCost, cfg.Reference.Name = nil, ""
				s.Warnings = append(s.Warnings, fmt.Sprintf("%s makes it another task: the reference's costs are left out", at))
				return
			}
		}
	}
}

// suit checks that the node's parameters, cfg in set, suit the simulated robot. lockStep
// tells that there are joint states at multiples of its time step only.
func suit(cfg *Config, set *params.Set, simulated *simrobot.Config, lockStep bool) error {
	var wrong params.Mistakes
	add := func(key, format string, args ...any) {
		wrong = append(wrong, params.Mistake{Source: set.Source(key), Key: key, Problem: fmt.Sprintf(format, args...)})
	}
	const tolerance = 1e-9 // relative: 0.3 is three times 0.1
	period, what := simulated.TimeStep, "time_step"
	if simulated.Every() > 1 {
		period, what = simulated.StatePeriod(), "1/state_rate"
	}
	if steps := math.Round(cfg.DT / period); lockStep && !(steps >= 1 && math.Abs(steps*period-cfg.DT) <= tolerance*cfg.DT) {
		add("dt", "got %v s, expected a whole multiple of %s's %s, %v s: in lock step no joint state comes between two of them", cfg.DT, SimulatorName, what, period)
	}
	own, its := cfg.Robot.Joints, simulated.Joints
	switch sorted := slices.Sorted[string]; {
	case slices.Equal(own, its):
	case slices.Equal(sorted(slices.Values(own)), sorted(slices.Values(its))):
		add("robot.joints", "got %q, expected the order of %s's joints, %q: commands have no names, the robot takes the efforts in its own order", own, SimulatorName, its)
	default:
		described := ""
		if m, _, err := readDescription(cfg.Robot); err == nil && m != nil {
			described = fmt.Sprintf("; the description has %q", m.Movable())
		}
		add("robot.joints", "got %q, expected the same as %s's joints, %q%s", own, SimulatorName, its, described)
	}
	if wrong != nil {
		return wrong
	}
	return nil
}

// SplitAssignments checks a parameter file with assignments as LoadFile does, and returns
// the assignments that are for the node and for the simulated robot, in the form
// name:=value of -p.
func SplitAssignments(file string, assignments []string) (forNode, forSim []string, err error) {
	if _, _, _, err := LoadFile(file, assignments); err != nil {
		return nil, nil, err
	}
	node, sim, err := split(assignments, DefaultConfig())
	text := func(overrides []rcl.Override) []string {
		var list []string
		for _, o := range overrides {
			list = append(list, o.Name+":="+o.Value.String())
		}
		return list
	}
	return text(node), text(sim), err
}

// split sorts assignments name=value by the node that has the parameter: that of the
// configuration nodeCfg, or the simulated robot.
func split(assignments []string, nodeCfg any) (forNode, forSim []rcl.Override, err error) {
	simCfg := simrobot.DefaultConfig()
	simSet, err := params.Declare(&simCfg)
	if err != nil {
		return nil, nil, err
	}
	nodeSet, err := params.Declare(nodeCfg)
	if err != nil {
		return nil, nil, err
	}
	for _, text := range assignments {
		o, err := params.ParseAssignment(text)
		if err != nil {
			return nil, nil, err
		}
		inSim, inNode := slices.Contains(simSet.Names(), o.Name), slices.Contains(nodeSet.Names(), o.Name)
		if inSim {
			forSim = append(forSim, o)
		}
		if inNode || !inSim {
			forNode = append(forNode, o)
		}
	}
	return forNode, forSim, nil
}

// Resolved returns the node's parameters as ROS 2 parameter YAML that reads back equal.
func (s *Setup) Resolved() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("# Parameters as they were used, with what was not given filled in.\n")
	if err := s.Set.WriteYAML(&b, s.Name.FQN()); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// sensorTopics begins the names of a scene's sensors, which a perception of its own may take
// the place of; resetSceneService puts the scene's objects back, placeService the robot too.
const (
	sensorTopics      = "sensors/"
	resetSceneService = "~/reset_scene"
	placeService      = "~/place"
)

// SimulatorTopics resolves the names of the simulated robot's topics.
func SimulatorTopics(s *Setup) (t simrobot.Topics, err error) {
	for _, topic := range []struct {
		dst  *string
		name string
	}{{&t.JointStates, jointStatesTopic}, {&t.Commands, commandsTopic}, {&t.Clock, clockTopic}} {
		if *topic.dst, err = s.Args.ResolveTopic(s.Name, topic.name); err != nil {
			return t, fmt.Errorf("topic %s: %w", topic.name, err)
		}
	}
	for _, sensor := range s.Set.Value("plant.sensors").Strs {
		name := sensorTopics + sensor
		topic, err := s.Args.ResolveTopic(s.Name, name)
		if err != nil {
			return t, fmt.Errorf("topic %s of plant.sensors: %w", name, err)
		}
		t.Sensors = append(t.Sensors, topic)
	}
	for _, service := range []struct {
		dst  *string
		name string
	}{{&t.ResetScene, resetSceneService}, {&t.Place, placeService}} {
		if *service.dst, err = s.Args.ResolveService(s.Name, service.name); err != nil {
			return t, fmt.Errorf("service %s: %w", service.name, err)
		}
	}
	return t, nil
}
