package trial_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

// injection is something that goes wrong at the next tick. It leaves the reading as it
// was, but for the time.
type injection struct {
	name   string
	kind   safety.FaultKind
	inject func(b *bench) trial.Output
	phases []trial.Phase // nil for Hold, Reset and Run
}

// with delivers the next reading with one number changed.
func with(p func(b *bench) *float64, v float64) func(*bench) trial.Output {
	return func(b *bench) trial.Output {
		place := p(b)
		good := *place
		*place = v
		b.reading.Stamp += b.period
		out := b.read()
		*p(b) = good
		return out
	}
}

func position(b *bench) *float64 { return &b.reading.Position[0] }
func velocity(b *bench) *float64 { return &b.reading.Velocity[1] }

func injections() []injection {
	moving := []trial.Phase{trial.Reset, trial.Run}
	return []injection{
		{"NaN position", safety.NotFinite, with(position, math.NaN()), nil},
		{"infinite position", safety.NotFinite, with(position, math.Inf(-1)), nil},
		{"NaN velocity", safety.NotFinite, with(velocity, math.NaN()), nil},
		{"infinite velocity", safety.NotFinite, with(velocity, math.Inf(1)), nil},
		{"stamp goes back", safety.Backwards, func(b *bench) trial.Output {
			b.reading.Stamp -= 1_000_000
			return b.read()
		}, nil},
		{"silence", safety.Silent, func(b *bench) trial.Output {
			b.arrival += int64(b.cfg.Safety.StaleTimeout) + 1
			return b.took(b.machine.Watch(b.arrival))
		}, nil},
		{"old stamp", safety.Old, func(b *bench) trial.Output {
			b.arrival += 1_000_000
			b.reading.Stamp += b.period
			return b.took(b.machine.Reading(b.reading, b.arrival, b.reading.Stamp+int64(b.cfg.Safety.StaleTimeout)+1))
		}, nil},
		{"unreadable", safety.Unreadable, func(b *bench) trial.Output {
			b.arrival += 1_000_000
			return b.took(b.machine.Unreadable(errBad, b.arrival))
		}, nil},
		{"gap", safety.Gap, func(b *bench) trial.Output {
			b.reading.Stamp += 3 * stepNS
			return b.read()
		}, []trial.Phase{trial.Run}},
		// Finite readings that no finite torque answers.
		{"infinite torque", safety.BadTorque, with(position, math.MaxFloat64), moving},
		{"NaN state", safety.NotFinite, func(b *bench) trial.Output {
			b.reading.Position[0], b.reading.Position[1] = math.MaxFloat64, math.MaxFloat64
			b.reading.Stamp += b.period
			out := b.read()
			b.observe()
			return out
		}, []trial.Phase{trial.Run}},
		{"NaN torque", safety.BadTorque, func(b *bench) trial.Output {
			b.reading.Velocity[0], b.reading.Position[0] = math.MaxFloat64, -math.MaxFloat64
			b.reading.Stamp += b.period
			out := b.read()
			b.observe()
			return out
		}, moving},
	}
}

func TestFaults(t *testing.T) {
	for _, in := range injections() {
		phases := in.phases
		if phases == nil {
			phases = []trial.Phase{trial.Hold, trial.Reset, trial.Run}
		}
		for _, phase := range phases {
			t.Run(in.name+" in "+phase.String(), func(t *testing.T) { testFault(t, in, phase) })
			t.Run(in.name+" in "+phase.String()+", free running", func(t *testing.T) { testFault(t, in, phase, freeRunning) })
		}
	}
}

func testFault(t *testing.T, in injection, phase trial.Phase, settings ...setting) {
	b := newBench(t, elsewhere, settings...)
	b.read()
	c := command(20)
	if phase != trial.Hold {
		b.start(c)
		if phase == trial.Run {
			b.until(trial.Started)
		}
		for range 7 {
			b.tick()
		}
	}
	b.wantPhase(phase)
	b.kinds()

	out := in.inject(b)
	b.wantZero(out)
	b.wantPhase(trial.Fault)
	if len(b.events) != 1 || b.events[0].Kind != trial.Faulted || b.events[0].Fault.Kind != in.kind {
		t.Fatalf("events %+v, want one fault of kind %d", b.events, in.kind)
	}
	if got := b.machine.Fault(); got.String() != b.events[0].Fault.String() || got.String() == "" {
		t.Errorf("Fault is %+v, the event's %+v", got, b.events[0].Fault)
	}
	if _, faults := b.machine.Counts(); faults != 1 {
		t.Errorf("%d faults are counted", faults)
	}
	b.kinds()

	// A fault is said once, however long it lasts, and starts the count of good readings
	// anew.
	for range 3 {
		for range b.cfg.Safety.RecoverySteps - 1 {
			b.wantZero(b.tick())
			b.wantPhase(trial.Fault)
		}
		b.reading.Position[0] = math.NaN()
		b.reading.Stamp += b.period
		b.wantZero(b.read())
		b.observe()
	}
	if out := b.machine.Watch(b.arrival + int64(time.Hour)); out.Publish {
		t.Error("silence in phase fault was answered")
	}
	b.wantEvents()
	for range b.cfg.Safety.RecoverySteps - 1 {
		b.wantZero(b.tick())
		b.wantPhase(trial.Fault)
	}
	b.wantEvents()
	if !b.machine.Fault().Recoverable() {
		// No number of good readings ends it.
		for range 3 * b.cfg.Safety.RecoverySteps {
			b.wantZero(b.tick())
			b.wantPhase(trial.Fault)
		}
		if err := b.machine.ResetFault(); err != nil {
			t.Fatal(err)
		}
	}
	out = b.tick()
	if b.machine.Fault().Kind != safety.NoFault {
		t.Errorf("the fault is still %v", b.machine.Fault())
	}
	if _, faults := b.machine.Counts(); faults != 1 {
		t.Errorf("%d faults are counted", faults)
	}
	b.wantEvents(trial.Recovered)
	if phase == trial.Hold {
		b.wantPhase(trial.Hold)
		if out.Publish != !b.cfg.LockStep {
			t.Errorf("published %v in hold", out.Publish)
		}
		b.start(c)
	}
	if !b.cfg.LockStep || phase != trial.Hold {
		b.wantPhase(trial.Reset)
	}
	b.until(trial.Started)
	b.until(trial.Finished)
	b.checkRecord(c)
	b.wantPhase(trial.Hold)
	b.wantEvents()
}

// TestFaultInWait: a fault before the first good reading.
func TestFaultInWait(t *testing.T) {
	b := newBench(t, elsewhere)
	if out := b.machine.Watch(int64(time.Hour)); out.Publish {
		t.Error("silence of a robot that never spoke was answered")
	}
	b.wantZero(b.took(b.machine.Unreadable(errBad, b.arrival)))
	b.wantEvents(trial.Faulted)
	c := command(5)
	if out := b.start(c); out.Publish {
		t.Error("Start in phase fault published")
	}
	b.wantPhase(trial.Fault)
	b.until(trial.Recovered)
	b.until(trial.Finished)
	b.checkRecord(c)
}

func TestWatchWaitsForTheTimeOut(t *testing.T) {
	b := newBench(t, elsewhere)
	b.read()
	b.start(command(20))
	for _, phase := range []trial.Phase{trial.Reset, trial.Run} {
		for b.machine.Phase() != phase {
			b.tick()
		}
		if out := b.machine.Watch(b.arrival + int64(b.cfg.Safety.StaleTimeout)); out.Publish {
			t.Errorf("phase %v: Watch published before the time-out was over", phase)
		}
		b.wantPhase(phase)
	}
	// A message that cannot be read is no silence, and a repetition is none either.
	b.arrival += int64(b.cfg.Safety.StaleTimeout)
	b.read()
	if out := b.machine.Watch(b.arrival + 1); out.Publish {
		t.Error("Watch published while the robot repeats its state")
	}
}

func TestFaultAfterTheTrialRepeatsNothing(t *testing.T) {
	for _, s := range [][]setting{nil, {freeRunning}} {
		b := newBench(t, there, s...)
		b.read()
		c := command(10)
		b.start(c)
		b.until(trial.Finished)
		states := slices.Clone(b.machine.Record().Rollout.X)
		b.reading.Velocity[0] = math.NaN()
		b.reading.Stamp += b.period
		b.wantZero(b.read())
		b.observe()
		b.until(trial.Recovered)
		for range 50 {
			if b.cfg.LockStep {
				b.read() // the robot waits
			} else {
				b.tick()
			}
			b.wantPhase(trial.Hold)
		}
		b.wantEvents()
		b.checkRecord(c)
		if !slices.Equal(states, b.machine.Record().Rollout.X) {
			t.Error("the record has changed")
		}
	}
}

// TestRestartedRobot: the robot is killed in mid-trial; a new one begins at its own place
// with its clock at 0.
func TestRestartedRobot(t *testing.T) {
	b := newBench(t, there)
	b.read()
	c := command(20)
	b.start(c)
	b.until(trial.Started)
	for range 5 {
		b.tick()
	}
	b.arrival += int64(b.cfg.Safety.StaleTimeout) + 1
	b.wantZero(b.took(b.machine.Watch(b.arrival)))
	b.wantEvents(trial.Faulted)
	b.reading.Stamp = 0
	b.newArm(elsewhere)
	b.wantZero(b.read())
	b.wantEvents()
	b.until(trial.Recovered)
	b.until(trial.Started)
	b.until(trial.Finished)
	b.checkRecord(c)
	if _, faults := b.machine.Counts(); faults != 1 {
		t.Errorf("%d faults are counted, want 1", faults)
	}
}

// TestRestartedRobotMissesTheAnswer: in lock step a robot that joined too late for the
// answer repeats its state until it gets one.
func TestRestartedRobotMissesTheAnswer(t *testing.T) {
	b := newBench(t, there)
	b.read()
	b.start(command(5))
	b.until(trial.Started)
	b.tick()
	b.reading.Stamp = 0
	b.wantZero(b.read()) // lost
	b.arrival += int64(499 * time.Millisecond)
	for range 2 {
		b.arrival += int64(time.Millisecond)
		if out := b.read(); out.Publish {
			b.wantZero(out)
			b.until(trial.Finished)
			return
		}
	}
	t.Fatal("the answer was not sent again")
}

func reset(timeout time.Duration, attempts int) setting {
	return func(c *trial.Config, _ *robotConfig) { c.Reset.Timeout, c.Reset.Attempts = timeout, attempts }
}

func TestResetTimeout(t *testing.T) {
	b := newBench(t, elsewhere, reset(500*time.Millisecond, 3))
	b.blocked = true
	b.read()
	c := command(10)
	b.start(c)
	for attempt := 1; attempt <= 2; attempt++ {
		e := b.until(trial.Faulted)
		if e.Fault.Kind != safety.ResetTimeout || e.Fault.Name != "joint2" && e.Fault.Name != "joint1" || e.Fault.Value < 0.1 {
			t.Fatalf("fault %+v", e.Fault)
		}
		b.wantEvents()
		if slices.ContainsFunc(b.torque, func(v float64) bool { return v != 0 }) {
			t.Fatalf("torque %v after a fault, want zero", b.torque)
		}
		b.until(trial.Recovered)
	}
	e := b.until(trial.GaveUp)
	if e.Fault.Kind != safety.ResetTimeout {
		t.Errorf("gave up for %+v", e.Fault)
	}
	b.wantEvents(trial.Faulted)
	b.wantPhase(trial.Fault)
}

func TestResetTimeoutsAreCountedInARow(t *testing.T) {
	b := newBench(t, elsewhere, reset(20*time.Second, 2))
	b.read()
	for range 3 {
		b.newArm(elsewhere) // someone moves the arm away
		b.blocked = true
		c := command(5)
		b.start(c)
		b.until(trial.Faulted)
		b.blocked = false
		b.until(trial.Recovered)
		b.until(trial.Finished)
		b.checkRecord(c)
		b.wantEvents()
	}
}

// TestRepeatedTrialSettlesAnew: the readings before a fault do not count for the reset
// after it.
func TestRepeatedTrialSettlesAnew(t *testing.T) {
	b := newBench(t, there, func(c *trial.Config, _ *robotConfig) { c.Reset.SettleSteps = 5 })
	b.blocked = true
	b.read()
	b.start(command(20))
	b.until(trial.Started)
	b.took(b.machine.Unreadable(errBad, b.arrival))
	b.until(trial.Recovered)
	// The reading that ended the fault is the first of the five.
	for range 4 {
		b.wantPhase(trial.Reset)
		b.tick()
	}
	b.wantPhase(trial.Run)
}

// TestResetNeedsRest: an arm that passes through the initial position is not there yet.
func TestResetNeedsRest(t *testing.T) {
	b := newBench(t, there)
	b.read()
	b.blocked = true
	b.start(command(5))
	good := func() { b.reading.Stamp += b.period; b.observe(); b.read() }
	for range 20 {
		good()
		if b.machine.Phase() == trial.Run {
			t.Fatal("the trial began while the arm was moving")
		}
		b.reading.Stamp += b.period
		b.reading.Velocity[1] = 0.5
		b.read()
	}
	for range b.cfg.Reset.SettleSteps {
		b.wantPhase(trial.Reset)
		good()
	}
	b.wantPhase(trial.Run)
}

// A robot that does not wait, though lock_step says so, is held all the same.
func TestUnpacedRobotIsHeld(t *testing.T) {
	b := newBench(t, there)
	if out := b.read(); out.Publish {
		t.Fatal("hold in lock step answered the first reading")
	}
	for i := range 20 {
		if out := b.tick(); !out.Publish {
			t.Fatalf("reading %d without an answer", i)
		}
		b.wantPhase(trial.Hold)
	}
	b.wantEvents(trial.Unpaced)
	// The trial runs, and the arm is held after it.
	b.start(command(5))
	b.until(trial.Finished)
	if out := b.tick(); !out.Publish {
		t.Error("the arm is not held after the trial")
	}
}

// A trial that is broken off again and again ends the run.
func TestTooManyFaults(t *testing.T) {
	b := newBench(t, there, func(c *trial.Config, _ *robotConfig) { c.Safety.MaxFaults = 3 })
	b.read()
	b.start(command(50))
	for i := range 3 {
		b.until(trial.Started)
		b.reading.Velocity[0] = math.NaN()
		b.reading.Stamp += b.period
		b.wantZero(b.read())
		b.observe()
		want := []trial.EventKind{trial.Faulted}
		if i == 2 {
			want = append(want, trial.GaveUp)
		}
		b.wantEvents(want...)
	}
}
