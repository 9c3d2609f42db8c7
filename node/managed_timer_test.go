package node

import (
	"runtime/debug"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/trial"
)

// patientLoop lets a loop on a busy machine be late.
var patientLoop = []string{"safety.missed_in_a_row:=0", "safety.missed_per_second:=0", "lock_step:=false", "use_sim_time:=false"}

// fastRobot is the task's robot in real time, with joint states every millisecond.
func (m *managed) fastRobot() {
	m.t.Helper()
	m.startRobot("lock_step:=false", "real_time_factor:=1.0", "time_step:=0.001", "substeps:=1", "stamps:=system", "use_sim_time:=false")
}

// TestTimerDrivesTheLoop learns in real time with torques every millisecond and a policy of its own
// rate. The recordings say how old each state was, what was lost, and how the loop kept its time.
func TestTimerDrivesTheLoop(t *testing.T) {
	percent := debug.SetGCPercent(100)
	defer debug.SetGCPercent(percent)
	m := startManaged(t, options{}, append([]string{"loop.driven_by:=timer", "loop.rate:=1000.0", "iterations:=1"}, patientLoop...)...)
	m.fastRobot()
	m.until("the diagnostics tell of ticks", func() bool {
		for _, v := range m.health("timing").Values {
			if v.Key == "control ticks" && v.Value != "0" {
				return true
			}
		}
		return false
	})
	m.ends()
	if m.err != nil || len(m.result.Reports) != 1 {
		t.Fatalf("%v, %+v\n%s", m.err, m.result, m.log())
	}
	if now := debug.SetGCPercent(100); now != 100 {
		t.Errorf("garbage is collected at %d %% after the trials, want 100", now)
	}
	folder, err := record.View(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	r, err := folder.ReadRollout(record.TrialPath(1, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	if len(r.StateAges) != 21 || len(r.Lost) != 21 {
		t.Errorf("%d ages, %d counts of lost states, want 21", len(r.StateAges), len(r.Lost))
	}
	tm := &r.Timing
	// 20 steps of 50 ms; ticks that were missed count as overruns.
	if total := tm.Ticks + tm.Overruns; tm.Period != 1e-3 || total < 900 || total > 1100 {
		t.Errorf("period %v s, %d ticks and %d overruns, want 0.001 and 1000", tm.Period, tm.Ticks, tm.Overruns)
	}
	for name, h := range map[string]*guided_policy_search_msgs.Histogram{"latency": &tm.Latency, "jitter": &tm.Jitter, "compute": &tm.Compute} {
		sum := uint64(0)
		for _, n := range h.Counts {
			sum += n
		}
		if sum < tm.Ticks-1 || sum > tm.Ticks+1 || len(h.Counts) != len(h.UpperBounds)+1 || !(h.Max > 0 && h.Max < 10) {
			t.Errorf("%s: %d of %d ticks in %d ranges, at most %v s", name, sum, tm.Ticks, len(h.UpperBounds), h.Max)
		}
	}
}

// TestRealTimeThread: outside lock step the goroutine that receives joint states is a real-time
// thread, and one of a timer too. What the system does not allow is told once, however often the
// arm is taken hold of, and shows in the diagnostics.
func TestRealTimeThread(t *testing.T) {
	for _, by := range []string{"joint_states", "timer"} {
		t.Run(by, func(t *testing.T) {
			m := startManaged(t, options{learner: silent}, append([]string{"loop.cpu:=1000", "loop.driven_by:=" + by, "autostart:=false"}, patientLoop...)...)
			m.fastRobot()
			const note = "does not stay on processor 1000"
			for range 3 {
				m.must("start")
				m.until("the arm is held", m.phase(trial.Hold, ""))
				m.until("it is in the diagnostics", func() bool {
					for _, v := range m.health("timing").Values {
						if v.Key == "real time" && strings.Contains(v.Value, note) {
							return true
						}
					}
					return false
				})
				m.must("stop")
			}
			m.must("cleanup")
			if n := strings.Count(m.log(), note); n != 1 {
				t.Errorf("the log tells of it %d times, want once", n)
			}
		})
	}
}

// TestTimingOfLockStep: a robot that waits has no interval that could be late, whatever an update takes.
func TestTimingOfLockStep(t *testing.T) {
	m := startManaged(t, options{})
	m.startRobot()
	m.ends()
	if s := m.health("timing"); strings.Contains(s.Message, "too late") {
		t.Errorf("%s", s.Message)
	}
	folder, err := record.View(m.folder)
	if err != nil {
		t.Fatal(err)
	}
	r, err := folder.ReadRollout(record.TrialPath(2, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	// The trial's ticks alone: 20 actions, the state after the last, and those while the joints settled.
	if tm := &r.Timing; tm.Overruns != 0 || tm.Ticks < 20 || tm.Ticks > 21 || tm.Period != 0 || len(tm.Jitter.UpperBounds) != 0 {
		t.Errorf("%d ticks, %d overruns, period %v, %d ranges of jitter", tm.Ticks, tm.Overruns, tm.Period, len(tm.Jitter.UpperBounds))
	}
}
