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
//	control  our loop, in trials of seven joints and dX=26: what the node does with a joint state,
//	         and at each tick of its timer
//
// The node's own loop is not exported: control does the same with the same parts. The goroutine of
// messages reads and observes a joint state, under the lock; the timer's thread ticks a
// trial.Machine in phase Run, which asks the controller, filters its torque, and records both;
// then it writes the command, publishes it over Cyclone DDS on loopback, and adds to log and
// histograms. The controller acts at 20 Hz, as when it learns, or at each tick. Trials last for
// longer than a turn; what begins them is not timed. A trial that acts at each tick is broken off
// whenever a tick is late by half a period or more, since its next action is due then: lateness is
// counted all the time, what ticks take only within trials.
//
// The loops take turns of a second rather than run at once: at one priority on two processors,
// each would measure how long the other's ticks are. All else goes on all the time, so that
// whatever the machine does hits all alike, and the order of turns changes with each round.
//
// A machine, a virtual one above all, takes a processor away for milliseconds now and then, and which
// loop has its turn then is a matter of chance. So beside every turn a bare loop in C ticks on each
// processor, one priority lower: what is to be judged is by how much the latest tick of a second is later
// than the latest of theirs in the same second. In a while in which a processor stands still, two loops
// of one period are late by times that differ by less than a period; whatever is more is the loop's own.
// A tick of ours that took longer than a period would hold one of them up: what ticks take says so.
package main
