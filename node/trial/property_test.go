package trial_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/trial"
)

// sequence drives a machine at random, and counts what it tells.
type sequence struct {
	*bench
	rng    *rand.Rand
	timer  bool
	counts [trial.Unpaced + 1]int
	reset  bool // of a fault that waits for a person
}

// TestAnySequence drives the machine with random sequences of good and bad readings, ticks,
// commands, interventions and silences. The bench checks at every output that the torque is finite
// and within the limit, zero in phases Done and Relax, and in Fault unless damp is chosen
// and the latest reading was good; here it is checked that it is zero after any bad one, that a
// fault is said once per fault, that one that waits for a person ends by no other means, and that a
// trial is finished once.
func TestAnySequence(t *testing.T) {
	var total [trial.Unpaced + 1]int
	for seed := range uint64(240) {
		rng := rand.New(rand.NewPCG(seed, 1))
		responses := []string{safety.OnFaultZero, safety.OnFaultDamp, safety.OnFaultHold}
		settings := []setting{effortLimit(0.1 + 50*rng.Float64()), reset(time.Duration(1+rng.IntN(20))*100*time.Millisecond, 3),
			func(c *trial.Config, r *robotConfig) {
				c.LockStep = seed%2 == 0
				c.Safety.RecoverySteps, c.Reset.SettleSteps = 1+rng.IntN(4), 1+rng.IntN(3)
				c.Reset.PositionTolerance, c.Reset.VelocityTolerance = 1, 10
				c.Safety.OnFault = responses[seed%3]
				if seed%4 == 3 {
					byTimer(c, r)
					c.Loop.Rate = 20
				}
				if seed%5 == 0 {
					planned(c, r)
					c.Reset.Integral, c.Reset.IntegralClamp = []float64{3, 3}, []float64{1, 1}
				}
				if seed%7 == 0 {
					linearly(c, r)
				}
				if seed%11 == 0 {
					c.Safety.SlewLimit = []float64{50, 50}
				}
			}}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := &sequence{bench: newBench(t, elsewhere, settings...), rng: rng, timer: seed%4 == 3}
			for range 400 {
				s.step()
				s.check()
			}
			if _, n := s.machine.Counts(); int(n) != s.counts[trial.Faulted] {
				t.Errorf("%d faults counted, %d events", n, s.counts[trial.Faulted])
			}
			for kind, n := range s.counts {
				total[kind] += n
			}
			s.wantZero(s.took(s.machine.Stop()))
			for range 20 {
				if out := s.next(); out.Publish {
					t.Fatal("published after Stop")
				}
			}
		})
	}
	for kind, n := range total {
		if n < 20 {
			t.Errorf("events %v: those of kind %d are too few to show anything", total, kind)
		}
	}
}

// deliver hands the reading over, with or without a tick of the timer.
func (s *sequence) deliver(good bool) (out trial.Output) {
	s.arrival += millisecond
	s.untrue = !good
	if !s.timer {
		out = s.took(s.machine.Reading(s.reading, s.arrival, 0))
	} else {
		s.machine.Observe(s.reading, s.arrival, 0)
		if s.rng.IntN(20) > 0 {
			out = s.took(s.machine.Tick(s.arrival, s.rng.IntN(10)/9))
		}
	}
	if s.untrue && out.Publish {
		s.wantZero(out)
	}
	return out
}

// next lets one period pass and delivers the new state.
func (s *sequence) next() trial.Output {
	s.t.Helper()
	if err := s.sim.Step(s.torque); err != nil {
		s.t.Fatal(err)
	}
	if s.timer {
		s.arrival += s.period - millisecond
	}
	s.reading.Stamp += s.period
	s.observe()
	return s.deliver(true)
}

// step does one thing.
func (s *sequence) step() {
	s.t.Helper()
	b, rng, m := s.bench, s.rng, s.machine
	switch n := rng.IntN(1000); {
	case n < 800:
		s.next()
	case n < 830:
		b.untrue = false
		s.deliver(true) // once more
	case n < 860:
		bad := injections()
		in := bad[rng.IntN(len(bad))]
		if s.timer {
			b.arrival += millisecond
			b.untrue = true
			s.took(m.Unreadable(errBad, b.arrival))
			return
		}
		before := b.machine.Phase()
		b.untrue = false
		in.inject(b)
		b.untrue = before != trial.Wait && m.Fault().Blind() && m.Phase() == trial.Fault
	case n < 870:
		b.reading.Stamp = 0
	case n < 885:
		// Any bits at all.
		b.reading.Position[rng.IntN(2)] = math.Float64frombits(rng.Uint64())
		b.reading.Velocity[rng.IntN(2)] = math.Float64frombits(rng.Uint64())
		b.reading.Stamp += rng.Int64N(2 * stepNS)
		good := true
		for i := range 2 {
			p, v := b.reading.Position[i], b.reading.Velocity[i]
			good = good && p-p == 0 && v-v == 0
		}
		s.deliver(good)
		b.observe()
	case n < 895:
		b.newArm([]float64{6 * rng.Float64(), 6 * rng.Float64()})
	case n < 905:
		b.arrival += rng.Int64N(int64(2 * time.Second))
		if s.timer {
			b.took(m.Tick(b.arrival, 0))
		} else {
			b.took(m.Watch(b.arrival))
		}
	case n < 915:
		pressed := rng.IntN(2) == 0
		b.took(m.EmergencyStop(pressed, b.arrival))
	case n < 920:
		b.took(m.Trip(safety.Fault{Kind: safety.LearnerSilent}, b.arrival))
	case n < 945:
		m.EmergencyStop(false, b.arrival)
		if err := m.ResetFault(); (err == nil || errors.Is(err, trial.ErrBlind)) != (m.Phase() == trial.Fault) {
			b.t.Fatalf("ResetFault in phase %v: %v", m.Phase(), err)
		}
		s.reset = true
	case n < 950:
		phase := m.Phase()
		if err := m.Relax(); (err != nil) != (phase == trial.Fault || phase == trial.Done) {
			b.t.Fatalf("Relax in phase %v: %v", phase, err)
		}
	case n < 965:
		phase := m.Phase()
		if err := m.Resume(); (err != nil) != (phase != trial.Relax) {
			b.t.Fatalf("Resume in phase %v: %v", phase, err)
		}
	case n < 970:
		_ = m.Abort()
	case n < 980:
		cfg := b.cfg
		cfg.Safety.RecoverySteps = 1 + rng.IntN(5)
		_ = m.Configure(cfg)
	case n < 985:
		m.ReleasePartial()
	default:
		phase := m.Phase()
		out, err := m.Start(command(1+rng.IntN(8)), b.arrival)
		b.took(out)
		if busy := phase == trial.Reset || phase == trial.Run; busy != (err != nil) {
			b.t.Fatalf("Start in phase %v: %v", phase, err)
		}
	}
}

// check takes the events and checks what must hold between two calls.
func (s *sequence) check() {
	s.t.Helper()
	for len(s.machine.Events()) > 0 {
		s.events = append(s.events, <-s.machine.Events())
	}
	for _, e := range s.events {
		s.counts[e.Kind]++
		switch e.Kind {
		case trial.Finished:
			s.checkRecordShape()
		case trial.Faulted:
			s.reset = false
		}
	}
	s.events = nil
	phase, fault := s.machine.Phase(), s.machine.Fault()
	if open := s.counts[trial.Faulted] - s.counts[trial.Recovered]; open != 0 && open != 1 || (open == 1) != (phase == trial.Fault) {
		s.t.Fatalf("events %v in phase %v", s.counts, phase)
	}
	if (fault.Kind != safety.NoFault) != (phase == trial.Fault) {
		s.t.Fatalf("fault %v in phase %v", fault, phase)
	}
	if s.counts[trial.Finished] > s.counts[trial.Started] {
		s.t.Fatalf("events %v", s.counts)
	}
	if p := s.machine.TakePartial(); p != nil {
		if err := p.Whole().Validate(); err != nil || p.Steps < 1 || p.Steps >= p.Rollout.T || p.Fault.Kind == safety.NoFault {
			s.t.Fatalf("partial of %d steps, fault %v: %v", p.Steps, p.Fault, err)
		}
	}
}
