package ilqg

import (
	"math"

	"guidedpolicysearch/gps/autodiff"
)

// cartPole is a cart of 1 kg with a uniform pole of 0.1 kg and 1 m: x = (cart in m, pole in
// rad from upright, their velocities), u = force in N, one semi-implicit Euler step of 0.05 s.
func cartPole[S autodiff.Scalar[S]](dst, x, u []S, _ int) {
	const total, moment, inertia, gravity, dt = 1.1, 0.05, 0.1 * 0.25 * 4 / 3, 9.81, 0.05
	sin, cos := x[1].Sin(), x[1].Cos()
	coupling := cos.Scale(moment)
	force := u[0].Add(sin.Mul(x[3].Square()).Scale(moment))
	torque := sin.Scale(moment * gravity)
	det := coupling.Square().Neg().AddConst(total * inertia)
	cart := force.Scale(inertia).Sub(coupling.Mul(torque)).Div(det)
	pole := torque.Scale(total).Sub(coupling.Mul(force)).Div(det)
	dst[2] = x[2].Add(cart.Scale(dt))
	dst[3] = x[3].Add(pole.Scale(dt))
	dst[0] = x[0].Add(dst[2].Scale(dt))
	dst[1] = x[1].Add(dst[3].Scale(dt))
}

// cartPoleCost is 0.001 u^2 and 0.01 d per control, and 10 d at the end, where d is
// the distance from upright at the origin: q1^2 + 2 (1 - cos q2) + 0.1 dq1^2 + 0.1 dq2^2.
type cartPoleCost struct{}

func (cartPoleCost) weights(u []float64) (control, state float64) {
	if u == nil {
		return 0, 10
	}
	return 0.001, 0.01
}

func (c cartPoleCost) Value(x, u []float64, _ int) float64 {
	wu, w := c.weights(u)
	l := w * (x[0]*x[0] + 2*(1-math.Cos(x[1])) + 0.1*x[2]*x[2] + 0.1*x[3]*x[3])
	if u != nil {
		l += wu * u[0] * u[0]
	}
	return l
}

func (c cartPoleCost) Expand(grad, hess, x, u []float64, _ int) {
	wu, w := c.weights(u)
	if u != nil {
		grad[4], hess[24] = 2*wu*u[0], 2*wu
	}
	sin, cos := math.Sincos(x[1])
	grad[0], grad[1], grad[2], grad[3] = 2*w*x[0], 2*w*sin, 0.2*w*x[2], 0.2*w*x[3]
	hess[0], hess[6], hess[12], hess[18] = 2*w, 2*w*cos, 0.2*w, 0.2*w
}
