package trial_test

import (
	"errors"
	"math"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/node/trial"
)

// dt is the time step of all trials here, in s and in ns.
const (
	dt     = 0.05
	stepNS = 50_000_000
)

// there is where trials begin; the arm begins at elsewhere if a reset is to take long.
var (
	there     = []float64{0.75 * math.Pi, 0.5 * math.Pi}
	elsewhere = []float64{0.5, -0.3}
)

// bench is a machine wired to a simulated planar arm.
type bench struct {
	t       *testing.T
	cfg     trial.Config
	robot   *robot.Robot
	machine *trial.Machine
	sim     *sim.Simulator
	reading *hardware.JointState
	period  int64 // between joint states, ns
	arrival int64 // steady clock, ns
	blocked bool  // the arm does not move, time does
	age     int64 // of a reading when it arrives, ns, where a timer drives the loop
	untrue  bool  // the latest reading cannot be trusted

	torque []float64 // in force
	phases []trial.Phase
	events []trial.Event
}

type robotConfig = robot.Config

type setting func(*trial.Config, *robotConfig)

func freeRunning(c *trial.Config, _ *robotConfig) { c.LockStep = false }

func effortLimit(limit float64) setting {
	return func(_ *trial.Config, r *robotConfig) { r.EffortLimit = []float64{limit, limit} }
}

// newBench returns a bench whose arm rests at position q and has said nothing yet.
func newBench(t *testing.T, q []float64, settings ...setting) *bench {
	t.Helper()
	b, err := tryMachine(settings...)
	if err != nil {
		t.Fatal(err)
	}
	b.t, b.reading = t, hardware.NewJointState(2)
	b.period, b.arrival, b.torque = stepNS, 1, make([]float64, 2)
	b.reading.Stamp = 1_000_000_000
	b.newArm(q)
	return b
}

// tryMachine returns a bench of a machine alone, and the machine's settings.
func tryMachine(settings ...setting) (*bench, error) {
	cfg, rc := trial.DefaultConfig(), robot.DefaultConfig()
	cfg.LockStep = true
	cfg.Safety.Recovery, cfg.Safety.RampTime = safety.RecoveryAutomatic, 0
	for _, s := range settings {
		s(&cfg, &rc)
	}
	r, err := robot.New(rc, nil)
	if err != nil {
		return nil, err
	}
	m, err := trial.NewMachine(cfg, r)
	return &bench{cfg: cfg, robot: r, machine: m}, err
}

// newArm puts a new arm at rest at q.
func (b *bench) newArm(q []float64) {
	b.t.Helper()
	arm, err := sim.NewPlanarArm(sim.DefaultPlanarArmConfig())
	if err != nil {
		b.t.Fatal(err)
	}
	if b.sim, err = sim.New(arm, sim.Config{TimeStep: float64(b.period) * 1e-9, Substeps: 5}); err != nil {
		b.t.Fatal(err)
	}
	if err := b.sim.SetState([]float64{q[0], q[1], 0, 0}); err != nil {
		b.t.Fatal(err)
	}
	b.observe()
}

// observe takes the arm's state into the reading.
func (b *bench) observe() {
	copy(b.reading.Position, b.sim.Positions())
	copy(b.reading.Velocity, b.sim.Velocities())
}

// took checks what must hold of every output, notes it, and returns it.
func (b *bench) took(out trial.Output) trial.Output {
	b.t.Helper()
	phase := b.machine.Phase()
	if n := len(b.phases); n == 0 || b.phases[n-1] != phase {
		b.phases = append(b.phases, phase)
	}
	for len(b.machine.Events()) > 0 {
		b.events = append(b.events, <-b.machine.Events())
	}
	if !out.Publish {
		return out
	}
	if len(out.Torque.Values()) != b.robot.DU() {
		b.t.Fatalf("phase %v: %d torques", phase, len(out.Torque.Values()))
	}
	for i, v := range out.Torque.Values() {
		if !(math.Abs(v) <= b.robot.EffortLimit()[i]) {
			b.t.Fatalf("phase %v: torque of joint %d is %v, the limit %v", phase, i, v, b.robot.EffortLimit()[i])
		}
		responds := phase == trial.Fault && b.cfg.Safety.OnFault != safety.OnFaultZero && !b.untrue
		if v != 0 && (phase == trial.Fault && !responds || phase == trial.Done || phase == trial.Relax && len(b.cfg.Safety.SlewLimit) == 0) {
			b.t.Fatalf("phase %v: torque of joint %d is %v, want 0", phase, i, v)
		}
	}
	copy(b.torque, out.Torque.Values())
	return out
}

// read delivers the reading as it is.
func (b *bench) read() trial.Output {
	b.t.Helper()
	b.arrival += 1_000_000
	return b.took(b.machine.Reading(b.reading, b.arrival, 0))
}

// tick lets one period pass and delivers the new state.
func (b *bench) tick() trial.Output {
	b.t.Helper()
	if !b.blocked {
		if err := b.sim.Step(b.torque); err != nil {
			b.t.Fatal(err)
		}
	}
	b.reading.Stamp += b.period
	b.observe()
	return b.read()
}

// start commands a trial.
func (b *bench) start(c *trial.Command) trial.Output {
	b.t.Helper()
	out, err := b.machine.Start(c, b.arrival)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.took(out)
}

// until ticks until an event of the kind has come, and returns it. It fails if the machine
// gave up instead.
func (b *bench) until(kind trial.EventKind) trial.Event {
	b.t.Helper()
	for range 3000 {
		for i, e := range b.events {
			if e.Kind == kind {
				b.events = b.events[i+1:]
				return e
			}
			if e.Kind == trial.GaveUp {
				b.t.Fatalf("gave up: %s", e.Fault)
			}
		}
		b.tick()
	}
	b.t.Fatalf("no event %d in 3000 ticks; phase %v, events %v", kind, b.machine.Phase(), b.events)
	return trial.Event{}
}

// kinds returns the kinds of the events not yet taken, and takes them.
func (b *bench) kinds() []trial.EventKind {
	var list []trial.EventKind
	for _, e := range b.events {
		list = append(list, e.Kind)
	}
	b.events = nil
	return list
}

// wantEvents checks the events that have not been taken yet, and takes them.
func (b *bench) wantEvents(want ...trial.EventKind) {
	b.t.Helper()
	if got := b.kinds(); !slices.Equal(got, want) {
		b.t.Fatalf("events %v, want %v", got, want)
	}
}

func (b *bench) wantPhase(want trial.Phase) {
	b.t.Helper()
	if got := b.machine.Phase(); got != want {
		b.t.Fatalf("phase %v, want %v", got, want)
	}
}

// wantZero checks that an output publishes zero torque.
func (b *bench) wantZero(out trial.Output) {
	b.t.Helper()
	if !out.Publish || slices.ContainsFunc(out.Torque.Values(), func(v float64) bool { return v != 0 }) {
		b.t.Fatalf("phase %v: published %v, torque %v; want zero torque to be published", b.machine.Phase(), out.Publish, out.Torque.Values())
	}
}

// command returns a trial of T steps for a controller that swings both joints, with
// feedback and noise.
func command(T int) *trial.Command {
	c := lqg.NewController(T, 7, 2)
	for t := range T {
		copy(c.Gain(t), []float64{-2, 0.1, -3, 0, 0, 0, 0, 0.1, -0.5, 0, -0.1, 0, 0, 0.2})
		copy(c.BiasAt(t), []float64{2 * math.Sin(float64(t)), math.Cos(float64(2 * t))})
		copy(c.CholAt(t), []float64{0.3, 0, 0.1, 0.2})
	}
	return &trial.Command{Iteration: 3, Condition: 1, Sample: 2, DT: dt, InitialPosition: there, NoiseSeed: 42, Controller: c}
}

// checkRecord checks the last record: that its numbers fit together, and that its torques
// are those of the command's controller and noise.
func (b *bench) checkRecord(c *trial.Command) {
	b.t.Helper()
	rec := b.machine.Record()
	T, dX, dU := linear(c).T, 7, 2
	if rec.Command != c {
		b.t.Fatal("the record is not of the command")
	}
	ro := rec.Rollout
	if ro.T != T || len(ro.X) != (T+1)*dX || len(ro.U) != T*dU || len(rec.Commanded) != T*dU || len(rec.Stamps) != T+1 {
		b.t.Fatalf("record of T=%d: %d states, %d actions, %d commanded, %d stamps", ro.T, len(ro.X), len(ro.U), len(rec.Commanded), len(rec.Stamps))
	}
	if err := ro.Validate(); err != nil {
		b.t.Fatal(err)
	}
	for t, stamp := range rec.Stamps {
		if late := stamp - rec.Stamps[0] - int64(t)*stepNS; late != 0 {
			b.t.Fatalf("state %d of the record is %v late, want every %v s", t, time.Duration(late), dt)
		}
	}
	for i, want := range c.InitialPosition {
		if d := math.Abs(ro.State(0)[i] - want); d > b.cfg.Reset.PositionTolerance {
			b.t.Errorf("the trial began %g rad away from the initial position", d)
		}
	}
	noise, err := rollout.Noise(c.NoiseSeed, T, dU, b.cfg.Noise.Exploration())
	if err != nil {
		b.t.Fatal(err)
	}
	u := make([]float64, dU)
	for t := range T {
		c.Controller.Act(u, ro.State(t), t, noise[t*dU:(t+1)*dU])
		if !slices.Equal(u, rec.Commanded[t*dU:(t+1)*dU]) {
			b.t.Fatalf("step %d: commanded %v, the controller says %v", t, rec.Commanded[t*dU:(t+1)*dU], u)
		}
		clamp(u, b.robot.EffortLimit())
		if !slices.Equal(u, ro.Action(t)) {
			b.t.Fatalf("step %d: action %v, within limits it is %v", t, ro.Action(t), u)
		}
	}
}

var errBad = errors.New("joint_states: no such joint")

// checkRecordShape checks that the last record is whole.
func (b *bench) checkRecordShape() {
	b.t.Helper()
	rec := b.machine.Record()
	T := rec.Rollout.T
	if rec.Command == nil || linear(rec.Command).T != T || len(rec.Rollout.X) != (T+1)*7 || len(rec.Stamps) != T+1 {
		b.t.Fatalf("record of T=%d: %d states, %d stamps", T, len(rec.Rollout.X), len(rec.Stamps))
	}
	if err := rec.Rollout.Validate(); err != nil {
		b.t.Fatal(err)
	}
}

// linear returns the controller of a command.
func linear(c *trial.Command) *lqg.Controller { return c.Controller.(*lqg.Controller) }

// clamp bounds torques, as the limits of a robot do.
func clamp(torque, limit []float64) {
	for i, v := range torque {
		torque[i] = min(max(v, -limit[i]), limit[i])
	}
}
