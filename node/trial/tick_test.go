package trial_test

import (
	"math"
	"testing"
	"time"

	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/trial"
)

// TestTickAllocatesNothing runs the whole tick, from the message to the message.
func TestTickAllocatesNothing(t *testing.T) {
	const ticks = 100
	for _, c := range []struct {
		name     string
		phase    trial.Phase
		settings []setting
		prepare  func(b *bench)
	}{
		{"hold", trial.Hold, nil, func(b *bench) {}},
		{"hold, free running", trial.Hold, []setting{freeRunning}, func(b *bench) {}},
		{"reset", trial.Reset, []setting{reset(time.Hour, 1)}, func(b *bench) {
			b.blocked = true
			b.start(command(10))
		}},
		{"run", trial.Run, nil, func(b *bench) {
			b.start(command(10 * ticks))
			b.until(trial.Started)
		}},
		{"fault", trial.Fault, []setting{func(c *trial.Config, _ *robotConfig) { c.Safety.RecoverySteps = math.MaxInt }}, func(b *bench) {
			b.took(b.machine.Unreadable(errBad, b.arrival))
		}},
		{"fault that lasts", trial.Fault, nil, func(b *bench) { b.blocked = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, elsewhere, c.settings...)
			if c.phase != trial.Wait {
				b.read()
			}
			c.prepare(b)
			reader, joints, efforts := rosio.NewJointReader(b.robot.Joints(), true), rosio.NewJointWriter(b.robot.Joints()), rosio.EffortWriter{}
			tick := func() {
				if !b.blocked {
					if err := b.sim.Step(b.torque); err != nil {
						t.Fatal(err)
					}
					b.observe()
				}
				b.reading.Stamp += b.period
				if c.name == "fault that lasts" {
					b.reading.Velocity[0] = math.NaN()
				}
				payload := joints.Write(b.reading.Stamp, b.reading.Position, b.reading.Velocity)
				if err := reader.Read(b.reading, payload); err != nil {
					t.Fatal(err)
				}
				b.arrival += 1_000_000
				out := b.machine.Reading(b.reading, b.arrival, b.reading.Stamp)
				if out.Publish {
					efforts.Write(out.Torque)
					copy(b.torque, out.Torque.Values())
				}
			}
			if n := testing.AllocsPerRun(ticks, tick); n != 0 {
				t.Errorf("a tick allocates %v times", n)
			}
			b.wantPhase(c.phase)
			if n := testing.AllocsPerRun(ticks, func() { b.machine.Watch(b.arrival) }); n != 0 {
				t.Errorf("Watch allocates %v times", n)
			}
		})
	}
}

// TestPhaseChangesAllocateNothing: a trial from reset to hold, with a fault in it.
func TestPhaseChangesAllocateNothing(t *testing.T) {
	b := newBench(t, there)
	b.read()
	// AllocsPerRun runs once more to warm up. What the runtime allocates for itself is not in every one.
	least := math.Inf(1)
	for range 3 {
		b.start(command(5))
		least = min(least, testing.AllocsPerRun(1, func() {
			for range 40 {
				if err := b.sim.Step(b.torque); err != nil {
					t.Fatal(err)
				}
				b.observe()
				b.reading.Stamp += b.period
				if b.reading.Stamp%(20*stepNS) == 0 {
					b.reading.Position[0] = math.NaN()
				}
				b.arrival += 1_000_000
				if out := b.machine.Reading(b.reading, b.arrival, 0); out.Publish {
					copy(b.torque, out.Torque.Values())
				}
			}
		}))
		for len(b.machine.Events()) > 0 {
			b.events = append(b.events, <-b.machine.Events())
		}
		for b.machine.Phase() != trial.Hold {
			b.tick()
		}
	}
	if least != 0 {
		t.Errorf("allocates %v times", least)
	}
	seen := map[trial.EventKind]bool{}
	for _, k := range b.kinds() {
		seen[k] = true
	}
	if !seen[trial.Finished] || !seen[trial.Faulted] || !seen[trial.Recovered] {
		t.Errorf("events %v: the test shows nothing", seen)
	}
}
