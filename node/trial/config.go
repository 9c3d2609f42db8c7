package trial

import (
	"errors"
	"fmt"
	"math"
	"time"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// ErrCommand marks a trial command that the robot cannot run.
var ErrCommand = errors.New("trial: invalid command")

// Config holds the settings of the phases.
type Config struct {
	LockStep bool         `param:"lock_step" desc:"The robot waits for a command after each joint state, as the simulator in lock step does: no time passes while the learner works."`
	Reset    ResetConfig  `param:"reset"`
	Safety   SafetyConfig `param:"safety"`
	Noise    NoiseConfig  `param:"noise"`
}

// ResetConfig holds the settings of the position controller between trials.
type ResetConfig struct {
	Stiffness         []float64     `param:"stiffness" desc:"Position gain per joint." unit:"N m/rad" range:"[0, inf)"`
	Damping           []float64     `param:"damping" desc:"Velocity gain per joint." unit:"N m s/rad" range:"[0, inf)"`
	PositionTolerance float64       `param:"position_tolerance" desc:"Largest distance of a joint from its initial position when a trial begins." unit:"rad" range:"(0, inf)"`
	VelocityTolerance float64       `param:"velocity_tolerance" desc:"Largest speed of a joint when a trial begins." unit:"rad/s" range:"(0, inf)"`
	SettleSteps       int           `param:"settle_steps" desc:"Joint states in a row that must be within the tolerances." range:"[1, 100000]"`
	Timeout           time.Duration `param:"timeout" desc:"Time on the robot's clock within which the arm must be there." unit:"s" range:"(0, inf)" takes:"trial"`
	Attempts          int           `param:"attempts" desc:"Resets that may time out in a row before the run is given up." range:"[1, 1000]" takes:"trial"`
}

// SafetyConfig holds the limits on what is taken for a healthy robot.
type SafetyConfig struct {
	StaleTimeout  time.Duration `param:"stale_timeout" desc:"Age of the last joint state at which the torque goes to zero." unit:"s" range:"(0, inf)" takes:"trial"`
	MaxFaults     int           `param:"max_faults" desc:"Faults in one trial, which is repeated after each, before the run is given up." range:"[1, 200]" takes:"trial"`
	RecoverySteps int           `param:"recovery_steps" desc:"Good joint states in a row that end a fault." range:"[1, 100000]" takes:"trial"`
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
		Safety: SafetyConfig{StaleTimeout: time.Second, RecoverySteps: 10, MaxFaults: 50},
		Noise:  NoiseConfig{Sigma: noise.Sigma, Normalization: string(noise.Normalization)},
	}
}

// Command is one trial to run.
type Command struct {
	// Iteration counts from 1, Condition and Sample from 0.
	Iteration, Condition, Sample int
	// DT is the time step in s.
	DT float64
	// InitialPosition is the goal of the reset, one entry per joint, in rad.
	InitialPosition []float64
	// NoiseSeed names the exploration noise.
	NoiseSeed uint64
	// Controller acts for its T steps.
	Controller *lqg.Controller
}

// maxFaults is the upper end of the range of safety.max_faults.
const maxFaults = 200

// maxSteps bounds T: a rollout of as many steps fits in memory for any robot.
const maxSteps = 1_000_000

// validate returns an error wrapping ErrCommand unless the command suits a robot of dX
// states and dU joints.
func (c *Command) validate(dX, dU int) error {
	switch {
	case c.Controller == nil:
		return fmt.Errorf("%w: there is no controller", ErrCommand)
	case c.Controller.DX != dX || c.Controller.DU != dU:
		return fmt.Errorf("%w: the controller has dX=%d dU=%d, the robot dX=%d dU=%d", ErrCommand, c.Controller.DX, c.Controller.DU, dX, dU)
	case c.Controller.T > maxSteps:
		return fmt.Errorf("%w: %d time steps, at most %d can be run", ErrCommand, c.Controller.T, maxSteps)
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
	// Commanded holds the torques before limits, T x dU.
	Commanded []float64
	// Stamps holds the times of the states in ns, T+1.
	Stamps []int64
}
