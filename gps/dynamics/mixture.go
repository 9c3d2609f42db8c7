package dynamics

import (
	"context"
	"fmt"
	"math/rand/v2"

	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/gps/rollout"
)

// PriorConfig holds the settings of the mixture prior.
type PriorConfig struct {
	// MaxSamples is how many of the latest rollouts the mixture is fitted to, >= 1;
	// default 20.
	MaxSamples int
	// MaxClusters bounds the components, >= 1; default 20.
	MaxClusters int
	// MinSamplesPerCluster is how many transitions a component stands for, >= 1;
	// default 40. There are at least 2 components.
	MinSamplesPerCluster int
	// EM holds the settings of the mixture fit. Default mixture.DefaultConfig with a
	// single start: the prior is fitted anew while a robot waits, and learns as fast.
	EM mixture.Config
	// DropOneMore keeps MaxSamples-1 rollouts once there are more, as the public
	// reference implementation does.
	DropOneMore bool
}

// DefaultPriorConfig returns the defaults.
func DefaultPriorConfig() PriorConfig {
	em := mixture.DefaultConfig()
	em.Starts = 1
	return PriorConfig{MaxSamples: 20, MaxClusters: 20, MinSamplesPerCluster: 40, EM: em}
}

// Validate returns an error that names the field that is out of range.
func (c PriorConfig) Validate() error {
	if c.MaxSamples < 1 || c.MaxClusters < 1 || c.MinSamplesPerCluster < 1 {
		return fmt.Errorf("dynamics: prior needs max samples, max clusters and min samples per cluster >= 1, got %d, %d and %d", c.MaxSamples, c.MaxClusters, c.MinSamplesPerCluster)
	}
	return c.EM.Validate()
}

// MixturePrior is the mixture over the transitions of the latest rollouts of one
// condition, from which FromMixture makes a Prior. The zero value has no data.
type MixturePrior struct {
	// Rollouts are the rollouts that the mixture stands for, oldest first.
	Rollouts []*rollout.Rollout
	// Mixture is nil before the first update.
	Mixture *mixture.Mixture
}

// Add returns a copy of the prior with more rollouts in its data; its mixture is still
// the old one.
func (p *MixturePrior) Add(cfg PriorConfig, samples []*rollout.Rollout) *MixturePrior {
	all := make([]*rollout.Rollout, 0, len(p.Rollouts)+len(samples))
	all = append(append(all, p.Rollouts...), samples...)
	if excess := len(all) - cfg.MaxSamples; excess > 0 {
		all = all[excess:]
		if cfg.DropOneMore && len(all) > 1 {
			all = all[1:]
		}
	} else if cfg.DropOneMore && excess == 0 && len(all) > 1 {
		all = all[1:]
	}
	return &MixturePrior{Rollouts: all, Mixture: p.Mixture}
}

// Clusters returns how many components the data are fitted with:
// clip(floor(transitions/MinSamplesPerCluster), 2, MaxClusters).
func (p *MixturePrior) Clusters(cfg PriorConfig) int {
	n := 0
	for _, r := range p.Rollouts {
		n += r.T
	}
	return max(2, min(cfg.MaxClusters, n/cfg.MinSamplesPerCluster))
}

// Fit fits the mixture to the data: from the old one where the number of components has
// not changed, else from mixture.Start with rng. Errors wrap ErrTooFewSamples without
// rollouts, rollout.ErrNotFinite, rollout.ErrShape, or are those of mixture.Start and mixture.Fit.
func (p *MixturePrior) Fit(ctx context.Context, cfg PriorConfig, rng *rand.Rand) (mixture.Trace, error) {
	if err := cfg.Validate(); err != nil {
		return mixture.Trace{}, err
	}
	if len(p.Rollouts) == 0 {
		return mixture.Trace{}, fmt.Errorf("%w: the prior has none", ErrTooFewSamples)
	}
	for n, r := range p.Rollouts {
		if err := r.Validate(); err != nil {
			return mixture.Trace{}, fmt.Errorf("dynamics: prior's rollout %d: %w", n, err)
		}
	}
	points, K := rollout.Transitions(p.Rollouts), p.Clusters(cfg)
	D := 2*p.Rollouts[0].DX + p.Rollouts[0].DU
	var m *mixture.Mixture
	if p.Mixture != nil && p.Mixture.K == K && p.Mixture.D == D {
		m = p.Mixture.Clone()
	} else {
		var err error
		if m, err = mixture.Start(ctx, rng, points, D, K, cfg.EM); err != nil {
			return mixture.Trace{}, err
		}
	}
	trace, err := mixture.Fit(ctx, m, points, cfg.EM)
	if err != nil {
		return trace, err
	}
	p.Mixture = m
	return trace, nil
}
