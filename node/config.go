package node

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/trial"
)

// DefaultName is the node's name unless it is remapped.
const DefaultName = "guided_policy_search"

// SimulatorName is the name of the simulated robot's node.
const SimulatorName = "sim_robot"

// Values of the parameter console.
const (
	consoleLog   = "log"
	consoleTable = "table"
)

// Values of the parameter mode.
const (
	modeTrain = "train"
	modeRun   = "run"
)

// Aliases give the embedded structs names of their own.
type (
	// Trials are the settings of the phases of a trial.
	Trials = trial.Config
	// Learning are the settings of the learning problem and the algorithm.
	Learning = learner.Config
)

// Config holds all parameters of the node.
type Config struct {
	UseSimTime      bool               `param:"use_sim_time" desc:"Take the time from /clock instead of the system clock." takes:"now"`
	DescribeTypes   bool               `param:"start_type_description_service" desc:"Start the ~/get_type_description service for this node, as far as the ROS distribution has it." takes:"never"`
	Mode            string             `param:"mode" desc:"What the node does: train learns, run runs the policy policy.file as it is, without a learner." choices:"train|run" takes:"never"`
	Autostart       bool               `param:"autostart" desc:"Configure and activate as soon as the robot is there; false leaves that to the lifecycle's services, ~/start or ~/train." takes:"never"`
	RunFolder       string             `param:"run_folder" desc:"Folder of the run, new or empty unless resume is true. Empty for a new folder in runs_folder."`
	Resume          bool               `param:"resume" desc:"Go on with the run that run_folder holds, where it was; a new one begins if there is none. False refuses a folder that holds a run."`
	RunsFolder      string             `param:"runs_folder" desc:"Folder in which runs get a folder of their own, named by their time."`
	Console         string             `param:"console" desc:"What is written to the terminal: the log as other nodes write it, or a table of the iterations with a progress bar." choices:"log|table"`
	ExitWhenDone    bool               `param:"exit_when_done" desc:"End the process after the last iteration, with a status that says whether it learned, or with the error that ended the run; false leaves it inactive." takes:"now"`
	Robot           robot.Config       `param:"robot"`
	Scene           SceneConfig        `param:"scene"`
	Commands        CommandsConfig     `param:"commands"`
	Control         ros2control.Config `param:"ros2_control"`
	Sentinel        bool               `param:"sentinel" desc:"Outside lock_step, start a process that zeroes the torque if the node is killed, or its control loop stands still: effort controllers keep the last one. There is none for lbr_torque_command."`
	SentinelTimeout time.Duration      `param:"sentinel_timeout" desc:"Outside lock_step, time for which the control loop may stand still, as in a process that is stopped: then the sentinel zeroes the torque, and the loop, if it goes on, a fault is latched; 0 is no limit." unit:"s" range:"[0, inf)"`
	Record          RecordConfig       `param:"record"`
	Reliable        bool               `param:"reliable_joint_states" desc:"Ask for joint_states without loss; false also accepts a driver that publishes best effort."`
	Trials
	Learning
}

// CommandsConfig says how torques are published.
type CommandsConfig struct {
	Type string `param:"type" desc:"Message of the commands: float64_multi_array is std_msgs/msg/Float64MultiArray, as effort controllers of ros2_control take it, lbr_torque_command lbr_fri_idl/msg/LBRTorqueCommand of a KUKA LBR." choices:"float64_multi_array|lbr_torque_command"`
}

// DefaultConfig returns the planar two-link reaching task.
func DefaultConfig() *Config {
	return &Config{DescribeTypes: true, Mode: modeTrain, Autostart: true, RunsFolder: "runs", Console: consoleLog, ExitWhenDone: true, Sentinel: true, SentinelTimeout: time.Second, Reliable: true,
		Scene:    SceneConfig{Timeout: 10 * time.Second},
		Record:   RecordConfig{MaxMegabytes: 64},
		Commands: CommandsConfig{Type: string(ros2control.Float64MultiArray)}, Control: ros2control.DefaultConfig(),
		Robot: robot.DefaultConfig(), Trials: trial.DefaultConfig(), Learning: learner.DefaultConfig()}
}

// Quiet tells whether the console belongs to the table, not to the log.
func (c *Config) Quiet() bool { return c.Console == consoleTable }

// Validate checks what no single parameter shows: that robot, task and reset fit together.
func (c *Config) Validate() error {
	if c.Mode == modeRun && c.Run.File == "" {
		return params.FieldError{Key: "policy.file", Problem: "is empty, and mode is run: name the policy to run"}
	}
	if err := c.Record.validate(); err != nil {
		return err
	}
	r, _, err := newRobot(c.Robot)
	if errors.Is(err, errNoDescription) || errors.Is(err, urdf.ErrJoints) {
		// The rest is checked when the node is configured: then it also knows which joints the
		// robot's driver names.
		if err := c.Robot.Validate(); err != nil {
			return err
		}
		bare, r, err := c.bare()
		if err != nil {
			return blame("robot", err)
		}
		return bare.suits(r)
	}
	if err != nil {
		return blame("robot", err)
	}
	problems := c.suits(r)
	if _, err := learner.NewProblem(c.Learning, r); err != nil {
		problems = errors.Join(problems, err)
	}
	return problems
}

// suits checks that the parameters suit each other and the robot.
func (c *Config) suits(r *robot.Robot) error {
	var problems []error
	if _, err := trial.NewMachine(c.Trials, r); err != nil {
		problems = append(problems, blame("safety", err))
	}
	if err := c.Commands.kind().Check(r.DU()); err != nil {
		problems = append(problems, params.FieldError{Key: "commands.type", Problem: err.Error()})
	}
	problems = append(problems, c.reachable(r), c.patient())
	if !(c.Algorithm.MaxEta > c.Algorithm.MinEta) {
		problems = append(problems, params.FieldError{Key: "algorithm.max_eta", Problem: fmt.Sprintf("is %v, need more than algorithm.min_eta, %v", c.Algorithm.MaxEta, c.Algorithm.MinEta)})
	}
	return errors.Join(problems...)
}

// bare returns the parameters without what needs the robot's description, and the robot that is left:
// for what can be told before there is one.
func (c *Config) bare() (*Config, *robot.Robot, error) {
	b := *c
	b.Robot.URDF, b.Robot.DescriptionTopic, b.Robot.GravityCompensation = "", "", false
	b.Robot.Kinematics.Type = robot.NoKinematics
	b.Robot.State = slices.DeleteFunc(slices.Clone(c.Robot.State), func(part string) bool {
		return part == robot.EndEffector || part == robot.EndEffectorVel
	})
	b.Safety.WorkspaceLower, b.Safety.WorkspaceUpper = nil, nil
	if b.Safety.Filter == safety.FilterAlways {
		b.Safety.Filter = safety.FilterAuto
	}
	r, err := robot.New(b.Robot, nil)
	return &b, r, err
}

// blame names the group of parameters that an error is about, unless it names one itself; package
// params finds the parameter in its text, if it is there.
func blame(group string, err error) error {
	var field params.FieldError
	if errors.As(err, &field) {
		return err
	}
	return params.FieldError{Key: group, Problem: err.Error()}
}

// patient checks that the sentinel has time to see that the control loop goes on.
func (c *Config) patient() error {
	least := shortestPatience
	if c.Loop.DrivenBy == trial.ByTimer {
		least = max(least, 2*sentinelBeats*time.Duration(c.Loop.Period()))
	}
	if c.SentinelTimeout != 0 && c.SentinelTimeout < least {
		return params.FieldError{Key: "sentinel_timeout", Problem: fmt.Sprintf("need 0 for no limit, or at least %v: what a machine may be busy with otherwise, and %d periods of loop.rate", least, 2*sentinelBeats)}
	}
	return nil
}

// shortestPatience is more than the pauses that any machine makes now and then.
const shortestPatience = 50 * time.Millisecond
