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
	// Workspace of the reverse sweep. Per node z: z', W[z][z], the first segment of the
	// rest of row z (0 for none), and a sum by column, which is 0 between rows.
	adjoint  []float64
	diagonal []float64
	row      []int32
	sum      []float64
	// All terms of W in segments, and those of the row at hand, one per column.
	terms    []term
	segments []segment
	unique   []term
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

// term is a term of a row of W; its column is below its row.
type term struct {
	value  float64
	column int32
}

// segment is a run of terms of one row, each of another column, with the row's next
// segment (0 for none).
type segment struct{ first, end, next int32 }

// NewTape returns an empty tape.
func NewTape() *Tape { return &Tape{nodes: make([]node, 1), segments: make([]segment, 1)} }

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
	t.nodes = append(t.nodes, node{a: a, b: b, d: p})
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
	t.diagonal, t.row = grown(t.diagonal, len(adjoint)), grown(t.row, len(adjoint))
	clear(t.diagonal)
	clear(t.row)
	t.sum = grown(t.sum, len(adjoint))
	t.terms, t.segments = t.terms[:0], t.segments[:1]
	for i := int(out.id); i > t.inputs; i-- {
		z, own, first := adjoint[i], t.diagonal[i], t.row[i]
		p := &t.nodes[i]
		if p.b == many {
			t.eliminate(z, own, first, t.arguments[p.a:p.end], hessian)
			continue
		}
		if first != 0 {
			terms := t.collect(first)
			t.push(terms, p.a, p.d.a, hessian)
			if p.b != 0 {
				t.push(terms, p.b, p.d.b, hessian)
			}
		}
		var aa, ab, bb float64
		if own != 0 {
			aa, ab, bb = own*p.d.a*p.d.a, own*p.d.a*p.d.b, own*p.d.b*p.d.b
		}
		if z != 0 {
			aa, ab, bb = aa+z*p.d.aa, ab+z*p.d.ab, bb+z*p.d.bb
			adjoint[p.a] += z * p.d.a
			if p.b != 0 {
				adjoint[p.b] += z * p.d.b
			}
		}
		if aa != 0 {
			t.add(p.a, p.a, aa, hessian)
		}
		if p.b == 0 {
			continue
		}
		if ab != 0 {
			t.add(p.a, p.b, ab, hessian)
		}
		if bb != 0 {
			t.add(p.b, p.b, bb, hessian)
		}
	}
	for i := range gradient {
		gradient[i] += adjoint[i+1]
	}
}

// eliminate hands adjoint z, W[z][z] = own and the row of an operation on many
// variables on to its arguments.
func (t *Tape) eliminate(z, own float64, first int32, arguments []argument, hessian []float64) {
	if first != 0 {
		terms := t.collect(first)
		for i := range arguments {
			t.push(terms, arguments[i].id, arguments[i].d, hessian)
		}
	}
	if own != 0 {
		for i := range arguments {
			a := &arguments[i]
			w := own * a.d
			t.add(a.id, a.id, w*a.d, hessian)
			for j := range arguments[:i] {
				t.addPair(a.id, arguments[j].id, w*arguments[j].d, hessian)
			}
		}
	}
	if z == 0 {
		return
	}
	for i := range arguments {
		a := &arguments[i]
		t.adjoint[a.id] += z * a.d
		if a.dd != 0 {
			t.add(a.id, a.id, z*a.dd, hessian)
		}
		if a.other != 0 {
			t.addPair(a.id, a.other, z*a.mixed, hessian)
		}
	}
}

// addPair adds v to W[j][k] and W[k][j], which may be one element.
func (t *Tape) addPair(j, k int32, v float64, hessian []float64) {
	if j == k {
		v *= 2
	}
	t.add(j, k, v, hessian)
}

// collect returns the terms of a row off the diagonal, one per column. Terms were
// appended without looking for earlier ones of the same column: they are summed here,
// once per row.
func (t *Tape) collect(first int32) []term {
	if s := t.segments[first]; s.next == 0 {
		return t.terms[s.first:s.end]
	}
	sum, unique := t.sum, t.unique[:0]
	for s := first; s != 0; s = t.segments[s].next {
		for _, e := range t.terms[t.segments[s].first:t.segments[s].end] {
			before := sum[e.column]
			sum[e.column] = before + e.value
			if before == 0 {
				unique = append(unique, term{column: e.column})
			}
		}
	}
	// A column whose sum came back to 0 may be there twice: the second time as 0.
	for i := range unique {
		u := &unique[i]
		u.value, sum[u.column] = sum[u.column], 0
	}
	t.unique = unique
	return unique
}

// push adds d times the terms of a row that goes to row a of W, for its argument a.
func (t *Tape) push(terms []term, a int32, d float64, hessian []float64) {
	first, n := len(t.terms), 0
	// Room for the segment, and behind it for as many terms of other rows: to stays
	// where it is.
	t.terms = grown(t.terms, first+2*len(terms))[:first+len(terms)]
	to := t.terms[first:]
	input := int(a) <= t.inputs
	for _, e := range terms {
		if e.value == 0 {
			continue
		}
		switch v := e.value * d; {
		case e.column == a:
			t.add(a, a, 2*v, hessian)
		case e.column > a || input:
			t.add(a, e.column, v, hessian)
		default:
			to[n] = term{v, e.column}
			n++
		}
	}
	t.attach(a, first, first+n)
}

// add adds v to W[j][k]: in the Hessian if both are inputs, else as a term.
func (t *Tape) add(j, k int32, v float64, hessian []float64) {
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
	if j == k {
		t.diagonal[j] += v
		return
	}
	first := len(t.terms)
	t.terms = append(t.terms, term{v, k})
	t.attach(j, first, first+1)
}

// attach makes terms a segment of row j.
func (t *Tape) attach(j int32, first, end int) {
	if first != end {
		t.segments = append(t.segments, segment{int32(first), int32(end), t.row[j]})
		t.row[j] = int32(len(t.segments) - 1)
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
