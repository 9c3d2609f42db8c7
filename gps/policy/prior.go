package policy

import (
	"context"
	"fmt"
	"math/rand/v2"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/gps/rollout"
)

// ConstantPrior returns the weak prior of a linearisation: n_0 = strength observations of
// independent entries of [x; u], the states' with the given variances (dX) and the actions' with
// 1e-5 of theirs (dU), and none of the mean. It draws gains to 0 where samples do not spread.
func ConstantPrior(strength float64, states, actions []float64) *dynamics.NIW {
	D := len(states) + len(actions)
	p := dynamics.NewNIW(D)
	p.NCovar += strength
	for i := range D {
		if i < len(states) {
			p.Scatter[i*(D+1)] = strength * states[i]
		} else {
			p.Scatter[i*(D+1)] = strength * 1e-5 * actions[i-len(states)]
		}
	}
	return p
}

// MixturePrior is the mixture over [x; pi(x)] at the states of the latest rollouts of one condition:
// what is known of the policy's slope where the samples of one step do not tell it
// (arXiv:1504.00702, appendix A.3, with the policy in the place of the dynamics). Actions are those
// that the current policy has there, not those that were taken. The zero value has no data.
type MixturePrior struct {
	// Rollouts are those that the mixture stands for, oldest first.
	Rollouts []*rollout.Rollout
	// Mixture is nil before the first Fit.
	Mixture *mixture.Mixture
}

// Add returns a copy of the prior with more rollouts, of which the latest are kept; its mixture is
// still the old one.
func (p *MixturePrior) Add(cfg dynamics.PriorConfig, samples []*rollout.Rollout) *MixturePrior {
	kept := (&dynamics.MixturePrior{Rollouts: p.Rollouts}).Add(cfg, samples)
	return &MixturePrior{Rollouts: kept.Rollouts, Mixture: p.Mixture}
}

// Fit fits the mixture to the policy's mean actions at the rollouts' states: from the old mixture
// where the number of components has not changed, else from mixture.Start with rng. Errors wrap
// dynamics.ErrTooFewSamples without rollouts, ErrInvalid where a state or an action is not
// finite, or are those of mixture.Start and mixture.Fit.
func (p *MixturePrior) Fit(ctx context.Context, cfg dynamics.PriorConfig, policy Policy, rng *rand.Rand) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if len(p.Rollouts) == 0 {
		return fmt.Errorf("%w: the policy's prior has none", dynamics.ErrTooFewSamples)
	}
	means, err := Means(policy, p.Rollouts)
	if err != nil {
		return fmt.Errorf("policy's prior: %w", err)
	}
	T, dX, dU := policy.Sizes()
	D := dX + dU
	points := make([]float64, 0, len(p.Rollouts)*T*D)
	for n, r := range p.Rollouts {
		for t := range T {
			points = append(append(points, r.State(t)...), block(means, n*T+t, dU)...)
		}
	}
	if i := dense.FirstNotFinite(points); i >= 0 {
		return fmt.Errorf("%w: state %d at time step %d of the prior's rollout %d is %v", ErrInvalid, i%D, i/D%T, i/D/T, points[i])
	}
	K := (&dynamics.MixturePrior{Rollouts: p.Rollouts}).Clusters(cfg)
	var m *mixture.Mixture
	if p.Mixture != nil && p.Mixture.K == K && p.Mixture.D == D {
		m = p.Mixture.Clone()
	} else if m, err = mixture.Start(ctx, rng, points, D, K, cfg.EM); err != nil {
		return err
	}
	if _, err := mixture.Fit(ctx, m, points, cfg.EM); err != nil {
		return err
	}
	p.Mixture = m
	return nil
}
