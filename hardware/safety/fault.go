package safety

import (
	"fmt"
	"time"
)

// FaultKind is why the torque is zero.
type FaultKind int

// The kinds of faults.
const (
	NoFault FaultKind = iota
	// Unreadable: the joint state message cannot be used; see Fault.Err.
	Unreadable
	// NotFinite: a position or velocity, or the state they give, is NaN or infinite.
	NotFinite
	// Backwards: a joint state is older than the one before it.
	Backwards
	// Silent: no joint state arrived for longer than the time-out.
	Silent
	// Frozen: joint states arrive, but their stamp has stood still for longer than the
	// time-out.
	Frozen
	// Old: a joint state's stamp is older than the time-out.
	Old
	// Gap: joint states were missing within a trial.
	Gap
	// ResetTimeout: the arm did not reach the initial position in time.
	ResetTimeout
	// BadTorque: the controller gave a torque that is NaN or infinite.
	BadTorque
	// PositionLimit: a joint is beyond its limit by more than the margin.
	PositionLimit
	// VelocityLimit: a joint is faster than its limit by more than the margin.
	VelocityLimit
	// Workspace: a point of the end effector is out of the workspace by more than the margin.
	Workspace
	// MissedDeadlines: the control loop was late too often.
	MissedDeadlines
	// EmergencyStop: somebody pressed the emergency stop.
	EmergencyStop
	// LearnerSilent: the learner gave no sign of life for longer than its time-out.
	LearnerSilent
	// ControllerInactive: the robot's controller that takes the torques was deactivated.
	ControllerInactive
	// ClockJump: the stamps of the joint states leapt ahead.
	ClockJump
	// Missing: a topic that the state needs has told nothing, or nothing new; see Fault.Name.
	Missing
	// Leap: a joint is farther from where it was than it can have moved.
	Leap
	// Stalled: the control loop stood still for longer than it may, and what it knows is old.
	Stalled
	// TwoSources: two publishers deliver joint states in turn.
	TwoSources
)

// Recoverable says whether good readings alone may end the fault: it is one of communication.
// All others wait for a person.
func (f Fault) Recoverable() bool {
	switch f.Kind {
	case Unreadable, NotFinite, Backwards, Silent, Frozen, Old, Gap, ResetTimeout, ClockJump:
		return true
	}
	return false
}

// Blind says whether there are no readings to trust: nothing but a torque of zero is safe then.
func (f Fault) Blind() bool {
	switch f.Kind {
	case Unreadable, NotFinite, Backwards, Silent, Frozen, Old, ClockJump, Stalled, TwoSources:
		return true
	}
	return false
}

// Fault says what is wrong. It is a value: raising one does not allocate.
type Fault struct {
	Kind FaultKind
	// Err is set for Unreadable.
	Err error
	// Joint is the index of the joint concerned, for NotFinite, ResetTimeout, BadTorque,
	// PositionLimit and VelocityLimit; Name its name. -1 with the name of a state's component
	// for a state that is not finite though its joints are. For Workspace Name is the
	// coordinate and Joint its index, for ControllerInactive Name is the controller.
	Joint int
	Name  string
	// Value is the number concerned: a reading, a torque, a distance in rad, or a count.
	Value float64
	// Bound is the limit that Value should keep: of PositionLimit, VelocityLimit, Workspace
	// and, as a count, of MissedDeadlines.
	Bound float64
	// Duration is by how much a time was missed, Limit what was allowed. For MissedDeadlines
	// Limit is the time in which Value deadlines were missed, 0 for in a row. For Stalled
	// Duration is for how long the loop stood still.
	Duration, Limit time.Duration
	// Step is the trial's time step, for Gap and BadTorque; -1 for a torque of the position
	// controller, -2 for one of a learned controller at a step that is not known.
	Step int
}

// String says what happened, where, and what was expected.
func (f Fault) String() string {
	switch f.Kind {
	case NoFault:
		return ""
	case Unreadable:
		return f.Err.Error()
	case NotFinite:
		if f.Joint < 0 {
			return fmt.Sprintf("joint_states: the state's %q is %v, expected a finite number", f.Name, f.Value)
		}
		return fmt.Sprintf("joint_states: joint %q reads %v, expected a finite number", f.Name, f.Value)
	case Backwards:
		return fmt.Sprintf("joint_states: the stamp went back by %v; the robot's clock jumped, the robot was restarted, or there are two publishers", f.Duration)
	case Silent:
		return fmt.Sprintf("no joint_states for %v (safety.stale_timeout is %v): is the robot's driver running?", f.Duration.Round(time.Millisecond), f.Limit)
	case Frozen:
		return fmt.Sprintf("joint_states have repeated one stamp for %v (safety.stale_timeout is %v): the driver's readings are frozen", f.Duration.Round(time.Millisecond), f.Limit)
	case Old:
		return fmt.Sprintf("joint_states are %v old on arrival (safety.stale_timeout is %v): are the clocks synchronised, is use_sim_time right?", f.Duration.Round(time.Millisecond), f.Limit)
	case Gap:
		return fmt.Sprintf("joint_states, or control ticks, are missing for %v at time step %d of the trial", f.Duration, f.Step)
	case ResetTimeout:
		return fmt.Sprintf("reset: joint %q is still %.4g away from the initial position after %v (reset.timeout): is it blocked, are reset.stiffness and effort_limit large enough?", f.Name, f.Value, f.Limit)
	case BadTorque:
		if f.Step < -1 {
			return fmt.Sprintf("the learned controller gave joint %q a torque of %v, expected a finite number: look at the gains and the state in the last rollout", f.Name, f.Value)
		}
		if f.Step < 0 {
			return fmt.Sprintf("the position controller gave joint %q a torque of %v: the joint states are out of all bounds, or reset.stiffness and reset.damping are", f.Name, f.Value)
		}
		return fmt.Sprintf("the controller gave joint %q a torque of %v at time step %d", f.Name, f.Value, f.Step)
	case PositionLimit:
		return fmt.Sprintf("joint_states: joint %q is at %.4g, beyond its limit of %.4g by more than safety.position_margin: move the arm back by hand, then reset the fault", f.Name, f.Value, f.Bound)
	case VelocityLimit:
		return fmt.Sprintf("joint_states: joint %q moves at %.4g per second, more than safety.velocity_margin above its limit of %.4g: give the controller lower gains, or correct the limit if it is wrong, then reset the fault", f.Name, f.Value, f.Bound)
	case Workspace:
		return fmt.Sprintf("end effector: %s is %.4g m, out of the workspace, which ends at %.4g m, by more than safety.workspace_margin: move the arm back by hand, then reset the fault", f.Name, f.Value, f.Bound)
	case MissedDeadlines:
		if f.Limit == 0 {
			return fmt.Sprintf("control loop: %.0f deadlines in a row were missed (safety.missed_in_a_row is %.0f): give the loop a real-time priority, a lower rate, or less beside it", f.Value, f.Bound)
		}
		return fmt.Sprintf("control loop: %.0f deadlines were missed within %v (safety.missed_per_second is %.0f): give the loop a real-time priority, a lower rate, or less beside it", f.Value, f.Limit, f.Bound)
	case EmergencyStop:
		return "the emergency stop was pressed: see that nobody is in reach, release it, then reset the fault"
	case LearnerSilent:
		return fmt.Sprintf("learner: no sign of life for %v (safety.learner_timeout is %v): look at its log, is the machine out of memory or too busy?", f.Duration.Round(time.Millisecond), f.Limit)
	case ControllerInactive:
		return fmt.Sprintf("ros2_control: controller %q is no longer active, nothing carries out the torques: activate it again (ros2 control list_controllers shows its state), then reset the fault", f.Name)
	case ClockJump:
		return fmt.Sprintf("joint_states: the stamp leapt ahead by %v, at most %v more than passed meanwhile is expected: was the robot's clock set, or the simulation moved on?", f.Duration, f.Limit)
	case Missing:
		if f.Duration > 0 {
			return fmt.Sprintf("topic %s (robot.extra.topics) has told nothing for %v (safety.stale_timeout is %v), the state needs it: does its publisher run?", f.Name, f.Duration.Round(time.Millisecond), f.Limit)
		}
		return fmt.Sprintf("topic %s (robot.extra.topics) has told nothing yet, the state needs it: does its publisher run?", f.Name)
	case Leap:
		return fmt.Sprintf("joint_states: joint %q leapt by %.4g since the last reading, more than the %.4g that its velocity limit and safety.position_margin allow: are there two publishers of joint_states, or has an encoder slipped?", f.Name, f.Value, f.Bound)
	case Stalled:
		return fmt.Sprintf("control loop: it stood still for %v (sentinel_timeout is %v): was the process stopped, or is the machine too busy? see where the arm is, then reset the fault", f.Duration.Round(time.Millisecond), f.Limit)
	case TwoSources:
		return "joint_states: two publishers deliver them in turn, and which tells the truth is not known: stop one (ros2 topic info --verbose names them), then reset the fault"
	}
	return fmt.Sprintf("fault %d", f.Kind)
}
