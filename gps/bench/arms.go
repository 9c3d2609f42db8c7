package main

import "math"

// arm is a torque-controlled arm with a state made of its motion.
type arm interface {
	dims() (dX, dU int)
	// state writes x for joint angles q and velocities dq; before is the state one step
	// earlier, nil at the start.
	state(x, q, dq, before []float64)
	// step moves q and dq on by one time step under the torque u.
	step(q, dq, u []float64)
}

const (
	timeStep = 0.05 // s
	substeps = 5
)

// twoLinks is a planar arm of two uniform rods of 1 kg and 0.5 m without gravity, its joints
// damped by 0.5 N m s/rad. Its state is [q, dq, tip], the tip in space.
type twoLinks struct{}

func (twoLinks) dims() (dX, dU int) { return 7, 2 }

func (twoLinks) state(x, q, dq, _ []float64) {
	copy(x, q)
	copy(x[2:], dq)
	x[4] = 0.5 * (math.Cos(q[0]) + math.Cos(q[0]+q[1]))
	x[5] = 0.5 * (math.Sin(q[0]) + math.Sin(q[0]+q[1]))
	x[6] = 0
}

// motion returns the derivative of [q, dq] (Craig, "Introduction to Robotics", 3rd edition,
// section 6.7, for rods).
func (twoLinks) motion(y [4]float64, u []float64) [4]float64 {
	const (
		length, center = 0.5, 0.25
		inertia        = 0.5 * 0.5 / 12
		a1             = 2*inertia + center*center + length*length + center*center
		a2             = length * center
		a3             = inertia + center*center
		damping        = 0.5
	)
	sin, cos := math.Sincos(y[1])
	m11, m12, m22 := a1+2*a2*cos, a3+a2*cos, a3
	h := a2 * sin
	r1 := u[0] - damping*y[2] + h*y[3]*(2*y[2]+y[3])
	r2 := u[1] - damping*y[3] - h*y[2]*y[2]
	det := m11*m22 - m12*m12
	return [4]float64{y[2], y[3], (m22*r1 - m12*r2) / det, (m11*r2 - m12*r1) / det}
}

func (a twoLinks) step(q, dq, u []float64) {
	y := [4]float64{q[0], q[1], dq[0], dq[1]}
	const h = timeStep / substeps
	shifted := func(k [4]float64, by float64) (z [4]float64) {
		for i := range z {
			z[i] = y[i] + by*k[i]
		}
		return z
	}
	for range substeps {
		k1 := a.motion(y, u)
		k2 := a.motion(shifted(k1, h/2), u)
		k3 := a.motion(shifted(k2, h/2), u)
		k4 := a.motion(shifted(k3, h), u)
		for i := range y {
			y[i] += h / 6 * (k1[i] + 2*k2[i] + 2*k3[i] + k4[i])
		}
	}
	copy(q, y[:2])
	copy(dq, y[2:])
}

const joints = 7

// sevenJoints is an arm in space with joint axes z, y, z, y, z, y, z and two points on its
// tool. Its state is [q, dq, points, their velocities]. The dynamics are made up: inertias
// coupled through the posture, damping, and a pull towards q = 0.
type sevenJoints struct{}

var (
	inertias = [joints]float64{1, 0.8, 0.5, 0.4, 0.2, 0.15, 0.1}
	links    = [joints]float64{0.1, 0.2, 0.2, 0.2, 0.15, 0.1, 0.05}
	tool     = [2][3]float64{{0.05, 0, 0.1}, {-0.05, 0, 0.1}}
)

func (sevenJoints) dims() (dX, dU int) { return 26, joints }

func (a sevenJoints) state(x, q, dq, before []float64) {
	copy(x, q)
	copy(x[joints:], dq)
	points, rates := x[2*joints:2*joints+6], x[2*joints+6:]
	a.Points(points, q)
	for i := range rates {
		rates[i] = 0
		if before != nil {
			rates[i] = (points[i] - before[2*joints+i]) / timeStep
		}
	}
}

// step takes substeps of Euler's rule, the velocity first. The inertia matrix is
// diag(I) + c c'/2, so that Sherman and Morrison's formula solves it.
func (a sevenJoints) step(q, dq, u []float64) {
	for range substeps {
		a.substep(q, dq, u)
	}
}

func (sevenJoints) substep(q, dq, u []float64) {
	const h = timeStep / substeps
	var c, r [joints]float64
	angle, cr, cc := 0.0, 0.0, 0.0
	for i := range joints {
		angle += q[i]
		c[i] = math.Cos(angle) * math.Sqrt(inertias[i])
		r[i] = (u[i] - 0.5*inertias[i]*dq[i] - 0.2*inertias[i]*math.Sin(q[i])) / inertias[i]
		cr += c[i] * r[i]
		cc += c[i] * c[i] / inertias[i]
	}
	for i := range joints {
		dq[i] += h * (r[i] - c[i]/inertias[i]*0.5*cr/(1+0.5*cc))
		q[i] += h * dq[i]
	}
}

// turn rotates v about axis z (even joints) or y (odd ones).
func turn(v [3]float64, joint int, sin, cos float64) [3]float64 {
	if joint%2 == 0 {
		return [3]float64{cos*v[0] - sin*v[1], sin*v[0] + cos*v[1], v[2]}
	}
	return [3]float64{cos*v[0] + sin*v[2], v[1], cos*v[2] - sin*v[0]}
}

// Dims, Points and Jacobian make the arm the kinematics of a cost.
func (sevenJoints) Dims() (n, coordinates int) { return joints, 6 }

// Points writes the coordinates of the tool's points, 6.
func (sevenJoints) Points(dst, q []float64) {
	for k, p := range tool {
		for i := joints - 1; i >= 0; i-- {
			p[2] += links[i]
			sin, cos := math.Sincos(q[i])
			p = turn(p, i, sin, cos)
		}
		copy(dst[3*k:], p[:])
	}
}

// Jacobian writes their derivatives by q, 6 x 7.
func (sevenJoints) Jacobian(dst, q []float64) {
	for k, p := range tool {
		var columns [joints][3]float64
		for i := joints - 1; i >= 0; i-- {
			p[2] += links[i]
			sin, cos := math.Sincos(q[i])
			p = turn(p, i, sin, cos)
			for j := i + 1; j < joints; j++ {
				columns[j] = turn(columns[j], i, sin, cos)
			}
			columns[i] = [3]float64{-p[1], p[0], 0} // the axis times the point
			if i%2 == 1 {
				columns[i] = [3]float64{p[2], 0, -p[0]}
			}
		}
		for j, c := range columns {
			for a, v := range c {
				dst[(3*k+a)*joints+j] = v
			}
		}
	}
}
