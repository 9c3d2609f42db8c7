package simrobot

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// lateClock is a clock on which every sleep is longer than asked for.
type lateClock struct {
	now  time.Time
	late func() time.Duration
}

func (c *lateClock) set(p *pace) {
	p.clock = func() time.Time { return c.now }
	p.sleep = func(_ context.Context, d time.Duration) { c.now = c.now.Add(d + c.late()) }
}

// TestPaceDoesNotDrift: however late each wait is, the next is due in its place.
func TestPaceDoesNotDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, factor := range []float64{0.5, 1, 3} {
		p := newPace(&Config{RealTimeFactor: factor})
		c := &lateClock{now: time.Unix(1e9, 7), late: func() time.Duration { return time.Duration(rng.IntN(400_000)) }}
		c.set(p)
		p.begin()
		for n := range int64(10_000) {
			at := (n + 1) * 1_000_000
			if !p.wait(t.Context(), at) {
				t.Fatal("ended")
			}
			if late := p.time(c.now) - at; late < 0 || late > int64(400_001*factor)+1 {
				t.Fatalf("factor %v, wait %d is late by %d ns of simulated time", factor, n, late)
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if newPace(&Config{RealTimeFactor: 1}).wait(ctx, 1) || newPace(&Config{LockStep: true}).wait(ctx, 1) {
		t.Error("a wait outlives its context")
	}
}

// TestSleep sleeps in its two ways, for no longer than a context lasts.
func TestSleep(t *testing.T) {
	sleep(t.Context(), 3*coarse)
	sleep(t.Context(), time.Microsecond)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sleep(ctx, time.Hour)
}

// freely runs a driver on a clock of its own until its simulated time is over, and returns
// the messages and when they came.
func freely(t *testing.T, c Config, until time.Duration, late func(at time.Duration) time.Duration) (*Driver, []arrival) {
	t.Helper()
	clock := &lateClock{now: time.Unix(1e9, 0)}
	began := clock.now
	clock.late = func() time.Duration { return late(clock.now.Sub(began)) }
	b := newBus(t)
	d := b.driver(c)
	clock.set(d.pace)
	ctx, cancel := context.WithCancel(t.Context())
	sleep := d.pace.sleep
	d.pace.sleep = func(ctx context.Context, left time.Duration) {
		b.flush()
		if sleep(ctx, left); clock.now.Sub(began) >= until {
			cancel()
		}
	}
	b.now = func() time.Duration { return clock.now.Sub(began) }
	if err := d.Run(ctx); err != nil {
		t.Fatal(err)
	}
	b.flush()
	return d, b.arrivals
}

// TestFreely: joint states come at their own rate and after their latency, on time whatever
// the time step is, and nothing is lost.
func TestFreely(t *testing.T) {
	c := still(1)
	c.LockStep, c.TimeStep, c.StateRate = false, 0.001, 250
	c.StateLatency = 2500 * time.Microsecond // half way between two time steps
	d, got := freely(t, c, time.Second, func(time.Duration) time.Duration { return 0 })
	if len(got) < 240 {
		t.Fatalf("%d joint states in a second, want 250", len(got))
	}
	for k, a := range got {
		if want := int64(k) * 4e6; a.stamp != want || math.Abs(float64(a.at)-float64(want+25e5)) > 10 {
			t.Fatalf("joint state %d has the stamp %d and came at %v, want %d and 2.5 ms later", k, a.stamp, a.at, want)
		}
	}
	if n := d.timing.overruns.Load(); n != 0 {
		t.Errorf("%d overruns, want none", n)
	}
}

// TestOverruns: a time step that is late by more than its length is made up for without a
// joint state and counted, and time goes on where it should be. After a long pause it stands
// still instead.
func TestOverruns(t *testing.T) {
	c := still(1)
	c.LockStep, c.TimeStep = false, 0.001
	for _, v := range []struct {
		pause, stood time.Duration
		overruns     int64
		gap          int64 // the longest between two stamps, ms
	}{{400 * time.Microsecond, 0, 0, 1}, {5200 * time.Microsecond, 0, 5, 6}, {3 * time.Second, 3 * time.Second, 3000, 1}} {
		done := false
		d, got := freely(t, c, 4*time.Second, func(at time.Duration) time.Duration {
			if at < 100*time.Millisecond || done {
				return 50 * time.Microsecond
			}
			done = true
			return v.pause
		})
		gap := int64(0)
		for k := 1; k < len(got); k++ {
			gap = max(gap, (got[k].stamp-got[k-1].stamp)/1_000_000)
		}
		last := got[len(got)-1]
		stood := time.Duration(d.timing.stood.Load())
		if n := d.timing.overruns.Load(); n != v.overruns || gap != v.gap || stood != v.stood {
			t.Errorf("a pause of %v: %d overruns, %d ms between two stamps, time stood still for %v; want %d, %d, %v", v.pause, n, gap, stood, v.overruns, v.gap, v.stood)
		}
		if behind := last.at - stood - time.Duration(last.stamp); behind < 0 || behind > time.Millisecond {
			t.Errorf("a pause of %v: the last joint state has the stamp %v, %v behind", v.pause, time.Duration(last.stamp), behind)
		}
	}
}

// TestLockStepPace: a real-time factor paces lock step too, and where the node was late, time
// stands still instead of rushing.
func TestLockStepPace(t *testing.T) {
	c := still(1)
	c.RealTimeFactor, c.StateRate, c.Heartbeat = 2, 50, time.Hour
	clock := &lateClock{now: time.Unix(1e9, 0), late: func() time.Duration { return 100 * time.Microsecond }}
	began := clock.now
	b := newBus(t)
	d := b.driver(c)
	clock.set(d.pace)
	b.now = func() time.Duration { return clock.now.Sub(began) }
	ctx, cancel := context.WithCancel(t.Context())
	commands := b.commands()
	count := 0
	b.answer = func([]byte) {
		if count++; count == 20 {
			clock.now = clock.now.Add(time.Second) // the robot waits, and looks at the clock after the answer
		}
		if count == 40 {
			cancel()
			return
		}
		if err := commands.Publish(effortMessage(0)); err != nil {
			t.Error(err)
		}
	}
	if err := d.Run(ctx); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	const period = 10 * time.Millisecond
	for k, a := range b.arrivals {
		// Each is due in its place, and late by as much as every wait.
		want := time.Duration(k) * period
		if k >= 20 {
			want += time.Second
		}
		if late := a.at - want; k > 0 && k < 20 && (late < 0 || late > period/10) || k >= 20 && (late < -period || late > period) {
			t.Errorf("joint state %d comes at %v, want %v", k, a.at, want)
		}
		if k > 20 && a.at-b.arrivals[k-1].at < period/2 {
			t.Errorf("joint state %d comes %v after the one before", k, a.at-b.arrivals[k-1].at)
		}
	}
	if len(b.arrivals) != 40 {
		t.Errorf("%d joint states, want 40", len(b.arrivals))
	}
}

// TestSystemStamps: they are the computer's, and there is no /clock.
func TestSystemStamps(t *testing.T) {
	c := still(1)
	c.LockStep, c.TimeStep, c.Stamps, c.StateLatency = false, 0.001, SystemTime, 10*time.Millisecond
	d, got := freely(t, c, 100*time.Millisecond, func(time.Duration) time.Duration { return 0 })
	if d.clock != nil {
		t.Error("the time is published")
	}
	for k, a := range got {
		if want := time.Unix(1e9, 0).UnixNano() + int64(a.at) - 10e6; math.Abs(float64(a.stamp-want)) > 10 {
			t.Fatalf("joint state %d has the stamp %d, want %d", k, a.stamp, want)
		}
	}
	if len(got) < 90 {
		t.Errorf("%d joint states in 100 ms", len(got))
	}
}
