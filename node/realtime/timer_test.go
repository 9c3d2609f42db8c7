package realtime

import (
	"math/rand/v2"
	"testing"
	"time"
)

// scripted is a clock whose sleeps end as a test has it.
type scripted struct {
	t      int64
	wake   func(until int64) int64 // when a sleep ends
	given  int64                   // what a yield takes
	yields []int64                 // when
	sleeps int
}

func (s *scripted) now() int64 { return s.t }

func (s *scripted) sleep(until int64) {
	s.sleeps++
	s.t = max(s.t, s.wake(until))
}

func (s *scripted) yield() {
	s.yields = append(s.yields, s.t)
	s.t += s.given
}

func onTime(until int64) int64 { return until }

const ms = int64(time.Millisecond)

func TestTimerKeepsItsPhase(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	const start = 17
	var oversleeps int64
	c := &scripted{t: start, wake: func(until int64) int64 { return until + oversleeps }}
	timer := newTimer(time.Millisecond, c)
	periods := int64(0)
	for i := range 10_000 {
		c.t += rng.Int64N(ms) // the tick
		oversleeps = rng.Int64N(ms / 2)
		if i%100 == 50 {
			oversleeps += rng.Int64N(20 * ms)
		}
		lateness, missed := timer.Wait()
		periods++
		if due := c.t - int64(lateness); due != start+periods*ms {
			t.Fatalf("tick %d was due at %d, want %d", i, due, start+periods*ms)
		}
		if want := int64(lateness) / ms; int64(missed) != want {
			t.Fatalf("tick %d is late by %v and %d are left out, want %d", i, lateness, missed, want)
		}
		periods += int64(missed)
	}
}

func TestTimerAfterOverruns(t *testing.T) {
	for _, c := range []struct {
		name     string
		work     int64 // of the first tick
		lateness time.Duration
		missed   int
		next     int64 // when the tick after is due
	}{
		{"none", ms / 2, 0, 0, 3 * ms},
		{"to the moment", ms, 0, 0, 3 * ms},
		{"into the next period", ms + 300, 300, 0, 3 * ms},
		{"just not over it", 2*ms - 1, time.Duration(ms - 1), 0, 3 * ms},
		{"over it", 2 * ms, time.Duration(ms), 1, 4 * ms},
		{"over seven", 8*ms + 5, time.Duration(7*ms + 5), 7, 10 * ms},
	} {
		t.Run(c.name, func(t *testing.T) {
			clock := &scripted{wake: onTime}
			timer := newTimer(time.Millisecond, clock)
			if lateness, missed := timer.Wait(); lateness != 0 || missed != 0 || clock.t != ms {
				t.Fatalf("the first tick comes at %d, late by %v", clock.t, lateness)
			}
			clock.t += c.work
			if lateness, missed := timer.Wait(); lateness != c.lateness || missed != c.missed {
				t.Errorf("late by %v, %d left out, want %v and %d", lateness, missed, c.lateness, c.missed)
			}
			if lateness, missed := timer.Wait(); lateness != 0 || missed != 0 || clock.t != c.next {
				t.Errorf("the tick after comes at %d, late by %v, %d left out, want %d", clock.t, lateness, missed, c.next)
			}
		})
	}
}

// Signals end sleeps: the tick comes when it is due all the same.
func TestTimerSleepsOnAfterSignals(t *testing.T) {
	signals := int64(3)
	clock := &scripted{wake: func(until int64) int64 { signals--; return until - max(signals, 0)*ms/4 }}
	timer := newTimer(time.Millisecond, clock)
	if lateness, missed := timer.Wait(); lateness != 0 || missed != 0 || clock.t != ms || clock.sleeps != 3 {
		t.Errorf("the tick comes at %d after %d sleeps, late by %v, %d left out", clock.t, clock.sleeps, lateness, missed)
	}
}

// The runtime's time slice is 10 ms: it is given the processor before that, and only where a
// tick has left enough time.
func TestTimerYieldsInTimeAndBetweenTicks(t *testing.T) {
	for _, period := range []int64{ms / 5, ms / 2, ms, 4 * ms, 20 * ms} {
		t.Run(time.Duration(period).String(), func(t *testing.T) {
			clock := &scripted{wake: onTime, given: period / 10}
			timer := newTimer(time.Duration(period), clock)
			for range 200 {
				timer.Wait()
				clock.t += period / 5
			}
			last := int64(0)
			for _, at := range clock.yields {
				if at-last > max(5*ms, 2*period) {
					t.Errorf("nothing from %d to %d", last, at)
				}
				if left := period - at%period; left <= period/4 {
					t.Errorf("%d ns before a tick", left)
				}
				last = at
			}
			if n, want := len(clock.yields), 200*period/max(5*ms, 2*period); int64(n) < want {
				t.Errorf("%d times, want at least %d", n, want)
			}
			if clock.sleeps != 200 {
				t.Errorf("%d sleeps for 200 ticks", clock.sleeps)
			}
		})
	}
	clock := &scripted{wake: onTime}
	timer := newTimer(time.Millisecond, clock)
	for range 100 {
		timer.Wait()
		clock.t += ms * 4 / 5
	}
	if len(clock.yields) > 0 {
		t.Errorf("ticks leave 0.2 ms, and the runtime had its way at %v", clock.yields)
	}
}

func TestTimerRestart(t *testing.T) {
	clock := &scripted{wake: onTime}
	timer := newTimer(time.Millisecond, clock)
	timer.Wait()
	clock.t += 10*ms + 3
	timer.Restart()
	if lateness, missed := timer.Wait(); lateness != 0 || missed != 0 || clock.t != 12*ms+3 {
		t.Errorf("the tick comes at %d, late by %v, %d left out, want a period after the restart", clock.t, lateness, missed)
	}
}

func TestTimerWithoutPeriodPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	NewTimer(0)
}

// On the real clock no tick comes early, and the periods add up, whatever the machine does.
func TestTimerOnTheSystemsClock(t *testing.T) {
	const period, n = 500 * time.Microsecond, 200
	clock := newMonotonic()
	timer := newTimer(period, clock)
	start, periods, inTime := timer.due, int64(0), 0
	for range n {
		lateness, missed := timer.Wait()
		after := clock.now()
		periods++
		due := start + periods*int64(period)
		if lateness < 0 || after < due+int64(lateness) {
			t.Fatalf("tick %d is due at %d and late by %v, but it is %d", periods, due, lateness, after)
		}
		if missed == 0 {
			inTime++
		}
		periods += int64(missed)
		if timer.due != start+periods*int64(period) {
			t.Fatalf("after %d periods the timer is at %d, want %d", periods, timer.due, start+periods*int64(period))
		}
	}
	if inTime == 0 {
		t.Errorf("each of %d sleeps lasted for more than a period too long", n)
	}
}

func TestTimerAllocatesNothing(t *testing.T) {
	timer := NewTimer(100 * time.Microsecond)
	if n := testing.AllocsPerRun(50, func() { timer.Wait() }); n != 0 {
		t.Errorf("allocates %v times", n)
	}
}
