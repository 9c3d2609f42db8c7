package dynamics

import (
	"guidedpolicysearch/gps/internal/dense"
)

// Regularizer says how a covariance of [x, u] is kept away from singular.
type Regularizer string

const (
	// AddDiagonal adds the regularisation to the diagonal.
	AddDiagonal Regularizer = "diagonal"
	// LiftEigenvalues adds (regularisation - smallest eigenvalue) I where the smallest
	// eigenvalue is below the regularisation, and nothing elsewhere.
	LiftEigenvalues Regularizer = "lift"
	// AddWholeBlock adds the regularisation to every entry, as the public reference
	// implementation does; it ties independent inputs together.
	AddWholeBlock Regularizer = "whole_block"
)

// spectral changes eigenvalues of n x n matrices; it holds the workspace.
type spectral struct {
	n      int
	eigen  *dense.Eigen
	packed []float64
}

func newSpectral(n int) *spectral {
	return &spectral{n: n, eigen: dense.NewEigen(n), packed: make([]float64, n*n)}
}

// above says if all eigenvalues of a, of the given stride, are above the floor. It leaves
// a's lower part in packed unless so.
func (s *spectral) above(a []float64, stride int, floor float64) bool {
	pack := func() {
		for i := range s.n {
			copy(s.packed[i*s.n:i*s.n+i+1], a[i*stride:i*stride+i+1])
		}
	}
	pack()
	for i := range s.n {
		s.packed[i*s.n+i] -= floor
	}
	if dense.Cholesky(s.packed, s.n) {
		return true
	}
	pack()
	return false
}

// lift adds a multiple of I to the symmetric a, of the given stride, that brings its
// smallest eigenvalue up to the floor. A matrix that is not finite is left as it is.
func (s *spectral) lift(a []float64, stride int, floor float64) {
	if s.above(a, stride, floor) || !s.eigen.Decompose(s.packed) || s.eigen.Values[0] >= floor {
		return
	}
	for i := range s.n {
		a[i*stride+i] += floor - s.eigen.Values[0]
	}
}

// raise replaces the eigenvalues of the symmetric a below the floor by it; where rounding
// of the largest eigenvalue is above the floor, that takes its place. It reports false for
// a matrix that is not finite.
func (s *spectral) raise(a []float64, floor float64) bool {
	if s.above(a, s.n, floor) {
		return true
	}
	if !s.eigen.Decompose(s.packed) {
		return false
	}
	floor = max(floor, rounding(s.n)*s.eigen.Values[s.n-1])
	// a + sum over the low ones of (floor - lambda) v v' leaves the rest as it was.
	for k, v := range s.eigen.Values {
		if v >= floor {
			break
		}
		for i := range s.n {
			w := (floor - v) * s.eigen.Vectors[i*s.n+k]
			for j := range i + 1 {
				a[i*s.n+j] += w * s.eigen.Vectors[j*s.n+k]
			}
		}
	}
	dense.MirrorLower(a, s.n)
	return true
}
