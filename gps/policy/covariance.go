package policy

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

// CovarianceKind says which form the actions' covariance of a policy has.
type CovarianceKind string

const (
	// Diagonal is the best covariance without correlations: variances 1/P_ii of the mean
	// precision P, as the public reference implementation has it.
	Diagonal CovarianceKind = "diagonal"
	// Full is the inverse of the mean precision.
	Full CovarianceKind = "full"
)

// CovarianceSource says what the actions' covariance of a policy is taken from.
type CovarianceSource string

const (
	// ByPrecision is Covariance, of the least divergence KL(pi || p) from the controllers.
	ByPrecision CovarianceSource = "precision"
	// ByLikelihood is LikelyCovariance, of the least divergence KL(p || pi), which also learns from what
	// the policy's mean does not reproduce.
	ByLikelihood CovarianceSource = "likelihood"
)

// LikelyCovariance writes the lower Cholesky factor of the covariance S to dst (dU x dU) under which the
// controllers' actions at N states are likeliest,
//
//	S = sum_n w_n (C_n + r_n r_n') / sum_n w_n
//
// for sum w C and sum w r r' (moments, dU x dU, overwritten) and the sum of weights (weight), C_n being
// the controllers' covariances and r_n what the policy's mean is away from theirs. Then
// 2 entropy / mean weight is added to the diagonal of S^-1, as in Covariance, for N states; kind Diagonal
// leaves the variances alone. It returns ErrInvalid where that is not finite or not positive definite.
func LikelyCovariance(dst, moments []float64, weight float64, N int, entropy float64, kind CovarianceKind) error {
	n2 := len(dst)
	dU := int(math.Sqrt(float64(n2)))
	if dU*dU != n2 || dU < 1 || len(moments) != n2 {
		panic(fmt.Sprintf("policy: covariance of %d numbers from %d of moments", n2, len(moments)))
	}
	switch {
	case !(weight > 0) || N < 1:
		return fmt.Errorf("%w: no action to learn the policy's covariance from (weights sum to %v over %d states)", ErrInvalid, weight, N)
	case !(entropy >= 0) || math.IsInf(entropy, 0):
		return fmt.Errorf("%w: entropy regularization is %v, need a finite number >= 0", ErrInvalid, entropy)
	case kind != Diagonal && kind != Full:
		return fmt.Errorf("%w: covariance is %q, need %q or %q", ErrInvalid, kind, Diagonal, Full)
	}
	for i := range moments {
		moments[i] /= weight
		if i%(dU+1) != 0 && kind == Diagonal {
			moments[i] = 0
		}
	}
	if !dense.Cholesky(moments, dU) {
		return fmt.Errorf("%w: the covariance of the controllers' actions at %d states is not positive definite or not finite", ErrInvalid, N)
	}
	if entropy == 0 {
		copy(dst, moments)
		return nil
	}
	dense.InvertFactored(moments, dU)
	for i := range dU {
		moments[i*(dU+1)] += 2 * float64(N) * entropy / weight
	}
	return Covariance(dst, moments, nil, 0, kind)
}

// Covariance writes the lower Cholesky factor of the covariance S to dst (dU x dU) that a policy
// has which minimises
//
//	sum_n w_n/2 (tr P_n S - log det S) + N entropy tr S
//
// for controllers' precisions P_n (N x dU x dU) and weights w_n (N; nil for 1) (arXiv:1504.00702,
// section 4.2; entropy, in the inverse of the actions' unit squared and >= 0, bounds S from above
// by its weight). The minimum is at S^-1 = (sum w_n P_n + 2 N entropy I) / sum w_n. It returns
// ErrInvalid where that is not finite or not positive definite.
func Covariance(dst, precisions, weights []float64, entropy float64, kind CovarianceKind) error {
	n2 := len(dst)
	dU := int(math.Sqrt(float64(n2)))
	if dU*dU != n2 || dU < 1 || len(precisions)%n2 != 0 || weights != nil && len(weights)*n2 != len(precisions) {
		panic(fmt.Sprintf("policy: covariance of %d numbers from %d of precisions and %d weights", n2, len(precisions), len(weights)))
	}
	switch {
	case len(precisions) == 0:
		return fmt.Errorf("%w: no precision to take the policy's covariance from", ErrInvalid)
	case !(entropy >= 0) || math.IsInf(entropy, 0):
		return fmt.Errorf("%w: entropy regularization is %v, need a finite number >= 0", ErrInvalid, entropy)
	case kind != Diagonal && kind != Full:
		return fmt.Errorf("%w: covariance is %q, need %q or %q", ErrInvalid, kind, Diagonal, Full)
	}
	N := len(precisions) / n2
	sum := 0.0
	mean := make([]float64, n2)
	for n := range N {
		w := 1.0
		if weights != nil {
			w = weights[n]
		}
		if !(w >= 0) {
			return fmt.Errorf("%w: weight of precision %d is %v, need a number >= 0", ErrInvalid, n, w)
		}
		sum += w
		for i, v := range block(precisions, n, n2) {
			mean[i] += w * v
		}
	}
	for i := range mean {
		if i%(dU+1) == 0 {
			mean[i] += 2 * float64(N) * entropy
		} else if kind == Diagonal {
			mean[i] = 0
		}
		mean[i] /= sum
	}
	if !dense.Cholesky(mean, dU) {
		return fmt.Errorf("%w: the mean precision of %d controllers' steps (weights sum to %v) is not positive definite or not finite", ErrInvalid, N, sum)
	}
	dense.InvertFactored(mean, dU)
	if !dense.Cholesky(mean, dU) {
		return fmt.Errorf("%w: the mean precision of %d controllers' steps has an inverse out of range", ErrInvalid, N)
	}
	copy(dst, mean)
	return nil
}
