package dense

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Eigen decomposes symmetric matrices; it holds the workspace.
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

// Resize makes e a decomposition of n x n matrices, n at most that of NewEigen.
func (e *Eigen) Resize(n int) {
	e.n, e.Values, e.Vectors = n, e.Values[:n], e.Vectors[:n*n]
}

func (e *Eigen) matrix() blas64.Symmetric {
	return blas64.Symmetric{Uplo: blas.Lower, N: e.n, Stride: e.n, Data: e.Vectors}
}

// Magnitudes whose squares and their sums are far from the limits of a float64.
const minScale, maxScale = 0x1p-300, 0x1p300

// Decompose finds the eigenvalues and eigenvectors of a, of which the lower part is read,
// and reports whether a and they are finite. It does not allocate.
//
// It is the way to the eigenvalues alone too: without vectors gonum v0.17 takes Dsterf,
// which panics where it has to scale a part of the matrix (entries below 1e-123).
func (e *Eigen) Decompose(a []float64) bool {
	if FirstNotFinite(a[:e.n*e.n]) >= 0 {
		return false
	}
	copy(e.Vectors, a[:e.n*e.n])
	largest := 0.0
	for i := range e.n {
		for _, v := range e.Vectors[i*e.n : i*e.n+i+1] {
			largest = max(largest, math.Abs(v))
		}
	}
	// Close to the limits the squares inside would overflow or vanish. A power of two is a
	// scale without rounding.
	shift := 0
	if largest > maxScale || largest > 0 && largest < minScale {
		_, shift = math.Frexp(largest)
		ldexp(e.Vectors, -shift)
	}
	if !lapack64.Syev(lapack.EVCompute, e.matrix(), e.Values, e.work, len(e.work)) {
		return false
	}
	if shift != 0 {
		ldexp(e.Values, shift)
	}
	return FirstNotFinite(e.Values) < 0
}

func ldexp(a []float64, exponent int) {
	for i, v := range a {
		a[i] = math.Ldexp(v, exponent)
	}
}

// Condition returns the condition number of the matrix decomposed last: the largest
// magnitude of an eigenvalue over the smallest, +Inf if the smallest is 0.
func (e *Eigen) Condition() float64 {
	least := math.Inf(1)
	for _, v := range e.Values {
		least = min(least, math.Abs(v))
	}
	if least == 0 {
		return math.Inf(1)
	}
	return max(-e.Values[0], e.Values[e.n-1]) / least
}

// Spectrum describes the eigenvalues of a, for an error: their range and the condition
// number. a is n x n with the given stride, of which the lower part is read.
func Spectrum(a []float64, n, stride int) string {
	packed := make([]float64, n*n)
	for i := range n {
		copy(packed[i*n:i*n+i+1], a[i*stride:i*stride+i+1])
	}
	e := NewEigen(n)
	if !e.Decompose(packed) {
		return "has entries or eigenvalues that are not finite"
	}
	return fmt.Sprintf("has eigenvalues from %.3g to %.3g, condition number %.3g", e.Values[0], e.Values[n-1], e.Condition())
}
