package trial_test

import (
	"math"
	"testing"

	"guidedpolicysearch/node/trial"
)

// TestRepeatByStart breaks a trial off in every way: the arm is held until the same command is
// started again, in lock step without an answer meanwhile, and the faults of the trial still count.
func TestRepeatByStart(t *testing.T) {
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
				b := newBench(t, there, append(settings, func(c *trial.Config, _ *robotConfig) { c.Safety.MaxFaults = 3 })...)
				b.machine.RepeatByStart()
				c := command(20)
				b.start(c) // before the first reading
				b.until(trial.Started)
				for range 7 {
					b.tick()
				}
				for range 2 {
					breakOff(b)
					for range 5 {
						if b.cfg.LockStep {
							b.blocked = true
							b.read()
						} else {
							b.tick()
						}
						b.wantPhase(trial.Hold)
					}
					b.blocked = false
					b.wantEvents()
					b.start(c)
					b.wantPhase(trial.Reset)
					b.until(trial.Started)
				}
				b.until(trial.Finished)
				b.checkRecord(c)
				if name != "fault" {
					return
				}
				b.start(c)
				b.until(trial.Started)
				b.reading.Velocity[0] = math.NaN()
				b.reading.Stamp += b.period
				b.read()
				b.wantEvents(trial.Faulted, trial.GaveUp) // the third of this command
			})
		}
	}
}
