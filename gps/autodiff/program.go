package autodiff

import "fmt"

// Program is a function with its derivatives, worked out when it was built. It holds
// the values of its last run: one goroutine may use it.
type Program struct {
	inputs, parameters int
	code               []instruction
	sweep              []step
	gradient           []entry
	hessian            []entry
	// slots holds 1, the values of inputs, parameters and operations, then the
	// derivatives of operations, adjoints and terms of W. The part from derived on is
	// cleared before a sweep.
	slots   []float64
	derived int
	result  int32
}

// instruction computes slots[out] from slots[args], and writes the derivatives that are
// not simply another slot from slots[partials] on.
type instruction struct {
	op       Op
	args     [3]int32
	out      int32
	partials int32 // 0 for none
}

// step adds factor slots[from] slots[d1] slots[d2] to slots[to], unless slots[from] is 0.
type step struct {
	factor           float64
	to, from, d1, d2 int32
}

// entry says which slot holds an element of the result.
type entry struct {
	row, column int
	slot        int32
}

// Inputs returns the inputs, to be set before Run, as a view.
func (p *Program) Inputs() []float64 { return p.slots[1 : 1+p.inputs : 1+p.inputs] }

// Parameters returns the parameters, to be set before Run, as a view.
func (p *Program) Parameters() []float64 {
	start := 1 + p.inputs
	return p.slots[start : start+p.parameters : start+p.parameters]
}

// Operations returns how many operations a run takes.
func (p *Program) Operations() int { return len(p.code) }

// NonZeros returns the rows and columns, column <= row, of the Hessian's elements that
// are not zero by structure.
func (p *Program) NonZeros() (rows, columns []int) {
	for _, e := range p.hessian {
		rows, columns = append(rows, e.row), append(columns, e.column)
	}
	return rows, columns
}

// Run returns the value at Inputs and Parameters.
func (p *Program) Run() float64 {
	s := p.slots
	for i := range p.code {
		c := &p.code[i]
		x := s[c.args[0]]
		switch c.op {
		case OpAdd:
			s[c.out] = x + s[c.args[1]]
		case OpSub:
			s[c.out] = x - s[c.args[1]]
		case OpMul:
			s[c.out] = x * s[c.args[1]]
		case OpSquare:
			s[c.out] = x * x
		case OpNeg:
			s[c.out] = -x
		case OpNot:
			s[c.out] = truth(x == 0)
		case OpSelect:
			chosen := c.args[1]
			if x == 0 {
				chosen = c.args[2]
			}
			s[c.out] = s[chosen]
			if c.partials != 0 {
				s[c.partials], s[c.partials+1] = truth(x != 0), truth(x == 0)
			}
		default:
			if c.op.Arguments() == 1 {
				v, d, dd := unaryRule(c.op, x)
				s[c.out] = v
				if c.partials != 0 {
					s[c.partials], s[c.partials+1] = d, dd
				}
				continue
			}
			v, d := binaryRule(c.op, x, s[c.args[1]])
			s[c.out] = v
			if c.partials != 0 {
				copy(s[c.partials:c.partials+5], []float64{d.a, d.b, d.aa, d.ab, d.bb})
			}
		}
	}
	return s[p.result]
}

// AddHessian adds scale times the derivatives by the n inputs at the last Run to
// gradient, n, and scale times the second derivatives to hessian, n x n row-major, both
// triangles. Elements that are zero by structure are not touched.
func (p *Program) AddHessian(scale float64, gradient, hessian []float64) {
	n := p.inputs
	if len(gradient) != n || len(hessian) != n*n {
		panic(fmt.Sprintf("autodiff: gradient and Hessian have %d and %d elements, want %d and %d x %d", len(gradient), len(hessian), n, n, n))
	}
	s := p.slots
	clear(s[p.derived:])
	for i := range p.sweep {
		e := &p.sweep[i]
		if from := s[e.from]; from != 0 {
			s[e.to] += e.factor * from * s[e.d1] * s[e.d2]
		}
	}
	for _, e := range p.gradient {
		gradient[e.row] += scale * s[e.slot]
	}
	for _, e := range p.hessian {
		v := scale * s[e.slot]
		hessian[e.row*n+e.column] += v
		if e.row != e.column {
			hessian[e.column*n+e.row] += v
		}
	}
}
