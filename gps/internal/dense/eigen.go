package dense

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Eigen decomposes symmetric matrices of one size; it holds the workspace.
type Eigen struct {
	n int
	// Values are the eigenvalues, ascending. Vectors has the eigenvectors of the latest
	// Decompose in its columns, n x n.
	Values, Vectors []float64
	work            []float64
}

// NewEigen returns a decomposition of n x n matrices.
func NewEigen(n int) *Eigen {
	e := &Eigen{n: n, Values: make([]float64, n), Vectors: make([]float64, n*n)}
	var size [1]float64
	lapack64.Syev(lapack.EVCompute, e.matrix(), e.Values, size[:], -1)
	e.work = make([]float64, int(size[0]))
	return e
}

func (e *Eigen) matrix() blas64.Symmetric {
	return blas64.Symmetric{Uplo: blas.Lower, N: e.n, Stride: e.n, Data: e.Vectors}
}

// Decompose finds the eigenvalues and eigenvectors of a, of which the lower part is read,
// and reports whether a was finite and they were found.
//
// It is the way to the eigenvalues alone too: without vectors gonum v0.17 takes Dsterf,
// which panics where it has to scale a part of the matrix (entries below 1e-123).
func (e *Eigen) Decompose(a []float64) bool {
	if FirstNotFinite(a[:e.n*e.n]) >= 0 {
		return false
	}
	copy(e.Vectors, a[:e.n*e.n])
	return lapack64.Syev(lapack.EVCompute, e.matrix(), e.Values, e.work, len(e.work))
}

// Condition returns the ratio of the largest eigenvalue found last to the smallest one,
// +Inf if that is not positive.
func (e *Eigen) Condition() float64 {
	if e.Values[0] <= 0 {
		return math.Inf(1)
	}
	return e.Values[e.n-1] / e.Values[0]
}

// Spectrum describes the eigenvalues of a, for an error: their range and the condition
// number. a is n x n with the given stride, of which the lower part is read.
func Spectrum(a []float64, n, stride int) string {
	packed := make([]float64, n*n)
	for i := range n {
		copy(packed[i*n:(i+1)*n], a[i*stride:i*stride+n])
	}
	e := NewEigen(n)
	if !e.Decompose(packed) {
		return "has entries that are not finite"
	}
	return fmt.Sprintf("has eigenvalues from %.3g to %.3g, condition number %.3g", e.Values[0], e.Values[n-1], e.Condition())
}
