package dynamics

import (
	"math"

	"guidedpolicysearch/gps/internal/kernel"
)

// nullPart is the part of the floor up to which a pivot counts as zero, and so the part by
// which null may be off.
const nullPart = 1e-6

// null is raise where the eigenvalues of a below the floor are as good as zero, as those of
// a covariance of fewer points than dimensions are, and reports whether that is so. Then
// a = L L' with a pivoted factor L of as many columns as a has rank, and
//
//	a + floor (I - B B'),  B = L C^-T,  C C' = L'L
//
// raises the rest, B being an orthonormal basis of what a reaches. The eigenvalues of L'L
// are those of a that are not zero. It leaves a as it was unless all of them are above the
// floor. It costs a few products where eigenvectors cost an iteration.
func (s *spectral) null(a []float64, floor float64) bool {
	n, trace := s.n, 0.0
	for i := range n {
		trace += a[i*n+i]
	}
	// The trace bounds the largest eigenvalue.
	if !(rounding(n)*trace <= floor) {
		return false
	}
	rank := s.pivot(a, floor)
	if rank < 0 {
		return false
	}
	for i := range n {
		column := s.across.Column(i, n)
		for k := range rank {
			column[k] = s.pivoted.At(i, k)
		}
	}
	basis := s.stack.From(kernel.Pad(rank), 0)
	kernel.SetLower(s.stack, s.across, s.across.T(), rank, rank, n)
	if !s.above(s.stack.Data, s.stack.Stride, rank, floor) {
		return false
	}
	root := math.Sqrt(floor)
	for k := range rank {
		to := basis.Column(k, n)
		for i, v := range s.pivoted.Column(k, n) {
			to[i] = root * v
		}
	}
	if s.factor.Cholesky(s.stack, rank, n) < rank {
		return false
	}
	kernel.SetLower(s.raised, s.pivoted, s.pivoted.T(), n, n, rank)
	kernel.SubLower(s.raised, s.raised, basis, basis.T(), n, n, rank)
	kernel.Mirror(s.raised, n)
	for i := range n {
		row := a[i*n : (i+1)*n]
		copy(row, s.raised.Column(i, n))
		row[i] += floor
	}
	return true
}

// pivot finds L with L L' = a, the largest pivot first, and returns the number of its
// columns: that of the pivots above the floor, where those that are left are zero, else -1.
func (s *spectral) pivot(a []float64, floor float64) int {
	n := s.n
	for i := range s.left {
		s.left[i] = a[i*n+i]
	}
	for k := range n {
		largest, smallest := 0, 0.0
		for i, v := range s.left {
			if v > s.left[largest] {
				largest = i
			}
			smallest = min(smallest, v)
		}
		pivot := s.left[largest]
		if pivot <= nullPart*floor && smallest >= -nullPart*floor {
			return k
		}
		if !(pivot > floor) {
			return -1
		}
		column := s.pivoted.Column(k, n)
		copy(column, a[largest*n:(largest+1)*n])
		to := s.pivoted.From(0, k)
		kernel.Sub(to, to, s.pivoted, kernel.Right{Data: s.pivoted.Data[largest:], Inner: int32(s.pivoted.Stride)}, n, 1, k)
		scale := 1 / math.Sqrt(pivot)
		for i, v := range column {
			v *= scale
			column[i] = v
			s.left[i] -= v * v
		}
		s.left[largest] = 0
	}
	return -1 // no eigenvalue is zero
}
