package autodiff

import "fmt"

// term is the derivative by one input, 0-based.
type term struct {
	value float64
	input int32
}

// derivative holds those of a node by the inputs: factor times terms[first:end]. They are
// computed where they are needed.
type derivative struct {
	factor     float64
	first, end int32
	needed     bool
}

// pair is an element of W: W[j][k] and W[k][j], one element if j == k.
type pair struct {
	j, k int32
	w    float64
}

// AddHessian adds scale times the derivatives of out by the n inputs to gradient, n,
// and scale times the second derivatives to hessian, n x n row-major, both triangles.
// Elements of the Hessian that are zero by the structure of out are not touched.
func (t *Tape) AddHessian(out Var, scale float64, gradient, hessian []float64) {
	t.check(out, gradient)
	n := t.inputs
	if len(hessian) != n*n {
		panic(fmt.Sprintf("autodiff: Hessian has %d elements, want %d x %d", len(hessian), n, n))
	}
	if out.id == 0 || scale == 0 {
		return
	}
	adjoint := t.start(out, scale)
	t.diagonal, t.derivatives = grown(t.diagonal, len(adjoint)), grown(t.derivatives, len(adjoint))
	clear(t.diagonal)
	clear(t.derivatives)
	t.pairs = t.pairs[:0]
	t.reverse(out.id, hessian)
	for i := range gradient {
		gradient[i] += adjoint[i+1]
		if w := t.diagonal[i+1]; w != 0 {
			hessian[i*n+i] += w
		}
	}
	if len(t.pairs) != 0 {
		t.forward(out.id)
		for _, p := range t.pairs {
			t.expand(p, hessian)
		}
	}
}

// reverse computes adjoints and W from the last operation to the first, and marks the
// derivatives that W needs.
func (t *Tape) reverse(last int32, hessian []float64) {
	adjoint, diagonal, derivatives := t.adjoint, t.diagonal, t.derivatives
	for i := last; int(i) > t.inputs; i-- {
		p, z, own := &t.nodes[i], adjoint[i], diagonal[i]
		if p.b == 0 {
			// The derivatives of one argument serve its functions too.
			if own != 0 {
				diagonal[p.a] += own * p.d.a * p.d.a
			}
			if z != 0 {
				adjoint[p.a] += z * p.d.a
				diagonal[p.a] += z * p.d.aa
			}
			if derivatives[i].needed && p.d.a != 0 {
				derivatives[p.a].needed = true
			}
			continue
		}
		if own != 0 {
			t.pairs = append(t.pairs, pair{i, i, own})
			derivatives[i].needed = true
		}
		needed := derivatives[i].needed
		if p.b != many {
			if z != 0 {
				adjoint[p.a] += z * p.d.a
				adjoint[p.b] += z * p.d.b
				diagonal[p.a] += z * p.d.aa
				diagonal[p.b] += z * p.d.bb
				t.interact(p.a, p.b, z*p.d.ab, hessian)
			}
			if needed {
				derivatives[p.a].needed = derivatives[p.a].needed || p.d.a != 0
				derivatives[p.b].needed = derivatives[p.b].needed || p.d.b != 0
			}
			continue
		}
		arguments := t.arguments[p.a:p.end]
		if z != 0 {
			for k := range arguments {
				a := &arguments[k]
				adjoint[a.id] += z * a.d
				diagonal[a.id] += z * a.dd
				if a.other != 0 {
					t.interact(a.id, a.other, z*a.mixed, hessian)
				}
			}
		}
		if needed {
			for k := range arguments {
				if a := &arguments[k]; a.d != 0 {
					derivatives[a.id].needed = true
				}
			}
		}
	}
}

// interact adds w to W[j][k] and W[k][j], which may be one element: to the Hessian where
// both are inputs.
func (t *Tape) interact(j, k int32, w float64, hessian []float64) {
	n := t.inputs
	switch {
	case w == 0:
	case j == k:
		t.diagonal[j] += 2 * w
	case int(j) <= n && int(k) <= n:
		r, c := int(j)-1, int(k)-1
		hessian[r*n+c] += w
		hessian[c*n+r] += w
	default:
		t.pairs = append(t.pairs, pair{j, k, w})
		t.derivatives[j].needed, t.derivatives[k].needed = true, true
	}
}

// forward computes the derivatives that are marked, from the first operation to the last.
func (t *Tape) forward(last int32) {
	n := t.inputs
	t.terms, t.position = grown(t.terms, n), grown(t.position, n)
	clear(t.position)
	for i := range n {
		t.terms[i] = term{1, int32(i)}
		t.derivatives[i+1] = derivative{factor: 1, first: int32(i), end: int32(i + 1)}
	}
	for i := int32(n) + 1; i <= last; i++ {
		if !t.derivatives[i].needed {
			continue
		}
		p := &t.nodes[i]
		if p.b == 0 {
			d := t.derivatives[p.a]
			d.factor *= p.d.a
			t.derivatives[i] = d
			continue
		}
		first := len(t.terms)
		if p.b == many {
			for k := range t.arguments[p.a:p.end] {
				a := &t.arguments[int(p.a)+k]
				t.chain(first, a.id, a.d)
			}
		} else {
			t.chain(first, p.a, p.d.a)
			t.chain(first, p.b, p.d.b)
		}
		t.derivatives[i] = derivative{factor: 1, first: int32(first), end: int32(len(t.terms))}
	}
}

// chain adds d times the derivatives of node a to the terms from first on, one per input.
func (t *Tape) chain(first int, a int32, d float64) {
	from := &t.derivatives[a]
	d *= from.factor
	terms := t.terms
	for _, e := range terms[from.first:from.end] {
		if at := int(t.position[e.input]); at >= first {
			terms[at].value += d * e.value
		} else {
			t.position[e.input] = int32(len(terms))
			terms = append(terms, term{d * e.value, e.input})
		}
	}
	t.terms = terms
}

// expand adds an element of W, times the derivatives of its two nodes, to the Hessian.
func (t *Tape) expand(p pair, hessian []float64) {
	n := t.inputs
	a, b := &t.derivatives[p.j], &t.derivatives[p.k]
	left, right := t.terms[a.first:a.end], t.terms[b.first:b.end]
	w := p.w * a.factor * b.factor
	for i, e := range left {
		v, r := w*e.value, int(e.input)
		if p.j == p.k {
			hessian[r*n+r] += v * e.value
			right = left[:i]
		}
		for _, f := range right {
			c := int(f.input)
			hessian[r*n+c] += v * f.value
			hessian[c*n+r] += v * f.value
		}
	}
}
