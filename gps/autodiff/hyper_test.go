package autodiff

import (
	"math"

	"gonum.org/v1/gonum/num/hyperdual"
)

// hyper is an independent Scalar: gonum's hyper-dual numbers, which give one mixed
// second derivative per evaluation.
type hyper hyperdual.Number

func (a hyper) n() hyperdual.Number      { return hyperdual.Number(a) }
func (a hyper) Value() float64           { return a.Real }
func (a hyper) Const(v float64) hyper    { return hyper{Real: v} }
func (a hyper) Add(b hyper) hyper        { return hyper(hyperdual.Add(a.n(), b.n())) }
func (a hyper) Sub(b hyper) hyper        { return hyper(hyperdual.Sub(a.n(), b.n())) }
func (a hyper) Mul(b hyper) hyper        { return hyper(hyperdual.Mul(a.n(), b.n())) }
func (a hyper) Div(b hyper) hyper        { return hyper(hyperdual.Mul(a.n(), hyperdual.Inv(b.n()))) }
func (a hyper) AddConst(c float64) hyper { a.Real += c; return a }
func (a hyper) Scale(c float64) hyper    { return hyper(hyperdual.Scale(c, a.n())) }
func (a hyper) Neg() hyper               { return a.Scale(-1) }
func (a hyper) Square() hyper            { return a.Mul(a) }
func (a hyper) Pow(p hyper) hyper        { return hyper(hyperdual.Pow(a.n(), p.n())) }
func (a hyper) PowConst(p float64) hyper { return hyper(hyperdual.PowReal(a.n(), p)) }
func (a hyper) Sqrt() hyper              { return hyper(hyperdual.Sqrt(a.n())) }
func (a hyper) Exp() hyper               { return hyper(hyperdual.Exp(a.n())) }
func (a hyper) Log() hyper               { return hyper(hyperdual.Log(a.n())) }
func (a hyper) Sin() hyper               { return hyper(hyperdual.Sin(a.n())) }
func (a hyper) Cos() hyper               { return hyper(hyperdual.Cos(a.n())) }
func (a hyper) Tan() hyper               { return hyper(hyperdual.Tan(a.n())) }
func (a hyper) Asin() hyper              { return hyper(hyperdual.Asin(a.n())) }
func (a hyper) Acos() hyper              { return hyper(hyperdual.Acos(a.n())) }
func (a hyper) Atan() hyper              { return hyper(hyperdual.Atan(a.n())) }
func (a hyper) Sinh() hyper              { return hyper(hyperdual.Sinh(a.n())) }
func (a hyper) Cosh() hyper              { return hyper(hyperdual.Cosh(a.n())) }
func (a hyper) Tanh() hyper              { return hyper(hyperdual.Tanh(a.n())) }
func (a hyper) LogCosh() hyper           { return a.Cosh().Log() }

// Atan2 is 2 atan(s / (|(x, s)| + x)), true but on the negative x axis.
func (a hyper) Atan2(x hyper) hyper {
	return a.Div(a.Square().Add(x.Square()).Sqrt().Add(x)).Atan().Scale(2)
}

func (a hyper) Abs() hyper {
	if math.Signbit(a.Real) {
		return a.Neg()
	}
	return a
}

func (a hyper) Max(b hyper) hyper {
	if b.Real > a.Real {
		return b
	}
	return a
}

func (a hyper) Min(b hyper) hyper {
	if b.Real < a.Real {
		return b
	}
	return a
}

// hyperDerivatives returns value, gradient (n) and Hessian (n x n) of f at y.
func hyperDerivatives(f func([]hyper) hyper, y []float64) (v float64, g, h []float64) {
	n := len(y)
	g, h = make([]float64, n), make([]float64, n*n)
	for i := range n {
		for j := range n {
			in := make([]hyper, n)
			for k, e := range y {
				in[k] = hyper{Real: e}
			}
			in[i].E1mag, in[j].E2mag = 1, 1
			out := f(in)
			v, g[i], h[i*n+j] = out.Real, out.E1mag, out.E1E2mag
		}
	}
	return v, g, h
}
