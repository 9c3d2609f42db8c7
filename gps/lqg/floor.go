package lqg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
)

// Floor bounds action covariances from below: C_t - G_t is kept positive semi-definite.
type Floor struct {
	dU     int
	bound  []float64 // G_t, T x dU x dU
	factor []float64 // lower Cholesky factors of G_t, T x dU x dU
	most   []float64 // no eigenvalue of G_t is above it, T
	scaled []float64 // dU x dU
	eigen  *dense.Eigen
	excess kernel.Block // C - G_t
	test   *kernel.Factor
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
		f.most[t] = variance
	}
	return f
}

// NewWhitenedFloor returns the floor for covariances in the units of an anchor controller,
// L^-1 C L^-T for the anchor's covariance L L': the smaller, direction by direction, of
// variance L^-1 L^-T and of the identity. A covariance so bounded can come arbitrarily near
// to the anchor's also where the anchor lies below the floor itself, so that a floor never
// makes a KL bound infeasible.
func NewWhitenedFloor(variance float64, anchor *Controller) *Floor {
	f := newFloor(variance, anchor.T, anchor.DU)
	f.Whiten(variance, anchor)
	return f
}

// Whiten makes f the floor of NewWhitenedFloor for another anchor of the same size.
func (f *Floor) Whiten(variance float64, anchor *Controller) {
	n := f.dU
	if anchor.DU != n || len(anchor.Chol) != len(f.bound) {
		panic(fmt.Sprintf("lqg: covariance floor of T=%d dU=%d in the units of an anchor of T=%d dU=%d", len(f.most), n, anchor.T, anchor.DU))
	}
	checkFloor(variance)
	sd := math.Sqrt(variance)
	for t := range anchor.T {
		g, w, l := block(f.bound, t, n*n), block(f.factor, t, n*n), anchor.CholAt(t)
		for j := range n { // w = sd L^-1, column by column
			w[j*n+j] = sd / l[j*n+j]
			for i := j + 1; i < n; i++ {
				s := 0.0
				for k := j; k < i; k++ {
					s += l[i*n+k] * w[k*n+j]
				}
				w[i*n+j] = -s / l[i*n+i]
				w[j*n+i] = 0
			}
		}
		outer(g, w, n)
		f.most[t] = largestRowSum(g, n)
		if f.most[t] <= 1 || !f.eigen.Decompose(g) || f.eigen.Values[n-1] <= 1 {
			continue
		}
		f.most[t] = 1
		for i, v := range f.eigen.Values {
			// 1e-12 keeps G_t positive definite; no step shrinks a covariance that far.
			v = math.Min(math.Max(v, 1e-12), 1)
			for j := range n {
				f.scaled[j*n+i] = math.Sqrt(v) * f.eigen.Vectors[j*n+i]
			}
		}
		root, bound := dense.Matrix(n, n, n, f.scaled), dense.Matrix(n, n, n, g)
		blas64.Gemm(blas.NoTrans, blas.Trans, 1, root, root, 0, bound)
		copy(w, g)
		dense.Cholesky(w, n)
	}
}

// outer writes w w' of a lower factor to g, both n x n.
func outer(g, w []float64, n int) {
	for i := range n {
		for j := range i + 1 {
			s := 0.0
			for k := range j + 1 {
				s += w[i*n+k] * w[j*n+k]
			}
			g[i*n+j], g[j*n+i] = s, s
		}
	}
}

// largestRowSum returns the largest sum of the magnitudes of a row of a symmetric matrix,
// which no eigenvalue is above.
func largestRowSum(a []float64, n int) float64 {
	most := 0.0
	for i := range n {
		s := 0.0
		for _, v := range a[i*n : (i+1)*n] {
			s += math.Abs(v)
		}
		most = max(most, s)
	}
	return most
}

func checkFloor(variance float64) {
	if !(variance > 0) || math.IsInf(variance, 0) {
		panic(fmt.Sprintf("lqg: covariance floor is %v, need a finite number > 0", variance))
	}
}

func newFloor(variance float64, T, dU int) *Floor {
	checkSizes(T, 1, dU)
	checkFloor(variance)
	return &Floor{dU: dU, bound: make([]float64, T*dU*dU), factor: make([]float64, T*dU*dU), most: make([]float64, T),
		scaled: make([]float64, dU*dU), eigen: dense.NewEigen(dU), excess: kernel.NewBlock(dU, dU), test: kernel.NewFactor(dU, 0)}
}

// Below reports whether a covariance that has no eigenvalue below least may need Raise at
// step t; false is certain.
func (f *Floor) Below(least float64, t int) bool { return !(least >= f.most[t]) }

// Raise makes the covariance (dU x dU) of step t the one that minimises tr(C^-1 Z) - log
// det Z over the Z that the floor allows, which is what a constraint on the covariance of a
// linear-Gaussian controller asks for. It reports whether the covariance was below the
// floor. Raise does not allocate.
func (f *Floor) Raise(cov []float64, t int) bool {
	n := f.dU
	g, w := block(f.bound, t, n*n), block(f.factor, t, n*n)
	for j := range n {
		column := f.excess.Column(j, n)
		for i := j; i < n; i++ {
			column[i] = cov[i*n+j] - g[i*n+j]
		}
	}
	if f.test.Cholesky(f.excess, n, 0) == n {
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
