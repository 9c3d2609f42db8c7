// Package trial runs trials on the arm: it is the only place that knows the phases.
//
//	Wait   no joint state yet
//	Hold   the arm is held where it is; in lock step, time stands still
//	Reset  a position controller drives the arm to the condition's initial position
//	Run    the commanded controller acts, one action per time step
//	Relax  no torque but gravity compensation, until Resume
//	Fault  the response that safety.on_fault names, zero where readings cannot be trusted, until
//	       the fault is reset or, with automatic recovery, ends by itself; then the trial is
//	       repeated
//	Done   zero torque, for good
//
// A Machine is driven by the control loop, which calls Reading for each joint state, or Observe
// for each and Tick whenever a timer says so. It allocates nothing but in Start, Configure and
// ReleasePartial. What happens is told by events on a channel. One goroutine at a time.
package trial
