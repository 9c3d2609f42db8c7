package motion

import (
	"errors"
	"fmt"
	"math"
)

// ErrPlan marks a motion that cannot be planned.
var ErrPlan = errors.New("motion: cannot plan")

// Trajectory moves all joints from rest to rest, so that they arrive together, within
// limits of velocity and acceleration: each along a trapezoidal velocity profile (Biagiotti
// and Melchiorri, "Trajectory Planning for Automatic Machines and Robots", 2008, section
// 3.2). The slowest joint takes its shortest time; the profiles of the others are stretched
// to it, so that they stay below their limits. No joint leaves the range between its start
// and its goal. It owns workspace: one goroutine at a time.
//
// The plan begins at rest. An arm that still moves is braked by the controller that
// follows the plan, as its damping sees the difference; where that is too harsh, damp the
// arm first and plan then.
type Trajectory struct {
	duration float64 // s; negative: there is no plan
	profiles []profile
}

// profile is the motion of one joint: it gains speed for ramp seconds, keeps it, and loses
// it within ramp seconds.
type profile struct {
	start, goal float64
	speed       float64 // rad/s, with the sign of goal - start
	ramp        float64 // s, at most half of the duration
}

// NewTrajectory returns a trajectory of the given number of joints, without a plan.
func NewTrajectory(joints int) *Trajectory {
	return &Trajectory{duration: -1, profiles: make([]profile, joints)}
}

// Plan makes the trajectory lead from q0 to goal (rad) within the limits of velocity vmax
// (rad/s) and acceleration amax (rad/s²), one per joint, and returns its duration in s; 0 if
// all joints are at the goal. Errors wrap ErrPlan and name the joint; then the former plan
// stays. Plan does not allocate unless it fails.
func (p *Trajectory) Plan(q0, goal, vmax, amax []float64) (duration float64, err error) {
	n := len(p.profiles)
	if len(q0) != n || len(goal) != n || len(vmax) != n || len(amax) != n {
		panic(fmt.Sprintf("motion: trajectory of %d joints got q0 %d, goal %d, vmax %d, amax %d", n, len(q0), len(goal), len(vmax), len(amax)))
	}
	for i := range n {
		if err := check(i, q0[i], goal[i], vmax[i], amax[i]); err != nil {
			return 0, err
		}
		shortest, _ := fastest(math.Abs(goal[i]-q0[i]), vmax[i], amax[i])
		if math.IsInf(shortest, 0) {
			return 0, fmt.Errorf("%w: joint %d would take longer than can be told from %v to %v at no more than %v rad/s and %v rad/s²", ErrPlan, i, q0[i], goal[i], vmax[i], amax[i])
		}
		duration = max(duration, shortest)
	}
	for i := range n {
		shortest, ramp := fastest(math.Abs(goal[i]-q0[i]), vmax[i], amax[i])
		at := profile{start: q0[i], goal: goal[i]}
		if shortest > 0 {
			at.ramp = ramp / shortest * duration
			at.speed = (goal[i] - q0[i]) / (duration - at.ramp)
		}
		p.profiles[i] = at
	}
	p.duration = duration
	return duration, nil
}

// check holds one joint's task to what can be planned.
func check(joint int, start, goal, vmax, amax float64) error {
	for _, v := range [2]struct {
		name  string
		value float64
	}{{"start", start}, {"goal", goal}} {
		if v.value-v.value != 0 {
			return fmt.Errorf("%w: the %s of joint %d is %v rad, need a finite number", ErrPlan, v.name, joint, v.value)
		}
	}
	if distance := goal - start; distance-distance != 0 {
		return fmt.Errorf("%w: joint %d is at %v rad and its goal is at %v: they are too far apart for a number", ErrPlan, joint, start, goal)
	}
	if !(vmax > 0) || math.IsInf(vmax, 0) {
		return fmt.Errorf("%w: the velocity limit of joint %d is %v rad/s, need a finite number > 0", ErrPlan, joint, vmax)
	}
	if !(amax > 0) || math.IsInf(amax, 0) {
		return fmt.Errorf("%w: the acceleration limit of joint %d is %v rad/s², need a finite number > 0", ErrPlan, joint, amax)
	}
	return nil
}

// fastest returns the shortest time from rest to rest over a distance, and how much of it
// goes into gaining speed.
func fastest(distance, vmax, amax float64) (shortest, ramp float64) {
	if ramp := vmax / amax; distance > vmax*ramp {
		return distance/vmax + ramp, ramp
	}
	ramp = math.Sqrt(distance / amax)
	return 2 * ramp, ramp
}

// Duration returns how long the planned motion takes, in s.
func (p *Trajectory) Duration() float64 { return max(p.duration, 0) }

// At writes the planned position (rad), velocity (rad/s) and acceleration (rad/s²) t
// seconds after the start, one per joint; dq and ddq may be nil. Before the start and from
// the end on the joints rest, at the end exactly at the goal. At panics if nothing was
// planned. It does not allocate.
func (p *Trajectory) At(t float64, q, dq, ddq []float64) {
	n := len(p.profiles)
	if p.duration < 0 {
		panic("motion: trajectory without a plan")
	}
	if len(q) != n || dq != nil && len(dq) != n || ddq != nil && len(ddq) != n {
		panic(fmt.Sprintf("motion: trajectory of %d joints got q %d, dq %d, ddq %d", n, len(q), len(dq), len(ddq)))
	}
	for i := range p.profiles {
		position, velocity, acceleration := p.profiles[i].at(t, p.duration)
		q[i] = position
		if dq != nil {
			dq[i] = velocity
		}
		if ddq != nil {
			ddq[i] = acceleration
		}
	}
}

// at returns the motion at time t of a plan.
func (j *profile) at(t, duration float64) (position, velocity, acceleration float64) {
	left := duration - t
	switch {
	case !(t > 0):
		return j.start, 0, 0
	case !(left > 0):
		return j.goal, 0, 0
	case t < j.ramp:
		position, velocity, acceleration = j.start+j.speed*t*(t/j.ramp)/2, j.speed*(t/j.ramp), j.speed/j.ramp
	case left < j.ramp:
		position, velocity, acceleration = j.goal-j.speed*left*(left/j.ramp)/2, j.speed*(left/j.ramp), -j.speed/j.ramp
	default:
		position, velocity = j.start+j.speed*(t-j.ramp/2), j.speed
	}
	// Rounding must not lead past an end.
	low, high := min(j.start, j.goal), max(j.start, j.goal)
	return min(max(position, low), high), velocity, acceleration
}
