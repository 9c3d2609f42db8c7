package lqg

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"guidedpolicysearch/gps/internal/dense"
)

// maxFactorCondition is the largest condition number of a covariance factor, its rows scaled
// to 1: above it actions are known too coarsely, in doubles, to say how many standard
// deviations of a controller lie between them.
const maxFactorCondition = 1e14

// factorCondition returns the condition number (in the norm of the largest row sum) of the
// lower factor l (n x n) with its rows scaled to unit length, which takes the units of the
// actions out. work is n x n.
func factorCondition(l, work []float64, n int) float64 {
	clear(work)
	norm := 0.0
	for i := range n {
		row := l[i*n : i*n+i+1]
		length, sum := blas64.Nrm2(dense.Vector(row)), 0.0
		for _, v := range row {
			sum += math.Abs(v / length)
		}
		norm = math.Max(norm, sum)
		work[i*n+i] = length // (D^-1 L)^-1 = L^-1 D for the lengths D
	}
	blas64.Trsm(blas.Left, blas.NoTrans, 1, dense.Factor(l, n), dense.Matrix(n, n, n, work))
	inverse := 0.0
	for i := range n {
		sum := 0.0
		for _, v := range work[i*n : i*n+i+1] {
			sum += math.Abs(v)
		}
		if !(sum <= inverse) {
			inverse = sum
		}
	}
	if math.IsNaN(inverse) {
		return math.Inf(1)
	}
	return norm * inverse
}

// wellConditioned reports whether factorCondition of l is certainly at most
// maxFactorCondition, from a bound that costs a fraction of it: with rows scaled to 1 no entry
// of the inverse is above that of the inverse of the factor with its entries below the
// diagonal replaced by -|l_ij|, whose row sums y solve one triangular system. y is
// workspace, n.
func wellConditioned(l, y []float64, n int) bool {
	worst := 0.0
	for i := range n {
		row := l[i*n : i*n+i+1]
		length, s := row[i], 0.0 // length is that of the row or more
		for j, v := range row[:i] {
			v = math.Abs(v)
			length += v
			s += v * y[j]
		}
		y[i] = (length + s) / row[i]
		worst = max(worst, y[i])
	}
	return float64(n)*worst <= maxFactorCondition
}

// mustFactor panics unless the factor of step t is one of a positive definite matrix.
func mustFactor(l []float64, n, t int, of string) {
	for i := range n {
		if !(l[i*n+i] > 0) {
			panicFactor(l[i*n+i], i, t, of)
		}
	}
}

func panicFactor(v float64, i, t int, of string) {
	panic(fmt.Sprintf("lqg: %s of a controller whose covariance factor at time step %d has %v on its diagonal (row %d), need numbers > 0 (Validate checks them)", of, t, v, i))
}
