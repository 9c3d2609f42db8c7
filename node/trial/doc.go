// Package trial runs trials on the arm: it is the only place that knows the phases.
//
//	Wait   no joint state yet
//	Hold   the arm is held where it is; in lock step, time stands still
//	Reset  a position controller drives the arm to the condition's initial position
//	Run    the commanded controller acts, one action per time step
//	Fault  zero torque until the readings have been good for a while; the trial is repeated
//	Done   zero torque, for good
//
// A Machine is driven by the control loop, one call per joint state, and allocates nothing
// but in Start. What happens is told by events on a channel.
package trial
