package trial

import (
	"fmt"
	"math"

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
	planned    bool // the trajectory leads to the goal
	start      int64
	goal, rate []float64 // at present
}

func newReach(cfg ResetConfig, dU int) (reach, error) {
	pid, err := motion.NewPID(motion.PIDConfig{Stiffness: cfg.Stiffness, Damping: cfg.Damping, IntegralGain: cfg.Integral, IntegralClamp: cfg.IntegralClamp}, dU)
	if err != nil {
		return reach{}, fmt.Errorf("reset: %w", err)
	}
	vec := func() []float64 { return make([]float64, dU) }
	r := reach{pid: pid, limits: cfg, goal: vec(), rate: vec()}
	for i := range cfg.VelocityLimit {
		if v, a := cfg.VelocityLimit[i], cfg.AccelerationLimit[i]; !(v > 0 && a > 0) || math.IsInf(v, 0) || math.IsInf(a, 0) {
			return reach{}, params.FieldError{Key: "reset.velocity_limit", Problem: fmt.Sprintf("[%d] is %v, and reset.acceleration_limit %v, need finite numbers > 0", i, v, a)}
		}
	}
	if len(cfg.VelocityLimit) > 0 {
		r.trajectory = motion.NewTrajectory(dU)
	}
	return r, nil
}

// begin sets out for a goal. now is the clock of act.
func (r *reach) begin(s *hardware.JointState, goal []float64, now int64) {
	r.restart()
	copy(r.goal, goal)
	clear(r.rate)
	if r.trajectory == nil {
		return
	}
	r.start = now
	_, err := r.trajectory.Plan(s.Position, goal, r.limits.VelocityLimit, r.limits.AccelerationLimit)
	if r.planned = err == nil; !r.planned {
		copy(r.goal, s.Position) // too far away for any number: the reset will time out
	}
}

// wait lets the trajectory begin now.
func (r *reach) wait(now int64) { r.start = now }

// restart forgets the integral.
func (r *reach) restart() { r.pid.Reset() }

// act writes the torque on the way; interval is the time since the last tick, in ns.
func (r *reach) act(torque []float64, s *hardware.JointState, now, interval int64) {
	if r.planned {
		r.trajectory.At(float64(now-r.start)*1e-9, r.goal, r.rate, nil)
	}
	r.pid.Act(torque, r.goal, r.rate, s.Position, s.Velocity, float64(interval)*1e-9)
}

// hold writes the torque that keeps the joints at a goal.
func (r *reach) hold(torque, goal []float64, s *hardware.JointState, interval int64) {
	clear(r.rate)
	r.pid.Act(torque, goal, r.rate, s.Position, s.Velocity, float64(interval)*1e-9)
}
