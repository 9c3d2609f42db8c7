package dynamics

import (
	"math"

	"guidedpolicysearch/gps/internal/kernel"
)

// Of the floor: up to nullPart of it, or up to rounding of the matrix, a pivot counts as zero,
// so that raiseNull may be off by as much; below leastPart of it an eigenvalue is too near to zero
// to be told from it by what reduce works with.
const nullPart, leastPart = 1e-6, 1e-2

// nullSpace is the workspace of raiseNull, for n x n matrices.
type nullSpace struct {
	pivoted, across kernel.Block // L, and its transpose
	stack           kernel.Block // L'L, with L beneath
	extra           kernel.Block // what is added for eigenvalues that are low and not zero
	raised          kernel.Block
	left            []float64 // what L leaves of the diagonal
}

func newNullSpace(n int) *nullSpace {
	arena := kernel.NewArena(6*kernel.Pad(n)*n + kernel.Space(n))
	return &nullSpace{pivoted: arena.TakeBlock(n, n), across: arena.TakeBlock(n, n), stack: arena.TakeBlock(2*kernel.Pad(n), n),
		extra: arena.TakeBlock(n, n), raised: arena.TakeBlock(n, n), left: arena.Take(n)}
}

// raiseNull is raise where part of a's eigenvalues are as good as zero, as of a covariance of
// fewer points than dimensions. It reports whether that is so, and leaves a as it was unless
// it is. Then a = L L' with a pivoted factor L of as many columns as a has rank, and
//
//	a + floor (I - B B'),  B = L C^-T,  C C' = L'L
//
// raises the zeros, B being an orthonormal basis of what a reaches. The other eigenvalues are
// those of L'L, and if v is an eigenvector of that, L v is one of a. So a few products do
// where eigenvectors of all of a would take an iteration.
func (s *spectral) raiseNull(a []float64, floor float64) bool {
	n, trace := s.n, 0.0
	for i := range n {
		trace += a[i*n+i]
	}
	// The trace bounds the largest eigenvalue.
	if !(rounding(n)*trace <= floor) {
		return false
	}
	if s.null == nil {
		s.null = newNullSpace(n)
	}
	z := s.null
	rank := z.pivot(a, max(nullPart*floor, rounding(n)*trace), leastPart*floor)
	if rank < 0 {
		return false
	}
	for i := range n {
		column := z.across.Column(i, n)
		for k := range rank {
			column[k] = z.pivoted.At(i, k)
		}
	}
	kernel.SetLower(z.stack, z.across, z.across.T(), rank, rank, n)
	low := 0 // columns of extra: eigenvectors that are to be raised, times the root of how far
	if !s.above(z.stack.Data, z.stack.Stride, rank, floor) {
		if low = s.reduce(rank, floor); low < 0 {
			return false
		}
	}
	basis, root := z.stack.From(kernel.Pad(rank), 0), math.Sqrt(floor)
	for k := range rank {
		to := basis.Column(k, n)
		for i, v := range z.pivoted.Column(k, n) {
			to[i] = root * v
		}
	}
	if s.factor.Cholesky(z.stack, rank, n) < rank {
		return false
	}
	kernel.SetLower(z.raised, z.pivoted, z.pivoted.T(), n, n, rank)
	kernel.SubLower(z.raised, z.raised, basis, basis.T(), n, n, rank)
	kernel.AddLower(z.raised, z.raised, z.extra, z.extra.T(), n, n, low)
	kernel.Mirror(z.raised, n)
	for i := range n {
		row := a[i*n : (i+1)*n]
		copy(row, z.raised.Column(i, n))
		row[i] += floor
	}
	return true
}

// pivot finds L with L L' = a, the largest pivot first, and returns the number of its
// columns, or -1 where none that is left is zero or one is neither zero nor at least least.
func (z *nullSpace) pivot(a []float64, zero, least float64) int {
	n := len(z.left)
	for i := range z.left {
		z.left[i] = a[i*n+i]
	}
	for k := range n {
		largest, smallest := 0, 0.0
		for i, v := range z.left {
			if v > z.left[largest] {
				largest = i
			}
			smallest = min(smallest, v)
		}
		pivot := z.left[largest]
		if pivot <= zero && smallest >= -zero {
			return k
		}
		if !(pivot > max(zero, least)) {
			return -1
		}
		column := z.pivoted.Column(k, n)
		copy(column, a[largest*n:(largest+1)*n])
		to := z.pivoted.From(0, k)
		kernel.Sub(to, to, z.pivoted, z.pivoted.From(largest, 0).T(), n, 1, k)
		scale := 1 / math.Sqrt(pivot)
		for i, v := range column {
			v *= scale
			column[i] = v
			z.left[i] -= v * v
		}
		z.left[largest] = 0
	}
	return -1
}

// reduce finds the eigenvalues of a below the floor that are not zero, from those of the
// Gram matrix on the stack, and returns how many there are, or -1 where one is too small.
func (s *spectral) reduce(rank int, floor float64) int {
	z := s.null
	if !s.decompose(z.stack.Data, z.stack.Stride, rank) || s.eigen.Values[0] < leastPart*floor {
		return -1
	}
	for k, v := range s.eigen.Values {
		if v >= floor {
			return k
		}
		// L v has the length sqrt(lambda).
		scale := math.Sqrt((floor - v) / v)
		column := z.extra.Column(k, s.n)
		clear(column)
		for i := range rank {
			kernel.Axpy(column, scale*s.eigen.Vectors[i*rank+k], z.pivoted.Column(i, s.n))
		}
	}
	return rank
}
