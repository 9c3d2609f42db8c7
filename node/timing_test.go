package node

import (
	"testing"
	"time"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
)

// TestTrialTiming: a trial's histograms are of its own ticks, those of the loop of all.
func TestTrialTiming(t *testing.T) {
	var tm timing
	tick := func() {
		tm.woken(10*time.Microsecond, 2)
		tm.done(1000, time.Now().UnixNano())
	}
	tick()
	for range 2 {
		tm.begin()
		tick()
		tick()
		tm.end()
		tick()
	}
	tm.done(1000, 0) // no joint state yet: its age is not known
	var m guided_policy_search_msgs.LoopTiming
	tm.write(&m)
	if m.Ticks != 2 || m.Overruns != 4 || m.Latency.Max > 60 || tm.trial.compute.Count() != 2 {
		t.Errorf("%d ticks, %d overruns, latency %v s, want 2 and 4", m.Ticks, m.Overruns, m.Latency.Max)
	}
	if tm.whole.ticks != 8 || tm.whole.overruns != 14 || tm.whole.latency.Count() != 7 {
		t.Errorf("of all: %d ticks, %d overruns, %d latencies, want 8, 14 and 7", tm.whole.ticks, tm.whole.overruns, tm.whole.latency.Count())
	}
}

// TestIntervals: joint states that come with their stamps apart are in time; one that comes more
// than an interval late is an overrun, and a repetition says nothing.
func TestIntervals(t *testing.T) {
	tm := new(timing)
	for _, at := range [][2]int64{{0, 100}, {10, 110}, {20, 131}, {20, 140}, {30, 141}} {
		tm.arrived(at[0], at[1])
	}
	if n := tm.whole.jitter.Count(); n != 3 || tm.whole.overruns != 1 || tm.whole.jitter.Max() != 11 {
		t.Errorf("%d intervals, %d late, at most %v", n, tm.whole.overruns, tm.whole.jitter.Max())
	}
}
