package lqg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
)

// Floor bounds action covariances from below: C_t - G_t is kept positive semi-definite.
type Floor struct {
	dU     int
	bound  []float64 // G_t, T x dU x dU
	factor []float64 // lower Cholesky factors of G_t, T x dU x dU
	trace  []float64 // of G_t, T
	scaled []float64 // dU x dU
	eigen  *dense.Eigen
}

// NewFloor returns the floor G_t = variance I for T steps and dU actions; variance > 0 is
// in the action's unit squared.
func NewFloor(variance float64, T, dU int) *Floor {
	f := newFloor(variance, T, dU)
	for t := range T {
		for i := range dU {
			block(f.bound, t, dU*dU)[i*dU+i] = variance
			block(f.factor, t, dU*dU)[i*dU+i] = math.Sqrt(variance)
		}
		f.trace[t] = variance * float64(dU)
	}
	return f
}

// NewWhitenedFloor returns the floor for covariances in the units of an anchor controller,
// L^-1 C L^-T for the anchor's covariance L L': the smaller, direction by direction, of
// variance L^-1 L^-T and of the identity. A covariance so bounded can come arbitrarily near
// to the anchor's also where the anchor lies below the floor itself, so that a floor never
// makes a KL bound infeasible.
func NewWhitenedFloor(variance float64, anchor *Controller) *Floor {
	n := anchor.DU
	f := newFloor(variance, anchor.T, n)
	for t := range anchor.T {
		g, w := block(f.bound, t, n*n), block(f.factor, t, n*n)
		for i := range n {
			w[i*n+i] = math.Sqrt(variance)
		}
		factor := dense.Matrix(n, n, n, w)
		blas64.Trsm(blas.Left, blas.NoTrans, 1, dense.Factor(anchor.CholAt(t), n), factor)
		bound := dense.Matrix(n, n, n, g)
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, factor, factor, 0, bound)
		for i := range n {
			f.trace[t] += g[i*n+i]
		}
		// The trace bounds the eigenvalues.
		if f.trace[t] <= 1 || !f.eigen.Decompose(g) || f.eigen.Values[n-1] <= 1 {
			continue
		}
		f.trace[t] = 0
		for i, v := range f.eigen.Values {
			// 1e-12 keeps G_t positive definite; no step shrinks a covariance that far.
			v = math.Min(math.Max(v, 1e-12), 1)
			f.trace[t] += v
			for j := range n {
				f.scaled[j*n+i] = math.Sqrt(v) * f.eigen.Vectors[j*n+i]
			}
		}
		root := dense.Matrix(n, n, n, f.scaled)
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, root, root, 0, bound)
		copy(w, g)
		dense.Cholesky(w, n)
	}
	return f
}

func newFloor(variance float64, T, dU int) *Floor {
	checkSizes(T, 1, dU)
	if !(variance > 0) || math.IsInf(variance, 0) {
		panic(fmt.Sprintf("lqg: covariance floor is %v, need a finite number > 0", variance))
	}
	return &Floor{dU: dU, bound: make([]float64, T*dU*dU), factor: make([]float64, T*dU*dU), trace: make([]float64, T),
		scaled: make([]float64, dU*dU), eigen: dense.NewEigen(dU)}
}

// Below reports whether a covariance whose smallest eigenvalue is least may need Raise at
// step t; false is certain.
func (f *Floor) Below(least float64, t int) bool { return !(least >= f.trace[t]) }

// Raise makes the covariance (dU x dU) of step t the one that minimises tr(C^-1 Z) - log
// det Z over the Z that the floor allows, which is what a constraint on the covariance of a
// linear-Gaussian controller asks for. It reports whether the covariance was below the
// floor. Raise does not allocate.
func (f *Floor) Raise(cov []float64, t int) bool {
	n := f.dU
	g, w := block(f.bound, t, n*n), block(f.factor, t, n*n)
	for i, v := range g {
		f.scaled[i] = cov[i] - v
	}
	if dense.Cholesky(f.scaled, n) {
		return false
	}
	// W^-1 C W^-T = V diag(mu) V': the directions W v of mu < 1 are raised to mu = 1.
	copy(f.scaled, cov[:n*n])
	s, factor := dense.Matrix(n, n, n, f.scaled), dense.Factor(w, n)
	blas64.Trsm(blas.Left, blas.NoTrans, 1, factor, s)
	blas64.Trsm(blas.Right, blas.Trans, 1, factor, s)
	dense.Symmetrize(f.scaled, n, n)
	if !f.eigen.Decompose(f.scaled) {
		return false
	}
	vectors := dense.Matrix(n, n, n, f.eigen.Vectors)
	blas64.Trmm(blas.Left, blas.NoTrans, 1, factor, vectors)
	for l, mu := range f.eigen.Values {
		if mu >= 1 {
			break
		}
		for i := range n {
			for j := range n {
				cov[i*n+j] += (1 - mu) * f.eigen.Vectors[i*n+l] * f.eigen.Vectors[j*n+l]
			}
		}
	}
	return true
}
