//go:build cgo && !nomujoco

package mujoco

import (
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"guidedpolicysearch/hardware/sim"
)

// load loads a model that is one file.
func load(t testing.TB, mjcf string, c Config) *Simulator {
	t.Helper()
	s, err := Load(fstest.MapFS{"model.xml": {Data: []byte(mjcf)}}, "model.xml", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// chain returns MJCF of a planar arm of uniform rods along x, with axes along z, of sim's
// two-link arm: 0.5 m and 1 kg each. Gravity is along -y.
func chain(links int, gravity, damping float64, option string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<mujoco><compiler angle="radian" inertiafromgeom="false"/><option gravity="0 %g 0" %s/><worldbody>`, -gravity, option)
	for i := range links {
		x := 0.5
		if i == 0 {
			x = 0
		}
		fmt.Fprintf(&b, `<body name="link%d" pos="%g 0 0"><joint name="joint%d" axis="0 0 1" damping="%g"/>
<inertial pos="0.25 0 0" mass="1" diaginertia="1e-4 %.17g %.17g"/>`, i+1, x, i+1, damping, 0.25/12, 0.25/12)
	}
	b.WriteString(strings.Repeat("</body>", links) + "</worldbody><actuator>")
	for i := range links {
		fmt.Fprintf(&b, `<motor joint="joint%d"/>`, i+1)
	}
	b.WriteString("</actuator></mujoco>")
	return b.String()
}

// TestAgainstAnalyticArms holds trajectories to those of hardware/sim, whose equations are
// derived by hand.
func TestAgainstAnalyticArms(t *testing.T) {
	const step, substeps = 0.01, 10
	for _, c := range []struct {
		links            int
		gravity, damping float64
	}{{1, 9.81, 0}, {1, 0, 0.5}, {2, 9.81, 0}, {2, 0, 0.5}, {3, 9.81, 0.5}, {5, 9.81, 0.2}} {
		t.Run(fmt.Sprintf("%d links, gravity %g, damping %g", c.links, c.gravity, c.damping), func(t *testing.T) {
			s := load(t, chain(c.links, c.gravity, c.damping, `timestep="0.001" integrator="RK4"`), Config{TimeStep: step})
			all := func(v float64) []float64 { return slices.Repeat([]float64{v}, c.links) }
			plant, err := sim.NewPlanarArm(sim.PlanarArmConfig{Lengths: all(0.5), Masses: all(1), Damping: all(c.damping), Gravity: c.gravity})
			must(t, err)
			other, err := sim.New(plant, sim.Config{TimeStep: step, Substeps: substeps, Integrator: sim.RungeKutta4})
			must(t, err)
			x, y, u := make([]float64, 2*c.links), make([]float64, 2*c.links), make([]float64, c.links)
			for i := range c.links {
				x[i], x[c.links+i] = 0.3-0.2*float64(i), 0.5*float64(i)
			}
			must(t, s.SetState(x))
			must(t, other.SetState(x))
			for k := range 100 {
				for i := range u {
					u[i] = math.Sin(0.1*float64(k*(i+1))) / float64(1+3*i)
				}
				must(t, s.Step(u))
				must(t, other.Step(u))
			}
			s.State(x)
			other.State(y)
			for i := range x {
				if !(math.Abs(x[i]-y[i]) < 1e-8) {
					t.Errorf("element %d of the state is %.12g after 1 s, want %.12g", i, x[i], y[i])
				}
			}
		})
	}
}

// TestEnergy lets an arm swing without friction: 1/2 dq' M dq - g y of the masses stays.
func TestEnergy(t *testing.T) {
	const n, g = 3, 9.81
	s := load(t, chain(n, g, 0, `timestep="0.0005" integrator="RK4"`), Config{TimeStep: 0.05})
	mass := make([]float64, n*n)
	energy := func() (e float64) {
		must(t, s.MassMatrix(mass))
		dq := s.Velocities()
		for i := range n {
			for j := range n {
				e += 0.5 * dq[i] * mass[i*n+j] * dq[j]
			}
			p, err := s.BodyPose(fmt.Sprintf("link%d", i+1))
			must(t, err)
			e += g * (p.Position[1] + 0.25*p.Rotation[3])
		}
		return e
	}
	must(t, s.SetState([]float64{0.1, 0.4, -0.3, 0, 1, 0}))
	before, moved := energy(), 0.0
	for range 60 {
		must(t, s.Step(make([]float64, n)))
		moved = max(moved, math.Abs(s.Velocities()[0]))
		if e := energy(); math.Abs(e-before) > 1e-6 {
			t.Fatalf("the energy went from %.10g to %.10g J", before, e)
		}
	}
	if moved < 1 {
		t.Errorf("the arm moved at %g rad/s at most: this test shows nothing", moved)
	}
}

func TestTimeStep(t *testing.T) {
	mjcf := chain(2, 9.81, 0.5, `timestep="0.002"`)
	fine, coarse := load(t, mjcf, Config{}), load(t, mjcf, Config{TimeStep: 0.05})
	if fine.TimeStep() != 0.002 || coarse.TimeStep() != 0.05 {
		t.Errorf("time steps are %v and %v, want 0.002 and 0.05", fine.TimeStep(), coarse.TimeStep())
	}
	u := []float64{2, -1}
	for range 25 {
		must(t, fine.Step(u))
	}
	must(t, coarse.Step(u))
	if !slices.Equal(fine.Positions(), coarse.Positions()) || !slices.Equal(fine.Velocities(), coarse.Velocities()) {
		t.Errorf("25 steps give %v, one of 25 substeps %v", fine.Positions(), coarse.Positions())
	}
	for _, step := range []float64{0.001, 0.003, 0.0021, 1e-9, 1000} {
		_, err := Load(fstest.MapFS{"m.xml": {Data: []byte(mjcf)}}, "m.xml", Config{TimeStep: step})
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), "0.002") {
			t.Errorf("time step %g: %v, want ErrConfig with the model's timestep", step, err)
		}
	}
}

func TestConfig(t *testing.T) {
	must(t, DefaultConfig().Validate())
	for want, c := range map[string]Config{
		"time_step is -1":   {TimeStep: -1},
		"time_step is NaN":  {TimeStep: math.NaN()},
		"time_step is +Inf": {TimeStep: math.Inf(1)},
		"joint 1":           {Joints: []string{""}},
		"joint 2":           {Joints: []string{"a", "a"}},
	} {
		for name, err := range map[string]error{"Validate": c.Validate(), "Load": loadError("<mujoco/>", c)} {
			if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want ErrConfig with %q", name, err, want)
			}
		}
	}
}

func loadError(mjcf string, c Config) error {
	s, err := Load(fstest.MapFS{"model.xml": {Data: []byte(mjcf)}}, "model.xml", c)
	if err == nil {
		s.Close()
	}
	return err
}

// scene is a slide and a hinge with motors of several kinds, a joint without one, and a ball
// that lies on a table.
const scene = `<mujoco>
  <compiler angle="radian"/>
  <option timestep="0.002"/>
  <worldbody>
    <geom name="table" type="plane" size="5 5 0.1"/>
    <body name="ball" pos="1 0 0.1"><freejoint name="ball"/><geom size="0.1" mass="0.3"/></body>
    <body name="cart" pos="0 0 1">
      <joint name="slide" type="slide" axis="1 0 0"/>
      <geom size="0.1" mass="2"/>
      <body name="pole"><joint name="hinge" axis="0 1 0" range="-2 2" limited="true"/><geom type="capsule" fromto="0 0 0 0 0 -0.5" size="0.02" mass="0.5"/>
        <body name="free" pos="0 0 -0.5"><joint name="passive" axis="0 1 0"/><geom size="0.03" pos="0 0 -0.1" mass="0.1"/></body>
      </body>
    </body>
  </worldbody>
  <actuator>
    <motor name="turn" joint="hinge" gear="10" ctrlrange="-0.4 0.5" ctrllimited="true"/>
    <motor name="push" joint="slide" gear="-2" ctrlrange="-30 40" ctrllimited="true" forcerange="-25 25" forcelimited="true"/>
  </actuator>
  <sensor><jointpos name="angle" joint="passive"/><framepos name="ball" objtype="body" objname="ball"/><jointvel joint="hinge"/></sensor>
  <keyframe>
    <key name="away" qpos="9 9 9 1 0 0 0 0 0 0"/>
    <key name="home" qpos="1 0.5 0.1 1 0 0 0 0.25 0.5 -0.125" qvel="0 0 0 0 0 0 0.125 0 0"/>
  </keyframe>
</mujoco>`

func TestRobotInAScene(t *testing.T) {
	s := load(t, scene, Config{})
	if got := s.JointNames(); !slices.Equal(got, []string{"slide", "hinge"}) {
		t.Errorf("joints are %v, want those with motors in the model's order", got)
	}
	if nQ, nU := s.Dims(); nQ != 2 || nU != 2 {
		t.Errorf("sizes are %d and %d, want 2 and 2", nQ, nU)
	}
	if got := s.EffortLimits(); !slices.Equal(got, []float64{50, 4}) {
		t.Errorf("limits are %v, want 50 (force 25 by gear 2, below 60) and 4 (0.4 by gear 10)", got)
	}
	turned := load(t, scene, Config{Joints: []string{"hinge", "slide"}})
	if got := turned.Positions(); !slices.Equal(got, []float64{0.5, 0.25}) {
		t.Errorf("positions are %v, want those of the keyframe home in the order hinge, slide", got)
	}
	if got := turned.Velocities(); !slices.Equal(got, []float64{0, 0.125}) {
		t.Errorf("velocities are %v, want 0 and 0.125", got)
	}
	for range 20 {
		must(t, s.Step([]float64{3, -1}))
		must(t, turned.Step([]float64{-1, 3}))
	}
	x, y := make([]float64, 4), make([]float64, 4)
	s.State(x)
	turned.State(y)
	if want := []float64{y[1], y[0], y[3], y[2]}; !slices.Equal(x, want) {
		t.Errorf("the order of joints changes the motion: %v, want %v", x, want)
	}
}

// TestMotorsTurnTheRightWay holds that gears and ranges are accounted for: u is what acts.
func TestMotorsTurnTheRightWay(t *testing.T) {
	s := load(t, scene, Config{})
	accelerations := func(u ...float64) []float64 {
		must(t, s.Reset())
		must(t, s.SetState(make([]float64, 4)))
		must(t, s.Step(u))
		return []float64{s.Velocities()[0] / 0.002, s.Velocities()[1] / 0.002}
	}
	rest := accelerations(0, 0)
	pushed := accelerations(10, 0)
	if pushed[0] < rest[0]+3 {
		t.Errorf("10 N accelerate the slide from %g to %g m/s^2, want more than 3 more", rest[0], pushed[0])
	}
	for _, c := range [][2][]float64{
		{{50, 0}, {1000, 0}}, {{-50, 0}, {-1e300, 0}}, {{0, -4}, {0, -4.5}}, {{0, 5}, {0, 1000}},
	} {
		if a, b := accelerations(c[0]...), accelerations(c[1]...); !slices.Equal(a, b) {
			t.Errorf("actions %v and %v give %v and %v, want the same: the motors clip", c[0], c[1], a, b)
		}
	}
	if a, b := accelerations(0, 4), accelerations(0, 5); slices.Equal(a, b) {
		t.Error("4 and 5 N m do the same, want the range that is not symmetric to be used in full")
	}
}

func TestSensorsAndReset(t *testing.T) {
	s := load(t, scene, Config{})
	if got := s.Sensors(); len(got) != 2 || got[0].Name != "angle" || got[0].Size != 1 || got[1].Name != "ball" || got[1].Size != 3 {
		t.Errorf("sensors are %v, want angle (1) and ball (3)", got)
	}
	read := func(name string) []float64 {
		sensor, err := s.Sensor(name)
		must(t, err)
		v := make([]float64, sensor.Size)
		must(t, s.ReadSensor(v, sensor))
		return v
	}
	if got := read("ball"); !slices.Equal(got, []float64{1, 0.5, 0.1}) {
		t.Errorf("the ball is at %v, want the keyframe's 1 0.5 0.1", got)
	}
	if got := read("angle"); got[0] != -0.125 {
		t.Errorf("the passive joint is at %v, want -0.125", got)
	}
	must(t, s.SetState([]float64{-0.5, 1, 0, 0}))
	for range 50 {
		must(t, s.Step([]float64{20, 3}))
	}
	if got := read("angle"); got[0] == -0.125 {
		t.Error("the passive joint does not move, or sensors are not read anew after a step")
	}
	pose, err := s.BodyPose("ball")
	must(t, err)
	if got := read("ball"); !slices.Equal(got, pose.Position[:]) {
		t.Errorf("sensor %v and pose %v of the ball differ", got, pose.Position)
	}
	must(t, s.SetState([]float64{0, 0, 0, 0}))
	if got := read("angle"); got[0] == -0.125 {
		t.Error("SetState moves what does not belong to the robot")
	}
	must(t, s.Reset())
	if got := read("angle"); got[0] != -0.125 || s.Positions()[0] != 0.25 {
		t.Errorf("after Reset the passive joint is at %v and the slide at %v, want -0.125 and 0.25", got, s.Positions()[0])
	}
	if _, err := s.Sensor("angel"); !errors.Is(err, ErrName) || !strings.Contains(err.Error(), "angle, ball") {
		t.Errorf("%v, want ErrName that lists the sensors", err)
	}
	if _, err := s.BodyPose("bowl"); !errors.Is(err, ErrName) || !strings.Contains(err.Error(), "ball") {
		t.Errorf("%v, want ErrName that lists the bodies", err)
	}
}

// TestStepDependsOnStateAlone holds that one state and one sequence of actions give the same
// bits whatever was before, with contacts, and whether or not somebody looks.
func TestStepDependsOnStateAlone(t *testing.T) {
	run := func(s *Simulator, look bool) []float64 {
		must(t, s.Reset())
		must(t, s.SetState([]float64{0.9, 0.3, -2, 0}))
		var all []float64
		for k := range 300 {
			must(t, s.Step([]float64{20 * math.Sin(0.3*float64(k)), math.Cos(0.2 * float64(k))}))
			all = append(append(all, s.Positions()...), s.Velocities()...)
			if look {
				must(t, s.Bias(make([]float64, 2)))
			}
		}
		return all
	}
	s := load(t, scene, Config{})
	first := run(s, false)
	if again := run(s, true); !slices.Equal(again, first) {
		t.Error("after a reset, and looked at, the same actions give another motion")
	}
	if other := run(load(t, scene, Config{}), false); !slices.Equal(other, first) {
		t.Error("another simulator of the model gives another motion")
	}
}

// TestSetStateForgets holds that no warm start is left of an earlier motion.
func TestSetStateForgets(t *testing.T) {
	// Both joints are pressed against their limits, so that the solver has work.
	mjcf := strings.ReplaceAll(chain(2, 9.81, 0.1, `timestep="0.002" iterations="3"`), "<joint ", `<joint limited="true" range="-0.1 0.1" `)
	s := load(t, mjcf, Config{})
	x := []float64{-0.11, 0.12, -1, 1}
	after := func() []float64 {
		must(t, s.SetState(x))
		must(t, s.Step([]float64{-5, 5}))
		return append(slices.Clone(s.Positions()), s.Velocities()...)
	}
	first := after()
	for range 50 {
		must(t, s.Step([]float64{-30, 20}))
	}
	if again := after(); !slices.Equal(first, again) {
		t.Errorf("from one state %v and %v", first, again)
	}
}

func TestNotFinite(t *testing.T) {
	s := load(t, scene, Config{})
	before := make([]float64, 4)
	s.State(before)
	for _, bad := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		if err := s.Step([]float64{0, bad}); !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "joint hinge") {
			t.Errorf("action %v: %v, want ErrNotFinite that names hinge", bad, err)
		}
		if err := s.SetState([]float64{0, 0, bad, 0}); !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "velocity of slide") {
			t.Errorf("state with %v: %v, want ErrNotFinite that names the velocity of slide", bad, err)
		}
	}
	after := make([]float64, 4)
	s.State(after)
	if !slices.Equal(before, after) {
		t.Errorf("the state went from %v to %v", before, after)
	}
}

// TestDiverged makes steps that MuJoCo answers by a warning and a reset of its own.
func TestDiverged(t *testing.T) {
	s, same := load(t, scene, Config{TimeStep: 0.01}), load(t, scene, Config{TimeStep: 0.01})
	ball, err := s.Sensor("ball")
	must(t, err)
	before, after, place, placed := make([]float64, 4), make([]float64, 4), make([]float64, 3), make([]float64, 3)
	for _, wild := range [][]float64{{0, 0, 1e12, 0}, {1e11, 0, 0, 0}, {0, 0, 0, 9e9}, {0, 0, 1e300, -1e300}} {
		must(t, s.Reset())
		for range 5 {
			must(t, s.Step([]float64{1, 0}))
		}
		must(t, s.SetState(wild))
		must(t, s.ReadSensor(place, ball))
		s.State(before)
		err := s.Step([]float64{1, 1})
		if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "model.xml") {
			t.Errorf("from %v: %v, want ErrDiverged that names the model", wild, err)
		}
		s.State(after)
		must(t, s.ReadSensor(placed, ball))
		if !slices.Equal(before, after) || !slices.Equal(place, placed) {
			t.Errorf("the state went from %v to %v, the ball from %v to %v", before, after, place, placed)
		}
	}
	must(t, s.Reset())
	for range 50 {
		must(t, s.Step([]float64{5, 1}))
		must(t, same.Step([]float64{5, 1}))
	}
	if !slices.Equal(s.Positions(), same.Positions()) {
		t.Errorf("later steps give %v, want %v", s.Positions(), same.Positions())
	}
}

// TestFailedStepChangesNothing goes on after steps that failed in the middle of a motion, in
// contact, like a simulator that has not had them.
func TestFailedStepChangesNothing(t *testing.T) {
	// The ball rolls, the solver is given too few iterations to forget its warm start, nothing
	// clips actions, and an actuator that is not the robot's has a state.
	mjcf := strings.NewReplacer(`ctrllimited="true"`, `ctrllimited="false"`, `forcelimited="true"`, `forcelimited="false"`, `timestep="0.002"`, `timestep="0.002" iterations="2" tolerance="0"`,
		`<freejoint name="ball"/>`, `<freejoint name="ball"/><geom type="box" pos="0 0 0.1" size="0.02 0.05 0.2" mass="0.1"/>`,
		`</actuator>`, `<general joint="passive" dyntype="filter" dynprm="0.5"/></actuator>`,
		`qvel=`, `ctrl="0 0 0.5" qvel=`, `</sensor>`, `<clock name="clock"/><actuatorfrc name="torque" actuator="turn"/></sensor>`).Replace(scene)
	robot := Config{TimeStep: 0.01, Joints: []string{"slide", "hinge"}}
	s, same := load(t, mjcf, robot), load(t, mjcf, robot)
	for k := range 100 {
		u := []float64{10 * math.Sin(float64(k)), 2}
		must(t, s.Step(u))
		must(t, same.Step(u))
		if k%7 == 3 {
			if err := s.Step([]float64{1e16, 0}); !errors.Is(err, ErrDiverged) {
				t.Fatalf("%v, want ErrDiverged", err)
			}
		}
		if !slices.Equal(s.Positions(), same.Positions()) || !slices.Equal(s.Velocities(), same.Velocities()) {
			t.Fatalf("step %d: %v after steps that failed, %v without", k, s.Positions(), same.Positions())
		}
		for _, sensor := range s.Sensors() {
			a, b := make([]float64, sensor.Size), make([]float64, sensor.Size)
			must(t, s.ReadSensor(a, sensor))
			must(t, same.ReadSensor(b, sensor))
			if !slices.Equal(a, b) {
				t.Fatalf("step %d: %s is %v after steps that failed, %v without", k, sensor.Name, a, b)
			}
		}
	}
}

// TestJustBeyond ends steps a little above the magnitude that MuJoCo refuses only at the next.
func TestJustBeyond(t *testing.T) {
	const mjcf = `<mujoco><option gravity="0 0 0"/><worldbody><body><joint name="x" type="slide"/><geom size="0.1" mass="1"/></body></worldbody><actuator><motor joint="x"/></actuator></mujoco>`
	s := load(t, mjcf, Config{})
	for _, x := range [][]float64{{9.999e9, 1e9}, {-9.999e9, -1e9}, {0, 9.999e9}, {0, -9.999e9}} {
		must(t, s.SetState(x))
		if err := s.Step([]float64{math.Copysign(9e9, x[1])}); !errors.Is(err, ErrDiverged) {
			t.Errorf("from %v: %v, want ErrDiverged", x, err)
		}
	}
}

// TestRangesHoldWithoutMuJoCo has a model that switches MuJoCo's clipping off.
func TestRangesHoldWithoutMuJoCo(t *testing.T) {
	s := load(t, strings.Replace(scene, `<option timestep="0.002"/>`, `<option timestep="0.002"><flag clampctrl="disable"/></option>`, 1), Config{})
	after := func(u ...float64) []float64 {
		must(t, s.Reset())
		must(t, s.Step(u))
		return slices.Clone(s.Velocities())
	}
	if a, b := after(50, 5), after(70, 8); !slices.Equal(a, b) {
		t.Errorf("actions at and above the range give %v and %v", a, b)
	}
}

// TestTooManyContacts has a model whose memory for contacts is too small.
func TestTooManyContacts(t *testing.T) {
	const mjcf = `<mujoco><size nconmax="2" njmax="50"/><option timestep="0.002"/><worldbody><geom type="plane" size="1 1 1"/>
<body name="box" pos="0 0 0.5"><joint name="z" type="slide" axis="0 0 1"/><geom type="box" size="0.1 0.1 0.1"/></body></worldbody>
<actuator><motor joint="z"/></actuator></mujoco>`
	s := load(t, mjcf, Config{})
	must(t, s.SetState([]float64{-0.3, 0}))
	if err := s.Step([]float64{0}); err != nil {
		t.Fatalf("in the air: %v", err)
	}
	must(t, s.SetState([]float64{-0.41, 0}))
	if err := s.Step([]float64{0}); !errors.Is(err, ErrEngine) || !strings.Contains(err.Error(), "contact") {
		t.Errorf("%v, want ErrEngine about contacts", err)
	}
	if got := s.Positions()[0]; got != -0.41 {
		t.Errorf("the position is %g, want -0.41 as before", got)
	}
	must(t, s.SetState([]float64{0, 0}))
	must(t, s.Step([]float64{0}))
}

// TestTooLittleMemory has an error of MuJoCo in a step: it would end the process.
func TestTooLittleMemory(t *testing.T) {
	const mjcf = `<mujoco><size nconmax="100" njmax="500" nstack="100"/><worldbody><geom type="plane" size="1 1 1"/>
<body name="box" pos="0 0 0.5"><joint name="z" type="slide" axis="0 0 1"/><geom type="box" size="0.1 0.1 0.1"/></body></worldbody>
<actuator><motor joint="z"/></actuator></mujoco>`
	s := load(t, mjcf, Config{})
	for range 3 {
		must(t, s.SetState([]float64{-0.41, 0}))
		if err := s.Step([]float64{0}); !errors.Is(err, ErrEngine) || !strings.Contains(err.Error(), "overflow") {
			t.Errorf("%v, want ErrEngine about a stack overflow", err)
		}
		if err := s.Bias(make([]float64, 1)); !errors.Is(err, ErrEngine) {
			t.Errorf("%v, want ErrEngine", err)
		}
		must(t, s.SetState([]float64{0, 0}))
		must(t, s.Step([]float64{0}))
		must(t, s.Bias(make([]float64, 1)))
	}
}

func TestClose(t *testing.T) {
	s := load(t, scene, Config{})
	s.Close()
	s.Close()
	for name, err := range map[string]error{
		"Step": s.Step([]float64{0, 0}), "SetState": s.SetState(make([]float64, 4)), "Reset": s.Reset(), "Bias": s.Bias(make([]float64, 2)),
		"MassMatrix": s.MassMatrix(make([]float64, 4)), "ReadSensor": s.ReadSensor(make([]float64, 1), Sensor{Name: "angle", Size: 1}),
	} {
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", name, err)
		}
	}
	if got := s.Positions(); !slices.Equal(got, []float64{0.25, 0.5}) {
		t.Errorf("positions are %v, want the last ones", got)
	}
}

func TestSizes(t *testing.T) {
	s := load(t, scene, Config{})
	for name, f := range map[string]func(){
		"action has 1 elements, want 2":        func() { _ = s.Step(make([]float64, 1)) },
		"state has 2 elements, want 4":         func() { _ = s.SetState(make([]float64, 2)) },
		"state has 5 elements, want 4":         func() { s.State(make([]float64, 5)) },
		"mass matrix has 2 elements, want 4":   func() { _ = s.MassMatrix(make([]float64, 2)) },
		"bias has 3 elements, want 2":          func() { _ = s.Bias(make([]float64, 3)) },
		"torques has 1 elements, want 2":       func() { _ = s.InverseDynamics(make([]float64, 1), make([]float64, 2)) },
		"accelerations has 1 elements, want 2": func() { _ = s.InverseDynamics(make([]float64, 2), make([]float64, 1)) },
		"Jacobian has 6 elements, want 12":     func() { _ = s.PointJacobian(make([]float64, 6), "pole", [3]float64{}) },
		"ball has 2 elements, want 3":          func() { _ = s.ReadSensor(make([]float64, 2), s.Sensors()[1]) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, name) {
					t.Errorf("panic %q, want %q", got, name)
				}
			}()
			f()
		}()
	}
}

func TestStepDoesNotAllocate(t *testing.T) {
	s := load(t, scene, Config{TimeStep: 0.01})
	u, v, x := make([]float64, 2), make([]float64, 3), make([]float64, 4)
	mass, bias := make([]float64, 4), make([]float64, 2)
	sensor := s.Sensors()[1]
	for name, f := range map[string]func() error{
		"Step": func() error { return s.Step(u) },
		"SetState and Step": func() error {
			s.State(x)
			return errors.Join(s.SetState(x), s.Step(u))
		},
		"Reset":      s.Reset,
		"ReadSensor": func() error { return errors.Join(s.Step(u), s.ReadSensor(v, sensor)) },
		"dynamics": func() error {
			return errors.Join(s.Step(u), s.MassMatrix(mass), s.Bias(bias), s.InverseDynamics(bias, u))
		},
	} {
		if n := testing.AllocsPerRun(50, func() { must(t, f()) }); n != 0 {
			t.Errorf("%s allocates %g times", name, n)
		}
	}
}

// TestMemoryIsGivenBack loads many models, closed by hand and by the garbage collector, and
// models that do not load, and looks at what the process holds. A model takes 6 MiB here; the
// C library keeps some of what is freed for later.
func TestMemoryIsGivenBack(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a run without -short, as make test does: it loads many models")
	}
	resident := func() int {
		data, err := os.ReadFile("/proc/self/statm")
		if err != nil {
			t.Skip("needs /proc/self/statm, which tells the size of the process")
		}
		pages, err := strconv.Atoi(strings.Fields(string(data))[1])
		must(t, err)
		return pages * os.Getpagesize() >> 20
	}
	folder := fstest.MapFS{"model.xml": {Data: []byte(scene)}, "bad.xml": {Data: []byte(strings.Replace(scene, `gear="10"`, `gear="0"`, 1))},
		"worse.xml": {Data: []byte(strings.Replace(scene, `joint="passive"`, `joint="nobody"`, 1))}}
	rounds := func(n int) {
		for i := range n {
			s, err := Load(folder, "model.xml", Config{})
			must(t, err)
			must(t, s.Step([]float64{1, 1}))
			if i%2 == 0 {
				s.Close()
			} else if i%20 == 1 {
				runtime.GC() // finds the simulators that nobody closed
			}
			for _, name := range []string{"bad.xml", "worse.xml"} {
				if _, err := Load(folder, name, Config{}); err == nil {
					t.Fatal(name, "loads")
				}
			}
		}
		runtime.GC()
	}
	rounds(40)
	before := resident()
	rounds(150)
	if after := resident(); after > before+200 {
		t.Errorf("150 models and 300 that do not load later the process holds %d MiB instead of %d", after, before)
	}
}
