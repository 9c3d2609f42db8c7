//go:build cgo && !nomujoco

package mujoco

import (
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// TestPointJacobian compares with finite differences of the body's pose.
func TestPointJacobian(t *testing.T) {
	const h = 1e-6
	s := load(t, scene, Config{Joints: []string{"hinge", "slide"}})
	point := [3]float64{0.1, -0.2, 0.3}
	jacobian := make([]float64, 12)
	pose := func(x []float64) (at [3]float64, rotation [9]float64) {
		must(t, s.SetState(x))
		p, err := s.BodyPose("free")
		must(t, err)
		for i := range 3 {
			at[i] = p.Position[i]
			for k := range 3 {
				at[i] += p.Rotation[3*i+k] * point[k]
			}
		}
		return at, p.Rotation
	}
	x := []float64{0.7, -0.3, 0, 0}
	_, r := pose(x)
	must(t, s.PointJacobian(jacobian, "free", point))
	for j := range 2 {
		up, down := append([]float64(nil), x...), append([]float64(nil), x...)
		up[j] += h
		down[j] -= h
		a, ra := pose(up)
		b, rb := pose(down)
		for i := range 3 {
			if d := (a[i] - b[i]) / (2 * h); math.Abs(d-jacobian[2*i+j]) > 1e-8 {
				t.Errorf("velocity %d by joint %d is %g, want %g", i, j, jacobian[2*i+j], d)
			}
			// dR R' is the skew matrix of the angular velocity.
			p, q := (i+1)%3, (i+2)%3
			d := 0.0
			for k := range 3 {
				d += (ra[3*q+k] - rb[3*q+k]) / (2 * h) * r[3*p+k]
			}
			if math.Abs(d-jacobian[2*(3+i)+j]) > 1e-8 {
				t.Errorf("angular velocity %d by joint %d is %g, want %g", i, j, jacobian[2*(3+i)+j], d)
			}
		}
	}
}

// TestInverseDynamics holds that the torques it gives bring about the accelerations, and that
// it is M ddq + bias.
func TestInverseDynamics(t *testing.T) {
	const n, h = 3, 1e-6
	s := load(t, chain(n, 9.81, 0, `timestep="1e-6"`), Config{})
	random := rand.New(rand.NewPCG(5, 6))
	x, ddq, u := make([]float64, 2*n), make([]float64, n), make([]float64, n)
	mass, bias := make([]float64, n*n), make([]float64, n)
	for range 10 {
		for i := range x {
			x[i] = 4*random.Float64() - 2
		}
		for i := range ddq {
			ddq[i] = 20*random.Float64() - 10
		}
		must(t, s.SetState(x))
		must(t, s.InverseDynamics(u, ddq))
		must(t, s.MassMatrix(mass))
		must(t, s.Bias(bias))
		for i := range n {
			want := bias[i]
			for j := range n {
				want += mass[n*i+j] * ddq[j]
			}
			if math.Abs(u[i]-want) > 1e-12*(1+math.Abs(want)) {
				t.Errorf("torque %d is %.15g, want M ddq + bias = %.15g", i, u[i], want)
			}
		}
		must(t, s.Step(u))
		for i, v := range s.Velocities() {
			if got := (v - x[n+i]) / h; math.Abs(got-ddq[i]) > 1e-3 {
				t.Errorf("joint %d accelerates at %g, want %g rad/s^2", i, got, ddq[i])
			}
		}
	}
}

// TestOrderOfJoints holds that dynamics come in the order of Config.Joints, which is not the
// model's.
func TestOrderOfJoints(t *testing.T) {
	s := load(t, scene, Config{Joints: []string{"hinge", "slide"}})
	mass, bias, u, ddq := make([]float64, 4), make([]float64, 2), make([]float64, 2), []float64{3, -2}
	must(t, s.SetState([]float64{0.7, -0.3, 2, 1}))
	must(t, s.MassMatrix(mass))
	must(t, s.Bias(bias))
	must(t, s.InverseDynamics(u, ddq))
	if math.Abs(mass[3]-2.6) > 1e-12 || mass[1] != mass[2] {
		t.Errorf("mass matrix %v: want the cart's 2.6 kg last", mass)
	}
	for i := range u {
		if want := mass[2*i]*ddq[0] + mass[2*i+1]*ddq[1] + bias[i]; math.Abs(u[i]-want) > 1e-12 {
			t.Errorf("torque %d is %g, want %g", i, u[i], want)
		}
	}
}

// BenchmarkArm7 times the physics of the seven-joint arm, with the call from Go for each of the
// model's timesteps, and for fifty.
func BenchmarkArm7(b *testing.B) {
	for name, substeps := range map[string]int{"a call per step": 1, "a call per 50 steps": 50} {
		b.Run(name, func(b *testing.B) {
			s, err := Load(os.DirFS("../models"), "arm7.xml", Config{TimeStep: 0.001 * float64(substeps)})
			must(b, err)
			defer s.Close()
			u := make([]float64, len(s.JointNames()))
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%(1000/substeps) == 0 { // each second: before it lies on the floor
					must(b, s.Reset())
					must(b, s.Bias(u))
				}
				must(b, s.Step(u))
			}
			b.ReportMetric(float64(b.N*substeps)/b.Elapsed().Seconds(), "steps/s")
		})
	}
}
