package autodiff

import "fmt"

// Sum returns the sum of the elements, 0 of none. Sum, Dot and SquaredNorm are one
// operation on the tape: cheaper than the operations they replace.
func Sum[S Scalar[S]](x []S) S {
	if v, ok := any(x).([]Var); ok {
		return any(sum(v)).(S)
	}
	var zero S
	s := zero.Const(0)
	for _, v := range x {
		s = s.Add(v)
	}
	return s
}

// Dot returns the sum of the products of the elements, 0 of none. Different lengths
// panic.
func Dot[S Scalar[S]](x, y []S) S {
	if len(x) != len(y) {
		panic(fmt.Sprintf("autodiff: product of %d and %d elements, want the same number", len(x), len(y)))
	}
	if v, ok := any(x).([]Var); ok {
		return any(dot(v, any(y).([]Var))).(S)
	}
	var zero S
	s := zero.Const(0)
	for i, v := range x {
		s = s.Add(v.Mul(y[i]))
	}
	return s
}

// SquaredNorm returns the sum of the squared elements, 0 of none.
func SquaredNorm[S Scalar[S]](x []S) S {
	if v, ok := any(x).([]Var); ok {
		return any(squaredNorm(v)).(S)
	}
	var zero S
	s := zero.Const(0)
	for _, v := range x {
		s = s.Add(v.Square())
	}
	return s
}

// SmoothNorm returns sqrt(alpha + sum x^2), which has derivatives everywhere for
// alpha > 0.
func SmoothNorm[S Scalar[S]](x []S, alpha float64) S {
	return SquaredNorm(x).AddConst(alpha).Sqrt()
}

// SmoothAbs returns sqrt(alpha + x^2), which has derivatives everywhere for alpha > 0.
func SmoothAbs[S Scalar[S]](x S, alpha float64) S { return x.Square().AddConst(alpha).Sqrt() }

// joint appends arguments to the tape of the variables that it meets.
type joint struct {
	tape  *Tape
	first int
}

func (j *joint) append(v Var, a argument) {
	if j.tape == nil {
		j.tape, j.first = v.tape, len(v.tape.arguments)
	} else if j.tape != v.tape {
		panic("autodiff: operation on variables of two tapes")
	}
	a.id = v.id
	j.tape.arguments = append(j.tape.arguments, a)
}

// result records the operation, unless all was constant.
func (j *joint) result(v float64) Var {
	if j.tape == nil {
		return Var{value: v}
	}
	return j.tape.nary(v, j.first)
}

func sum(x []Var) Var {
	var j joint
	total := 0.0
	for _, v := range x {
		total += v.value
		if v.id != 0 {
			j.append(v, argument{d: 1})
		}
	}
	return j.result(total)
}

func squaredNorm(x []Var) Var {
	var j joint
	total := 0.0
	for _, v := range x {
		total += v.value * v.value
		if v.id != 0 {
			j.append(v, argument{d: 2 * v.value, dd: 2})
		}
	}
	return j.result(total)
}

func dot(x, y []Var) Var {
	var j joint
	total := 0.0
	for i, a := range x {
		b := y[i]
		total += a.value * b.value
		if a.id != 0 {
			j.append(a, argument{d: b.value, other: b.id, mixed: 1})
		}
		if b.id != 0 {
			j.append(b, argument{d: a.value})
		}
	}
	return j.result(total)
}
