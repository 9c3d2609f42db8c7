// Package realtime turns a goroutine into a control loop that keeps its time beside a learner
// that uses every core: a thread with a real-time priority, an absolute timer, and a collector of
// garbage that keeps quiet.
//
// Go's scheduler stands between a goroutine and that. What this package does about it was
// measured (make bench-loop), and follows from three facts of the runtime:
//
//   - A goroutine that has run for 10 ms is asked for its processor, and one that is locked to
//     a thread gets it back only through another thread of the process. That thread has to run
//     in time: Config.ProcessPriority. Timer gives the processor up of its own accord, right
//     after a tick, when there is time for it, so that it is never asked for within a tick.
//   - The end of an ordinary system call waits, spinning, for the runtime's monitor thread if
//     that is looking at it. A thread with a real-time priority that wakes up on the processor
//     where the monitor was just looking spins in its place: that took up to 150 ms. Timer
//     sleeps in a raw system call, of which the runtime does not know.
//   - A collection of garbage stops all goroutines for a moment, and takes a quarter of the
//     processors: QuietCollector puts it off while an arm moves.
//
// Who sleeps in a Timer keeps one of the GOMAXPROCS processors of the Go runtime: a
// program gives itself one more than it would have otherwise.
package realtime
