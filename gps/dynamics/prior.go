package dynamics

import (
	"fmt"

	"guidedpolicysearch/gps/mixture"
)

// Prior gives the normal-inverse-Wishart prior of each time step's transitions. *NIW is
// one that is the same at every step, FromMixture one that depends on the transitions.
type Prior interface {
	// At overwrites dst with the prior at time step t of the transitions that are about
	// to be fitted: points, N x D, each [x; u; x'].
	At(dst *NIW, t int, points []float64) error
	// Fork returns a prior of the same values whose At may be called at the same time: fits
	// work on several time steps at once, in any order, with a Fork each. One whose At keeps
	// nothing between calls may return itself.
	Fork() Prior
}

// mixturePrior is the prior that a mixture gives for the points of a time step.
type mixturePrior struct {
	D     int
	query *mixture.Query
}

// FromMixture returns the prior that a mixture over transitions gives: its moments under
// the mean responsibilities of the step's points, with m = 1 and
// n_0 = (N_g - 2 - D)/N_g of the N_g points that the mixture was fitted to, at least 0.1
// (arXiv:1504.00702, appendix A.3). The mixture must not change while the prior is in
// use. It returns mixture.ErrDegenerate if a covariance is not positive definite; nil, the
// mixture of a MixturePrior before its first Fit, panics.
func FromMixture(m *mixture.Mixture) (Prior, error) {
	if m == nil {
		panic("dynamics: the prior's mixture is nil, need one that was fitted: MixturePrior.Fit makes it")
	}
	query, err := mixture.NewQuery(m)
	if err != nil {
		return nil, err
	}
	return &mixturePrior{D: m.D, query: query}, nil
}

func (p *mixturePrior) At(dst *NIW, _ int, points []float64) error {
	if len(points)%p.D != 0 {
		panic(fmt.Sprintf("dynamics: mixture over %d dimensions, transitions of %d numbers in all", p.D, len(points)))
	}
	// The query writes where the fit reads.
	prior := mixture.Prior{Mean: dst.Mean, Cov: dst.Scatter}
	if err := p.query.Prior(&prior, points); err != nil {
		return err
	}
	dst.Mean, dst.Scatter = prior.Mean, prior.Cov
	if prior.M != 1 {
		for i := range dst.Scatter {
			dst.Scatter[i] *= prior.M
		}
	}
	dst.NMean = prior.M
	dst.NCovar = prior.N0 - float64(p.D+1)
	return nil
}

// Fork shares the mixture.
func (p *mixturePrior) Fork() Prior { return &mixturePrior{D: p.D, query: p.query.Fork()} }
