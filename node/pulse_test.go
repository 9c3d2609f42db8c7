package node

import (
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/diagnostics"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostime"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// TestPulse: a loop is alive while it moves, before it begins and after it has ended.
func TestPulse(t *testing.T) {
	p := pulse{patience: int64(time.Second)}
	for range 3 {
		if !p.alive() {
			t.Error("a loop that has not begun is not alive")
		}
	}
	if _, long := p.stood(int64(time.Hour)); long {
		t.Error("a loop that has not begun has stood still")
	}
	p.turn(1)
	if !p.alive() || p.alive() {
		t.Error("one turn was not one sign of life")
	}
	if still, long := p.stood(1 + int64(time.Second)); long {
		t.Errorf("stood still too long after %v", still)
	}
	if still, long := p.stood(2 + int64(time.Second)); !long || still != time.Second+1 {
		t.Errorf("stood still for %v, too long: %v", still, long)
	}
	p.over.Store(true)
	if !p.alive() || !p.alive() {
		t.Error("a loop that has ended is not alive")
	}
	if got := p.every(time.Hour); got > time.Second/sentinelBeats {
		t.Errorf("moves every %v, which leaves out signs of life", got)
	}
	p.patience = 0
	if _, long := p.stood(int64(time.Hour)); long || p.every(time.Hour) != time.Hour {
		t.Error("without a limit a loop stood still too long")
	}
}

// published keeps what is published.
type published struct {
	transport.Publisher
	torques [][]float64
}

func (p *published) Publish(payload []byte) error {
	var r rosio.EffortReader
	torque, err := r.Read(payload, 2)
	p.torques = append(p.torques, append([]float64{}, torque...))
	return err
}

func (p *published) Matched() int { return 1 }

// still is a control loop that may stand still for an hour.
type still struct {
	*loop
	t     *testing.T
	stamp int64
	out   published
	write *rosio.JointWriter
}

func newStill(t *testing.T, drivenBy string) *still {
	t.Helper()
	cfg := DefaultConfig()
	cfg.LockStep, cfg.Loop.DrivenBy, cfg.Safety.RampTime, cfg.Safety.StaleTimeout = false, drivenBy, 0, 24*time.Hour
	cfg.SentinelTimeout = time.Hour
	cfg.Safety.MissedInARow, cfg.Safety.MissedPerSecond = 0, 0
	r, err := robot.New(cfg.Robot, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := trial.NewMachine(cfg.Trials, r)
	if err != nil {
		t.Fatal(err)
	}
	s := &still{t: t, stamp: 1, write: rosio.NewJointWriter(r.Joints())}
	if s.loop, err = newLoop(cfg, r, m, &s.out, map[string]string{}); err != nil {
		t.Fatal(err)
	}
	s.sent = diagnostics.NewFrequency(diagnostics.FrequencyConfig{}, nil)
	s.clock = rostime.New(rostime.Config{System: func() int64 { return 0 }})
	return s
}

// see lets the robot tell that the arm moves, so that there is a torque to hold it.
func (s *still) see() {
	s.stamp += 1_000_000
	s.jointState(s.write.Write(s.stamp, []float64{0.1, 0.1}, []float64{0.5, 0.5}), transport.Info{})
}

// TestLoopThatStoodStill: whatever the loop does first after it stood still, its torque is zero and
// a fault is latched; up to the time-out, nothing happens.
func TestLoopThatStoodStill(t *testing.T) {
	turn := map[string]func(*still){
		trial.ByJointStates: (*still).see,
		trial.ByTimer:       func(s *still) { s.see(); s.tick(0, 0) },
	}
	for _, by := range []string{trial.ByJointStates, trial.ByTimer} {
		for name, next := range map[string]func(*still){
			"joint state":          (*still).see,
			"tick":                 func(s *still) { s.tick(0, 0) },
			"watch":                func(s *still) { s.check() },
			"scene":                func(s *still) { _ = s.placed(false) },
			"trial":                func(s *still) { _ = s.start(&trial.Command{}) },
			"word of the sentinel": (*still).stalled,
		} {
			if (name == "tick") != (by == trial.ByTimer) && (name == "tick" || name == "watch") {
				continue
			}
			t.Run(by+", "+name, func(t *testing.T) {
				s := newStill(t, by)
				turn[by](s)
				s.pulse.turned -= int64(time.Hour / 2)
				turn[by](s)
				if n := len(s.out.torques); n != 2 || isNone(s.out.torques[n-1]) || s.machine.Phase() != trial.Hold {
					t.Fatalf("torques %v in phase %v, want two that hold the arm", s.out.torques, s.machine.Phase())
				}
				s.pulse.turned -= int64(time.Hour)
				next(s)
				if n := len(s.out.torques); n < 3 {
					t.Fatal("no torque")
				}
				turn[by](s)
				for _, torque := range s.out.torques[2:] {
					if !isNone(torque) {
						t.Errorf("torques %v, want zero after the second", s.out.torques)
					}
				}
				if st := s.status(); st.phase != trial.Fault || !strings.Contains(st.fault.String(), "stood still") {
					t.Errorf("phase %v, fault %v", st.phase, st.fault)
				}
			})
		}
	}
}

func isNone(torque []float64) bool {
	for _, v := range torque {
		if v != 0 {
			return false
		}
	}
	return true
}
