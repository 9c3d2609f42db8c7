package autodiff

import "math"

// Op names an operation of a Program. The operations of Scalar have the same rules.
type Op uint8

const (
	opInput Op = iota
	opConst
	// OpAdd to OpMin take two arguments.
	OpAdd
	OpSub
	OpMul
	OpDiv
	OpPow
	OpAtan2
	OpMax
	OpMin
	// OpLess to OpOr take two arguments, give 1 or 0 and have no derivative.
	// Arguments of OpAnd and OpOr are true unless 0.
	OpLess
	OpLessEqual
	OpEqual
	OpAnd
	OpOr
	// OpNot and the others up to OpAbs take one argument; OpNot has no derivative.
	OpNot
	OpNeg
	OpSquare
	OpSqrt
	OpExp
	OpLog
	OpSin
	OpCos
	OpTan
	OpAsin
	OpAcos
	OpAtan
	OpSinh
	OpCosh
	OpTanh
	OpLogCosh
	OpAbs
	// OpSelect takes three arguments: the second unless the first is 0, else the third.
	OpSelect
	opPowConst // two arguments, of which the second is a constant
	opCount
)

// Arguments returns how many arguments the operation takes.
func (op Op) Arguments() int {
	switch {
	case op == opInput || op == opConst:
		return 0
	case op <= OpOr || op == opPowConst:
		return 2
	case op == OpSelect:
		return 3
	}
	return 1
}

// flat says if the operation has no derivative (or 0 wherever it has one).
func (op Op) flat() bool { return op >= OpLess && op <= OpNot }

// partials are the derivatives of an operation by its arguments a and b.
type partials struct{ a, b, aa, ab, bb float64 }

// unaryRule returns the value and the first two derivatives of an operation at x.
func unaryRule(op Op, x float64) (v, d, dd float64) {
	switch op {
	case OpNeg:
		return -x, -1, 0
	case OpSquare:
		return x * x, 2 * x, 2
	case OpSqrt:
		v = math.Sqrt(x)
		d = 0.5 / v
		return v, d, -0.5 * d / x
	case OpExp:
		v = math.Exp(x)
		return v, v, v
	case OpLog:
		d = 1 / x
		return math.Log(x), d, -d * d
	case OpSin:
		sin, cos := math.Sincos(x)
		return sin, cos, -sin
	case OpCos:
		sin, cos := math.Sincos(x)
		return cos, -sin, -cos
	case OpTan:
		v = math.Tan(x)
		d = 1 + v*v
		return v, d, 2 * v * d
	case OpAsin:
		s := (1 - x) * (1 + x)
		d = 1 / math.Sqrt(s)
		return math.Asin(x), d, x * d / s
	case OpAcos:
		s := (1 - x) * (1 + x)
		d = -1 / math.Sqrt(s)
		return math.Acos(x), d, x * d / s
	case OpAtan:
		d = 1 / (1 + x*x)
		return math.Atan(x), d, -2 * x * d * d
	case OpSinh:
		v = math.Sinh(x)
		return v, math.Cosh(x), v
	case OpCosh:
		v = math.Cosh(x)
		return v, math.Sinh(x), v
	case OpTanh:
		v, d = tanh(x)
		return v, d, -2 * v * d
	case OpLogCosh:
		return LogCosh(x)
	case OpAbs:
		switch {
		case x > 0:
			return x, 1, 0
		case x < 0:
			return -x, -1, 0
		}
		return math.Abs(x), 0, 0
	}
	panic("autodiff: operation does not take one argument")
}

// tanh returns tanh(x) and its derivative 1/cosh^2(x), which 1 - tanh^2 would lose to
// cancellation.
func tanh(x float64) (v, d float64) {
	e := math.Exp(-2 * math.Abs(x))
	v = -math.Expm1(-2*math.Abs(x)) / (1 + e)
	return math.Copysign(v, x), 4 * e / ((1 + e) * (1 + e))
}

// binaryRule returns the value and the derivatives of an operation at (x, y).
func binaryRule(op Op, x, y float64) (v float64, p partials) {
	switch op {
	case OpAdd:
		return x + y, partials{a: 1, b: 1}
	case OpSub:
		return x - y, partials{a: 1, b: -1}
	case OpMul:
		return x * y, partials{a: y, b: x, ab: 1}
	case OpDiv:
		v = x / y
		r := 1 / y
		return v, partials{a: r, b: -v * r, ab: -r * r, bb: 2 * v * r * r}
	case OpPow:
		return powRule(x, y)
	case opPowConst:
		v, p.a, p.aa = powConstRule(x, y)
		return v, p
	case OpAtan2:
		s := x*x + y*y
		a, b := y/s, -x/s
		return math.Atan2(x, y), partials{a: a, b: b, aa: 2 * a * b, ab: b*b - a*a, bb: -2 * a * b}
	case OpMax:
		if y > x {
			return y, partials{b: 1}
		}
		return math.Max(x, y), partials{a: 1}
	case OpMin:
		if y < x {
			return y, partials{b: 1}
		}
		return math.Min(x, y), partials{a: 1}
	case OpLess:
		return truth(x < y), p
	case OpLessEqual:
		return truth(x <= y), p
	case OpEqual:
		return truth(x == y), p
	case OpAnd:
		return truth(x != 0 && y != 0), p
	case OpOr:
		return truth(x != 0 || y != 0), p
	}
	panic("autodiff: operation does not take two arguments")
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// powConstRule returns the value and the first two derivatives of x^p by x.
func powConstRule(x, p float64) (v, d, dd float64) {
	switch {
	case p == 0:
		return 1, 0, 0
	case p == 1:
		return x, 1, 0
	case p == 2:
		return x * x, 2 * x, 2
	}
	return math.Pow(x, p), p * math.Pow(x, p-1), p * (p - 1) * math.Pow(x, p-2)
}

// powRule returns the value and the derivatives of x^y.
func powRule(x, y float64) (v float64, p partials) {
	v, p.a, p.aa = powConstRule(x, y)
	if x == 0 && y > 0 {
		// Limits from above: x^y log x and its like vanish.
		if y <= 1 {
			p.ab = math.Inf(-1)
		}
		return v, p
	}
	log := math.Log(x)
	p.b, p.bb = v*log, v*log*log
	p.ab = math.Pow(x, y-1) * (1 + y*log)
	return v, p
}
