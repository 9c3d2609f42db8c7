package autodiff

import "fmt"

// Tape records operations on Var and differentiates what they computed. Memory is kept
// from one recording to the next. A tape serves one goroutine.
type Tape struct {
	inputs int
	// nodes holds the inputs and then the operations, in order; node 0 stands for
	// constants.
	nodes []node
	// Workspace of the reverse sweep: z' and the first link of row z of W per node, the
	// sum of a row's duplicates, and the columns of the row.
	adjoint []float64
	row     []int32
	sum     []float64
	columns []int32
	links   []link
}

// node is an operation: arguments (0 for none) and derivatives by them.
type node struct {
	a, b int32
	d    partials
}

// link is one term W[z][column], column <= z, in the list of row z.
type link struct {
	value        float64
	column, next int32
}

// NewTape returns an empty tape.
func NewTape() *Tape { return &Tape{nodes: make([]node, 1), links: make([]link, 1)} }

// Reset forgets all operations and inputs. A Var from before must not be used again.
func (t *Tape) Reset() {
	t.nodes = t.nodes[:1]
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
	t.nodes = append(t.nodes, node{a: a, b: b, d: p})
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

// AddHessian adds scale times the derivatives of out by the n inputs to gradient, n,
// and scale times the second derivatives to hessian, n x n row-major, both triangles.
// Elements of the Hessian that are zero by the structure of out are not touched.
func (t *Tape) AddHessian(out Var, scale float64, gradient, hessian []float64) {
	t.check(out, gradient)
	if n := t.inputs; len(hessian) != n*n {
		panic(fmt.Sprintf("autodiff: Hessian has %d elements, want %d x %d", len(hessian), n, n))
	}
	if out.id == 0 || scale == 0 {
		return
	}
	adjoint := t.start(out, scale)
	t.row = grown(t.row, len(adjoint))
	clear(t.row)
	t.sum = grown(t.sum, len(adjoint)) // zero between sweeps
	t.links = t.links[:1]
	for i := int(out.id); i > t.inputs; i-- {
		z, first := adjoint[i], t.row[i]
		if z == 0 && first == 0 {
			continue
		}
		p := t.nodes[i]
		var aa, ab, bb float64
		if first != 0 {
			if own := t.push(int32(i), first, &p, hessian); own != 0 {
				aa, ab, bb = own*p.d.a*p.d.a, own*p.d.a*p.d.b, own*p.d.b*p.d.b
			}
		}
		if z != 0 {
			aa, ab, bb = aa+z*p.d.aa, ab+z*p.d.ab, bb+z*p.d.bb
			adjoint[p.a] += z * p.d.a
			if p.b != 0 {
				adjoint[p.b] += z * p.d.b
			}
		}
		t.add(p.a, p.a, aa, hessian)
		if p.b != 0 {
			t.add(p.a, p.b, ab, hessian)
			t.add(p.b, p.b, bb, hessian)
		}
	}
	for i := range gradient {
		gradient[i] += adjoint[i+1]
	}
}

// push hands the terms W[z][p], p < z, on to the arguments of z and returns W[z][z].
// Terms were appended without looking for earlier ones of the same column: they are
// summed here, once per row.
func (t *Tape) push(z, first int32, p *node, hessian []float64) (own float64) {
	columns, sum := t.columns[:0], t.sum
	for l := first; l != 0; {
		e := &t.links[l]
		if e.column == z {
			own += e.value
		} else {
			if sum[e.column] == 0 {
				columns = append(columns, e.column)
			}
			sum[e.column] += e.value
		}
		l = e.next
	}
	t.columns = columns
	for _, c := range columns {
		w := sum[c]
		sum[c] = 0
		if w == 0 {
			continue
		}
		if c == p.a {
			t.add(c, c, 2*w*p.d.a, hessian)
		} else {
			t.add(p.a, c, w*p.d.a, hessian)
		}
		switch p.b {
		case 0:
		case c:
			t.add(c, c, 2*w*p.d.b, hessian)
		default:
			t.add(p.b, c, w*p.d.b, hessian)
		}
	}
	return own
}

// add adds v to W[j][k]: in the Hessian if both are inputs, else as a link.
func (t *Tape) add(j, k int32, v float64, hessian []float64) {
	if v == 0 {
		return
	}
	if j < k {
		j, k = k, j
	}
	if n := t.inputs; int(j) <= n {
		r, c := int(j)-1, int(k)-1
		hessian[r*n+c] += v
		if r != c {
			hessian[c*n+r] += v
		}
		return
	}
	t.links = append(t.links, link{value: v, column: k, next: t.row[j]})
	t.row[j] = int32(len(t.links) - 1)
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
