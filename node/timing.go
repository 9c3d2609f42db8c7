package node

import (
	"time"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/realtime"
)

// timing is how the control loop keeps its time: since the loop began, and in the present
// trial. It is guarded by the loop's lock.
type timing struct {
	period       int64 // of the timer, or the usual interval between joint states once it is known, ns
	timer        bool
	lockStep     bool  // the robot's clock waits for the commands: intervals say nothing
	stamp        int64 // of the latest joint state
	arrival      int64
	inTrial      bool
	whole, trial timings
}

// timings are the histograms of some time.
type timings struct {
	ticks, overruns          uint64
	latency, jitter, compute realtime.Histogram
}

// begin begins a trial.
func (t *timing) begin() {
	t.inTrial = true
	t.trial.ticks, t.trial.overruns = 0, 0
	t.trial.latency.Reset()
	t.trial.jitter.Reset()
	t.trial.compute.Reset()
}

// arrived notes a joint state, where those drive the loop: the jitter is how much the interval
// between two arrivals differs from that between their stamps.
func (t *timing) arrived(stamp, arrival int64) {
	if t.arrival != 0 && stamp > t.stamp && !t.lockStep {
		off := (arrival - t.arrival) - (stamp - t.stamp)
		late := 0
		if off > stamp-t.stamp {
			late = 1
		}
		t.whole.interval(time.Duration(max(off, -off)), late)
		if t.inTrial {
			t.trial.interval(time.Duration(max(off, -off)), late)
		}
	}
	t.stamp, t.arrival = stamp, arrival
}

// woken notes a tick of the timer.
func (t *timing) woken(late time.Duration, missed int) {
	t.whole.interval(late, missed)
	if t.inTrial {
		t.trial.interval(late, missed)
	}
}

// interval adds one by which a tick differed from its time, after some that were missed.
func (t *timings) interval(off time.Duration, missed int) {
	t.jitter.Add(off)
	t.overruns += uint64(missed)
}

// done notes the end of a tick that took some ns; received is when the middleware received the
// joint state that it used, in ns since the epoch, 0 for none.
func (t *timing) done(took, received int64) {
	latency := time.Duration(-1)
	if received != 0 {
		latency = time.Duration(max(0, time.Now().UnixNano()-received))
	}
	t.whole.tick(time.Duration(took), latency)
	if t.inTrial {
		t.trial.tick(time.Duration(took), latency)
	}
}

// tick adds a tick; a latency below 0 is not known.
func (t *timings) tick(compute, latency time.Duration) {
	t.ticks++
	t.compute.Add(compute)
	if latency >= 0 {
		t.latency.Add(latency)
	}
}

// end ends a trial: its histograms stay as they are.
func (t *timing) end() { t.inTrial = false }

// write writes the trial's histograms to a message, whose memory is used again.
func (t *timing) write(m *guided_policy_search_msgs.LoopTiming) {
	m.Ticks, m.Overruns, m.Period = t.trial.ticks, t.trial.overruns, 0
	if t.timer {
		m.Period = float64(t.period) * 1e-9
	}
	writeHistogram(&m.Latency, &t.trial.latency)
	writeHistogram(&m.Jitter, &t.trial.jitter)
	writeHistogram(&m.Compute, &t.trial.compute)
}

// writeHistogram leaves out the empty ranges; what is above the last is none.
func writeHistogram(m *guided_policy_search_msgs.Histogram, h *realtime.Histogram) {
	m.UpperBounds, m.Counts = m.UpperBounds[:0], m.Counts[:0]
	h.Buckets(func(upper time.Duration, count uint64) {
		m.UpperBounds = append(m.UpperBounds, upper.Seconds())
		m.Counts = append(m.Counts, count)
	})
	m.Counts = append(m.Counts, 0)
	m.Max = h.Max().Seconds()
}

// timingHealth says how the control loop keeps its time.
func (n *node) timingHealth(s *diagnostics.Status) {
	l := n.loop.Load()
	if l == nil {
		s.Summary(diagnostics.OK, "%v, no control loop", n.states.State())
		return
	}
	l.mu.Lock()
	notes, ticks, overruns := l.notes, l.timing.whole.ticks, l.timing.whole.overruns
	l.mu.Unlock()
	t := &l.timing // its histograms may be read meanwhile
	s.Summary(diagnostics.OK, "the control loop keeps its time")
	if len(notes) > 0 {
		s.Summary(diagnostics.OK, "the control loop runs without all of a real-time thread")
	}
	if n.health.overruns.changed(overruns, n.ros.Clock.Steady()) {
		s.Summary(diagnostics.Warn, "%d control ticks of %d came a period or more too late", overruns, ticks)
	}
	s.Add("control ticks", ticks)
	s.Add("overruns", overruns)
	for _, q := range []struct {
		name string
		h    *realtime.Histogram
	}{{"latency", &t.whole.latency}, {"jitter", &t.whole.jitter}, {"compute", &t.whole.compute}} {
		for _, p := range []struct {
			name string
			part float64
		}{{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}} {
			s.Add(q.name+" "+p.name, q.h.Quantile(p.part))
		}
		s.Add(q.name+" max", q.h.Max())
	}
	for _, text := range notes {
		s.Add("real time", text)
	}
}
