package trial

import (
	"fmt"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/motion"
	"guidedpolicysearch/node/params"
)

// reach drives the joints to a position, along a trajectory within limits where there are
// some, and holds them there.
type reach struct {
	pid        *motion.PID
	trajectory *motion.Trajectory // nil where there are no limits
	limits     ResetConfig
	start      int64
	goal, rate []float64 // of the trajectory at present
	acc        []float64
	end        []float64
}

func newReach(cfg ResetConfig, dU int) (reach, error) {
	pid, err := motion.NewPID(motion.PIDConfig{Stiffness: cfg.Stiffness, Damping: cfg.Damping, IntegralGain: cfg.Integral, IntegralClamp: cfg.IntegralClamp}, dU)
	if err != nil {
		return reach{}, fmt.Errorf("reset: %w", err)
	}
	vec := func() []float64 { return make([]float64, dU) }
	r := reach{pid: pid, limits: cfg, goal: vec(), rate: vec(), acc: vec(), end: vec()}
	if len(cfg.VelocityLimit) > 0 {
		r.trajectory = motion.NewTrajectory(dU)
	}
	return r, nil
}

// begin sets out for a goal. now is the clock of act.
func (r *reach) begin(s *hardware.JointState, goal []float64, now int64) {
	r.restart()
	copy(r.end, goal)
	copy(r.goal, goal)
	r.start = now
	if r.trajectory != nil {
		if _, err := r.trajectory.Plan(s.Position, goal, r.limits.VelocityLimit, r.limits.AccelerationLimit); err != nil {
			copy(r.goal, s.Position) // not finite: the guard is first
		}
	}
}

// restart forgets the integral.
func (r *reach) restart() { r.pid.Reset() }

// act writes the torque on the way; interval is the time since the last tick, in ns.
func (r *reach) act(torque []float64, s *hardware.JointState, now, interval int64) {
	if r.trajectory != nil {
		r.trajectory.At(float64(now-r.start)*1e-9, r.goal, r.rate, r.acc)
	}
	r.pid.Act(torque, r.goal, r.rate, s.Position, s.Velocity, float64(interval)*1e-9)
}

// hold writes the torque that keeps the joints at a goal.
func (r *reach) hold(torque, goal []float64, s *hardware.JointState, interval int64) {
	clear(r.rate)
	r.pid.Act(torque, goal, r.rate, s.Position, s.Velocity, float64(interval)*1e-9)
}

// suit checks that there is one entry per joint.
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
	if c.LockStep && c.Loop.DrivenBy == ByTimer {
		return params.FieldError{Key: "loop.driven_by", Problem: "is timer, but in lock_step each joint state is answered: set lock_step to false, or loop.driven_by to joint_states"}
	}
	return nil
}
