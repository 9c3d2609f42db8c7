// Package dense holds the few dense-matrix steps that the learning packages share and
// gonum has only behind types that allocate. Matrices are row-major n x n slices.
package dense

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/lapack/lapack64"
)

// Matrix views a row-major block, or a sub-block of it given its stride.
func Matrix(rows, cols, stride int, data []float64) blas64.General {
	return blas64.General{Rows: rows, Cols: cols, Stride: stride, Data: data}
}

// Vector views a slice.
func Vector(data []float64) blas64.Vector { return blas64.Vector{N: len(data), Inc: 1, Data: data} }

// Factor views the lower triangle of an n x n matrix.
func Factor(a []float64, n int) blas64.Triangular {
	return blas64.Triangular{Uplo: blas.Lower, Diag: blas.NonUnit, N: n, Stride: n, Data: a}
}

// Cholesky replaces a by its lower Cholesky factor, the upper part zeroed, and reports
// whether a was finite and positive definite. Only a's lower part is read.
func Cholesky(a []float64, n int) bool {
	// A NaN compares false everywhere and would pass the factorisation.
	if FirstNotFinite(a[:n*n]) >= 0 {
		return false
	}
	_, ok := lapack64.Potrf(blas64.Symmetric{Uplo: blas.Lower, N: n, Stride: n, Data: a})
	for i := range n {
		for j := i + 1; j < n; j++ {
			a[i*n+j] = 0
		}
	}
	return ok
}

// InvertFactored replaces the lower Cholesky factor in a by the inverse of the matrix
// that it factorises.
func InvertFactored(a []float64, n int) {
	lapack64.Potri(Factor(a, n))
	MirrorLower(a, n)
}

// SolveFactored overwrites b (n x m) with (L L')^-1 b.
func SolveFactored(l []float64, n int, b blas64.General) {
	blas64.Trsm(blas.Left, blas.NoTrans, 1, Factor(l, n), b)
	blas64.Trsm(blas.Left, blas.Trans, 1, Factor(l, n), b)
}

// AddOuter adds w (x - mean)(x - mean)' to the lower part of a, n x n with n = len(x).
func AddOuter(a []float64, w float64, x, mean []float64) {
	n := len(x)
	for i := range n {
		wi := w * (x[i] - mean[i])
		row := a[i*n : i*n+i+1]
		for j := range row {
			row[j] += wi * (x[j] - mean[j])
		}
	}
}

// MirrorLower copies the lower part of the n x n matrix to the upper.
func MirrorLower(a []float64, n int) {
	for i := range n {
		for j := range i {
			a[j*n+i] = a[i*n+j]
		}
	}
}

// Symmetrize replaces the n x n matrix of the given stride by the mean of it and its
// transpose.
func Symmetrize(a []float64, n, stride int) {
	for i := range n {
		for j := range i {
			s := 0.5 * (a[i*stride+j] + a[j*stride+i])
			a[i*stride+j], a[j*stride+i] = s, s
		}
	}
}

// FirstNotFinite returns the index of the first NaN or infinity, or -1.
func FirstNotFinite(list []float64) int {
	// v - v is 0 unless v is not finite, and a NaN stays in the sum: four sums at once
	// pass over long lists at the speed of memory.
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(list); i += 4 {
		v := list[i : i+4 : i+4]
		a, b, c, d = a+(v[0]-v[0]), b+(v[1]-v[1]), c+(v[2]-v[2]), d+(v[3]-v[3])
	}
	if a+b+c+d == 0 {
		list = list[i:]
	} else {
		i = 0
	}
	for k, v := range list {
		if v-v != 0 {
			return i + k
		}
	}
	return -1
}
