package robot_test

import (
	"errors"
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/hardware/robot"
)

func TestState(t *testing.T) {
	r, err := robot.New(robot.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"joint1.position", "joint2.position", "joint1.velocity", "joint2.velocity", "end_effector.x", "end_effector.y", "end_effector.z"}
	if !slices.Equal(r.StateNames(), want) || r.DX() != 7 || r.DU() != 2 {
		t.Errorf("names %v, dX %d, dU %d", r.StateNames(), r.DX(), r.DU())
	}
	x := make([]float64, 7)
	q, dq := []float64{math.Pi / 2, -math.Pi / 2}, []float64{3, 4}
	r.State(x, robot.Measurement{Position: q, Velocity: dq})
	for i, v := range []float64{math.Pi / 2, -math.Pi / 2, 3, 4, 0.5, 0.5, 0} {
		if math.Abs(x[i]-v) > 1e-15 {
			t.Errorf("%s is %v, want %v", r.StateNames()[i], x[i], v)
		}
	}
	if n := testing.AllocsPerRun(100, func() { r.State(x, robot.Measurement{Position: q, Velocity: dq}) }); n != 0 {
		t.Errorf("State allocates %v times", n)
	}
}

// With the tip's velocity and without z.
func TestStateInPlane(t *testing.T) {
	cfg := robot.DefaultConfig()
	cfg.Kinematics.Coordinates = 2
	cfg.State = append(cfg.State, robot.EndEffectorVel)
	r, err := robot.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"end_effector.x", "end_effector.y", "end_effector.x.velocity", "end_effector.y.velocity"}
	if !slices.Equal(r.StateNames()[4:], want) {
		t.Fatalf("names %v, want %v at the end", r.StateNames(), want)
	}
	states, actions := r.Symbols()
	if !slices.Equal(states, []string{"q0", "q1", "dq0", "dq1", "px", "py", "vx", "vy"}) || !slices.Equal(actions, []string{"u0", "u1"}) {
		t.Errorf("symbols %v and %v", states, actions)
	}
	const h = 1e-6
	q, dq := []float64{0.3, -1.1}, []float64{0.7, 2}
	x, ahead, behind := make([]float64, 8), make([]float64, 8), make([]float64, 8)
	r.State(x, robot.Measurement{Position: q, Velocity: dq})
	r.State(ahead, robot.Measurement{Position: []float64{q[0] + h*dq[0], q[1] + h*dq[1]}, Velocity: dq})
	r.State(behind, robot.Measurement{Position: []float64{q[0] - h*dq[0], q[1] - h*dq[1]}, Velocity: dq})
	for i := range 2 {
		if got, want := x[6+i], (ahead[4+i]-behind[4+i])/(2*h); math.Abs(got-want) > 1e-8 {
			t.Errorf("%s is %v, the point moves at %v", r.StateNames()[6+i], got, want)
		}
	}
}

func TestConfigRefused(t *testing.T) {
	for name, bad := range map[string]func(*robot.Config){
		"no joints":      func(c *robot.Config) { c.Joints = nil },
		"joint twice":    func(c *robot.Config) { c.Joints[1] = c.Joints[0] },
		"short limits":   func(c *robot.Config) { c.EffortLimit = c.EffortLimit[:1] },
		"zero limit":     func(c *robot.Config) { c.EffortLimit[0] = 0 },
		"NaN limit":      func(c *robot.Config) { c.EffortLimit[0] = math.NaN() },
		"order of state": func(c *robot.Config) { c.State[0], c.State[1] = c.State[1], c.State[0] },
		"state twice":    func(c *robot.Config) { c.State = append(c.State, robot.EndEffector) },
		"no kinematics":  func(c *robot.Config) { c.Kinematics.Type = robot.NoKinematics },
		"short lengths":  func(c *robot.Config) { c.Kinematics.Lengths = c.Kinematics.Lengths[:1] },
	} {
		c := robot.DefaultConfig()
		bad(&c)
		if _, err := robot.New(c, nil); !errors.Is(err, robot.ErrConfig) {
			t.Errorf("%s: %v, want ErrConfig", name, err)
		}
	}
}
