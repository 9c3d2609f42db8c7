package mixture

import (
	"math"
	"slices"

	"guidedpolicysearch/gps/internal/kernel"
)

// drift says what a step leaves of a component's Mahalanobis distances: a distance of a from
// the old component is one of at least shrink a - moved from the new one. The zero drift says
// nothing.
//
// With y = x - mu, W the inverse factor and ' for what is new, |W y| <= s |W' y| where s^2 is
// the largest eigenvalue of W Sigma' W': the least s for which s^2 Sigma - Sigma' is positive
// semidefinite. And |W' (x - mu')| >= |W' (x - mu)| - |W' (mu' - mu)|.
type drift struct {
	shrink, moved float64
}

// stretches are the s that are tried.
var stretches = [...]float64{1.01, 1.05, 1.15, 1.35, 1.8}

// drift returns the drift of component k in an M-step.
func (s *moments) drift(e *em, k int) drift {
	D, now, before := e.m.D, e.m.covs[k], e.previous.covs[k]
	same := slices.Equal(now.Data, before.Data)
	if same && slices.Equal(e.m.mean(k), e.previous.mean(k)) {
		return drift{1, 0}
	}
	away := s.rows.Column(0, e.m.stride)
	kernel.Difference(away, e.m.mean(k), e.previous.mean(k), 1)
	kernel.Set(s.product, e.m.inverses[k], kernel.Right{Data: away, Inner: 1}, D, 1, D)
	z := s.product.Column(0, D)
	moved := math.Sqrt(kernel.Dot(z, z))
	if !(moved < math.Inf(1)) {
		return drift{}
	}
	if same {
		return drift{1, moved}
	}
	for _, stretch := range stretches {
		if s.covers(now, before, stretch*stretch, D) {
			return drift{1 / stretch, moved}
		}
	}
	return drift{}
}

// covers says if share times a covariance is more than another one.
func (s *moments) covers(now, before kernel.Block, share float64, D int) bool {
	for i := range D {
		if !(share*before.At(i, i) > now.At(i, i)) {
			return false
		}
	}
	for j := range D {
		column := s.l.Column(j, D)
		other := now.Column(j, D)
		for i, v := range before.Column(j, D)[j:] {
			column[j+i] = share*v - other[j+i]
		}
	}
	return s.Cholesky(s.l, D, 0) == D
}
