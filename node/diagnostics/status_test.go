package diagnostics

import (
	"strings"
	"testing"
	"time"
)

func TestMerge(t *testing.T) {
	type finding struct {
		level   Level
		message string
	}
	for _, c := range []struct {
		findings []finding
		want     finding
	}{
		{[]finding{{OK, "a"}, {OK, "b"}}, finding{OK, "a"}},
		{[]finding{{OK, "a"}, {Warn, "b"}, {OK, "c"}}, finding{Warn, "b"}},
		{[]finding{{Error, "a"}, {Warn, "b"}}, finding{Error, "a; b"}},
		{[]finding{{Warn, "a"}, {Error, "b"}}, finding{Error, "a; b"}},
		{[]finding{{OK, ""}, {OK, "b"}}, finding{OK, "b"}},
	} {
		var s Status
		s.Summary(c.findings[0].level, "%s", c.findings[0].message)
		for _, f := range c.findings[1:] {
			s.Merge(f.level, "%s", f.message)
		}
		if s.Level() != c.want.level || s.message != c.want.message {
			t.Errorf("%v: got %v %q, want %v", c.findings, s.Level(), s.message, c.want)
		}
	}
	var s Status
	for range 1000 {
		s.Merge(Warn, "%s", strings.Repeat("x", maxText))
	}
	if len(s.message) > maxText {
		t.Errorf("a message of %d bytes", len(s.message))
	}
}

func TestFrequency(t *testing.T) {
	type step struct {
		after  time.Duration
		events int
		level  Level
		says   string
	}
	expect := FrequencyConfig{Min: 90, Max: 110}
	for _, c := range []struct {
		name   string
		config FrequencyConfig
		steps  []step
	}{
		{"as expected", expect, []step{{0, 0, OK, "begins"}, {time.Second, 100, OK, "100 Hz"}, {time.Second, 118, OK, "109 Hz"}}},
		{"slow", expect, []step{{time.Second, 80, Warn, "80 Hz is too slow, at least 81 Hz"}}},
		{"fast", expect, []step{{time.Second, 130, Warn, "130 Hz is too fast, at most 121 Hz"}}},
		{"stops", expect, []step{{time.Second, 100, OK, "100 Hz"}, {2 * time.Second, 0, Warn, "too slow"}, {4 * time.Second, 0, Error, "nothing came for 6.0 s"}}},
		{"never", expect, []step{{time.Second, 0, Error, "nothing came for 1.0 s"}}},
		{"no bounds", FrequencyConfig{}, []step{{time.Second, 0, OK, "0 Hz"}, {time.Second, 1e6, OK, "5e+05 Hz"}}},
		{"one bound", FrequencyConfig{Min: 10, Tolerance: 0.5}, []step{{time.Second, 6, OK, "6 Hz"}, {time.Second, 2, Warn, "4 Hz is too slow"}}},
		{"clock set back", expect, []step{{10 * time.Second, 1000, OK, "100 Hz"}, {-5 * time.Second, 10, OK, "begins"}, {time.Second, 100, OK, "100 Hz"}}},
		{"clock stands", expect, []step{{0, 10, OK, "begins"}, {0, 10, OK, "begins"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			now := int64(0)
			f := NewFrequency(c.config, func() int64 { return now })
			for i, s := range c.steps {
				now += int64(s.after)
				for range s.events {
					f.Tick()
				}
				var got Status
				f.Update(&got)
				if got.Level() != s.level || !strings.Contains(got.message, s.says) {
					t.Errorf("step %d: %v %q, want %v %q", i, got.Level(), got.message, s.level, s.says)
				}
			}
		})
	}
}

// The window does not depend on how often the task is asked, and neither does its memory.
func TestFrequencyWindow(t *testing.T) {
	now := int64(0)
	f := NewFrequency(FrequencyConfig{Min: 1}, func() int64 { return now })
	for i := range 10_000 {
		now += int64(time.Millisecond) * 10
		f.Tick()
		var s Status
		f.Update(&s)
		if len(f.samples) > samplesPerWindow+2 {
			t.Fatalf("round %d: %d samples", i, len(f.samples))
		}
		if events, window, _ := f.move(); i > 1000 && (window < 5*time.Second || window > 5500*time.Millisecond || events < 500 || events > 550) {
			t.Fatalf("round %d: %d events in %v", i, events, window)
		}
	}
	if f.Count() != 10_000 {
		t.Errorf("%d events", f.Count())
	}
}

func TestFrequencyNotExpected(t *testing.T) {
	now := int64(0)
	f := NewFrequency(FrequencyConfig{Min: 100}, func() int64 { return now })
	check := func(after time.Duration, want Level, says string) {
		t.Helper()
		now += int64(after)
		var s Status
		f.Update(&s)
		if s.Level() != want || !strings.Contains(s.message, says) {
			t.Errorf("%v %q, want %v %q", s.Level(), s.message, want, says)
		}
	}
	f.Expect(false)
	check(time.Hour, OK, "not expected")
	f.Expect(true)
	check(time.Millisecond, OK, "begins")
	check(time.Second, Error, "nothing came")
	if n := testing.AllocsPerRun(100, f.Tick); n != 0 {
		t.Errorf("%v allocations per tick, want 0", n)
	}
}
