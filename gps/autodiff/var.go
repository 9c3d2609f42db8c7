package autodiff

import "math"

// Var is the Scalar whose operations are recorded on a Tape. The zero value is the
// constant 0; constants are not recorded.
type Var struct {
	tape  *Tape
	value float64
	id    int32 // node on the tape; 0 for a constant
}

func (a Var) Value() float64      { return a.value }
func (a Var) Const(v float64) Var { return Var{value: v} }

func (a Var) Add(b Var) Var {
	switch {
	case b.id == 0:
		return a.AddConst(b.value)
	case a.id == 0:
		return b.AddConst(a.value)
	}
	return a.with(b).binary(a.value+b.value, a.id, b.id, partials{a: 1, b: 1})
}

func (a Var) Sub(b Var) Var {
	if b.id == 0 {
		return a.AddConst(-b.value)
	} else if a.id == 0 {
		return b.tape.unary(a.value-b.value, b.id, -1, 0)
	}
	return a.with(b).binary(a.value-b.value, a.id, b.id, partials{a: 1, b: -1})
}

func (a Var) Mul(b Var) Var {
	switch {
	case b.id == 0:
		return a.Scale(b.value)
	case a.id == 0:
		return b.Scale(a.value)
	}
	return a.with(b).binary(a.value*b.value, a.id, b.id, partials{a: b.value, b: a.value, ab: 1})
}

func (a Var) Div(b Var) Var { return a.apply(OpDiv, b) }

// AddConst records nothing: a + c has the derivatives of a.
func (a Var) AddConst(c float64) Var { a.value += c; return a }

func (a Var) Scale(c float64) Var {
	if a.id == 0 {
		return Var{value: c * a.value}
	}
	return a.tape.unary(c*a.value, a.id, c, 0)
}

func (a Var) Neg() Var { return a.map1(OpNeg) }

func (a Var) Square() Var {
	if a.id == 0 {
		return Var{value: a.value * a.value}
	}
	return a.tape.unary(a.value*a.value, a.id, 2*a.value, 2)
}

func (a Var) Pow(p Var) Var {
	if p.id == 0 {
		return a.PowConst(p.value)
	}
	return a.apply(OpPow, p)
}

func (a Var) PowConst(p float64) Var {
	v, d, dd := powConstRule(a.value, p)
	if a.id == 0 {
		return Var{value: v}
	}
	return a.tape.unary(v, a.id, d, dd)
}

func (a Var) Sqrt() Var       { return a.map1(OpSqrt) }
func (a Var) Exp() Var        { return a.map1(OpExp) }
func (a Var) Log() Var        { return a.map1(OpLog) }
func (a Var) Sin() Var        { return a.map1(OpSin) }
func (a Var) Cos() Var        { return a.map1(OpCos) }
func (a Var) Tan() Var        { return a.map1(OpTan) }
func (a Var) Asin() Var       { return a.map1(OpAsin) }
func (a Var) Acos() Var       { return a.map1(OpAcos) }
func (a Var) Atan() Var       { return a.map1(OpAtan) }
func (a Var) Atan2(x Var) Var { return a.apply(OpAtan2, x) }
func (a Var) Sinh() Var       { return a.map1(OpSinh) }
func (a Var) Cosh() Var       { return a.map1(OpCosh) }
func (a Var) Tanh() Var       { return a.map1(OpTanh) }
func (a Var) LogCosh() Var    { return a.map1(OpLogCosh) }
func (a Var) Abs() Var        { return a.map1(OpAbs) }

// Max returns the variable itself, not a recorded copy.
func (a Var) Max(b Var) Var {
	if b.value > a.value || math.IsNaN(b.value) {
		return b
	}
	return a
}

// Min returns the variable itself, not a recorded copy.
func (a Var) Min(b Var) Var {
	if b.value < a.value || math.IsNaN(b.value) {
		return b
	}
	return a
}

// map1 records an operation on one argument.
func (a Var) map1(op Op) Var {
	v, d, dd := unaryRule(op, a.value)
	if a.id == 0 {
		return Var{value: v}
	}
	return a.tape.unary(v, a.id, d, dd)
}

// apply records an operation on two arguments.
func (a Var) apply(op Op, b Var) Var {
	v, p := binaryRule(op, a.value, b.value)
	switch {
	case a.id == 0 && b.id == 0:
		return Var{value: v}
	case b.id == 0:
		return a.tape.unary(v, a.id, p.a, p.aa)
	case a.id == 0:
		return b.tape.unary(v, b.id, p.b, p.bb)
	}
	return a.with(b).binary(v, a.id, b.id, p)
}

// with returns the tape of two variables; variables of two tapes panic.
func (a Var) with(b Var) *Tape {
	if a.tape != b.tape {
		panic("autodiff: operation on variables of two tapes")
	}
	return a.tape
}
