package report

import (
	"math"

	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// Gap is how far a policy is from the local controllers that it copies, after an iteration, at the
// states of the iteration's trials. Numbers are means over the trials of all conditions.
type Gap struct {
	Iteration int
	// Difference holds the mean of |pi(x_t) - K_t x_t - k_t| in N m, dU x T.
	Difference [][]float64
	// KL holds KL(p_t || pi_t) in nat, T; nil for a policy without noise.
	KL []float64
}

// NewGap compares policy and controllers of a snapshot; nil where there is no policy, no controller or
// no trial.
func NewGap(s *Snapshot) *Gap {
	if s.Policy == nil {
		return nil
	}
	T, dX, dU := s.Policy.Sizes()
	g := &Gap{Iteration: s.Iteration, Difference: rows(dU, T)}
	chol := s.Policy.Chol()
	for j := range dU {
		if chol != nil && !(chol[j*dU+j] > 0) {
			chol = nil
		}
	}
	divergence := policy.NewDivergence(dX, dU)
	kl, mine, theirs := make([]float64, T), make([]float64, dU), make([]float64, dU)
	if chol != nil {
		g.KL = make([]float64, T)
	}
	total := 0
	for m, c := range s.Controllers {
		if m >= len(s.Trials) || len(s.Trials[m]) == 0 {
			continue
		}
		var samples []*rollout.Rollout
		var means []float64
		for _, trial := range s.Trials[m] {
			samples = append(samples, trial.Rollout)
			for t := range T {
				s.Policy.Mean(mine, trial.State(t))
				c.Act(theirs, trial.State(t), t, nil)
				means = append(means, mine...)
				for j := range dU {
					g.Difference[j][t] += math.Abs(mine[j] - theirs[j])
				}
			}
		}
		if chol != nil {
			divergence.AtSamples(nil, kl, c, samples, means, chol)
			addTo(g.KL, float64(len(samples)), kl)
		}
		total += len(samples)
	}
	if total == 0 {
		return nil
	}
	for _, list := range append(g.Difference, g.KL) {
		for t := range list {
			list[t] /= float64(total)
		}
	}
	return g
}
