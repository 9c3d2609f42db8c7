package sim

import "math"

// Invertible is a plant of which any joint accelerations can be had by one set of
// actions: as many actions as joints, each of its own effect. CartPole is none: one force
// drives two joints.
type Invertible interface {
	Plant
	// InverseDynamics writes the actions, nU, that give accelerations ddq (nQ) at
	// positions q and velocities dq (nQ each), so that Accelerations gives ddq back.
	// Limits of effort and speed do not count. It does not allocate.
	InverseDynamics(dst, q, dq, ddq []float64)
}

// InverseDynamics writes the torque, 1, in N m: m l^2/3 q” + b q' - (m g l/2) sin q.
func (p *Pendulum) InverseDynamics(dst, q, dq, ddq []float64) {
	checkMotion(1, 1, dst, q, dq, "accelerations", ddq, 1)
	dst[0] = p.inertia*ddq[0] + p.damping*dq[0] - p.weight*math.Sin(q[0])
}

// InverseDynamics writes the forces, 2, in N: m q” + b q'.
func (p *PointMass) InverseDynamics(dst, q, dq, ddq []float64) {
	checkMotion(2, 2, dst, q, dq, "accelerations", ddq, 2)
	for i := range dst {
		dst[i] = p.mass*ddq[i] + p.damping*dq[i]
	}
}

// InverseDynamics writes the torques, N, in N m:
// (I + coupling c c') q” + damping I q' + restoring I sin q.
func (a *CoupledArm) InverseDynamics(dst, q, dq, ddq []float64) {
	checkMotion(len(a.inertia), len(a.inertia), dst, q, dq, "accelerations", ddq, len(a.inertia))
	angle, along := 0.0, 0.0
	for i, v := range ddq {
		angle += q[i]
		along += math.Cos(angle) * a.root[i] * v
	}
	angle = 0
	for i, inertia := range a.inertia {
		angle += q[i]
		dst[i] = inertia*(ddq[i]+a.damping*dq[i]+a.restoring*math.Sin(q[i])) + a.coupling*along*math.Cos(angle)*a.root[i]
	}
}

// InverseDynamics writes the torques, N, in N m. With the equations of PlanarArm in
// absolute angles, r_i their left-hand side and gravity's part, u_i is b_i q_i' and the sum
// of r_i and those of the links beyond.
func (a *PlanarArm) InverseDynamics(dst, q, dq, ddq []float64) {
	checkMotion(a.n, a.n, dst, q, dq, "accelerations", ddq, a.n)
	n := a.n
	angle, rate, acceleration := 0.0, 0.0, 0.0
	for i := range n {
		angle, rate, acceleration = angle+q[i], rate+dq[i], acceleration+ddq[i]
		a.sin[i], a.cos[i] = math.Sincos(angle)
		a.rate[i], a.rhs[i] = rate, acceleration
	}
	beyond := 0.0
	for i := n - 1; i >= 0; i-- {
		r := a.weight[i] * a.cos[i]
		for j := range n {
			cos, sin := a.cos[i]*a.cos[j]+a.sin[i]*a.sin[j], a.sin[i]*a.cos[j]-a.cos[i]*a.sin[j]
			r += a.coupling[i*n+j] * (cos*a.rhs[j] + sin*a.rate[j]*a.rate[j])
		}
		beyond += r
		dst[i] = beyond + a.damping[i]*dq[i]
	}
}
