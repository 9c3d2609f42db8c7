package dynamics

import (
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
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

// regularize changes the covariance of [x, u] as the configuration says.
func (w *worker) regularize(j *joint) {
	reg := w.cfg.Regularization
	switch w.cfg.Regularizer {
	case LiftEigenvalues:
		w.inputs.lift(j.sigma.Data, j.sigma.Stride, reg)
	case AddWholeBlock:
		for k := range j.in {
			for i := k; i < j.in; i++ {
				j.sigma.Data[k*j.sigma.Stride+i] += reg
			}
		}
	default:
		for k := range j.in {
			j.sigma.Data[k*j.sigma.Stride+k] += reg
		}
	}
	w.seen.joint(w.step, j)
}

// spectral changes eigenvalues of n x n matrices; it holds the workspace. Of a matrix, of the
// given stride, it reads the numbers at and after the diagonal's of each n: the upper part of
// one in rows, or the lower part of one in columns.
type spectral struct {
	n      int
	factor *kernel.Factor
	square kernel.Block // n x n
	// Made when they are first needed.
	null   *nullSpace
	eigen  *dense.Eigen
	packed []float64 // n x n
}

func newSpectral(n int) *spectral {
	return &spectral{n: n, factor: kernel.NewFactor(n, n), square: kernel.NewBlock(n, n)}
}

// above says if all eigenvalues of a, n x n, are above the floor.
func (s *spectral) above(a []float64, stride, n int, floor float64) bool {
	for k := range n {
		column := s.square.Column(k, n)
		copy(column[k:], a[k*stride+k:k*stride+n])
		column[k] -= floor
	}
	return s.factor.Cholesky(s.square, n, 0) == n
}

// decompose finds the eigenvalues and the eigenvectors of a, n x n, and reports whether a and
// they are finite.
func (s *spectral) decompose(a []float64, stride, n int) bool {
	if s.eigen == nil {
		s.eigen, s.packed = dense.NewEigen(s.n), make([]float64, s.n*s.n)
	}
	for k := range n {
		for i := k; i < n; i++ {
			s.packed[i*n+k] = a[k*stride+i]
		}
	}
	s.eigen.Resize(n)
	return s.eigen.Decompose(s.packed)
}

// lift adds a multiple of I to the symmetric a that brings its smallest eigenvalue up to the
// floor. A matrix that is not finite is left as it is.
func (s *spectral) lift(a []float64, stride int, floor float64) {
	if s.above(a, stride, s.n, floor) || !s.decompose(a, stride, s.n) || s.eigen.Values[0] >= floor {
		return
	}
	for i := range s.n {
		a[i*stride+i] += floor - s.eigen.Values[0]
	}
}

// raise replaces the eigenvalues of the symmetric a, n x n, below the floor by it; where
// rounding of the largest eigenvalue is above the floor, that takes its place. It reports
// false for a matrix that is not finite.
func (s *spectral) raise(a []float64, floor float64) bool {
	if s.above(a, s.n, s.n, floor) || s.raiseNull(a, floor) {
		return true
	}
	if !s.decompose(a, s.n, s.n) {
		return false
	}
	floor = max(floor, rounding(s.n)*max(s.eigen.Values[s.n-1], -s.eigen.Values[0]))
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
