package trial_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

// wide is a trial of T steps for a state of dX entries, with feedback on all of them.
func wide(T, dX int) *trial.Command {
	c := command(T)
	k := lqg.NewController(T, dX, 2)
	for t := range T {
		for i := range k.Gain(t) {
			k.Gain(t)[i] = 0.1 * math.Sin(float64(1+i))
		}
		copy(k.BiasAt(t), []float64{math.Sin(float64(t)), math.Cos(float64(2 * t))})
		copy(k.CholAt(t), []float64{0.3, 0, 0.1, 0.2})
	}
	c.Controller = k
	return c
}

func previous(n int) setting {
	return func(_ *trial.Config, r *robotConfig) {
		r.State = append(slices.Clone(r.State), robot.PreviousTorques)
		r.PreviousTorques = n
	}
}

// TestPreviousTorques: in each state are the last recorded actions, the latest first; before the
// trial's own, the torque that was applied when it began.
func TestPreviousTorques(t *testing.T) {
	for _, n := range []int{1, 2, 3} {
		b := newBench(t, elsewhere, previous(n), effortLimit(0.8))
		b.read()
		for range 2 { // the second trial does not begin with the first's actions
			b.start(wide(12, 7+2*n))
			before := slices.Clone(b.torque)
			for b.machine.Phase() != trial.Run {
				copy(before, b.torque)
				b.tick()
			}
			b.until(trial.Finished)
			ro := b.machine.Record().Rollout
			for step := range 13 {
				var want []float64
				for k := range n {
					if step-1-k >= 0 {
						want = append(want, ro.Action(step-1-k)...)
					} else {
						want = append(want, before...)
					}
				}
				if got := ro.State(step)[7:]; !slices.Equal(got, want) {
					t.Fatalf("%d actions: state %d holds %v, want %v", n, step, got, want)
				}
			}
			for i, name := range b.robot.StateNames()[7:] {
				if want := fmt.Sprintf("joint%d.torque.previous%d", i%2+1, i/2+1); name != want {
					t.Errorf("entry %d is %q, want %q", i, name, want)
				}
			}
		}
	}
}

// told lets the state hold what two topics tell.
func told(_ *trial.Config, r *robotConfig) {
	r.State = append(slices.Clone(r.State), robot.Extra)
	r.Extra = robot.ExtraConfig{Topics: []string{"sensors/object", "sensors/force"}, Sizes: []int{2, 1}}
}

// TestExtra: a trial begins when each topic has told something, and its states hold what they
// told last.
func TestExtra(t *testing.T) {
	b := newBench(t, there, told)
	b.read()
	b.start(wide(6, 10))
	for range 20 {
		b.tick()
		b.wantPhase(trial.Reset)
	}
	b.machine.Extra(1, []float64{7}, b.arrival)
	for range 20 {
		b.tick()
		b.wantPhase(trial.Reset)
	}
	b.machine.Extra(0, []float64{8, 9}, b.arrival)
	b.until(trial.Started)
	for k := range 6 {
		b.machine.Extra(0, []float64{float64(k), -float64(k)}, b.arrival)
		b.tick()
	}
	b.wantEvents(trial.Finished)
	ro := b.machine.Record().Rollout
	for step := range 7 {
		want := []float64{float64(step - 1), -float64(step - 1), 7}
		if step == 0 {
			want = []float64{8, 9, 7}
		}
		if got := ro.State(step)[7:]; !slices.Equal(got, want) {
			t.Errorf("state %d holds %v, want %v", step, got, want)
		}
	}
	// The next one begins with what is known.
	b.start(wide(3, 10))
	b.until(trial.Finished)
	for _, values := range [][]float64{nil, {1}, {1, 2, 3}} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, "sensors/object") || !strings.Contains(p, "want 2") {
					t.Errorf("%d numbers of 2: panic %q", len(values), p)
				}
			}()
			b.machine.Extra(0, values, b.arrival)
		}()
	}
}

// TestExtraMissing names the topic at the reset's time-out.
func TestExtraMissing(t *testing.T) {
	b := newBench(t, there, told, reset(time.Second, 2))
	b.read()
	b.machine.Extra(0, []float64{1, 2}, b.arrival)
	b.start(wide(6, 10))
	e := b.until(trial.Faulted)
	if e.Fault.Kind != safety.Missing || e.Fault.Name != "sensors/force" || !strings.Contains(e.Fault.String(), "sensors/force") {
		t.Fatalf("fault %+v", e.Fault)
	}
	for range 3 * b.cfg.Safety.RecoverySteps {
		b.wantZero(b.tick())
	}
	b.machine.Extra(1, []float64{3}, b.arrival)
	if err := b.machine.ResetFault(); err != nil {
		t.Fatal(err)
	}
	b.until(trial.Finished)
}

// TestExtraNotFinite breaks off a trial that would use it.
func TestExtraNotFinite(t *testing.T) {
	b := newBench(t, there, told)
	b.read()
	b.machine.Extra(0, []float64{1, 2}, b.arrival)
	b.machine.Extra(1, []float64{3}, b.arrival)
	b.start(wide(6, 10))
	b.until(trial.Started)
	b.tick()
	b.machine.Extra(0, []float64{1, math.Inf(1)}, b.arrival)
	b.wantZero(b.tick())
	if f := b.machine.Fault(); f.Kind != safety.NotFinite || f.Name != "sensors/object.1" || f.Step != 2 {
		t.Errorf("fault %+v", f)
	}
}
