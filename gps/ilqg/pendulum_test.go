package ilqg

import "math"

// pendulum is the swing-up's system: x = (angle from upright in rad, velocity in rad/s),
// u = torque in N m.
//
//	v = dq + (-3g/(2l) sin(q + pi) + 3/(m l^2) u) dt,  q' = q + v dt,  dq' = clip(v)
type pendulum struct{ speed float64 }

const (
	pendulumSteps   = 99
	pendulumGravity = 10.0
	pendulumDT      = 0.05
)

func (p pendulum) Step(dst, x, u []float64, _ int) {
	v := x[1] + (-1.5*pendulumGravity*math.Sin(x[0]+math.Pi)+3*u[0])*pendulumDT
	dst[0] = x[0] + v*pendulumDT
	dst[1] = max(-p.speed, min(p.speed, v))
}

func (p pendulum) Linearize(dst, x, u []float64, _ int) {
	v := x[1] + (-1.5*pendulumGravity*math.Sin(x[0]+math.Pi)+3*u[0])*pendulumDT
	vq := -1.5 * pendulumGravity * math.Cos(x[0]+math.Pi) * pendulumDT
	inside := 0.0
	if math.Abs(v) < p.speed {
		inside = 1
	}
	dst[0], dst[1], dst[2] = 1+vq*pendulumDT, pendulumDT, 3*pendulumDT*pendulumDT
	dst[3], dst[4], dst[5] = inside*vq, inside, inside*3*pendulumDT
}

// swingUpCost is 0.01 u^2 per control and (1 - cos q)^2 + 0.1 dq^2 at the end, or at every
// state.
type swingUpCost struct{ everyStep bool }

func (c swingUpCost) Value(x, u []float64, _ int) float64 {
	l := 0.0
	if u != nil {
		l = 0.01 * u[0] * u[0]
	}
	if u == nil || c.everyStep {
		away := 1 - math.Cos(x[0])
		l += away*away + 0.1*x[1]*x[1]
	}
	return l
}

func (c swingUpCost) Expand(grad, hess, x, u []float64, _ int) {
	if u != nil {
		grad[2], hess[8] = 0.02*u[0], 0.02
	}
	if u == nil || c.everyStep {
		sin, cos := math.Sincos(x[0])
		grad[0], grad[1] = 2*(1-cos)*sin, 0.2*x[1]
		hess[0], hess[4] = 2*(sin*sin+(1-cos)*cos), 0.2
	}
}

var hanging = []float64{math.Pi, 0}

// swingUp is the problem with a torque and a speed limit.
func swingUp(torque, speed float64, everyStep bool) Problem {
	p := pendulum{speed}
	return Problem{T: pendulumSteps, DX: 2, DU: 1, Dynamics: p, Derivatives: p, Cost: PerStep{swingUpCost{everyStep}},
		Lower: []float64{-torque}, Upper: []float64{torque}}
}
