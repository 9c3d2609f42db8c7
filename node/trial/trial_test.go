package trial_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/trial"
)

func TestTrial(t *testing.T) {
	b := newBench(t, elsewhere)
	b.wantPhase(trial.Wait)
	if out := b.read(); out.Publish {
		t.Error("the first reading was answered before any command; in lock step time stands still")
	}
	b.wantPhase(trial.Hold)
	c := command(20)
	if out := b.start(c); !out.Publish {
		t.Fatal("Start did not answer the reading that Hold left open")
	}
	b.wantPhase(trial.Reset)
	if b.machine.Command() != c {
		t.Error("Command is not the one that was started")
	}
	b.until(trial.Started)
	b.wantPhase(trial.Run)
	// What the arm does in the trial, seen from outside.
	var states, actions []float64
	for {
		x := make([]float64, 7)
		b.robot.State(x, robot.Measurement{Position: b.reading.Position, Velocity: b.reading.Velocity})
		states = append(states, x...)
		if b.machine.Phase() != trial.Run {
			break
		}
		actions = append(actions, b.torque...)
		b.tick()
	}
	b.wantPhase(trial.Hold)
	b.wantEvents(trial.Finished)
	b.checkRecord(c)
	rec := b.machine.Record()
	if !slices.Equal(rec.Rollout.X, states) || !slices.Equal(rec.Rollout.U, actions) {
		t.Error("the record is not what the arm did")
	}
	if want := []trial.Phase{trial.Hold, trial.Reset, trial.Run, trial.Hold}; !slices.Equal(b.phases, want) {
		t.Errorf("phases %v, want %v", b.phases, want)
	}
	if ticks, faults := b.machine.Counts(); ticks < 21 || faults != 0 {
		t.Errorf("%d ticks, %d faults", ticks, faults)
	}
	// A second trial, of another length.
	c = command(5)
	b.start(c)
	b.until(trial.Finished)
	b.checkRecord(c)
}

func TestTorqueLimits(t *testing.T) {
	b := newBench(t, there, effortLimit(0.5))
	b.read()
	c := command(20)
	b.start(c)
	b.until(trial.Finished)
	b.checkRecord(c)
	rec := b.machine.Record()
	if slices.Equal(rec.Commanded, rec.Rollout.U) {
		t.Error("no torque reached the limit; the test shows nothing")
	}
}

func TestReadingsBetweenTheSteps(t *testing.T) {
	for _, rate := range []int64{2, 5, 10} {
		b := newBench(t, elsewhere)
		b.period = stepNS / rate
		b.newArm(elsewhere)
		b.read()
		c := command(20)
		b.start(c)
		b.until(trial.Started)
		held := slices.Clone(b.torque)
		for n := int64(1); b.machine.Phase() == trial.Run; n++ {
			if out := b.tick(); !out.Publish && b.machine.Phase() == trial.Run {
				t.Fatalf("rate %d: reading %d was not answered", rate, n)
			}
			if n%rate != 0 && !slices.Equal(b.torque, held) {
				t.Fatalf("rate %d: reading %d, between two steps, changed the torque from %v to %v", rate, n, held, b.torque)
			}
			copy(held, b.torque)
		}
		b.wantEvents(trial.Finished)
		b.checkRecord(c)
	}
}

// TestJitter delivers readings whose stamps are off by up to a tenth of a period: an
// action is taken at the reading nearest to its time.
func TestJitter(t *testing.T) {
	for _, rate := range []int64{1, 5} {
		b := newBench(t, there, freeRunning)
		b.period = stepNS / rate
		b.newArm(there)
		b.read()
		c := command(50)
		b.start(c)
		b.until(trial.Started)
		begin := b.reading.Stamp
		for n := int64(1); b.machine.Phase() == trial.Run; n++ {
			regular := begin + n*b.period
			b.reading.Stamp = regular + b.period/10*(n*7%3-1) - b.period
			b.tick()
		}
		b.wantEvents(trial.Finished)
		for i, stamp := range b.machine.Record().Stamps {
			if off := stamp - begin - int64(i)*stepNS; off < -b.period/10 || off > b.period/10 {
				t.Errorf("rate %d: state %d was taken %v off its time, readings come every %v", rate, i, time.Duration(off), time.Duration(b.period))
			}
		}
	}
}

// TestTrialBeginsWithAReading: whoever records the readings of a trial sees its first.
func TestTrialBeginsWithAReading(t *testing.T) {
	for _, s := range []setting{freeRunning, func(*trial.Config, *robotConfig) {}} {
		b := newBench(t, there, s, func(c *trial.Config, _ *robotConfig) { c.Reset.SettleSteps = 1 })
		b.read()
		b.start(command(5))
		b.wantPhase(trial.Reset)
		b.tick()
		b.wantPhase(trial.Run)
		b.until(trial.Finished)
		b.checkRecord(b.machine.Command())
	}
}

func TestFreeRunningHold(t *testing.T) {
	b := newBench(t, elsewhere, freeRunning, effortLimit(0.5))
	b.read()
	b.wantPhase(trial.Hold)
	// Someone pushes the arm: the torque pulls it back to where it was.
	b.reading.Position[0] += 0.05
	b.reading.Position[1] -= 10
	b.reading.Velocity[0] = 0.01
	b.reading.Stamp += b.period
	out := b.read()
	want := []float64{-6*0.05 - 3*0.01, 0.5}
	if !out.Publish || math.Abs(out.Torque.Values()[0]-want[0]) > 1e-12 || out.Torque.Values()[1] != want[1] {
		t.Fatalf("published %v %v, want %v", out.Publish, out.Torque.Values(), want)
	}
	for range 10 {
		if out := b.tick(); !out.Publish {
			t.Fatal("hold fell silent")
		}
	}
	c := command(10)
	b.start(c)
	b.until(trial.Finished)
	if out := b.tick(); !out.Publish {
		t.Fatal("hold fell silent after the trial")
	}
	b.wantPhase(trial.Hold)
}

func TestStart(t *testing.T) {
	t.Run("before the first reading", func(t *testing.T) {
		b := newBench(t, there)
		c := command(5)
		if out := b.start(c); out.Publish {
			t.Error("a torque was published before the first reading")
		}
		b.wantPhase(trial.Wait)
		if out := b.read(); !out.Publish {
			t.Error("the first reading was not answered")
		}
		b.wantPhase(trial.Reset)
		b.until(trial.Finished)
		b.checkRecord(c)
	})
	t.Run("while another trial is on", func(t *testing.T) {
		b := newBench(t, there)
		b.read()
		c := command(5)
		b.start(c)
		for _, phase := range []trial.Phase{trial.Reset, trial.Run} {
			for b.machine.Phase() != phase {
				b.tick()
			}
			if out, err := b.machine.Start(command(9), b.arrival); !errors.Is(err, trial.ErrCommand) || out.Publish {
				t.Errorf("phase %v: error %v, published %v", phase, err, out.Publish)
			}
		}
		b.until(trial.Finished)
		b.checkRecord(c)
	})
	t.Run("after Stop", func(t *testing.T) {
		b := newBench(t, there)
		b.machine.Stop()
		if _, err := b.machine.Start(command(9), b.arrival); !errors.Is(err, trial.ErrCommand) {
			t.Error(err)
		}
	})
}

func TestCommandsThatDoNotFit(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*trial.Command)
		says string
	}{
		{"no controller", func(c *trial.Command) { c.Controller = nil }, "no controller"},
		{"other dX", func(c *trial.Command) { c.Controller = lqg.NewController(5, 6, 2) }, "dX=6"},
		{"other dU", func(c *trial.Command) { c.Controller = lqg.NewController(5, 7, 3) }, "dU=3"},
		{"too long", func(c *trial.Command) { c.Controller = &lqg.Controller{T: 1 << 40, DX: 7, DU: 2} }, "time steps"},
		{"no steps", func(c *trial.Command) { c.Controller = &lqg.Controller{DX: 7, DU: 2} }, "0 time steps"},
		{"short gains", func(c *trial.Command) { linear(c).K = linear(c).K[1:] }, "gains"},
		{"NaN gain", func(c *trial.Command) { linear(c).K[3] = math.NaN() }, "NaN"},
		{"zero covariance", func(c *trial.Command) { linear(c).Chol[0] = 0 }, "covariance"},
		{"position of one joint", func(c *trial.Command) { c.InitialPosition = []float64{1} }, "1 entries, need 2"},
		{"NaN position", func(c *trial.Command) { c.InitialPosition = []float64{0, math.NaN()} }, "joint 1 is NaN"},
		{"infinite position", func(c *trial.Command) { c.InitialPosition = []float64{math.Inf(1), 0} }, "joint 0 is +Inf"},
		{"zero dt", func(c *trial.Command) { c.DT = 0 }, "time step is 0 s"},
		{"negative dt", func(c *trial.Command) { c.DT = -1 }, "time step is -1 s"},
		{"NaN dt", func(c *trial.Command) { c.DT = math.NaN() }, "time step is NaN s"},
		{"infinite dt", func(c *trial.Command) { c.DT = math.Inf(1) }, "time step is +Inf s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, there)
			b.read()
			bad := command(5)
			c.edit(bad)
			out, err := b.machine.Start(bad, b.arrival)
			if !errors.Is(err, trial.ErrCommand) || out.Publish {
				t.Fatalf("error %v, published %v", err, out.Publish)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %q does not say %q", err, c.says)
			}
			b.wantPhase(trial.Hold)
			if b.machine.Command() != nil {
				t.Error("the command was taken")
			}
			good := command(5)
			b.start(good)
			b.until(trial.Finished)
			b.checkRecord(good)
		})
	}
}

// TestTinyTimeStep: a time step shorter than any reading's distance is a gap, not an
// endless torque.
func TestTinyTimeStep(t *testing.T) {
	for _, dt := range []float64{1e-3, 1e-12, 1e-300, math.SmallestNonzeroFloat64} {
		b := newBench(t, there)
		b.read()
		c := command(5)
		c.DT = dt
		b.start(c)
		b.until(trial.Started)
		b.wantZero(b.tick())
		b.wantPhase(trial.Fault)
	}
}

func TestNewMachineNeedsGainsPerJoint(t *testing.T) {
	r, err := robot.New(robot.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range []func(*trial.Config){
		func(c *trial.Config) { c.Reset.Stiffness = []float64{1} },
		func(c *trial.Config) { c.Reset.Damping = []float64{1, 2, 3} },
	} {
		cfg := trial.DefaultConfig()
		edit(&cfg)
		if _, err := trial.NewMachine(cfg, r); err == nil || !strings.Contains(err.Error(), "need 2") {
			t.Errorf("error %v", err)
		}
	}
}

// A robot that was restarted may have joined too late for the zero torque.
func TestRestartedRobotIsAnsweredAgain(t *testing.T) {
	b := newBench(t, elsewhere)
	b.read()
	b.start(command(5))
	for range 3 {
		b.tick()
	}
	b.reading.Stamp = 0
	b.wantZero(b.read())
	b.arrival += int64(time.Second)
	b.wantZero(b.read())
}

func TestDuplicates(t *testing.T) {
	const resend = 500 * time.Millisecond
	b := newBench(t, elsewhere)
	b.read()
	// Hold in lock step: the robot waits, however long.
	for range 5 {
		b.arrival += int64(resend)
		if out := b.read(); out.Publish {
			t.Fatal("hold answered a repetition")
		}
	}
	answer := slices.Clone(b.start(command(5)).Torque.Values())
	for range 20 {
		if out := b.read(); out.Publish {
			t.Fatal("a repetition was answered at once")
		}
	}
	for range 2 {
		b.arrival += int64(resend)
		out := b.read()
		if !out.Publish || !slices.Equal(out.Torque.Values(), answer) {
			t.Fatalf("after %v published %v %v, want %v again", resend, out.Publish, out.Torque.Values(), answer)
		}
		if out := b.read(); out.Publish {
			t.Fatal("the answer was sent again at once")
		}
	}
	b.wantPhase(trial.Reset)
	// A robot that went on has heard the answer: a second one would be a step too many.
	b.tick()
	for range 5 {
		b.arrival += 2 * int64(resend)
		if out := b.read(); out.Publish {
			t.Fatal("an answer that was heard was sent again")
		}
	}
	// Repetitions are no steps.
	b.until(trial.Started)
	for range 100 {
		b.read()
	}
	b.until(trial.Finished)
	b.checkRecord(b.machine.Command())
	for range 5 {
		b.arrival += 2 * int64(resend)
		if out := b.read(); out.Publish {
			t.Fatal("hold after a trial answered a repetition")
		}
	}

	free := newBench(t, elsewhere, freeRunning)
	free.read()
	free.tick()
	free.arrival += 2 * int64(resend)
	if out := free.read(); out.Publish {
		t.Error("out of lock step a repetition was answered")
	}
}

func TestStop(t *testing.T) {
	for _, phase := range []trial.Phase{trial.Wait, trial.Hold, trial.Reset, trial.Run, trial.Fault} {
		b := newBench(t, elsewhere, freeRunning)
		if phase != trial.Wait {
			b.read()
		}
		if phase == trial.Reset || phase == trial.Run {
			b.start(command(10))
		}
		for phase == trial.Run && b.machine.Phase() != phase {
			b.tick()
		}
		if phase == trial.Fault {
			b.took(b.machine.Unreadable(errBad, b.arrival))
		}
		b.wantPhase(phase)
		b.wantZero(b.took(b.machine.Stop()))
		b.wantPhase(trial.Done)
		b.kinds()
		later := b.arrival + int64(time.Hour)
		for name, out := range map[string]trial.Output{
			"reading": b.tick(), "repetition": b.read(), "unreadable": b.machine.Unreadable(errBad, b.arrival), "watch": b.machine.Watch(later),
		} {
			if out.Publish {
				t.Errorf("stopped in phase %v: %s published", phase, name)
			}
		}
		b.wantEvents()
		b.wantZero(b.machine.Stop()) // harmless twice
	}
}

func TestPhaseNames(t *testing.T) {
	for p, want := range map[trial.Phase]string{trial.Wait: "wait", trial.Reset: "reset", trial.Run: "run", trial.Hold: "hold", trial.Fault: "fault", trial.Done: "done"} {
		if p.String() != want {
			t.Errorf("phase %d is %q, want %q", p, p, want)
		}
	}
}
