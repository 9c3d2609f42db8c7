package safety_test

import (
	"math"
	"testing"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/sim"
)

// model is the dynamics of a simulated plant, out of its inverse dynamics.
type model struct {
	plant      sim.Invertible
	zero, unit []float64
	base, with []float64
}

func newModel(p sim.Invertible) *model {
	n, _ := p.Dims()
	return &model{plant: p, zero: make([]float64, n), unit: make([]float64, n), base: make([]float64, n), with: make([]float64, n)}
}

func (m *model) MassMatrix(dst, q []float64) {
	n := len(q)
	m.plant.InverseDynamics(m.base, q, m.zero, m.zero)
	for j := range n {
		m.unit[j] = 1
		m.plant.InverseDynamics(m.with, q, m.zero, m.unit)
		m.unit[j] = 0
		for i := range n {
			dst[i*n+j] = m.with[i] - m.base[i]
		}
	}
}

func (m *model) Bias(dst, q, dq []float64) { m.plant.InverseDynamics(dst, q, dq, m.zero) }
func (m *model) Gravity(dst, q []float64)  { m.plant.InverseDynamics(dst, q, m.zero, m.zero) }

// body is a robot that the properties are tested on.
type body struct {
	name  string
	robot safety.Robot
	dt    float64
	slew  []float64
	power float64
	error float64 // of the model's accelerations, in rad/s^2: it does not change within a tick
	// driven says that the model and the limits are those of all joints.
	driven bool
	// slewed says that there always is a slew limit: without one the adversaries change the speeds
	// of light joints so much in one tick that the model is wrong by more than it could brake.
	slewed bool
	// pushes says that the model may be wrong by more, where something is in the way of the body.
	pushes bool
	// delay is the longest time after which a reading is answered; concealed says that the filter
	// is not told.
	delay     time.Duration
	concealed bool
	// braking is what the filter computed the first time.
	braking []float64
	// begin places the body at rest, step holds the torques for dt, read copies the driven
	// joints' state.
	begin func(q []float64)
	step  func(torque []float64) error
	read  func(*hardware.JointState)
}

func fill(n int, v float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

func newBody(t testing.TB, name string, p sim.Plant, effort, limit, speed []float64, wrong float64) *body {
	t.Helper()
	const dt = 0.001
	s, err := sim.New(p, sim.Config{TimeStep: dt, Substeps: 1, Integrator: sim.RungeKutta4})
	if err != nil {
		t.Fatal(err)
	}
	nQ, n := s.Dims()
	b := &body{name: name, dt: dt, error: wrong}
	b.robot = safety.Robot{Joints: s.JointNames()[:n], EffortLimit: effort, Stiffness: effort, Damping: effort}
	if inverse, ok := p.(sim.Invertible); ok {
		b.driven = true
		b.robot.Dynamics = newModel(inverse)
		b.robot.Upper, b.robot.Velocity = limit, speed
		for _, v := range limit {
			b.robot.Lower = append(b.robot.Lower, -v)
		}
	}
	for i, e := range effort {
		b.slew = append(b.slew, 40*e)
		b.power += e * speed[i] / 3
	}
	b.begin = func(q []float64) {
		x := make([]float64, 2*nQ)
		copy(x, q)
		if err := s.SetState(x); err != nil {
			t.Fatal(err)
		}
	}
	b.step = s.Step
	b.read = func(r *hardware.JointState) {
		r.Stamp += int64(dt * 1e9)
		copy(r.Position, s.Positions()[:n])
		copy(r.Velocity, s.Velocities()[:n])
	}
	return b
}

// bodies returns every simulated plant.
func bodies(t testing.TB) []*body {
	t.Helper()
	must := func(p sim.Plant, err error) sim.Plant {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	pendulum := sim.DefaultPendulumConfig()
	pendulum.Damping = 0.1
	planar := sim.PlanarArmConfig{Lengths: []float64{0.5, 0.4}, Masses: []float64{2, 1}, Damping: []float64{0.1, 0.1}}
	hanging := planar
	hanging.Gravity = 9.81
	three := sim.PlanarArmConfig{Lengths: []float64{0.4, 0.3, 0.3}, Masses: []float64{3, 2, 1}, Damping: fill(3, 0.2), Gravity: 9.81}
	b := []*body{
		newBody(t, "pendulum", must(sim.NewPendulum(pendulum)), []float64{15}, []float64{1.5}, []float64{3}, 1),
		newBody(t, "point mass", must(sim.NewPointMass(sim.DefaultPointMassConfig())), []float64{5, 3}, []float64{0.5, 0.4}, []float64{1, 1.5}, 0.1),
		newBody(t, "planar arm", must(sim.NewPlanarArm(planar)), []float64{20, 8}, []float64{2, 2.4}, []float64{2, 3}, 12),
		newBody(t, "planar arm under gravity", must(sim.NewPlanarArm(hanging)), []float64{40, 15}, []float64{2, 2.4}, []float64{2, 3}, 12),
		newBody(t, "planar arm of three links", must(sim.NewPlanarArm(three)), []float64{60, 20, 4}, fill(3, 2), []float64{1.5, 2, 2.5}, 60),
		newBody(t, "coupled arm", must(sim.NewCoupledArm(sim.DefaultCoupledArmConfig())), []float64{20, 16, 12, 10, 6, 5, 4}, fill(7, 1.5), fill(7, 2), 3),
		newBody(t, "cart-pole", must(sim.NewCartPole(sim.DefaultCartPoleConfig())), []float64{10}, []float64{2}, []float64{2}, math.Inf(1)),
	}
	arm, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: planar.Lengths, Coordinates: 2})
	if err != nil {
		t.Fatal(err)
	}
	b[2].robot.EndEffector = arm
	b[3].robot.EndEffector = arm
	return b
}
