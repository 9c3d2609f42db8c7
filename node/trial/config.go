package trial

import (
	"errors"
	"fmt"
	"math"
	"time"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/realtime"
)

// ErrCommand marks a trial command that the robot cannot run.
var ErrCommand = errors.New("trial: invalid command")

// ErrBlind says that a fault cannot be reset while there are no joint states to trust.
var ErrBlind = errors.New("trial: there are no usable joint states: see that the robot's driver runs, then reset the fault")

// Ways to drive the control loop.
const (
	ByJointStates = "joint_states"
	ByTimer       = "timer"
)

// Ways to go from one action of the controller to the next.
const (
	HoldAction        = "hold"
	InterpolateAction = "linear"
)

// Config holds the settings of the phases.
type Config struct {
	LockStep bool          `param:"lock_step" desc:"The robot waits for a command after each joint state, as the simulator in lock step does: no time passes while the learner works."`
	Loop     LoopConfig    `param:"loop"`
	Reset    ResetConfig   `param:"reset"`
	Safety   safety.Config `param:"safety"`
	Noise    NoiseConfig   `param:"noise"`
}

// LoopConfig says when torques are published.
type LoopConfig struct {
	DrivenBy       string  `param:"driven_by" desc:"What a control tick follows: each of the robot's joint_states, or a timer of the node's own, which takes the latest of them." choices:"joint_states|timer"`
	Rate           float64 `param:"rate" desc:"Ticks per second of the timer." unit:"Hz" range:"[1, 10000]"`
	Interpolation  string  `param:"interpolation" desc:"Torque between two of the controller's actions, dt apart: hold keeps the last, linear goes to the new one within dt, which is smoother and later." choices:"hold|linear"`
	QuietCollector bool    `param:"quiet_collector" desc:"No garbage is collected during a trial, outside lock step; memory may grow by 1 GiB in it before there is."`
	Thread
}

// Thread is what the loop's thread asks of the system.
type Thread = realtime.Config

// Period returns the timer's period in ns.
func (c LoopConfig) Period() int64 { return int64(1e9/c.Rate + 0.5) }

// ResetConfig holds the settings of the position controller between trials.
type ResetConfig struct {
	Stiffness         []float64     `param:"stiffness" desc:"Position gain per joint." unit:"N m/rad" range:"[0, inf)"`
	Damping           []float64     `param:"damping" desc:"Velocity gain per joint." unit:"N m s/rad" range:"[0, inf)"`
	Integral          []float64     `param:"integral" desc:"Gain of the integrated position error per joint; empty for none." unit:"N m/(rad s)" range:"[0, inf)"`
	IntegralClamp     []float64     `param:"integral_clamp" desc:"Largest torque of the integral per joint." unit:"N m" range:"[0, inf)" len:"integral"`
	VelocityLimit     []float64     `param:"velocity_limit" desc:"Largest speed of each joint on its way to the initial position; empty for one step there, which only the gains slow down." unit:"rad/s" range:"(0, inf)"`
	AccelerationLimit []float64     `param:"acceleration_limit" desc:"Largest acceleration of each joint on its way to the initial position." unit:"rad/s^2" range:"(0, inf)" len:"velocity_limit"`
	PositionTolerance float64       `param:"position_tolerance" desc:"Largest distance of a joint from its initial position when a trial begins." unit:"rad" range:"(0, inf)"`
	VelocityTolerance float64       `param:"velocity_tolerance" desc:"Largest speed of a joint when a trial begins." unit:"rad/s" range:"(0, inf)"`
	SettleSteps       int           `param:"settle_steps" desc:"Control ticks in a row, each with a new joint state, that must be within the tolerances." range:"[1, 100000]"`
	Timeout           time.Duration `param:"timeout" desc:"Time on the robot's clock within which the arm must be there." unit:"s" range:"(0, inf)" takes:"trial"`
	Attempts          int           `param:"attempts" desc:"Resets that may time out in a row before the run is given up." range:"[1, 1000]" takes:"trial"`
}

// NoiseConfig holds the settings of the exploration noise.
type NoiseConfig struct {
	Sigma         float64 `param:"sigma" desc:"Standard deviation of the Gaussian filter that smooths the noise over time; 0 leaves it white." unit:"time steps" range:"[0, 10000]"`
	Normalization string  `param:"normalization" desc:"Variance of the smoothed noise: process makes it 1 at every step, with the filter's correlation over time; trial divides each joint's noise by its own standard deviation over the trial; none leaves it smaller." choices:"process|trial|none"`
}

// Exploration returns the settings as package rollout takes them.
func (c NoiseConfig) Exploration() rollout.NoiseConfig {
	return rollout.NoiseConfig{Sigma: c.Sigma, Normalization: rollout.Normalization(c.Normalization)}
}

// DefaultConfig returns settings for a light two-joint arm.
func DefaultConfig() Config {
	noise := rollout.DefaultNoiseConfig()
	return Config{
		Reset: ResetConfig{Stiffness: []float64{6, 1}, Damping: []float64{3, 0}, PositionTolerance: 1e-3, VelocityTolerance: 1e-2,
			SettleSteps: 3, Timeout: 30 * time.Second, Attempts: 3},
		Loop:   LoopConfig{DrivenBy: ByJointStates, Rate: 1000, Interpolation: HoldAction, QuietCollector: true, Thread: realtime.DefaultConfig()},
		Safety: safety.DefaultConfig(),
		Noise:  NoiseConfig{Sigma: noise.Sigma, Normalization: string(noise.Normalization)},
	}
}

// suit checks what no single parameter shows: that there is one entry per joint, and that the
// ways to drive the loop fit together.
func (c Config) suit(dU int) error {
	for _, list := range []struct {
		key      string
		values   []float64
		optional bool
	}{
		{"reset.stiffness", c.Reset.Stiffness, false},
		{"reset.damping", c.Reset.Damping, false},
		{"reset.integral", c.Reset.Integral, true},
		{"reset.integral_clamp", c.Reset.IntegralClamp, len(c.Reset.Integral) == 0},
		{"reset.velocity_limit", c.Reset.VelocityLimit, true},
		{"reset.acceleration_limit", c.Reset.AccelerationLimit, len(c.Reset.VelocityLimit) == 0},
	} {
		if n := len(list.values); n != dU && !(list.optional && n == 0) {
			return params.FieldError{Key: list.key, Problem: fmt.Sprintf("has %d entries, need %d, one per joint", n, dU)}
		}
	}
	if r := c.Loop.Rate; c.Loop.DrivenBy == ByTimer && !(r >= 1 && r <= 10000) {
		return params.FieldError{Key: "loop.rate", Problem: fmt.Sprintf("is %v Hz, need 1 to 10000", r)}
	}
	if c.LockStep && c.Loop.DrivenBy == ByTimer {
		return params.FieldError{Key: "loop.driven_by", Problem: "is timer, but in lock_step each joint state is answered: set lock_step to false, or loop.driven_by to joint_states"}
	}
	return nil
}

// Command is one trial to run.
type Command struct {
	// Iteration counts from 1, Condition and Sample from 0.
	Iteration, Condition, Sample int
	// DT is the time step in s.
	DT float64
	// InitialPosition is the goal of the reset, one entry per joint, in rad.
	InitialPosition []float64
	// Here has the trial begin where the arm is, once it is at rest, in place of InitialPosition.
	Here bool
	// NoiseSeed names the exploration noise.
	NoiseSeed uint64
	// Controller acts for its T steps.
	Controller Controller
}

// Controller gives the actions of a trial.
type Controller interface {
	// Sizes returns the number of actions T and the sizes of state and action.
	Sizes() (T, dX, dU int)
	// Act writes the action, dU, at state x, dX, and time step t, for standard normal noise, dU.
	// It does not allocate.
	Act(dst, x []float64, t int, noise []float64)
	// Validate returns an error if the numbers are not finite.
	Validate() error
}

// Mean is a controller without its noise.
type Mean struct{ Controller }

// Act writes the mean action, whatever the noise.
func (m Mean) Act(dst, x []float64, t int, _ []float64) { m.Controller.Act(dst, x, t, nil) }

// maxSteps bounds T: a rollout of as many steps fits in memory for any robot.
const maxSteps = 1_000_000

// validate returns an error wrapping ErrCommand unless the command suits a robot of dX
// states and dU joints.
func (c *Command) validate(dX, dU int) error {
	if c.Controller == nil {
		return fmt.Errorf("%w: there is no controller", ErrCommand)
	}
	switch T, its, ofIts := c.Controller.Sizes(); {
	case its != dX || ofIts != dU:
		return fmt.Errorf("%w: the controller has dX=%d dU=%d, the robot dX=%d dU=%d", ErrCommand, its, ofIts, dX, dU)
	case T < 1 || T > maxSteps:
		return fmt.Errorf("%w: %d time steps, 1 to %d can be run", ErrCommand, T, maxSteps)
	case len(c.InitialPosition) != dU:
		return fmt.Errorf("%w: initial position has %d entries, need %d, one per joint", ErrCommand, len(c.InitialPosition), dU)
	case !(c.DT > 0) || math.IsInf(c.DT, 0):
		return fmt.Errorf("%w: time step is %v s, need a finite number > 0", ErrCommand, c.DT)
	}
	for i, v := range c.InitialPosition {
		if v-v != 0 {
			return fmt.Errorf("%w: initial position of joint %d is %v", ErrCommand, i, v)
		}
	}
	if err := c.Controller.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrCommand, err)
	}
	return nil
}

// Record is what a trial left behind. Its arrays are the Machine's own: they are
// overwritten by the next Start.
type Record struct {
	Command *Command
	Rollout *rollout.Rollout
	// Steps is how many actions are in the rollout: T, or fewer where a fault broke it off.
	Steps int
	// Fault is what broke it off; of kind NoFault for a whole trial.
	Fault safety.Fault
	// Commanded holds the torques before limits, T x dU.
	Commanded []float64
	// Stamps holds the times of the states in ns, Ages how old each was when it was used, in s,
	// and Lost how many joint states before it were missing: T+1 each.
	Stamps []int64
	Ages   []float64
	Lost   []uint32
	// Intervened counts the ticks in which the safety filter changed the torque.
	Intervened uint32
}

// NewRecord returns an empty record of a trial of T steps, dX states and dU joints.
func NewRecord(T, dX, dU int) *Record {
	r := &Record{Rollout: rollout.New(T, dX, dU), Steps: T, Commanded: make([]float64, T*dU), Stamps: make([]int64, T+1), Ages: make([]float64, T+1), Lost: make([]uint32, T+1)}
	touch(r.Rollout.X)
	touch(r.Rollout.U)
	touch(r.Commanded)
	touch(r.Stamps)
	touch(r.Ages)
	touch(r.Lost)
	return r
}

// touch writes to each page of a new list, which the system provides only then: not in a tick.
func touch[T int64 | float64 | uint32](list []T) {
	const page = 4096 / 8 // at least one entry on each page of any system
	for i := 0; i < len(list); i += page {
		list[i] = 0
	}
}
