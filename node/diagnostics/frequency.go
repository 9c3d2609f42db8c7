package diagnostics

import (
	"math"
	"sync"
	"sync/atomic"
	"time"
)

// FrequencyConfig says how often something should happen.
type FrequencyConfig struct {
	// Min and Max bound the rate in Hz; 0 is no bound.
	Min, Max float64
	// Tolerance widens the bounds, as a fraction; default 0.1.
	Tolerance float64
	// Window is how long the rate is averaged; default 5 s.
	Window time.Duration
}

// Frequency is a task that watches a rate, such as that of a topic.
type Frequency struct {
	config FrequencyConfig
	now    func() int64
	count  atomic.Uint64
	idle   atomic.Bool

	mu      sync.Mutex
	samples []sample // of the window, the oldest first; never empty
}

// sample is how many events there were until a time.
type sample struct {
	at    int64 // ns
	count uint64
}

// samplesPerWindow is how finely the window moves on.
const samplesPerWindow = 10

// NewFrequency returns a watch that begins now. now, in ns, is a clock that should not jump;
// nil is the steady clock.
func NewFrequency(c FrequencyConfig, now func() int64) *Frequency {
	if c.Tolerance <= 0 {
		c.Tolerance = 0.1
	}
	if c.Window <= 0 {
		c.Window = 5 * time.Second
	}
	if now == nil {
		began := time.Now()
		now = func() int64 { return int64(time.Since(began)) }
	}
	return &Frequency{config: c, now: now, samples: []sample{{at: now()}}}
}

// Tick counts an event. It costs one atomic addition.
func (f *Frequency) Tick() { f.count.Add(1) }

// Count is how many events there were.
func (f *Frequency) Count() uint64 { return f.count.Load() }

// Expect says if events are expected; at first they are. While they are not, such as commands
// of an inactive node, any rate is OK, and afterwards a new window begins.
func (f *Frequency) Expect(events bool) {
	if f.idle.Swap(!events) && events {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.samples = append(f.samples[:0], sample{f.now(), f.count.Load()})
	}
}

// Update is the task: Updater.Add(name, f.Update).
func (f *Frequency) Update(s *Status) {
	events, window, all := f.move()
	rate := 0.0
	if window > 0 {
		rate = float64(events) / window.Seconds()
	}
	low, high := f.config.Min*(1-f.config.Tolerance), f.config.Max*(1+f.config.Tolerance)
	if f.config.Max == 0 {
		high = math.Inf(1)
	}
	switch {
	case f.idle.Load():
		s.Summary(OK, "not expected now")
	case window < min(f.config.Window/samplesPerWindow, time.Second):
		// Too short to tell.
		s.Summary(OK, "begins")
	case events == 0 && f.config.Min > 0:
		s.Summary(Error, "nothing came for %.1f s", window.Seconds())
	case rate < low:
		s.Summary(Warn, "%.4g Hz is too slow, at least %.4g Hz is expected", rate, low)
	case rate > high:
		s.Summary(Warn, "%.4g Hz is too fast, at most %.4g Hz is expected", rate, high)
	default:
		s.Summary(OK, "%.4g Hz", rate)
	}
	s.Add("Events in window", events)
	s.Add("Events since startup", all)
	s.Add("Duration of window (s)", window.Seconds())
	s.Add("Actual frequency (Hz)", rate)
	if f.config.Min > 0 {
		s.Add("Minimum acceptable frequency (Hz)", low)
	}
	if f.config.Max > 0 {
		s.Add("Maximum acceptable frequency (Hz)", high)
	}
}

// move ends the window now. It returns the events in it, its duration, and all events.
func (f *Frequency) move() (events uint64, window time.Duration, all uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now, all := f.now(), f.count.Load()
	latest := f.samples[len(f.samples)-1]
	if now < latest.at { // the clock was set back
		f.samples = append(f.samples[:0], sample{now, all})
		return 0, 0, all
	}
	if now-latest.at >= int64(f.config.Window)/samplesPerWindow {
		f.samples = append(f.samples, sample{now, all})
	}
	// The oldest that the window still needs is the last one that is not inside of it.
	oldest := 0
	for oldest+1 < len(f.samples) && now-f.samples[oldest+1].at >= int64(f.config.Window) {
		oldest++
	}
	f.samples = append(f.samples[:0], f.samples[oldest:]...)
	first := f.samples[0]
	return all - first.count, time.Duration(now - first.at), all
}
