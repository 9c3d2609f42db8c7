package simrobot

import (
	"fmt"
	"math"
	"slices"
	"time"

	"guidedpolicysearch/node/params"
)

// Sources of the velocities in joint_states.
const (
	// VelocityMeasured is the plant's velocity, with noise.
	VelocityMeasured = "measured"
	// VelocityDifference is the difference of two successive positions as they were measured.
	VelocityDifference = "difference"
	// VelocityNone leaves the message's velocities out.
	VelocityNone = "none"
)

// Clocks of the stamps.
const (
	// SimulatedTime counts from the start of the simulation.
	SimulatedTime = "simulated"
	// SystemTime is that of the computer, as a real driver has it.
	SystemTime = "system"
)

// DriverConfig holds what makes a driver like a real one: its rate, its encoders, and what
// becomes of messages on their way. All of it is off by default.
type DriverConfig struct {
	Seed              uint64        `param:"seed" desc:"Names all random numbers of the driver: noise, jitter and losses." range:"[0, 9223372036854775807]" takes:"never"`
	StateRate         float64       `param:"state_rate" desc:"Joint states per second of simulated time, a whole fraction of 1/time_step; 0 is one per time step." unit:"Hz" range:"[0, inf)" takes:"never"`
	StateOrder        []string      `param:"state_order" desc:"Joints of joint_states in the order of the message, where others than this robot's read 0; empty is the order of joints." takes:"never"`
	Stamps            string        `param:"stamps" desc:"Clock of the stamps: simulated counts from the start and is on /clock, system is the computer's, for real time without lock step." choices:"simulated|system" takes:"never"`
	StampJitter       time.Duration `param:"stamp_jitter" desc:"Standard deviation of the stamps, which stay in order." unit:"s" range:"[0, 10]" takes:"never"`
	Velocity          string        `param:"velocity" desc:"Velocities of joint_states: measured, the difference of two positions as measured, or none." choices:"measured|difference|none" takes:"never"`
	PositionNoise     []float64     `param:"position_noise" desc:"Standard deviation of each measured position; empty is no noise." unit:"rad or m" range:"[0, inf)" len:"joints,optional" takes:"never"`
	VelocityNoise     []float64     `param:"velocity_noise" desc:"Standard deviation of each measured velocity; empty is no noise." unit:"rad/s or m/s" range:"[0, inf)" len:"joints,optional" takes:"never"`
	EncoderResolution []float64     `param:"encoder_resolution" desc:"Angle or length of one count of each encoder: positions are the nearest count, after the noise. 0 is exact, and so is empty." unit:"rad or m" range:"[0, inf)" len:"joints,optional" takes:"never"`
	StateLatency      time.Duration `param:"state_latency" desc:"Time from the measurement, which the stamp tells, until joint_states come out." unit:"s" range:"[0, 10]" takes:"never"`
	CommandLatency    time.Duration `param:"command_latency" desc:"Time from the arrival of a command until the drives act on it." unit:"s" range:"[0, 10]" takes:"never"`
	StateLoss         float64       `param:"state_loss" desc:"Probability with which a joint state is lost." range:"[0, 0.99]" takes:"never"`
	CommandLoss       float64       `param:"command_loss" desc:"Probability with which a command is lost; the one before it holds." range:"[0, 0.99]" takes:"never"`
}

// DefaultDriverConfig returns exact, immediate joint states, one per time step.
func DefaultDriverConfig() DriverConfig {
	return DriverConfig{Seed: 1, Stamps: SimulatedTime, Velocity: VelocityMeasured}
}

// maxDelay is the longest latency in time steps.
const maxDelay = 10_000

// Every returns the number of time steps between two measurements, at least 1.
func (c *Config) Every() int64 {
	if c.StateRate == 0 {
		return 1
	}
	return max(1, int64(math.Round(1/(c.StateRate*c.TimeStep))))
}

// StatePeriod returns the time between two measurements in s.
func (c *Config) StatePeriod() float64 { return float64(c.Every()) * c.TimeStep }

// checkDriver returns a params.FieldError where the driver does not suit the robot.
func (c *Config) checkDriver() error {
	wrong := func(key, format string, args ...any) error {
		return params.FieldError{Key: key, Problem: fmt.Sprintf(format, args...)}
	}
	if steps := 1 / (c.StateRate * c.TimeStep); c.StateRate != 0 && (!(steps < math.MaxInt32) || math.Abs(steps-float64(c.Every())) > 1e-6*steps) {
		return wrong("state_rate", "is %v Hz, expected 1/time_step, %v Hz, or that divided by a whole number: joint states are measured after whole time steps", c.StateRate, 1/c.TimeStep)
	}
	if c.Step() < 1 {
		return wrong("time_step", "is %v s, expected at least 1 ns: stamps count nanoseconds", c.TimeStep)
	}
	if len(c.StateOrder) > 0 {
		for i, name := range c.StateOrder {
			if name == "" || slices.Contains(c.StateOrder[:i], name) {
				return wrong("state_order", "has %q as entry %d, expected names that are not empty and differ", name, i)
			}
		}
		for _, name := range c.Joints {
			if !slices.Contains(c.StateOrder, name) {
				return wrong("state_order", "has no %q, expected all of joints, %q, maybe among others", name, c.Joints)
			}
		}
	}
	if len(c.InitialPosition) != len(c.Joints) {
		return wrong("initial_position", "has %d entries, expected %d, one per joint", len(c.InitialPosition), len(c.Joints))
	}
	for _, l := range []struct {
		key    string
		length int
	}{{"position_noise", len(c.PositionNoise)}, {"velocity_noise", len(c.VelocityNoise)}, {"encoder_resolution", len(c.EncoderResolution)}} {
		if l.length != 0 && l.length != len(c.Joints) {
			return wrong(l.key, "has %d entries, expected %d, one per joint, or none", l.length, len(c.Joints))
		}
	}
	if c.Velocity != VelocityMeasured && slices.ContainsFunc(c.VelocityNoise, func(v float64) bool { return v != 0 }) {
		return wrong("velocity_noise", "is %v, expected none with velocity %s: it is added to measured velocities", c.VelocityNoise, c.Velocity)
	}
	for _, l := range []struct {
		key     string
		latency time.Duration
	}{{"state_latency", c.StateLatency}, {"command_latency", c.CommandLatency}} {
		steps := float64(l.latency) / float64(c.Step())
		if steps > maxDelay {
			return wrong(l.key, "is %v, %.0f time steps, expected at most %d of them", l.latency, steps, maxDelay)
		}
		if c.LockStep && l.latency%c.Step() != 0 {
			return wrong(l.key, "is %v, expected a whole number of time steps of %v: in lock step nothing happens between two of them", l.latency, c.Step())
		}
	}
	if c.Stamps == SystemTime && (c.LockStep || c.RealTimeFactor != 0 && c.RealTimeFactor != 1) {
		return wrong("stamps", "is %s, expected %s with lock_step or a real_time_factor other than 1: simulated time does not pass as fast as the computer's", SystemTime, SimulatedTime)
	}
	return nil
}
