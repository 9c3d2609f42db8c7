//go:build cgo && !nomujoco

package models

import (
	"math"
	"testing"

	"guidedpolicysearch/hardware/mujoco"
)

// mover moves an arm by a PD controller with compensation of gravity and Coriolis torques.
type mover struct {
	s      *mujoco.Simulator
	kp, kd []float64
	u      []float64
	q, at  []float64 // where to: now, and at the end of the last motion
}

func newMover(s *mujoco.Simulator, kp, kd []float64) *mover {
	n := len(s.JointNames())
	m := &mover{s: s, kp: kp, kd: kd, u: make([]float64, n), q: make([]float64, n), at: make([]float64, n)}
	copy(m.at, s.Positions())
	return m
}

// to moves in a straight line in joint space for so many s, and holds for half a second.
func (m *mover) to(t *testing.T, goal []float64, seconds float64) {
	t.Helper()
	steps := int(math.Round(seconds / m.s.TimeStep()))
	hold := int(math.Round(0.5 / m.s.TimeStep()))
	for k := 1; k <= steps+hold; k++ {
		part := min(1, float64(k)/float64(steps))
		part = part * part * (3 - 2*part)
		must(t, m.s.Bias(m.u))
		for i := range m.u {
			m.q[i] = m.at[i] + part*(goal[i]-m.at[i])
			m.u[i] += m.kp[i]*(m.q[i]-m.s.Positions()[i]) - m.kd[i]*m.s.Velocities()[i]
		}
		must(t, m.s.Step(m.u))
	}
	copy(m.at, goal)
}

// read returns a sensor's numbers.
func read(t *testing.T, s *mujoco.Simulator, name string) []float64 {
	t.Helper()
	sensor, err := s.Sensor(name)
	must(t, err)
	v := make([]float64, sensor.Size)
	must(t, s.ReadSensor(v, sensor))
	return v
}

func distance(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return math.Sqrt(sum)
}

// downward returns the joint positions of the seven-joint arm that bring the tip of the peg to
// (x, 0, z), with the peg pointing down: the triangle of upper arm and forearm, by hand.
func downward(x, z float64) []float64 {
	const upper, fore, shoulder, peg = 0.40, 0.39, 0.34, 0.32 // peg: from wrist to tip
	dx, dz := x, z+peg-shoulder
	elbow := math.Acos((dx*dx + dz*dz - upper*upper - fore*fore) / (2 * upper * fore))
	lift := math.Atan2(dx, dz) - math.Atan2(fore*math.Sin(elbow), upper+fore*math.Cos(elbow))
	return []float64{0, lift, 0, elbow, 0, math.Pi - lift - elbow, 0}
}

var (
	armStiffness = []float64{400, 400, 200, 200, 60, 60, 20}
	armDamping   = []float64{40, 40, 20, 20, 3, 3, 1}
)

func TestHome(t *testing.T) {
	s := open(t, "peg_insertion.xml", mujoco.Config{})
	tip, top := read(t, s, "peg_tip_position"), read(t, s, "peg_top_position")
	if d := distance(tip, []float64{0.5, 0, 0.28}); d > 1e-3 {
		t.Errorf("the peg's tip is at %v, %g m from where the arm is drawn to be", tip, d)
	}
	if d := distance(top, tip); math.Abs(d-0.12) > 1e-12 || math.Abs(top[2]-tip[2]-0.12) > 1e-3 {
		t.Errorf("the peg is %g m long with its top at %v and its tip at %v; want 0.12 m, upright", d, top, tip)
	}
	arm := open(t, "arm7.xml", mujoco.Config{})
	must(t, arm.SetState(make([]float64, 14)))
	if tool := read(t, arm, "tool_position"); distance(tool, []float64{0, 0, 1.37}) > 1e-9 {
		t.Errorf("the tool of the stretched arm is at %v, want 0 0 1.37: 1.03 m above the shoulder", tool)
	}
}

// TestPegGoesIn moves the peg by hand-made waypoints into the hole, and beside it.
func TestPegGoesIn(t *testing.T) {
	for _, c := range []struct {
		name   string
		x      float64
		inside bool
	}{{"above the hole", 0.55, true}, {"2 mm beside", 0.552, true}, {"2 cm beside", 0.57, false}, {"5 cm beside", 0.5, false}} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t, "peg_insertion.xml", mujoco.Config{})
			m := newMover(s, armStiffness, armDamping)
			m.to(t, downward(c.x, 0.22), 1)
			tip := read(t, s, "peg_tip_position")
			if d := distance(tip, []float64{c.x, 0, 0.22}); d > 2e-3 {
				t.Fatalf("in the air the tip is at %v, %g m from the goal", tip, d)
			}
			lowest := 0.07
			if !c.inside {
				lowest = 0.13 // pushed harder, the peg slides until it finds the hole
			}
			for z := 0.20; z > lowest-0.005; z -= 0.02 {
				m.to(t, downward(c.x, z), 0.3)
			}
			tip = read(t, s, "peg_tip_position")
			if depth := 0.15 - tip[2]; c.inside && (depth < 0.065 || depth > 0.10) {
				t.Errorf("the tip is at %v, %g m in the hole; want 6.5 to 10 cm", tip, depth)
			} else if !c.inside && (depth > 0.005 || depth < -0.02) {
				t.Errorf("the tip is at %v, %g m in the block; want it to rest on its top", tip, depth)
			}
		})
	}
}

// TestFloorStopsTheArm lets the arm fall.
func TestFloorStopsTheArm(t *testing.T) {
	s := open(t, "arm7.xml", mujoco.Config{})
	for range 3000 {
		must(t, s.Step(make([]float64, 7)))
	}
	tool := read(t, s, "tool_position")
	if tool[2] < 0 || tool[2] > 0.35 {
		t.Errorf("3 s after its motors were off the arm's tool is at %v; want it on the floor, or folded above it", tool)
	}
	for i, v := range s.Velocities() {
		if math.Abs(v) > 0.05 {
			t.Errorf("joint %d still moves at %g rad/s", i+1, v)
		}
	}
}

// TestPusherMovesTheDisc sweeps the finger along y through where the disc stands.
func TestPusherMovesTheDisc(t *testing.T) {
	s := open(t, "planar_pusher.xml", mujoco.Config{})
	m := newMover(s, []float64{60, 40, 20}, []float64{6, 4, 2})
	before := read(t, s, "object_position")
	for range 500 {
		must(t, s.Step(make([]float64, 3)))
	}
	if after := read(t, s, "object_position"); distance(before, after) > 1e-9 {
		t.Errorf("untouched, the disc moved from %v to %v", before, after)
	}
	goal := func(x, y float64) []float64 { return reach(x, y) }
	m.to(t, goal(0.5, -0.18), 0.5)
	for y := -0.16; y < 0.121; y += 0.02 {
		m.to(t, goal(0.5, y), 0.2)
	}
	disc, finger := read(t, s, "object_position"), read(t, s, "fingertip_position")
	if math.Abs(finger[1]-0.12) > 0.02 {
		t.Errorf("the finger is at %v, want it near y = 0.12", finger)
	}
	if disc[1] < 0.1 || math.Abs(disc[0]-0.5) > 0.1 {
		t.Errorf("the disc is at %v, want it pushed to about 0.5 0.19", disc)
	}
	if gap := math.Hypot(disc[0]-finger[0], disc[1]-finger[1]) - 0.075; gap < -0.003 {
		t.Errorf("finger and disc are %g m inside each other", -gap)
	}
	x := make([]float64, 6)
	s.State(x)
	must(t, s.Reset())
	must(t, s.SetState(x))
	if again := read(t, s, "object_position"); distance(again, before) > 0 {
		t.Errorf("after a reset the disc is at %v, want %v", again, before)
	}
	if distance(read(t, s, "fingertip_position"), finger) > 0 {
		t.Error("the arm did not stay where it was")
	}
}

// reach returns joint positions of the pusher with its finger at (x, y) and its last link
// along +y.
func reach(x, y float64) []float64 {
	const first, second, third = 0.35, 0.30, 0.18
	wx, wy := x, y-third
	bend := math.Acos((wx*wx + wy*wy - first*first - second*second) / (2 * first * second))
	turn := math.Atan2(wy, wx) - math.Atan2(second*math.Sin(bend), first+second*math.Cos(bend))
	return []float64{turn, bend, math.Pi/2 - turn - bend}
}
