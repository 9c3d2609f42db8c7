package autodiff

import "fmt"

// Tape records operations on Var and differentiates what they computed. Memory is kept
// from one recording to the next. A tape serves one goroutine.
type Tape struct {
	inputs int
	// nodes holds the inputs and then the operations, in order; node 0 stands for
	// constants.
	nodes []node
	// arguments holds those of the operations on many variables.
	arguments []argument
	// Workspace of the sweeps. Per node z: z', W[z][z] and its derivatives by the inputs,
	// whose terms are in terms; per input, where its term of the node at hand is.
	adjoint, diagonal []float64
	derivatives       []derivative
	terms             []term
	position          []int32
	// pairs are the elements of W that wait for the derivatives of their nodes.
	pairs []pair
}

// node is an operation: arguments (b 0 for none) and derivatives by them. Where b is
// many, a and end bound its arguments on the tape.
type node struct {
	a, b, end int32
	d         partials
}

const many = -1

// argument is one of the arguments of an operation on many: first and second derivative
// by it, and the mixed one by it and another argument (0 for none).
type argument struct {
	id, other    int32
	d, dd, mixed float64
}

// NewTape returns an empty tape.
func NewTape() *Tape { return &Tape{nodes: make([]node, 1)} }

// Reset forgets all operations and inputs. A Var from before must not be used again.
func (t *Tape) Reset() {
	t.nodes, t.arguments = t.nodes[:1], t.arguments[:0]
	t.inputs = 0
}

// Input appends an input of value v. Inputs come before all operations; else it panics.
func (t *Tape) Input(v float64) Var {
	if len(t.nodes) != t.inputs+1 {
		panic("autodiff: input after an operation, want all inputs first")
	}
	t.inputs++
	t.nodes = append(t.nodes, node{})
	return Var{tape: t, value: v, id: int32(t.inputs)}
}

// Inputs appends one input per element of v to dst, from its start.
func (t *Tape) Inputs(dst []Var, v []float64) {
	if len(dst) != len(v) {
		panic(fmt.Sprintf("autodiff: %d variables for %d values", len(dst), len(v)))
	}
	for i, e := range v {
		dst[i] = t.Input(e)
	}
}

// unary records an operation on one variable.
func (t *Tape) unary(v float64, a int32, d, dd float64) Var {
	t.nodes = append(t.nodes, node{a: a, d: partials{a: d, aa: dd}})
	return Var{tape: t, value: v, id: int32(len(t.nodes) - 1)}
}

// binary records an operation on two variables, which may be the same.
func (t *Tape) binary(v float64, a, b int32, p partials) Var {
	if a == b {
		return t.unary(v, a, p.a+p.b, p.aa+2*p.ab+p.bb)
	}
	t.nodes = append(t.nodes, node{a: a, b: b})
	// Element by element, which is faster than to copy what was just written.
	d := &t.nodes[len(t.nodes)-1].d
	d.a, d.b, d.aa, d.ab, d.bb = p.a, p.b, p.aa, p.ab, p.bb
	return Var{tape: t, value: v, id: int32(len(t.nodes) - 1)}
}

// nary records an operation on the arguments from first on, which were appended to
// t.arguments.
func (t *Tape) nary(v float64, first int) Var {
	t.nodes = append(t.nodes, node{a: int32(first), b: many, end: int32(len(t.arguments))})
	return Var{tape: t, value: v, id: int32(len(t.nodes) - 1)}
}

// AddGradient adds scale times the derivatives of out by the n inputs to gradient, n.
func (t *Tape) AddGradient(out Var, scale float64, gradient []float64) {
	t.check(out, gradient)
	if out.id == 0 || scale == 0 {
		return
	}
	adjoint := t.start(out, scale)
	for i := int(out.id); i > t.inputs; i-- {
		if z := adjoint[i]; z != 0 {
			p := &t.nodes[i]
			if p.b == many {
				for _, a := range t.arguments[p.a:p.end] {
					adjoint[a.id] += z * a.d
				}
				continue
			}
			adjoint[p.a] += z * p.d.a
			if p.b != 0 {
				adjoint[p.b] += z * p.d.b
			}
		}
	}
	for i := range gradient {
		gradient[i] += adjoint[i+1]
	}
}

// start returns the adjoints of the nodes up to out, zero but for out's.
func (t *Tape) start(out Var, scale float64) []float64 {
	t.adjoint = grown(t.adjoint, max(int(out.id), t.inputs)+1)
	clear(t.adjoint)
	t.adjoint[out.id] = scale
	return t.adjoint
}

// check panics unless out was recorded here and gradient has one element per input.
func (t *Tape) check(out Var, gradient []float64) {
	if out.id != 0 && (out.tape != t || int(out.id) >= len(t.nodes)) {
		panic("autodiff: result was not recorded on this tape")
	}
	if len(gradient) != t.inputs {
		panic(fmt.Sprintf("autodiff: gradient has %d elements, want %d, one per input", len(gradient), t.inputs))
	}
}

// grown returns s with length n, with new zeros beyond its capacity; its content stays.
func grown[E any](s []E, n int) []E {
	if n > cap(s) {
		return append(s[:cap(s)], make([]E, n-cap(s))...)[:n]
	}
	return s[:n]
}
