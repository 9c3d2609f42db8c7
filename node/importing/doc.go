// Package importing makes rollouts of motions that were recorded elsewhere: bags of any node's joint
// states and commands, and CSV files.
package importing

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/bag"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/record"
)

var (
	// ErrConfig marks settings that make no sense.
	ErrConfig = errors.New("importing: invalid settings")
	// ErrMotion marks a file that is read, but holds no motion that rollouts can be made of.
	ErrMotion = errors.New("importing: no rollout can be made")
)

// Iteration is the one that imported rollouts belong to: iterations are counted from 1, so that a run
// that goes on does not take them for its own.
const Iteration = 0

// Driver says in a rollout's message that it was imported.
const Driver = "imported"

// Config says how motions become rollouts.
type Config struct {
	// Robot gives joints and state; nil for the joints of the file, with positions and velocities.
	Robot *robot.Robot
	// Joints are those of the file to take where Robot is nil; empty for all.
	Joints []string
	// Topics of bags. Commands take the place of the efforts in the joint states.
	Topics demonstration.Topics
	// DT is the length of a time step in s.
	DT float64
	// Steps is how many actions a rollout has: a longer motion becomes several. 0 for one rollout of
	// the whole motion.
	Steps int
	// Condition is the initial state that the rollouts are said to be of, from 0.
	Condition uint32
	// Begin is the time in s after the first row at which the first rollout begins, counted without the
	// time between two clocks.
	Begin float64
	// Smoothing is the time in s around each row to which cubics are fitted for its velocity where
	// no velocities were recorded; see trajectory.Smooth.
	Smoothing float64
	// MaxGap is the time between two rows, in multiples of the usual one, that is a pause where it is
	// longer: pauses cut a recording into stretches. For so many times the usual time between two
	// commands a command holds. 0 for any.
	MaxGap float64
}

// DefaultConfig returns joint states of topic joint_states with the efforts in them, at 0.05 s.
func DefaultConfig() Config {
	return Config{Topics: demonstration.Topics{JointStates: "joint_states"}, DT: 0.05, Smoothing: 0.1, MaxGap: 5}
}

// maxSteps bounds the time steps of a rollout.
const maxSteps = 1_000_000

// Validate returns an ErrConfig that names the setting.
func (c *Config) Validate() error {
	switch {
	case !(c.DT > 0) || math.IsInf(c.DT, 0):
		return fmt.Errorf("%w: the time step is %v s, need a finite number > 0", ErrConfig, c.DT)
	case c.Steps < 0 || c.Steps > maxSteps:
		return fmt.Errorf("%w: %d steps, need 0 for the whole motion, or 1 to %d", ErrConfig, c.Steps, maxSteps)
	case !(c.Begin >= 0) || math.IsInf(c.Begin, 0):
		return fmt.Errorf("%w: the beginning is at %v s, need a finite number >= 0", ErrConfig, c.Begin)
	case !(c.Smoothing >= 0) || math.IsInf(c.Smoothing, 0):
		return fmt.Errorf("%w: smoothing over %v s, need a finite number >= 0", ErrConfig, c.Smoothing)
	case !(c.MaxGap >= 0):
		return fmt.Errorf("%w: gaps of up to %v times the usual interval, need a number >= 0", ErrConfig, c.MaxGap)
	case c.Topics.JointStates == "":
		return fmt.Errorf("%w: there is no topic of joint states", ErrConfig)
	case c.Robot != nil && c.Robot.Config().Extra.Size() > 0:
		return fmt.Errorf("%w: the robot's state holds numbers of the topics %q (robot.extra.topics), which recorded motions have not", ErrConfig, c.Robot.Config().Extra.Topics)
	}
	return nil
}

// Motion is what became of one file.
type Motion struct {
	// Trials hold the rollouts, with the messages that they were made of; their Sample counts from 0.
	Trials []*record.Trial
	// Losses are what could not be read of the file.
	Losses []bag.Loss
	// Notes say what was left out.
	Notes []string
}
