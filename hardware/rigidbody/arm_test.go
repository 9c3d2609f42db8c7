package rigidbody

import (
	"fmt"
	"math"
	"testing"

	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/internal/vectors"
)

func upright() [3][3]float64 { return [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}} }

func offset(x, y, z float64) urdf.Pose {
	return urdf.Pose{Rotation: upright(), Translation: [3]float64{x, y, z}}
}

// arm2 is the two-link arm of uniform rods, 1 kg and 0.5 m each, in the x-y plane.
func arm2() robot {
	rod := &urdf.Inertial{Mass: 1, Origin: offset(0.25, 0, 0), Inertia: [3][3]float64{{0, 0, 0}, {0, 1. / 48, 0}, {0, 0, 1. / 48}}}
	c := DefaultConfig()
	c.Joints = []string{"joint1", "joint2"}
	c.Gravity = [3]float64{0, -9.81, 0}
	return robot{"arm2", &urdf.Model{Name: "arm2", Links: []urdf.Link{{Name: "base"}, {Name: "upper", Inertial: rod}, {Name: "lower", Inertial: rod}, {Name: "tip"}},
		Joints: []urdf.Joint{
			{Name: "joint1", Type: urdf.Continuous, Parent: 0, Child: 1, Origin: offset(0, 0, 0), Axis: [3]float64{0, 0, 1}, Damping: 0.5},
			{Name: "joint2", Type: urdf.Continuous, Parent: 1, Child: 2, Origin: offset(0.5, 0, 0), Axis: [3]float64{0, 0, 1}, Damping: 0.5},
			{Name: "tip", Type: urdf.Fixed, Parent: 2, Child: 3, Origin: offset(0.5, 0, 0)},
		}}, c}
}

// arm7 is a seven-joint arm with links like a small industrial arm's and a gripper that is
// not controlled.
func arm7() robot {
	m := &urdf.Model{Name: "arm7", Links: []urdf.Link{{Name: "base"}}}
	c := DefaultConfig()
	for i, length := range []float64{0.33, 0.2, 0.32, 0.1, 0.38, 0.1, 0.1, 0.05} {
		in := &urdf.Inertial{Mass: 3 - 0.3*float64(i), Origin: offset(0.01, -0.02, length/2), Inertia: [3][3]float64{{0.03, 0.001, 0}, {0.001, 0.03, -0.002}, {0, -0.002, 0.01}}}
		j := urdf.Joint{Name: fmt.Sprint("joint", i+1), Type: urdf.Revolute, Parent: i, Child: i + 1, Origin: offset(0, 0, length), Axis: [3]float64{0, 0, 1},
			Limit: &urdf.Limit{Lower: -2.8, Upper: 2.8, Effort: 80, Velocity: 2}, Damping: 0.5}
		if sin, cos := math.Sincos(math.Pi / 2 * float64(i%3-1)); i > 0 {
			j.Origin.Rotation = [3][3]float64{{1, 0, 0}, {0, cos, -sin}, {0, sin, cos}}
		}
		m.Links, m.Joints = append(m.Links, urdf.Link{Name: fmt.Sprint("link", i+1), Inertial: in}), append(m.Joints, j)
		if i < 7 {
			c.Joints = append(c.Joints, j.Name)
		}
	}
	m.Joints[7].Type = urdf.Prismatic
	m.Joints[7].Limit = &urdf.Limit{Lower: 0.01, Upper: 0.05, Effort: 10, Velocity: 0.1}
	return robot{"arm7", m, c}
}

// TestTwoLinkArm compares with the closed formulas of the arm of the learning tests.
func TestTwoLinkArm(t *testing.T) {
	r := arm2()
	tree := build(t, r.model, r.config)
	for _, x := range [][6]float64{{0, 0, 0, 0, 0, 0}, {0.3, -0.8, 1, -2, 3, 1}, {2.5, 1.9, -0.7, 0.4, 0, -5}} {
		q, dq, ddq := x[0:2], x[2:4], x[4:6]
		const m, l, c, inertia, g = 1, 0.5, 0.25, 0.5 * 0.5 / 12, 9.81
		a1, a2, a3 := 2*inertia+m*c*c+m*(l*l+c*c), m*l*c, inertia+m*c*c
		m11, m12, m22 := a1+2*a2*math.Cos(q[1]), a3+a2*math.Cos(q[1]), a3
		h := a2 * math.Sin(q[1])
		weight2 := g * m * c * math.Cos(q[0]+q[1])
		weight1 := g*(m*c+m*l)*math.Cos(q[0]) + weight2
		bias := []float64{weight1 - h*dq[1]*(2*dq[0]+dq[1]), weight2 + h*dq[0]*dq[0]}

		got := make([]float64, 4)
		tree.MassMatrix(got, q)
		vectors.Close(t, "mass matrix", got, []float64{m11, m12, m12, m22}, 1e-14)
		got = make([]float64, 2)
		tree.Gravity(got, q)
		vectors.Close(t, "gravity", got, []float64{weight1, weight2}, 1e-14)
		tree.Bias(got, q, dq)
		vectors.Close(t, "bias", got, bias, 1e-14)
		tree.InverseDynamics(got, q, dq, ddq)
		vectors.Close(t, "torque", got, []float64{m11*ddq[0] + m12*ddq[1] + bias[0], m12*ddq[0] + m22*ddq[1] + bias[1]}, 1e-14)
		tree.Friction(got, dq)
		vectors.Close(t, "friction", got, []float64{0.5 * dq[0], 0.5 * dq[1]}, 1e-15)

		tip, err := tree.Points("tip", [][3]float64{{}})
		if err != nil {
			t.Fatal(err)
		}
		at := make([]float64, 3)
		tip.Points(at, q)
		want := []float64{l * (math.Cos(q[0]) + math.Cos(q[0]+q[1])), l * (math.Sin(q[0]) + math.Sin(q[0]+q[1])), 0}
		vectors.Close(t, "tip", at, want, 1e-15)
	}
}

// TestSerialArm compares with another computation of the seven-joint arm's points.
func TestSerialArm(t *testing.T) {
	serial := kinematics.DefaultSerialConfig()
	m := &urdf.Model{Links: []urdf.Link{{Name: "base"}}}
	c := Config{KinematicsOnly: true}
	var shift [3]float64
	for i, s := range serial.Joints {
		m.Links = append(m.Links, urdf.Link{Name: fmt.Sprint("link", i)})
		m.Joints = append(m.Joints, urdf.Joint{Name: fmt.Sprint(i), Type: urdf.Continuous, Parent: i, Child: i + 1, Origin: offset(shift[0], shift[1], shift[2]), Axis: s.Axis})
		c.Joints = append(c.Joints, fmt.Sprint(i))
		shift = s.Shift
	}
	points := make([][3]float64, len(serial.Tips))
	for i, tip := range serial.Tips {
		points[i] = vector(tip).add(vector(shift)).array()
	}
	p, err := build(t, m, c).Points("link6", points)
	if err != nil {
		t.Fatal(err)
	}
	s, err := kinematics.NewSerial(serial)
	if err != nil {
		t.Fatal(err)
	}
	q, dq := []float64{0.6, 0.8, 0.1, -0.2, 0.2, 0.5, 0}, []float64{1, -2, 3, -1, 0.5, 0.1, 2}
	for what, f := range map[string]func(dst []float64, e kinematics.EndEffector){
		"points":     func(dst []float64, e kinematics.EndEffector) { e.Points(dst[:6], q) },
		"velocities": func(dst []float64, e kinematics.EndEffector) { e.Velocities(dst[:6], q, dq) },
		"Jacobian":   func(dst []float64, e kinematics.EndEffector) { e.Jacobian(dst, q) },
	} {
		got, want := make([]float64, 42), make([]float64, 42)
		f(got, p)
		f(want, s)
		vectors.Close(t, what, got, want, 1e-14)
	}
}
