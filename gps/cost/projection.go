package cost

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/rollout"
)

// Projection replaces Hessians by the nearest positive semi-definite matrices in the
// Frobenius norm: negative eigenvalues become 0 (Higham, "Computing a nearest symmetric
// positive semidefinite matrix", Linear Algebra and its Applications 103, 1988, theorem
// 2.1). A Hessian falls into blocks of elements that interact; each block is projected by
// itself, and one that is positive semi-definite already keeps its very numbers.
// A projection serves one goroutine.
type Projection struct {
	d int
	// block has the index in y of the members of the block at hand, taken says which
	// elements of y have a block.
	block []int
	taken []bool
	// Workspace of a block: itself and its Cholesky factor, d x d, and its eigenvalues.
	matrix, factor []float64
	eigen          *dense.Eigen
}

// NewProjection returns a projection of D x D Hessians, D = dX+dU.
func NewProjection(dX, dU int) *Projection {
	if dX < 1 || dU < 1 || dX > maxDim || dU > maxDim {
		panic(fmt.Sprintf("cost: need dX, dU from 1 to %d, got dX=%d dU=%d", maxDim, dX, dU))
	}
	d := dX + dU
	return &Projection{d: d, block: make([]int, 0, d), taken: make([]bool, d), matrix: make([]float64, d*d),
		factor: make([]float64, d*d), eigen: dense.NewEigen(d)}
}

// Apply projects the Hessian of every time step. A Hessian that is not finite gives an
// error wrapping ErrNotFinite with the time step; sizes that do not fit panic.
func (p *Projection) Apply(e *Expansion) error {
	if d := e.DX + e.DU; d != p.d {
		panic(fmt.Sprintf("cost: projection is for %d x %d Hessians, the expansion has %d x %d", p.d, p.d, d, d))
	}
	for t := range e.T {
		h := e.Hessian(t)
		if i := dense.FirstNotFinite(h); i >= 0 {
			return fmt.Errorf("%w: Hessian element (%d, %d) at time step %d is %v; %s", ErrNotFinite, i/p.d, i%p.d, t, h[i], roundIt)
		}
		if !p.hessian(h) {
			return fmt.Errorf("%w: eigenvalues of the Hessian at time step %d are out of range; lower the weights of the cost", ErrNotFinite, t)
		}
	}
	return nil
}

// hessian projects one matrix, block by block; false if an eigensolver fails.
func (p *Projection) hessian(h []float64) bool {
	clear(p.taken)
	for i := range p.d {
		if p.taken[i] {
			continue
		}
		p.collect(h, i)
		if len(p.block) == 1 {
			h[i*p.d+i] = max(h[i*p.d+i], 0)
		} else if !p.project(h) {
			return false
		}
	}
	return true
}

// collect finds the elements that interact with element i, over any number of others.
func (p *Projection) collect(h []float64, i int) {
	p.block = append(p.block[:0], i)
	p.taken[i] = true
	for k := 0; k < len(p.block); k++ {
		for j, v := range h[p.block[k]*p.d : (p.block[k]+1)*p.d] {
			if v != 0 && !p.taken[j] {
				p.taken[j] = true
				p.block = append(p.block, j)
			}
		}
	}
}

// project projects the block.
func (p *Projection) project(h []float64) bool {
	n := len(p.block)
	matrix, factor := p.matrix[:n*n], p.factor[:n*n]
	for a, i := range p.block {
		for b, j := range p.block {
			matrix[a*n+b] = h[i*p.d+j]
		}
	}
	copy(factor, matrix)
	if dense.Cholesky(factor, n) {
		return true
	}
	p.eigen.Resize(n)
	if !p.eigen.Decompose(matrix) {
		return false
	}
	values, vectors := p.eigen.Values, p.eigen.Vectors
	// What rounding alone makes of a zero eigenvalue is no negative eigenvalue.
	largest := max(math.Abs(values[0]), math.Abs(values[n-1]))
	if values[0] >= -4*float64(n)*epsilon*largest {
		return true
	}
	for k, v := range values {
		if v >= 0 {
			break
		}
		// Subtract the negative part: v times the outer product of its eigenvector.
		for a := range n {
			s := v * vectors[a*n+k]
			for b := range n {
				matrix[a*n+b] -= s * vectors[b*n+k]
			}
		}
	}
	if dense.FirstNotFinite(matrix) >= 0 {
		return false
	}
	for a, i := range p.block {
		for b, j := range p.block {
			h[i*p.d+j] = 0.5 * (matrix[a*n+b] + matrix[b*n+a])
		}
	}
	return true
}

// epsilon is the distance from 1 to the next float64.
const epsilon = 0x1p-52

// Convex is a term whose Hessians are made positive semi-definite, each by the nearest
// such matrix; value and gradient are those of the term. Wrap one term of a Sum, or all
// of it: the projected sum is nearer to the exact Hessian than the sum of the projected.
type Convex struct {
	term       Term
	expansion  *Expansion
	projection *Projection
}

// NewConvex returns the term, or an error wrapping ErrConfig for a missing one.
func NewConvex(term Term) (*Convex, error) {
	if term == nil {
		return nil, fmt.Errorf("%w: term is nil, want a term", ErrConfig)
	}
	return &Convex{term: term}, nil
}

// Add adds the term; see Term.
func (c *Convex) Add(dst *Expansion, weight float64, r *rollout.Rollout) error {
	checkRollout(dst, r)
	if e := c.expansion; e == nil || e.T != r.T || e.DX != r.DX || e.DU != r.DU {
		c.expansion, c.projection = NewExpansion(r.T, r.DX, r.DU), NewProjection(r.DX, r.DU)
	}
	c.expansion.Reset()
	c.expansion.shares = dst.shares
	if err := c.term.Add(c.expansion, weight, r); err != nil {
		return err
	}
	if err := c.projection.Apply(c.expansion); err != nil {
		return err
	}
	addTo(dst.L, c.expansion.L)
	addTo(dst.Ly, c.expansion.Ly)
	addTo(dst.Lyy, c.expansion.Lyy)
	return nil
}

func addTo(dst, src []float64) {
	for i, v := range src {
		dst[i] += v
	}
}
