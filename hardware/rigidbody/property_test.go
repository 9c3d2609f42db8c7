package rigidbody

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/internal/vectors"
)

var _ kinematics.EndEffector = (*Points)(nil)

// eachRobot runs f with random robots in random states.
func eachRobot(t *testing.T, f func(t *testing.T, r robot, tree *Tree, rng *rand.Rand, q, dq []float64)) {
	for i, r := range append(robots(true), arm2(), arm7()) {
		t.Run(r.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(i), 3))
			tree := build(t, r.model, r.config)
			n := len(r.config.Joints)
			for range 3 {
				f(t, r, tree, rng, randomList(rng, n, 3), randomList(rng, n, 2))
			}
		})
	}
}

// differences returns the central differences of the m outputs of f by q, m x n.
func differences(f func(dst, q []float64), q []float64, m int) []float64 {
	const h = 1e-5
	n := len(q)
	d, hi, lo := make([]float64, m*n), make([]float64, m), make([]float64, m)
	q = append([]float64(nil), q...)
	for j, at := range q {
		q[j] = at + h
		f(hi, q)
		q[j] = at - h
		f(lo, q)
		q[j] = at
		for i := range m {
			d[i*n+j] = (hi[i] - lo[i]) / (2 * h)
		}
	}
	return d
}

// times returns a v; a is len x n.
func times(a, v []float64) []float64 {
	n := len(v)
	out := make([]float64, len(a)/n)
	for i := range out {
		for j := range v {
			out[i] += a[i*n+j] * v[j]
		}
	}
	return out
}

// along returns q + s dq.
func along(q []float64, s float64, dq []float64) []float64 {
	out := make([]float64, len(q))
	for i := range q {
		out[i] = q[i] + s*dq[i]
	}
	return out
}

// TestPointDerivatives: the Jacobian is the derivative of the points, velocities are the
// Jacobian times dq, and PointBias is the rate of the Jacobian times dq.
func TestPointDerivatives(t *testing.T) {
	eachRobot(t, func(t *testing.T, r robot, tree *Tree, rng *rand.Rand, q, dq []float64) {
		n := len(q)
		link := r.model.Links[rng.IntN(len(r.model.Links))].Name
		points := [][3]float64{randomVector(rng, 0.3), randomVector(rng, 0.3)}
		p, err := tree.Points(link, points)
		if err != nil {
			t.Fatal(err)
		}
		if joints, coordinates := p.Dims(); joints != n || coordinates != 6 {
			t.Fatalf("Dims is %d, %d, want %d, 6", joints, coordinates, n)
		}
		jac, vel, bias := make([]float64, 6*n), make([]float64, 6), make([]float64, 6)
		p.Jacobian(jac, q)
		vectors.Close(t, "Jacobian", jac, differences(p.Points, q, 6), 1e-7)
		p.Velocities(vel, q, dq)
		vectors.Close(t, "velocities", vel, times(jac, dq), 1e-12)
		p.PointBias(bias, q, dq)
		const h = 1e-5
		hi, lo, want := make([]float64, 6), make([]float64, 6), make([]float64, 6)
		p.Velocities(hi, along(q, h, dq), dq)
		p.Velocities(lo, along(q, -h, dq), dq)
		for i := range want {
			want[i] = (hi[i] - lo[i]) / (2 * h)
		}
		vectors.Close(t, "bias of "+link, bias, want, 1e-6)

		l, err := tree.Link(link)
		if err != nil {
			t.Fatal(err)
		}
		geometric := make([]float64, 6*n)
		tree.Jacobian(geometric, q, l, points[1])
		vectors.Close(t, "linear rows", geometric[:3*n], jac[3*n:], 1e-14)
		// R' = [w]x R: the angular velocity is the axial vector of R' R^T.
		var pose, ahead, behind urdf.Pose
		tree.Pose(&pose, q, l)
		tree.Pose(&ahead, along(q, h, dq), l)
		tree.Pose(&behind, along(q, -h, dq), l)
		turning := product(ahead.Rotation, transpose(behind.Rotation))
		w := []float64{(turning[2][1] - turning[1][2]) / (4 * h), (turning[0][2] - turning[2][0]) / (4 * h), (turning[1][0] - turning[0][1]) / (4 * h)}
		vectors.Close(t, "angular rows times dq", times(geometric[3*n:], dq), w, 1e-6)
		for k, point := range points {
			at := vector(image(pose.Rotation, point)).add(vector(pose.Translation)).array()
			got := make([]float64, 6)
			p.Points(got, q)
			vectors.Close(t, "point by pose", got[3*k:3*k+3], at[:], 1e-14)
		}
	})
}

// potential returns the potential energy from the poses of the links, less that of the base.
func potential(r robot, tree *Tree, q []float64) float64 {
	energy := 0.0
	for i, l := range r.model.Links {
		if l.Inertial == nil {
			continue
		}
		var pose urdf.Pose
		tree.Pose(&pose, q, LinkID(i))
		at := vector(image(pose.Rotation, l.Inertial.Origin.Translation)).add(vector(pose.Translation))
		energy -= l.Inertial.Mass * at.dot(vector(r.config.Gravity))
	}
	return energy
}

// kinetic returns the kinetic energy of the links from their geometric Jacobians.
func kinetic(r robot, tree *Tree, q, dq []float64) float64 {
	n, energy := len(q), 0.0
	jac := make([]float64, 6*n)
	for i, l := range r.model.Links {
		if l.Inertial == nil {
			continue
		}
		tree.Jacobian(jac, q, LinkID(i), l.Inertial.Origin.Translation)
		v := times(jac, dq)
		var pose urdf.Pose
		tree.Pose(&pose, q, LinkID(i))
		w := image(transpose(product(pose.Rotation, l.Inertial.Origin.Rotation)), [3]float64(v[3:]))
		energy += l.Inertial.Mass*vector([3]float64(v[:3])).dot(vector([3]float64(v[:3])))/2 + vector(w).dot(vector(image(l.Inertial.Inertia, w)))/2
	}
	return energy
}

// TestEnergies: M is the matrix of the kinetic energy, symmetric and positive definite; gravity
// is the gradient of the potential energy; and Bias is what Lagrange's equations give.
func TestEnergies(t *testing.T) {
	eachRobot(t, func(t *testing.T, r robot, tree *Tree, rng *rand.Rand, q, dq []float64) {
		n := len(q)
		m := make([]float64, n*n)
		tree.MassMatrix(m, q)
		momentum, energy := times(m, dq), 0.0
		for i := range n {
			energy += momentum[i] * dq[i] / 2
			for j := range i {
				if m[i*n+j] != m[j*n+i] {
					t.Errorf("M[%d,%d] = %v, M[%d,%d] = %v, want the same", i, j, m[i*n+j], j, i, m[j*n+i])
				}
			}
		}
		vectors.Close(t, "kinetic energy", []float64{energy}, []float64{kinetic(r, tree, q, dq)}, 1e-12)
		if energy <= 0 {
			t.Errorf("kinetic energy %v, want > 0", energy)
		}

		gravity, bias := make([]float64, n), make([]float64, n)
		tree.Gravity(gravity, q)
		want := differences(func(dst, q []float64) { dst[0] = potential(r, tree, q) }, q, 1)
		vectors.Close(t, "gravity", gravity, want, 1e-6)

		// d/dt (M dq) - dT/dq + dV/dq
		const h = 1e-5
		tree.MassMatrix(m, along(q, h, dq))
		hi := times(m, dq)
		tree.MassMatrix(m, along(q, -h, dq))
		lo := times(m, dq)
		slope := differences(func(dst, q []float64) {
			tree.MassMatrix(m, q)
			dst[0] = 0
			for i, p := range times(m, dq) {
				dst[0] += p * dq[i] / 2
			}
		}, q, 1)
		for i := range want {
			want[i] = gravity[i] + (hi[i]-lo[i])/(2*h) - slope[i]
		}
		tree.Bias(bias, q, dq)
		vectors.Close(t, "bias", bias, want, 1e-5)
	})
}

// TestInverseDynamics: torques are M ddq + Bias, and Bias is Gravity at rest.
func TestInverseDynamics(t *testing.T) {
	eachRobot(t, func(t *testing.T, r robot, tree *Tree, rng *rand.Rand, q, dq []float64) {
		n := len(q)
		ddq, got, bias, m := randomList(rng, n, 5), make([]float64, n), make([]float64, n), make([]float64, n*n)
		tree.InverseDynamics(got, q, dq, ddq)
		tree.Bias(bias, q, dq)
		tree.MassMatrix(m, q)
		vectors.Close(t, "torque", got, along(bias, 1, times(m, ddq)), 1e-12)
		tree.Bias(bias, q, make([]float64, n))
		tree.Gravity(got, q)
		vectors.Close(t, "gravity", got, bias, 1e-13)
	})
}

// solve solves the positive definite m x = b.
func solve(m, b []float64) []float64 {
	n := len(b)
	m, x := append([]float64(nil), m...), append([]float64(nil), b...)
	for i := range n {
		for r := i + 1; r < n; r++ {
			f := m[r*n+i] / m[i*n+i]
			for k := i; k < n; k++ {
				m[r*n+k] -= f * m[i*n+k]
			}
			x[r] -= f * x[i]
		}
	}
	for i := n - 1; i >= 0; i-- {
		for k := i + 1; k < n; k++ {
			x[i] -= m[i*n+k] * x[k]
		}
		x[i] /= m[i*n+i]
	}
	return x
}

// TestEnergyIsConserved lets robots move freely: kinetic and potential energy together stay.
func TestEnergyIsConserved(t *testing.T) {
	eachRobot(t, func(t *testing.T, r robot, tree *Tree, rng *rand.Rand, q, dq []float64) {
		n := len(q)
		m, bias := make([]float64, n*n), make([]float64, n)
		rates := func(x []float64) []float64 {
			tree.Bias(bias, x[:n], x[n:])
			tree.MassMatrix(m, x[:n])
			ddq := solve(m, bias)
			out := append([]float64(nil), x[n:]...)
			for _, v := range ddq {
				out = append(out, -v)
			}
			return out
		}
		total := func(x []float64) float64 { return potential(r, tree, x[:n]) + kinetic(r, tree, x[:n], x[n:]) }
		x := append(append([]float64(nil), q...), dq...)
		start, moved := total(x), 0.0
		const dt = 2e-4
		for range 100 {
			k1 := rates(x)
			k2 := rates(along(x, dt/2, k1))
			k3 := rates(along(x, dt/2, k2))
			k4 := rates(along(x, dt, k3))
			for i := range x {
				x[i] += dt / 6 * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i])
			}
		}
		for i := range n {
			moved = max(moved, math.Abs(x[i]-q[i]))
		}
		if d := math.Abs(total(x) - start); d > 1e-6*(1+math.Abs(start)) || moved < 1e-3 {
			t.Errorf("energy changed by %v from %v while the joints moved by %v, want none", d, start, moved)
		}
	})
}

// TestMimic compares a robot with joints that mimic with the same robot where they move by
// themselves: q_all = G q + offset, M = G' M_all G, tau = G' tau_all.
func TestMimic(t *testing.T) {
	compared := 0
	for i, r := range robots(true) {
		tree := build(t, r.model, r.config)
		free := *r.model
		free.Joints = append([]urdf.Joint(nil), r.model.Joints...)
		c := r.config
		n := len(c.Joints)
		column := map[string]int{}
		for k, name := range c.Joints {
			column[name] = k
		}
		type follower struct {
			all, master   int
			ratio, offset float64
		}
		var followers []follower
		c.Joints = append([]string(nil), c.Joints...)
		for k := range free.Joints {
			if mimic := free.Joints[k].Mimic; mimic != nil {
				followers = append(followers, follower{len(c.Joints), column[mimic.Joint], mimic.Multiplier, mimic.Offset})
				c.Joints = append(c.Joints, free.Joints[k].Name)
				free.Joints[k].Mimic = nil
			}
		}
		if len(followers) == 0 {
			continue
		}
		compared++
		all := build(t, &free, c)
		rng := rand.New(rand.NewPCG(uint64(i), 9))
		q, dq, ddq := randomList(rng, n, 3), randomList(rng, n, 3), randomList(rng, n, 3)
		spread := func(v []float64, offsets bool) []float64 {
			out := append([]float64(nil), v...)
			for _, f := range followers {
				x := f.ratio * v[f.master]
				if offsets {
					x += f.offset
				}
				out = append(out, x)
			}
			return out
		}
		gather := func(v []float64) []float64 {
			out := append([]float64(nil), v[:n]...)
			for _, f := range followers {
				out[f.master] += f.ratio * v[f.all]
			}
			return out
		}
		m := len(c.Joints)
		tau, want, mass, massAll := make([]float64, n), make([]float64, m), make([]float64, n*n), make([]float64, m*m)
		tree.InverseDynamics(tau, q, dq, ddq)
		all.InverseDynamics(want, spread(q, true), spread(dq, false), spread(ddq, false))
		vectors.Close(t, r.name+": torques", tau, gather(want), 1e-11)
		tree.MassMatrix(mass, q)
		all.MassMatrix(massAll, spread(q, true))
		vectors.Close(t, r.name+": M ddq", times(mass, ddq), gather(times(massAll, spread(ddq, false))), 1e-11)
		tree.Friction(tau, dq)
		all.Friction(want, spread(dq, false))
		damping, dry := 0.0, 0.0 // where followers change the sign of dq, dry friction still resists
		for k, v := range tau {
			damping += v * dq[k]
		}
		for k, v := range spread(dq, false) {
			dry += v * want[k]
		}
		vectors.Close(t, r.name+": lost power", []float64{damping}, []float64{dry}, 1e-12)
		compare := func(what string, f func(tree *Tree, q, dq []float64) []float64) {
			vectors.Close(t, r.name+": "+what, f(tree, q, dq), f(all, spread(q, true), spread(dq, false)), 1e-11)
		}
		tip := r.model.Links[len(r.model.Links)-1].Name
		compare("bias of the points", func(tree *Tree, q, dq []float64) []float64 {
			p, err := tree.Points(tip, [][3]float64{{0.1, 0.2, 0.3}})
			if err != nil {
				t.Fatal(err)
			}
			dst := make([]float64, 9)
			p.Points(dst[:3], q)
			p.Velocities(dst[3:6], q, dq)
			p.PointBias(dst[6:], q, dq)
			return dst
		})
	}
	if compared < 10 {
		t.Errorf("%d robots have joints that mimic, want more", compared)
	}
}
