package trial_test

import (
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

// breakAt lets a trial run for so many ticks after its first, and breaks it off by a reading that
// is not finite. It returns the states and torques of the ticks, as seen from outside.
func breakAt(b *bench, ticks int) (states, actions []float64) {
	b.t.Helper()
	b.until(trial.Started)
	for n := 0; ; n++ {
		x := make([]float64, 7)
		b.robot.State(x, robot.Measurement{Position: b.reading.Position, Velocity: b.reading.Velocity})
		states, actions = append(states, x...), append(actions, b.torque...)
		if n == ticks {
			break
		}
		b.tick()
	}
	b.reading.Velocity[1] = math.NaN()
	b.reading.Stamp += b.period
	b.wantZero(b.read())
	b.wantPhase(trial.Fault)
	b.observe()
	return states, actions
}

// TestPartial takes what there is of a trial that was broken off, up to the last action that was
// applied for its whole time.
func TestPartial(t *testing.T) {
	for _, ticks := range []int{0, 1, 2, 7, 19} {
		b := newBench(t, elsewhere, freeRunning)
		b.read()
		c := command(20)
		b.start(c)
		if b.machine.TakePartial() != nil {
			t.Fatal("something is left of a trial that is still on")
		}
		states, actions := breakAt(b, ticks)
		p := b.machine.TakePartial()
		// In tick n the n-th action begins; the one before it is complete.
		if ticks < 1 {
			if p != nil {
				t.Errorf("%d actions are left of a trial that was broken off in its first", p.Steps)
			}
			continue
		}
		if p == nil {
			t.Fatalf("nothing is left of a trial that was broken off in tick %d", ticks)
		}
		if p.Command != c || p.Steps != ticks || p.Rollout.T != 20 {
			t.Fatalf("broken off in tick %d: %d steps of %d", ticks, p.Steps, p.Rollout.T)
		}
		w := p.Whole()
		if w.T != ticks || !slices.Equal(w.X, states[:7*(ticks+1)]) || !slices.Equal(w.U, actions[:2*ticks]) {
			t.Errorf("broken off in tick %d: states or actions are not what the arm did", ticks)
		}
		if err := w.Validate(); err != nil {
			t.Error(err)
		}
		for i := range ticks + 1 {
			if p.Stamps[i] != p.Stamps[0]+int64(i)*stepNS {
				t.Errorf("state %d has the stamp %d", i, p.Stamps[i])
			}
		}
		if p.Fault.Kind != safety.NotFinite || p.Fault.Name != "joint2" {
			t.Errorf("fault %+v", p.Fault)
		}
		if got := b.machine.TakePartial(); got != p {
			t.Error("it is gone before it was released")
		}
		b.until(trial.Recovered)
		b.until(trial.Finished)
		b.checkRecord(c)
		if rec := b.machine.Record(); rec.Fault.Kind != safety.NoFault || rec.Steps != 20 || rec == p {
			t.Errorf("the repeated trial has %d steps, fault %v", rec.Steps, rec.Fault)
		}
		if !slices.Equal(p.Whole().X, states[:7*(ticks+1)]) {
			t.Error("the repetition wrote into what was kept")
		}
		b.machine.ReleasePartial()
		if b.machine.TakePartial() != nil {
			t.Error("it is still there")
		}
	}
}

// TestPartialsInARow keeps the first until it is released, and then the next.
func TestPartialsInARow(t *testing.T) {
	b := newBench(t, elsewhere, freeRunning)
	b.machine.ReleasePartial() // of nothing
	b.read()
	b.start(command(20))
	breakAt(b, 4)
	first := b.machine.TakePartial()
	states := slices.Clone(first.Whole().X)
	breakAt(b, 9)
	if p := b.machine.TakePartial(); p != first || p.Steps != 4 || !slices.Equal(p.Whole().X, states) {
		t.Fatalf("%d steps, want the 4 of the trial that is being read", p.Steps)
	}
	b.machine.ReleasePartial()
	breakAt(b, 6)
	if p := b.machine.TakePartial(); p == nil || p.Steps != 6 {
		t.Fatalf("after the release there is %+v, want 6 steps", p)
	}
	// A trial of another length begins, and is broken off, while the former is being read.
	b.until(trial.Finished)
	c := command(11)
	b.start(c)
	breakAt(b, 8)
	if p := b.machine.TakePartial(); p.Steps != 6 || p.Rollout.T != 20 {
		t.Fatalf("%d steps of %d, want 6 of 20", p.Steps, p.Rollout.T)
	}
	b.machine.ReleasePartial()
	breakAt(b, 5)
	if p := b.machine.TakePartial(); p.Steps != 5 || p.Rollout.T != 11 {
		t.Fatalf("%d steps of %d, want 5 of 11", p.Steps, p.Rollout.T)
	}
	b.until(trial.Finished)
	b.checkRecord(c)
}

// TestPartialAtALimit: a fault that the safety filter finds in a trial is one too.
func TestPartialAtALimit(t *testing.T) {
	b := newBench(t, there, freeRunning, func(c *trial.Config, _ *robotConfig) {
		c.Safety.PositionLower = []float64{there[0] - 0.05, math.Inf(-1)}
		c.Safety.PositionMargin = 0.01
		c.Safety.WallStiffness, c.Safety.WallDamping = []float64{0, 0}, []float64{0, 0}
	})
	b.read()
	b.start(command(40))
	b.until(trial.Faulted)
	p := b.machine.TakePartial()
	if f := b.machine.Fault(); f.Kind != safety.PositionLimit || p == nil || p.Fault.Kind != f.Kind {
		t.Fatalf("fault %v, partial %+v", f, p)
	}
	// Its last state is the one that was beyond the limit.
	if last := p.Whole().State(p.Steps)[0]; last != b.reading.Position[0] || last > there[0]-0.06 {
		t.Errorf("the last state is at %v, the arm at %v, the fault at %v", last, b.reading.Position[0], there[0]-0.06)
	}
}

// TestInterventions counts the ticks of a trial in which the filter changed the torque.
func TestInterventions(t *testing.T) {
	for limit, want := range map[float64]bool{0.5: true, 200: false} {
		b := newBench(t, there, effortLimit(limit))
		b.read()
		b.start(command(20))
		b.until(trial.Finished)
		rec := b.machine.Record()
		changed := uint32(0)
		for step := range 20 {
			if !slices.Equal(rec.Commanded[2*step:2*step+2], rec.Rollout.Action(step)) {
				changed++
			}
		}
		if rec.Intervened != changed || (changed > 0) != want {
			t.Errorf("limit %v: %d interventions, %d actions were changed", limit, rec.Intervened, changed)
		}
		b.start(command(2))
		b.until(trial.Finished)
		if n := b.machine.Record().Intervened; n > 2 {
			t.Errorf("%d interventions in a trial of 2 actions", n)
		}
	}
}
