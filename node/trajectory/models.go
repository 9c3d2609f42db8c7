package trajectory

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/ilqg"
	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/simrobot"
)

// model is the equation of motion of a plant over a generic scalar: it writes the
// accelerations, nQ, at q, dq (nQ each) and u.
type model[S any] func(dst, q, dq, u []S)

// pendulumModel is the equation of sim.Pendulum.
func pendulumModel[S autodiff.Scalar[S]](p simrobot.PlantConfig) model[S] {
	m, l := p.Masses[0], p.Lengths[0]
	inertia, weight := m*l*l/3, m*p.Gravity*l/2
	return func(dst, q, dq, u []S) {
		dst[0] = u[0].Sub(dq[0].Scale(p.Damping[0])).Add(q[0].Sin().Scale(weight)).Scale(1 / inertia)
	}
}

// cartPoleModel is the equation of sim.CartPole.
func cartPoleModel[S autodiff.Scalar[S]](p simrobot.PlantConfig) model[S] {
	half := p.Lengths[0] / 2
	total, moment, inertia := p.Masses[0]+p.Masses[1], p.Masses[1]*half, p.Masses[1]*half*half*4/3
	return func(dst, q, dq, u []S) {
		sin, coupling := q[1].Sin(), q[1].Cos().Scale(moment)
		force := u[0].Sub(dq[0].Scale(p.Damping[0])).Add(sin.Mul(dq[1].Square()).Scale(moment))
		torque := sin.Scale(moment * p.Gravity).Sub(dq[1].Scale(p.Damping[1]))
		det := coupling.Square().Neg().AddConst(total * inertia)
		dst[0] = force.Scale(inertia).Sub(coupling.Mul(torque)).Div(det)
		dst[1] = torque.Scale(total).Sub(coupling.Mul(force)).Div(det)
	}
}

// step is one time step of a simulator of nQ joints: the scheme of c, with its limits.
func step[S autodiff.Scalar[S]](f model[S], c sim.Config, nQ, nU int) func(dst, x, u []S, t int) {
	h := c.TimeStep / float64(c.Substeps)
	stages := make([]S, 5*2*nQ) // reused: a solver makes one step at a time
	stage := func(i int) []S { return stages[i*2*nQ : (i+1)*2*nQ] }
	effort := make([]S, nU)
	slope := func(dst, x []S) {
		copy(dst[:nQ], x[nQ:])
		f(dst[nQ:], x[:nQ], x[nQ:], effort)
	}
	along := func(x, k []S, h float64) []S {
		y := stage(4)
		for i := range y {
			y[i] = x[i].Add(k[i].Scale(h))
		}
		return y
	}
	return func(dst, x, u []S, _ int) {
		for i := range effort {
			effort[i] = u[i]
		}
		clip(effort, c.MaxEffort, true)
		copy(dst, x)
		for range c.Substeps {
			k1 := stage(0)
			slope(k1, dst)
			if c.Integrator == sim.SemiImplicitEuler {
				for i := range nQ {
					dst[nQ+i] = dst[nQ+i].Add(k1[nQ+i].Scale(h))
					dst[i] = dst[i].Add(dst[nQ+i].Scale(h))
				}
			} else {
				k2, k3, k4 := stage(1), stage(2), stage(3)
				slope(k2, along(dst, k1, h/2))
				slope(k3, along(dst, k2, h/2))
				slope(k4, along(dst, k3, h))
				for i := range dst {
					dst[i] = dst[i].Add(k1[i].Add(k2[i].Scale(2)).Add(k3[i].Scale(2)).Add(k4[i]).Scale(h / 6))
				}
			}
			clip(dst[nQ:], c.MaxSpeed, false)
		}
	}
}

// clip brings v to magnitudes of at most limit, if there is one. At the limit itself a
// value keeps its derivatives if it came there by itself, as a control between bounds does.
func clip[S autodiff.Scalar[S]](v []S, limit []float64, byItself bool) {
	for i, most := range limit {
		if a := math.Abs(v[i].Value()); a > most || a == most && !byItself {
			v[i] = v[i].Const(math.Copysign(most, v[i].Value()))
		}
	}
}

// automatic returns the simulated robot's step with derivatives by automatic
// differentiation.
func automatic(simulated *simrobot.Config, c sim.Config, nQ, nU int) (*ilqg.Automatic, error) {
	p := simulated.Plant
	switch p.Type {
	case "pendulum":
		return ilqg.NewAutomatic(step(pendulumModel[autodiff.Real](p), c, nQ, nU), step(pendulumModel[autodiff.Var](p), c, nQ, nU), 2*nQ, nU)
	case "cart_pole":
		return ilqg.NewAutomatic(step(cartPoleModel[autodiff.Real](p), c, nQ, nU), step(cartPoleModel[autodiff.Var](p), c, nQ, nU), 2*nQ, nU)
	}
	return nil, params.FieldError{Key: "derivatives.kind", Problem: fmt.Sprintf("is automatic, which plant.type %s does not have; choose central_differences", p.Type)}
}
