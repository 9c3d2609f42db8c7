package trial_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"guidedpolicysearch/node/trial"
)

// TestAnySequence drives the machine with random sequences of good and bad readings,
// commands and silences. The bench checks at every output that the torque is finite, within
// the limit, and zero in phases Fault and Done; here it is checked that a fault is said
// once per fault and that a trial is finished once.
func TestAnySequence(t *testing.T) {
	for seed := range uint64(80) {
		rng := rand.New(rand.NewPCG(seed, 1))
		settings := []setting{effortLimit(0.1 + 50*rng.Float64()), reset(time.Duration(1+rng.IntN(20))*100*time.Millisecond, 3),
			func(c *trial.Config, _ *robotConfig) {
				c.LockStep = seed%2 == 0
				c.Safety.RecoverySteps, c.Reset.SettleSteps = 1+rng.IntN(4), 1+rng.IntN(3)
				c.Reset.PositionTolerance, c.Reset.VelocityTolerance = 1, 10
			}}
		b := newBench(t, elsewhere, settings...)
		bad := injections()
		started, finished, faulted, recovered := 0, 0, 0, 0
		for range 400 {
			switch n := rng.IntN(100); {
			case n < 80:
				b.tick()
			case n < 84:
				b.read()
			case n < 90:
				bad[rng.IntN(len(bad))].inject(b)
			case n < 91:
				b.reading.Stamp = 0
			case n < 92:
				// Any bits at all.
				b.reading.Position[rng.IntN(2)] = math.Float64frombits(rng.Uint64())
				b.reading.Velocity[rng.IntN(2)] = math.Float64frombits(rng.Uint64())
				b.reading.Stamp += rng.Int64N(2 * stepNS)
				b.read()
				b.observe()
			case n < 93:
				b.newArm([]float64{6 * rng.Float64(), 6 * rng.Float64()})
			case n == 99 && b.machine.Phase() == trial.Fault:
				if err := b.machine.ResetFault(); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			case n < 94:
				b.arrival += rng.Int64N(int64(2 * time.Second))
				b.took(b.machine.Watch(b.arrival))
			default:
				phase := b.machine.Phase()
				out, err := b.machine.Start(command(1+rng.IntN(8)), b.arrival)
				b.took(out)
				if busy := phase == trial.Reset || phase == trial.Run; busy != (err != nil) {
					t.Fatalf("seed %d: Start in phase %v: %v", seed, phase, err)
				}
			}
			for _, e := range b.events {
				switch e.Kind {
				case trial.Started:
					started++
				case trial.Finished:
					finished++
					b.checkRecordShape()
				case trial.Faulted:
					faulted++
				case trial.Recovered:
					recovered++
				}
			}
			b.events = nil
			if open := faulted - recovered; open != 0 && open != 1 || (open == 1) != (b.machine.Phase() == trial.Fault) {
				t.Fatalf("seed %d: %d faults and %d recoveries in phase %v", seed, faulted, recovered, b.machine.Phase())
			}
			if finished > started {
				t.Fatalf("seed %d: %d trials finished, %d started", seed, finished, started)
			}
		}
		if _, n := b.machine.Counts(); int(n) != faulted {
			t.Errorf("seed %d: %d faults counted, %d events", seed, n, faulted)
		}
		if seed < 20 && (finished == 0 || faulted == 0) {
			t.Errorf("seed %d: %d trials finished, %d faults: the sequence shows nothing", seed, finished, faulted)
		}
		b.wantZero(b.took(b.machine.Stop()))
		for range 20 {
			if out := b.tick(); out.Publish {
				t.Fatalf("seed %d: published after Stop", seed)
			}
		}
	}
}
