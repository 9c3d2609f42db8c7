package trial_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

const millisecond = 1_000_000

// byTimer lets a timer of 1 kHz drive the loop.
func byTimer(c *trial.Config, _ *robotConfig) {
	c.LockStep, c.Loop.DrivenBy, c.Loop.Rate = false, trial.ByTimer, 1000
}

func linearly(c *trial.Config, _ *robotConfig) { c.Loop.Interpolation = trial.InterpolateAction }

// newTimed returns a bench whose loop a timer drives; the arm moves by 1 ms at a time.
func newTimed(t *testing.T, q []float64, settings ...setting) *bench {
	t.Helper()
	b := newBench(t, q, append([]setting{byTimer}, settings...)...)
	b.period = millisecond
	b.newArm(q)
	return b
}

// pass lets time pass for the arm.
func (b *bench) pass(ns int64) {
	b.t.Helper()
	for ; ns >= b.period && !b.blocked; ns -= b.period {
		if err := b.sim.Step(b.torque); err != nil {
			b.t.Fatal(err)
		}
		b.arrival, b.reading.Stamp = b.arrival+b.period, b.reading.Stamp+b.period
	}
	b.arrival, b.reading.Stamp = b.arrival+ns, b.reading.Stamp+ns
	b.observe()
}

// see lets the present reading arrive.
func (b *bench) see() {
	b.t.Helper()
	b.machine.Observe(b.reading, b.arrival, b.reading.Stamp+b.age)
	b.untrue = false
}

// beat is a tick of the timer.
func (b *bench) beat() trial.Output {
	b.t.Helper()
	return b.took(b.machine.Tick(b.arrival, 0))
}

// run goes on, each ms with a reading and a tick, until the machine is in a phase.
func (b *bench) runTo(phase trial.Phase) {
	b.t.Helper()
	for range 20_000 {
		if b.machine.Phase() == phase {
			return
		}
		b.pass(millisecond)
		b.see()
		b.beat()
	}
	b.t.Fatalf("phase %v after 20 s, want %v; events %+v", b.machine.Phase(), phase, b.events)
}

// running returns a bench in the first tick of a trial.
func running(t *testing.T, c *trial.Command, settings ...setting) *bench {
	t.Helper()
	b := newTimed(t, there, settings...)
	b.see()
	b.beat()
	b.start(c)
	b.runTo(trial.Run)
	b.kinds()
	return b
}

// TestTimer: between two policy steps, 50 ms apart, the torque of 1 kHz stands still, to the bit.
func TestTimer(t *testing.T) {
	c := command(20)
	b := running(t, c)
	held, changes := slices.Clone(b.torque), 0
	for n := 1; b.machine.Phase() == trial.Run; n++ {
		b.pass(millisecond)
		b.see()
		if out := b.beat(); !out.Publish {
			t.Fatalf("tick %d was not answered", n)
		}
		if !slices.Equal(b.torque, held) {
			if changes++; n%50 != 0 {
				t.Fatalf("the torque changed at tick %d", n)
			}
		}
		copy(held, b.torque)
	}
	if changes != 20 { // 19 actions after the first, and the position controller
		t.Errorf("the torque changed %d times", changes)
	}
	b.wantEvents(trial.Finished)
	b.checkRecord(c)
}

func TestTimerBeforeTheFirstReading(t *testing.T) {
	b := newTimed(t, there)
	for range 5 {
		b.pass(millisecond)
		if out := b.beat(); out.Publish {
			t.Fatal("published before the first reading")
		}
	}
	b.wantPhase(trial.Wait)
	if ticks, _ := b.machine.Counts(); ticks != 0 {
		t.Errorf("%d ticks counted", ticks)
	}
}

// TestInterpolation compares each torque with the line between two actions, and each recorded
// action with the mean of what was published.
func TestInterpolation(t *testing.T) {
	c := command(10)
	before := make([]float64, 2)
	b := newTimed(t, []float64{there[0] + 9e-4, there[1] - 9e-4}, linearly) // something to pull at
	b.see()
	b.beat()
	b.start(c)
	for b.machine.Phase() != trial.Run {
		copy(before, b.torque)
		b.pass(millisecond)
		b.see()
		b.beat()
	}
	if before[0] == 0 || before[1] == 0 {
		t.Fatalf("torque %v before the trial: the test shows nothing", before)
	}
	var published [][]float64
	for b.machine.Phase() == trial.Run {
		published = append(published, slices.Clone(b.torque))
		b.pass(millisecond)
		b.see()
		b.beat()
	}
	rec := b.machine.Record()
	if len(published) != 500 {
		t.Fatalf("%d torques, want 500", len(published))
	}
	from := before
	for step := range 10 {
		to := rec.Commanded[2*step : 2*step+2]
		sum := make([]float64, 2)
		for k := range 50 {
			for i := range 2 {
				got, want := published[50*step+k][i], from[i]+(to[i]-from[i])*float64(k+1)/50
				if math.Abs(got-want) > 1e-12 {
					t.Fatalf("step %d, tick %d, joint %d: torque %v, want %v", step, k, i, got, want)
				}
				sum[i] += got / 50
			}
		}
		for i, got := range rec.Rollout.Action(step) {
			if math.Abs(got-sum[i]) > 1e-12 || math.Abs(got-to[i]) < 1e-6 {
				t.Errorf("step %d: action %v, the mean torque was %v, the last %v", step, rec.Rollout.Action(step), sum, to)
			}
		}
		from = to
	}
}

// TestConstantActionIsRecordedToTheBit whatever the number of ticks that it is the mean of.
func TestConstantActionIsRecordedToTheBit(t *testing.T) {
	for _, s := range [][]setting{nil, {linearly}} {
		k := lqg.NewController(6, 7, 2)
		want := []float64{0.1, -1.0 / 3}
		for step := range 6 {
			copy(k.BiasAt(step), want)
			copy(k.CholAt(step), []float64{1e-300, 0, 0, 1e-300})
		}
		c := command(6)
		c.Controller = k
		b := running(t, c, s...)
		b.runTo(trial.Hold)
		for step := 1; step < 6; step++ { // the first is led up to
			if got := b.machine.Record().Rollout.Action(step); !slices.Equal(got, want) {
				t.Errorf("step %d: action %v, want %v", step, got, want)
			}
		}
	}
}

// TestDelayedReadings shows the age of each state in the record.
func TestDelayedReadings(t *testing.T) {
	b := running(t, command(10))
	b.age = 7 * millisecond
	first := true
	for b.machine.Phase() == trial.Run {
		b.pass(millisecond)
		if b.arrival/millisecond%4 == 0 || first { // every 4 ms, between the ticks
			b.see()
			first = false
		}
		b.pass(millisecond / 4)
		b.beat()
		b.pass(millisecond - millisecond/4)
	}
	rec := b.machine.Record()
	oldest := 0.0
	for step, age := range rec.Ages[1:] {
		if age < 7e-3 || age > 7e-3+10e-3 {
			t.Errorf("state %d: age %v s, want 7 ms and up to what passed since it came", step+1, age)
		}
		oldest = max(oldest, age)
	}
	if oldest < 7.2e-3 {
		t.Errorf("the oldest state was %v s old: the time since its arrival is not counted", oldest)
	}
}

// TestLostReadings shows in the record how many joint states were missing before a state, and
// that it is an old one.
func TestLostReadings(t *testing.T) {
	b := running(t, command(10))
	begin := b.arrival
	for b.machine.Phase() == trial.Run {
		b.pass(millisecond)
		// Of the 50 before the third step the last 30 are lost, and one before the fifth.
		if ms := (b.arrival - begin) / millisecond; (ms < 121 || ms > 150) && ms != 210 {
			b.see()
		}
		b.beat()
	}
	b.wantEvents(trial.Finished)
	rec := b.machine.Record()
	want := make([]uint32, 11)
	want[4], want[5] = 30, 1
	if !slices.Equal(rec.Lost, want) {
		t.Errorf("lost %v, want %v", rec.Lost, want)
	}
	for step, age := range rec.Ages {
		want := 0.0
		if step == 3 {
			want = 0.030
		}
		if math.Abs(age-want) > 1e-9 || rec.Stamps[step] != rec.Stamps[0]+int64(step)*stepNS-int64(want*1e9) {
			t.Errorf("state %d: age %v s, stamp %v after the first", step, age, time.Duration(rec.Stamps[step]-rec.Stamps[0]))
		}
	}
}

// TestReadingsAtAnotherRate: joint states come faster, slower or less regularly than ticks.
func TestReadingsAtAnotherRate(t *testing.T) {
	for name, c := range map[string]struct {
		readings, oldest int64 // every so many ns; how old one may be, ns
	}{"2 kHz": {millisecond / 2, 0}, "180 Hz": {11 * millisecond / 2, 11 * millisecond / 2}, "30 Hz": {33 * millisecond, 33 * millisecond}} {
		t.Run(name, func(t *testing.T) {
			cmd := command(20)
			b := newTimed(t, there)
			b.period = millisecond / 2
			b.newArm(there)
			b.see()
			b.beat()
			b.start(cmd)
			for n := int64(1); ; n++ {
				b.pass(millisecond / 2)
				if n*millisecond/2%c.readings == 0 {
					b.see()
				}
				if n%2 == 0 {
					b.beat()
				}
				if len(b.events) > 0 && b.events[len(b.events)-1].Kind == trial.Finished {
					break
				}
				if n > 100_000 {
					t.Fatalf("not finished: phase %v, %+v", b.machine.Phase(), b.events)
				}
			}
			b.wantEvents(trial.Started, trial.Finished)
			rec := b.machine.Record()
			oldest := 0.0
			for step, age := range rec.Ages {
				oldest = max(oldest, age)
				off := rec.Stamps[step] + int64(math.Round(age*1e9)) - rec.Stamps[0] - int64(math.Round(rec.Ages[0]*1e9)) - int64(step)*stepNS
				if off != 0 {
					t.Errorf("state %d was used %v off its time", step, time.Duration(off))
				}
			}
			if oldest > float64(c.oldest)*1e-9+1e-9 || c.oldest > 0 && oldest == 0 {
				t.Errorf("the oldest state was %v s old", oldest)
			}
		})
	}
}

// TestJitteredTicks: an action is taken at the tick nearest to its time.
func TestJitteredTicks(t *testing.T) {
	b := running(t, command(30))
	begin, regular := b.arrival, b.arrival
	for n := int64(1); b.machine.Phase() == trial.Run; n++ {
		regular += millisecond
		b.pass(regular + millisecond/5*(n*7%5-2) - b.arrival) // up to 0.4 ms early or late
		b.see()
		b.beat()
	}
	b.wantEvents(trial.Finished)
	for step, stamp := range b.machine.Record().Stamps {
		off := stamp - b.machine.Record().Stamps[0] - int64(step)*stepNS
		if off < -millisecond || off > millisecond {
			t.Errorf("state %d was taken %v off its time, ticks come every ms", step, time.Duration(off))
		}
	}
	if spent := b.arrival - begin; spent < 30*stepNS-millisecond || spent > 30*stepNS+millisecond {
		t.Errorf("the trial took %v", time.Duration(spent))
	}
}

// TestTicksThatStayOut: a policy step that nobody decided at is a gap.
func TestTicksThatStayOut(t *testing.T) {
	b := running(t, command(20))
	for range 110 {
		b.pass(millisecond)
		b.see()
		b.beat()
	}
	for range 95 {
		b.pass(millisecond)
		b.see()
	}
	b.wantZero(b.beat())
	if f := b.machine.Fault(); f.Kind != safety.Gap || f.Step != 3 {
		t.Errorf("fault %+v", f)
	}
}

// TestOldStateByTimer: a controller is not asked about a state that is older than its time step.
func TestOldStateByTimer(t *testing.T) {
	b := running(t, command(100), manually)
	last := b.arrival
	for b.machine.Phase() == trial.Run {
		b.pass(millisecond)
		b.beat()
	}
	if f := b.machine.Fault(); f.Kind != safety.Gap || f.Duration <= stepNS || b.arrival-last > 2*stepNS+millisecond {
		t.Errorf("fault %+v after %v without joint states", f, time.Duration(b.arrival-last))
	}
}

// TestSilenceByTimer: the torque goes to zero within a tick after the time-out, and stays there
// until the fault is reset.
func TestSilenceByTimer(t *testing.T) {
	b := running(t, command(100), manually, func(c *trial.Config, _ *robotConfig) { c.Safety.StaleTimeout = 40 * time.Millisecond })
	timeout := int64(b.cfg.Safety.StaleTimeout)
	last := b.arrival
	for b.machine.Phase() == trial.Run {
		b.pass(millisecond)
		b.beat()
		if b.arrival-last > timeout+millisecond {
			t.Fatalf("phase %v after %v of silence", b.machine.Phase(), time.Duration(b.arrival-last))
		}
	}
	if b.arrival-last != timeout+millisecond {
		t.Errorf("a fault after %v, the time-out is %v", time.Duration(b.arrival-last), b.cfg.Safety.StaleTimeout)
	}
	b.wantEvents(trial.Faulted)
	if f := b.machine.Fault(); f.Kind != safety.Silent {
		t.Errorf("fault %v", f)
	}
	b.untrue = true
	for range 1500 {
		b.pass(millisecond)
		b.wantZero(b.beat())
	}
	for range 100 { // the readings are back
		b.pass(millisecond)
		b.see()
		b.wantZero(b.beat())
	}
	b.wantPhase(trial.Fault)
	b.wantEvents()
	if err := b.machine.ResetFault(); err != nil {
		t.Fatal(err)
	}
	b.runTo(trial.Reset)
	b.runTo(trial.Run)
	b.wantEvents(trial.Recovered, trial.Started)
}

// TestMissedDeadlines: too many late ticks are a fault that waits for a person; those before it
// do not count again.
func TestMissedDeadlines(t *testing.T) {
	late := func(b *bench) trial.Output {
		b.pass(millisecond)
		b.see()
		return b.took(b.machine.Tick(b.arrival, 1))
	}
	for name, c := range map[string]struct {
		between int // ticks in time
		most    int
	}{"in a row": {0, 5}, "within a second": {3, 8}} {
		b := running(t, command(20), func(c *trial.Config, _ *robotConfig) { c.Safety.MissedInARow, c.Safety.MissedPerSecond = 5, 8 })
		missed := func() {
			for n := 1; ; n++ {
				if b.machine.Phase() == trial.Fault {
					t.Fatalf("%s: a fault after %d late ticks", name, n-1)
				}
				if out := late(b); n == c.most {
					b.wantZero(out)
					b.wantPhase(trial.Fault)
					return
				}
				for range c.between {
					b.pass(millisecond)
					b.see()
					b.beat()
				}
			}
		}
		missed()
		if f := b.machine.Fault(); f.Kind != safety.MissedDeadlines {
			t.Errorf("%s: fault %v", name, f)
		}
		for range 3 * b.cfg.Safety.RecoverySteps {
			b.pass(millisecond)
			b.see()
			b.wantZero(b.beat())
		}
		b.wantPhase(trial.Fault)
		if err := b.machine.ResetFault(); err != nil {
			t.Fatal(err)
		}
		b.runTo(trial.Reset)
		missed() // as many again, within the same second
	}
}

func TestUnreadableByTimer(t *testing.T) {
	b := running(t, command(20))
	b.pass(millisecond)
	b.untrue = true
	b.wantZero(b.took(b.machine.Unreadable(errBad, b.arrival)))
	b.wantEvents(trial.Faulted)
	for range 5 {
		b.pass(millisecond)
		b.wantZero(b.beat())
	}
	b.runTo(trial.Reset)
	b.wantEvents(trial.Recovered)
	b.runTo(trial.Run)
	b.runTo(trial.Hold)
	b.checkRecord(b.machine.Command())
}

// TestTimerSettings: a loop cannot wait for a timer and for the robot at once.
func TestTimerSettings(t *testing.T) {
	for name, edit := range map[string]setting{
		"lock step": func(c *trial.Config, _ *robotConfig) { byTimer(c, nil); c.LockStep = true },
		"no rate":   func(c *trial.Config, _ *robotConfig) { byTimer(c, nil); c.Loop.Rate = 0 },
		"NaN rate":  func(c *trial.Config, _ *robotConfig) { byTimer(c, nil); c.Loop.Rate = math.NaN() },
	} {
		if _, err := tryMachine(edit); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	cfg := trial.DefaultConfig()
	cfg.Loop.Rate = 400
	if p := cfg.Loop.Period(); p != 2_500_000 {
		t.Errorf("period %d ns at 400 Hz", p)
	}
}

// TestTimerAllocatesNothing, whatever the phase.
func TestTimerAllocatesNothing(t *testing.T) {
	b := newTimed(t, there, linearly)
	b.see()
	b.beat()
	least := math.Inf(1) // what the runtime allocates for itself is not in every one
	for range 3 {
		b.start(command(2))
		least = min(least, testing.AllocsPerRun(1, func() {
			for range 300 {
				if err := b.sim.Step(b.torque); err != nil {
					t.Fatal(err)
				}
				b.observe()
				b.arrival, b.reading.Stamp = b.arrival+millisecond, b.reading.Stamp+millisecond
				b.machine.Observe(b.reading, b.arrival, b.reading.Stamp)
				copy(b.torque, b.machine.Tick(b.arrival, 0).Torque.Values())
			}
		}))
		b.runTo(trial.Hold)
	}
	if least != 0 {
		t.Errorf("allocates %v times", least)
	}
}

func manually(c *trial.Config, _ *robotConfig) { c.Safety.Recovery = safety.RecoveryManual }

// TestIntervalsThatTellOfLosses: with joint states every ms, the intervals that one, two or none
// are missing in. Those before the trial do not count.
func TestIntervalsThatTellOfLosses(t *testing.T) {
	for _, c := range []struct {
		interval int64
		lost     uint32
	}{{1_000_000, 0}, {1_450_000, 0}, {1_550_000, 1}, {2_400_000, 1}, {2_600_000, 2}, {600_000, 0}, {20_000_000, 19}} {
		b := newTimed(t, there)
		b.see()
		for range 30 {
			b.pass(millisecond)
			b.see()
			b.beat()
		}
		b.pass(7 * millisecond)
		b.see()
		b.beat()
		b.start(command(2))
		b.runTo(trial.Run)
		b.pass(c.interval)
		for b.machine.Phase() == trial.Run {
			b.see()
			b.beat()
			b.pass(millisecond)
		}
		if got, want := b.machine.Record().Lost, []uint32{0, c.lost, 0}; !slices.Equal(got, want) {
			t.Errorf("after an interval of %v: lost %v, want %v", time.Duration(c.interval), got, want)
		}
	}
}

// TestSlowTicks: the time that a tick counts is what passed, not what the rate says.
func TestSlowTicks(t *testing.T) {
	b := newTimed(t, elsewhere, func(c *trial.Config, _ *robotConfig) {
		c.Reset.Integral, c.Reset.IntegralClamp = []float64{10, 10}, []float64{100, 100}
	})
	b.blocked = true
	b.see()
	b.beat()
	b.start(command(2))
	for n := range 10 {
		before := slices.Clone(b.torque)
		b.arrival, b.reading.Stamp = b.arrival+4*millisecond, b.reading.Stamp+4*millisecond
		b.see()
		b.beat()
		for i := range 2 {
			if got, want := b.torque[i]-before[i], 10*(there[i]-elsewhere[i])*0.004; n > 0 && math.Abs(got-want) > 1e-9 {
				t.Fatalf("joint %d: the integral rose by %v N m in 4 ms, want %v", i, got, want)
			}
		}
	}
}
