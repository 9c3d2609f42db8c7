//go:build cgo && !nomujoco

package trial_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/node/trial"
)

// heavyArm is a machine at 1 kHz wired to MuJoCo's seven-joint arm under gravity. The machine
// knows its description; what else loads the joints it does not know.
type heavyArm struct {
	t       *testing.T
	sim     *mujoco.Simulator
	robot   *robot.Robot
	machine *trial.Machine
	reading *hardware.JointState
	now     int64
	torque  []float64 // in force
	push    []float64
	load    []float64
}

var bent = []float64{0, 0.3, 0, 1.5, 0, 1.3, 0}

// newHeavyArm returns the arm at rest in the bent pose.
func newHeavyArm(t *testing.T, settings ...setting) *heavyArm {
	t.Helper()
	cfg, rc := trial.DefaultConfig(), robot.DefaultConfig()
	byTimer(&cfg, &rc)
	cfg.Reset.Stiffness, cfg.Reset.Damping = []float64{150, 300, 100, 200, 20, 20, 2}, []float64{20, 50, 10, 30, 1.5, 1.5, 0.15}
	cfg.Reset.VelocityLimit, cfg.Reset.AccelerationLimit = make([]float64, 7), make([]float64, 7)
	for i := range 7 {
		cfg.Reset.VelocityLimit[i], cfg.Reset.AccelerationLimit[i] = 1, 2
	}
	cfg.Reset.PositionTolerance, cfg.Reset.VelocityTolerance = 0.01, 0.02
	rc.URDF, rc.GravityCompensation = models.URI("arm7.urdf"), true
	rc.Joints, rc.EffortLimit = nil, []float64{90, 90, 60, 60, 15, 15, 10}
	for i := range 7 {
		rc.Joints = append(rc.Joints, fmt.Sprintf("joint%d", i+1))
	}
	rc.State = []string{robot.JointPositions, robot.JointVelocities, robot.EndEffector, robot.EndEffectorVel}
	rc.Kinematics = robot.KinematicsConfig{Type: robot.URDFKinematics, Link: "tool", Points: []float64{0, 0.05, 0, 0, -0.05, 0}}
	for _, s := range settings {
		s(&cfg, &rc)
	}
	text, err := models.Read(rc.URDF)
	must(t, err)
	description, err := urdf.Parse(text)
	must(t, err)
	a := &heavyArm{t: t, reading: hardware.NewJointState(7), now: 1, torque: make([]float64, 7), push: make([]float64, 7), load: make([]float64, 7)}
	a.robot, err = robot.New(rc, description)
	must(t, err)
	a.machine, err = trial.NewMachine(cfg, a.robot)
	must(t, err)
	folder, file, err := models.Open(models.URI("arm7.xml"))
	must(t, err)
	a.sim, err = mujoco.Load(folder, file, mujoco.Config{})
	must(t, err)
	t.Cleanup(a.sim.Close)
	if a.sim.TimeStep() != 1e-3 {
		t.Fatalf("the model's time step is %v s", a.sim.TimeStep())
	}
	must(t, a.sim.SetState(append(append([]float64(nil), bent...), make([]float64, 7)...)))
	return a
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tick answers a joint state and lets 1 ms pass.
func (a *heavyArm) tick() {
	a.t.Helper()
	copy(a.reading.Position, a.sim.Positions())
	copy(a.reading.Velocity, a.sim.Velocities())
	a.reading.Stamp, a.now = a.reading.Stamp+millisecond, a.now+millisecond
	a.machine.Observe(a.reading, a.now, 0)
	out := a.machine.Tick(a.now, 0)
	if !out.Publish || a.machine.Phase() == trial.Fault {
		a.t.Fatalf("phase %v: published %v, fault %v", a.machine.Phase(), out.Publish, a.machine.Fault())
	}
	copy(a.torque, out.Torque.Values())
	for i, v := range a.torque {
		a.push[i] = v + a.load[i]
	}
	must(a.t, a.sim.Step(a.push))
}

// off returns how far the farthest joint is from a position.
func (a *heavyArm) off(from []float64) (distance float64) {
	for i, q := range a.sim.Positions() {
		distance = max(distance, math.Abs(q-from[i]))
	}
	return distance
}

func uncompensated(_ *trial.Config, r *robotConfig) { r.GravityCompensation = false }

// TestGravityIsCompensated holds the arm against gravity from the first tick on, through the ramp
// of the controllers' torques, and while it is relaxed; without the compensation it sags.
func TestGravityIsCompensated(t *testing.T) {
	for _, relaxed := range []bool{false, true} {
		a := newHeavyArm(t)
		if relaxed {
			must(t, a.machine.Relax())
		}
		worst := 0.0
		for range 2000 {
			a.tick()
			worst = max(worst, a.off(bent))
		}
		if worst > 1e-3 {
			t.Errorf("relaxed %v: a joint moved by %v rad", relaxed, worst)
		}
		if math.Abs(a.torque[1]) < 5 {
			t.Errorf("the second joint is held by %v N m: the test shows nothing", a.torque[1])
		}
	}
	a := newHeavyArm(t, uncompensated)
	for range 2000 {
		a.tick()
	}
	if off := a.off(bent); off < 0.02 {
		t.Errorf("without compensation the arm sags by %v rad: the test shows nothing", off)
	}
}

// toss is a trial of T steps that begins in a position and wants the same torques all the time.
func toss(T int, from, torque []float64) *trial.Command {
	k := lqg.NewController(T, 26, 7)
	for t := range T {
		copy(k.BiasAt(t), torque)
		for i := range 7 {
			k.CholAt(t)[8*i] = 1e-300
		}
	}
	return &trial.Command{Iteration: 1, DT: dt, InitialPosition: from, Controller: k}
}

// TestActionsExcludeGravity: what is recorded, and learned on, is what is added to the
// compensation.
func TestActionsExcludeGravity(t *testing.T) {
	want := []float64{0.5, -0.25, 0.125, 0.3, -0.1, 0.05, 0.02}
	a := newHeavyArm(t)
	a.tick()
	_, err := a.machine.Start(toss(10, bent, want), a.now)
	must(t, err)
	gravity := make([]float64, 7)
	for range 3000 {
		a.tick()
		if a.machine.Phase() == trial.Run {
			a.robot.Dynamics().Gravity(gravity, a.reading.Position)
			for i := range want {
				if got := a.torque[i] - gravity[i]; math.Abs(got-want[i]) > 1e-9 {
					t.Fatalf("joint %d: published %v, gravity %v, wanted beyond it %v", i, a.torque[i], gravity[i], want[i])
				}
			}
		}
	}
	rec := a.machine.Record()
	if rec == nil || rec.Command == nil {
		t.Fatalf("the trial did not finish: phase %v", a.machine.Phase())
	}
	for step := range 10 {
		for i, got := range rec.Rollout.Action(step) {
			if math.Abs(got-want[i]) > 1e-9 {
				t.Fatalf("step %d: action %v, want %v", step, rec.Rollout.Action(step), want)
			}
		}
	}
	if rec.Rollout.DX != 26 || rec.Intervened != 0 {
		t.Errorf("dX %d, %d interventions", rec.Rollout.DX, rec.Intervened)
	}
}

// TestHeavyArmResetKeepsItsLimits measures speed and acceleration, over 50 ms, of the arm on its way
// to the initial position.
func TestHeavyArmResetKeepsItsLimits(t *testing.T) {
	from := []float64{0.8, 0.6, 0.5, 1.1, -0.6, 0.9, 1}
	a := newHeavyArm(t)
	a.tick()
	_, err := a.machine.Start(toss(2, from, make([]float64, 7)), a.now)
	must(t, err)
	const window = 50
	var past [][]float64
	fastest, strongest, begin := 0.0, 0.0, a.now
	for a.machine.Phase() != trial.Run {
		a.tick()
		if a.now-begin > int64(10*time.Second) {
			t.Fatalf("not there after 10 s, but %v rad away", a.off(from))
		}
		dq := append([]float64(nil), a.sim.Velocities()...)
		past = append(past, dq)
		for i, v := range dq {
			fastest = max(fastest, math.Abs(v))
			if k := len(past) - 1 - window; k >= 0 {
				strongest = max(strongest, math.Abs(v-past[k][i])/(window*1e-3))
			}
		}
	}
	t.Logf("at most %.3f rad/s and %.3f rad/s^2, %.2f s", fastest, strongest, float64(a.now-begin)*1e-9)
	if fastest > 1.05 || fastest < 0.7 {
		t.Errorf("the arm moved at %v rad/s, the limit is 1", fastest)
	}
	if strongest > 2.2 {
		t.Errorf("the arm accelerated by %v rad/s^2, the limit is 2", strongest)
	}
	if off := a.off(from); off > 0.01 {
		t.Errorf("the trial began %v rad away", off)
	}
}

// TestUnknownLoad: a load that the description does not know lets the arm sag by what the stiffness
// says; the integral lifts it.
func TestUnknownLoad(t *testing.T) {
	for _, integral := range []bool{false, true} {
		a := newHeavyArm(t, func(c *trial.Config, _ *robotConfig) {
			if integral {
				c.Reset.Integral = []float64{300, 300, 200, 200, 20, 20, 4}
				c.Reset.IntegralClamp = []float64{10, 10, 10, 10, 5, 5, 2}
			}
		})
		a.tick()
		a.load[1], a.load[3] = 6, 2
		for range 12_000 {
			a.tick()
		}
		want := 6.0 / 300
		if integral {
			want = 0
		}
		if off := a.off(bent); math.Abs(off-want) > 2e-4 {
			t.Errorf("integral %v: %v rad off, want %v", integral, off, want)
		}
	}
}

// TestHeavyArmIsHeldInAFault: of the responses to a fault, hold and damp need the compensation
// too.
func TestHeavyArmIsHeldInAFault(t *testing.T) {
	for _, kind := range []string{safety.OnFaultHold, safety.OnFaultDamp} {
		a := newHeavyArm(t, answer(kind))
		for range 1000 {
			a.tick()
		}
		a.machine.Trip(safety.Fault{Kind: safety.LearnerSilent}, a.now)
		for range 2000 {
			copy(a.reading.Position, a.sim.Positions())
			copy(a.reading.Velocity, a.sim.Velocities())
			a.reading.Stamp, a.now = a.reading.Stamp+millisecond, a.now+millisecond
			a.machine.Observe(a.reading, a.now, 0)
			must(t, a.sim.Step(a.machine.Tick(a.now, 0).Torque.Values()))
		}
		if off := a.off(bent); off > 1e-2 || a.machine.Phase() != trial.Fault {
			t.Errorf("%s: phase %v, %v rad off", kind, a.machine.Phase(), off)
		}
	}
}
