package trial_test

import (
	"errors"
	"math"
	"testing"

	"guidedpolicysearch/node/trial"
)

// TestScene has every trial wait for its scene, once the arm is where it begins: in lock step
// without an answer meanwhile, and again after it was broken off.
func TestScene(t *testing.T) {
	for name, breakOff := range map[string]func(b *bench){
		"fault": func(b *bench) {
			b.reading.Velocity[0] = math.NaN()
			b.reading.Stamp += b.period
			b.wantZero(b.read())
			b.observe()
			b.until(trial.Recovered)
		},
		"abort": func(b *bench) {
			if err := b.machine.Abort(); err != nil {
				b.t.Fatal(err)
			}
		},
		"relax": func(b *bench) {
			if err := b.machine.Relax(); err != nil {
				b.t.Fatal(err)
			}
			b.tick()
			b.wantPhase(trial.Relax)
			if err := b.machine.Resume(); err != nil {
				b.t.Fatal(err)
			}
		},
	} {
		for way, settings := range map[string][]setting{"lock step": nil, "free running": {freeRunning}} {
			t.Run(name+", "+way, func(t *testing.T) {
				b := newBench(t, there, settings...)
				b.machine.AwaitScene()
				placed := func() {
					t.Helper()
					b.until(trial.Settled)
					for range 5 {
						if b.cfg.LockStep {
							if out := b.read(); out.Publish {
								t.Fatal("answered while the scene was not in order")
							}
						} else if b.tick(); b.machine.Phase() != trial.Reset {
							t.Fatalf("phase %v while the scene was not in order", b.machine.Phase())
						}
					}
					b.wantEvents()
					out, err := b.machine.Placed(b.arrival)
					if err != nil || out.Publish != b.cfg.LockStep {
						t.Fatalf("Placed: published %v, %v", out.Publish, err)
					}
					b.took(out)
					b.wantPhase(trial.Reset) // for new readings, in which the scene is in order
					if _, err := b.machine.Placed(b.arrival); !errors.Is(err, trial.ErrCommand) {
						t.Fatalf("placed twice: %v", err)
					}
					b.until(trial.Started)
				}
				if _, err := b.machine.Placed(b.arrival); !errors.Is(err, trial.ErrCommand) {
					t.Fatalf("placed without a trial: %v", err)
				}
				c := command(20)
				b.start(c) // before the first reading
				for range 2 {
					placed()
					for range 7 {
						b.tick()
					}
					breakOff(b)
				}
				placed()
				b.until(trial.Finished)
				b.checkRecord(c)
			})
		}
	}
}

// TestReplaced puts arms that came from elsewhere exactly where the trial begins: what the machine
// remembers of the way, the integral and the last torque, changes no torque from there on.
func TestReplaced(t *testing.T) {
	remembers := func(c *trial.Config, _ *robotConfig) {
		c.Reset.Integral, c.Reset.IntegralClamp = []float64{2, 1}, []float64{1, 1}
		c.Reset.PositionTolerance, c.Reset.VelocityTolerance = 0.05, 0.2
		c.Safety.SlewLimit = []float64{50, 50}
	}
	torques := func(from []float64) (list [][]float64) {
		b := newBench(t, from, remembers)
		b.machine.AwaitScene()
		if _, err := b.machine.Replaced(b.arrival); !errors.Is(err, trial.ErrCommand) {
			t.Fatalf("replaced without a trial: %v", err)
		}
		c := command(20)
		b.start(c)
		b.until(trial.Settled)
		out, err := b.machine.Replaced(b.arrival)
		if err != nil || !out.Publish {
			t.Fatalf("published %v, %v", out.Publish, err)
		}
		b.took(out)
		b.newArm(c.InitialPosition)
		b.reading.Stamp += b.period
		for range 40 {
			b.took(b.read())
			list = append(list, append([]float64(nil), b.torque...))
			if err := b.sim.Step(b.torque); err != nil {
				t.Fatal(err)
			}
			b.observe()
			b.reading.Stamp += b.period
		}
		return list
	}
	want := torques(elsewhere)
	for _, from := range [][]float64{there, {-0.5, 1}} {
		for k, got := range torques(from) {
			if got[0] != want[k][0] || got[1] != want[k][1] {
				t.Fatalf("from %v: torque %d is %v, want %v", from, k, got, want[k])
			}
		}
	}
}
