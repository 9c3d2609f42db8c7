package sim

import (
	"fmt"
	"math"
)

// Differentiable is a plant that knows the derivatives of its accelerations.
type Differentiable interface {
	Plant
	// AccelerationDerivatives writes the derivatives of the accelerations, nQ, by
	// [q; dq; u], row-major nQ x (2 nQ + nU). It does not allocate.
	AccelerationDerivatives(dst, q, dq, u []float64)
}

// Jacobian gives the exact derivatives of one Step of a Simulator by the state before it
// and the action: the chain rule through every substep and stage of the integrator. Where
// a limit clips, the derivative is zero.
type Jacobian struct {
	plant  Differentiable
	config Config
	nQ, nU int
	scheme *Simulator // for its workspace, one substep at a time

	// Derivatives by [x; u] of the start of the step, 2 nQ x (2 nQ + nU) each: of the
	// state, of a stage, of the slopes; and of the accelerations by [q; dq; u] at hand.
	state, stage   []float64
	k1, k2, k3, k4 []float64
	local          []float64
}

// NewJacobian returns the derivatives of the steps of New(p, c). A plant that is not
// Differentiable gives an error wrapping ErrConfig.
func NewJacobian(p Plant, c Config) (*Jacobian, error) {
	d, ok := p.(Differentiable)
	if !ok {
		return nil, fmt.Errorf("%w: the plant %T gives no derivatives, want a Differentiable one", ErrConfig, p)
	}
	s, err := New(p, c)
	if err != nil {
		return nil, err
	}
	n := 2 * s.nQ * (2*s.nQ + s.nU)
	j := &Jacobian{plant: d, config: c, nQ: s.nQ, nU: s.nU, scheme: s, local: make([]float64, n/2)}
	for _, m := range []*[]float64{&j.state, &j.stage, &j.k1, &j.k2, &j.k3, &j.k4} {
		*m = make([]float64, n)
	}
	return j, nil
}

// Linearize writes the derivatives of the state after the step, 2 nQ, by [x; u] before it,
// row-major 2 nQ x (2 nQ + nU). x is [q; dq]. It does not allocate. A state or an action
// that is not finite, or a motion far too wild for the substep, gives derivatives that are
// not finite.
func (j *Jacobian) Linearize(dst, x, u []float64) {
	s, nX := j.scheme, 2*j.nQ
	d := nX + j.nU
	checkLen("derivative", dst, nX*d)
	checkLen("state", x, nX)
	checkLen("action", u, j.nU)
	clear(j.state)
	for i := range nX {
		j.state[i*d+i] = 1
	}
	copy(s.next, x)
	copy(s.effort, u)
	clip(s.effort, j.config.MaxEffort)
	h := j.config.TimeStep / float64(j.config.Substeps)
	for range j.config.Substeps {
		if j.config.Integrator == SemiImplicitEuler {
			j.semiImplicit(h)
		} else {
			j.rungeKutta(h)
		}
		for i, most := range j.config.MaxSpeed {
			if math.Abs(s.next[j.nQ+i]) >= most {
				clear(j.state[(j.nQ+i)*d : (j.nQ+i+1)*d])
			}
		}
		clip(s.next[j.nQ:], j.config.MaxSpeed)
	}
	copy(dst, j.state)
	// So far the derivatives are by the action after its limit.
	for k, most := range j.config.MaxEffort {
		if math.Abs(u[k]) > most {
			for i := range nX {
				dst[i*d+nX+k] = 0
			}
		}
	}
}

// semiImplicit advances state and derivatives by h.
func (j *Jacobian) semiImplicit(h float64) {
	s, d := j.scheme, 2*j.nQ+j.nU
	j.slope(j.k1, s.next, j.state)
	s.semiImplicit(h, s.effort)
	for i := range j.nQ {
		q, v, a := j.state[i*d:(i+1)*d], j.state[(j.nQ+i)*d:(j.nQ+i+1)*d], j.k1[(j.nQ+i)*d:(j.nQ+i+1)*d]
		for c := range v {
			v[c] += h * a[c]
			q[c] += h * v[c]
		}
	}
}

// rungeKutta advances state and derivatives by h.
func (j *Jacobian) rungeKutta(h float64) {
	s := j.scheme
	x := s.next
	j.slope(j.k1, x, j.state)
	s.slope(s.k1, x, s.effort)
	x = s.along(s.k1, h/2)
	j.slope(j.k2, x, j.along(j.k1, h/2))
	s.slope(s.k2, x, s.effort)
	x = s.along(s.k2, h/2)
	j.slope(j.k3, x, j.along(j.k2, h/2))
	s.slope(s.k3, x, s.effort)
	x = s.along(s.k3, h)
	j.slope(j.k4, x, j.along(j.k3, h))
	s.slope(s.k4, x, s.effort)
	for i := range s.next {
		s.next[i] += h / 6 * (s.k1[i] + 2*s.k2[i] + 2*s.k3[i] + s.k4[i])
	}
	for i := range j.state {
		j.state[i] += h / 6 * (j.k1[i] + 2*j.k2[i] + 2*j.k3[i] + j.k4[i])
	}
}

// along returns the derivatives of next + h k in the stage's workspace.
func (j *Jacobian) along(k []float64, h float64) []float64 {
	for i, v := range j.state {
		j.stage[i] = v + h*k[i]
	}
	return j.stage
}

// slope writes the derivatives of [dq; ddq] at the state x, of which dx are the
// derivatives.
func (j *Jacobian) slope(dst, x, dx []float64) {
	nQ, nX := j.nQ, 2*j.nQ
	d := nX + j.nU
	copy(dst[:nQ*d], dx[nQ*d:])
	j.plant.AccelerationDerivatives(j.local, x[:nQ], x[nQ:], j.scheme.effort)
	for i := range nQ {
		row, local := dst[(nQ+i)*d:(nQ+i+1)*d], j.local[i*d:(i+1)*d]
		clear(row)
		copy(row[nX:], local[nX:])
		for k, a := range local[:nX] {
			for c, v := range dx[k*d : (k+1)*d] {
				row[c] += a * v
			}
		}
	}
}
