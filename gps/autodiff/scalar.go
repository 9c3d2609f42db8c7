package autodiff

import "math"

// Scalar is the arithmetic that differentiable code is written with: func f[S
// Scalar[S]](x []S) S. Methods return new values and change nothing. Comparisons go by
// Value.
type Scalar[S any] interface {
	// Value returns the number, for comparisons and branches.
	Value() float64
	// Const returns a constant v; the receiver plays no part.
	Const(v float64) S

	Add(S) S
	Sub(S) S
	Mul(S) S
	Div(S) S
	// AddConst returns s + c, Scale returns c s.
	AddConst(c float64) S
	Scale(c float64) S
	Neg() S
	Square() S

	// Pow returns s to the power p, PowConst the same for a constant exponent.
	Pow(p S) S
	PowConst(p float64) S
	Sqrt() S
	Exp() S
	Log() S

	Sin() S
	Cos() S
	Tan() S
	Asin() S
	Acos() S
	Atan() S
	// Atan2 returns the angle of the point (x, s), as math.Atan2(s, x).
	Atan2(x S) S
	Sinh() S
	Cosh() S
	Tanh() S
	// LogCosh returns log(cosh(s)), without overflow.
	LogCosh() S

	Abs() S
	Max(S) S
	Min(S) S
}

// Real is the Scalar of plain evaluation, without derivatives.
type Real float64

func (a Real) Value() float64          { return float64(a) }
func (a Real) Const(v float64) Real    { return Real(v) }
func (a Real) Add(b Real) Real         { return a + b }
func (a Real) Sub(b Real) Real         { return a - b }
func (a Real) Mul(b Real) Real         { return a * b }
func (a Real) Div(b Real) Real         { return a / b }
func (a Real) AddConst(c float64) Real { return a + Real(c) }
func (a Real) Scale(c float64) Real    { return Real(c) * a }
func (a Real) Neg() Real               { return -a }
func (a Real) Square() Real            { return a * a }
func (a Real) Pow(p Real) Real         { return Real(math.Pow(float64(a), float64(p))) }
func (a Real) PowConst(p float64) Real { return Real(math.Pow(float64(a), p)) }
func (a Real) Sqrt() Real              { return Real(math.Sqrt(float64(a))) }
func (a Real) Exp() Real               { return Real(math.Exp(float64(a))) }
func (a Real) Log() Real               { return Real(math.Log(float64(a))) }
func (a Real) Sin() Real               { return Real(math.Sin(float64(a))) }
func (a Real) Cos() Real               { return Real(math.Cos(float64(a))) }
func (a Real) Tan() Real               { return Real(math.Tan(float64(a))) }
func (a Real) Asin() Real              { return Real(math.Asin(float64(a))) }
func (a Real) Acos() Real              { return Real(math.Acos(float64(a))) }
func (a Real) Atan() Real              { return Real(math.Atan(float64(a))) }
func (a Real) Atan2(x Real) Real       { return Real(math.Atan2(float64(a), float64(x))) }
func (a Real) Sinh() Real              { return Real(math.Sinh(float64(a))) }
func (a Real) Cosh() Real              { return Real(math.Cosh(float64(a))) }
func (a Real) Tanh() Real              { return Real(math.Tanh(float64(a))) }
func (a Real) LogCosh() Real           { v, _, _ := LogCosh(float64(a)); return Real(v) }
func (a Real) Abs() Real               { return Real(math.Abs(float64(a))) }
func (a Real) Max(b Real) Real         { return Real(math.Max(float64(a), float64(b))) }
func (a Real) Min(b Real) Real         { return Real(math.Min(float64(a), float64(b))) }

// LogCosh returns log(cosh(x)) and its first two derivatives: no overflow for large x, no
// cancellation for small.
func LogCosh(x float64) (v, d, dd float64) {
	d, dd = tanh(x)
	x = math.Abs(x)
	if x < 1 {
		s := math.Sinh(x / 2)
		return math.Log1p(2 * s * s), d, dd
	}
	return x + math.Log1p(math.Exp(-2*x)) - math.Ln2, d, dd
}
