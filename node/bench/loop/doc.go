// Command loop measures whether the control loop keeps its time beside a learner that uses every
// processor: by how much ticks are late, beside a bare loop in C, and what a tick takes. `make
// bench-loop` calls it.
//
// Four kinds of processes run at the same time:
//
//	bench    two runs of `gps/bench -learn large` (dX=26, dU=7), as often as there is time, at
//	         nice 10: the learner
//	robot    publishes joint states at the rate of the loop, as a driver with real-time
//	         priority does, and receives the commands
//	ticker   the bare loop (peers/ticker.c): SCHED_FIFO, mlockall, clock_nanosleep
//	control  our loop: a joint state from the slot, the state x, a controller, the safety
//	         filter, a command published over Cyclone DDS on loopback
//
// The loops take turns of a second rather than run at once: at one priority on two processors,
// each would measure how long the other's ticks are. All else goes on all the time, so that
// whatever the machine does hits all alike, and the order of turns changes with each round.
package main
