package algorithm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// ErrSamples marks samples that do not fit the state: conditions or sizes that differ.
var ErrSamples = errors.New("algorithm: samples do not fit")

// ErrState marks a state that no iteration can go on from.
var ErrState = errors.New("algorithm: state cannot be used")

// Algorithm improves controllers from rollouts.
type Algorithm interface {
	// Sampler returns what is to draw the next samples of condition m: its controller, or the
	// policy. It is for one goroutine.
	Sampler(state *State, m int) (policy.Policy, error)
	// Iterate returns the state after one more iteration. samples[m] are the rollouts
	// drawn with the sampler of condition m. state is not changed.
	Iterate(ctx context.Context, state *State, samples [][]*rollout.Rollout) (*State, *Report, error)
}

// State is all that an algorithm carries from one iteration to the next.
type State struct {
	// Iteration counts finished iterations.
	Iteration int
	// Seed names the random streams.
	Seed uint64
	// Conditions has one entry per initial state that is trained on.
	Conditions []Condition
	// Policy is shared by all conditions; nil before the first iteration, and for algorithms
	// without one.
	Policy *policy.Network
	// Before is the policy that the last iteration improved on, which a guard goes back to;
	// Rollbacks counts how often it did in a row.
	Before    *policy.Network
	Rollbacks int
}

// Condition is the state of one initial state's controller.
type Condition struct {
	// Controller is the local controller, to draw the next samples with unless a policy does.
	Controller *lqg.Controller
	// Eta is the dual variable of the last update, StepMultiplier the factor on the KL
	// step.
	Eta, StepMultiplier float64
	// Prior is the data and the mixture of the dynamics prior.
	Prior *dynamics.MixturePrior
	// Previous is nil before the first iteration.
	Previous *Model
	// MeanCost is that of the samples that Previous was fitted to, CostDeviation their standard
	// deviation.
	MeanCost, CostDeviation float64
	// Drawn is what drew these samples, for MDGPS: a controller, or the linearised policy.
	Drawn *lqg.Controller
	// PathIntegral is what PILQR goes on with; nil before, and for other updates.
	PathIntegral *pi2.State

	// What follows is of algorithms with a policy. Samples are those of the latest iterations, the
	// newest last, whose states the policy is trained at.
	Samples [][]*rollout.Rollout
	// PolicyPrior is the data and the mixture of the prior of the policy's linearisation.
	PolicyPrior *policy.MixturePrior
	// Duals pull controller and policy together, Linear is the linearised policy of the last turn, that
	// they pulled towards, and PolicyKL holds the divergences between them, T, that their weights were
	// last adapted to; nil for algorithms without.
	Duals    *policy.Duals
	Linear   *lqg.Controller
	PolicyKL []float64
}

// Model is what an iteration knew of a condition: its samples' controller (of MDGPS the
// linearised policy), and the dynamics, initial state and cost that were fitted to them.
type Model struct {
	Controller *lqg.Controller
	Dynamics   *lqg.Dynamics
	X0         *lqg.InitialState
	Cost       *lqg.Cost
}

// Report says what an iteration did.
type Report struct {
	// Iteration counts from 1.
	Iteration  int
	Conditions []ConditionReport
	// Policy is nil for algorithms without one.
	Policy *PolicyReport
}

// PolicyReport is the part of the policy.
type PolicyReport struct {
	// Loss and HeldOutLoss are those of the network that the last fit gave, at the samples trained on and
	// at those held out (NaN if none are); Epochs counts passes over the samples.
	Loss, HeldOutLoss float64
	Epochs            int
	// RolledBack tells that the policy did so much worse than the one before it that this one was
	// put back; Diverged that a fit was undone.
	RolledBack, Diverged bool
	// Warnings say so for people.
	Warnings []string
}

func (r *PolicyReport) warn(format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
}

// set reports on a fit.
func (r *PolicyReport) set(fit *nn.Report) {
	r.Epochs += len(fit.TrainLoss) - 1
	r.Loss, r.HeldOutLoss = fit.TrainLoss[fit.BestEpoch], math.NaN()
	if len(fit.HeldOutLoss) > 0 {
		r.HeldOutLoss = fit.HeldOutLoss[fit.BestEpoch]
	}
}

// ConditionReport is the part of one condition.
type ConditionReport struct {
	// SampleCosts are the costs of the samples that the iteration began with.
	SampleCosts []float64
	// CostTerms says what each named term (cost.Named) adds to them, in the order of the terms.
	CostTerms []CostTerm
	// KL is the divergence of the new controller from the one before, in nat over the
	// whole trajectory, Bound what was allowed, Eta its dual variable: with one bound per
	// step their sum, and the etas' geometric mean. Of PILQR, Bound is that of the LQR step and KL
	// is of the whole one. Of PI2 there is no Bound, which is 0, and Eta is the mean temperature.
	KL, Bound, Eta float64
	// Passes counts LQR backward passes.
	Passes int
	// StepMultiplier is the factor on the KL step that was used.
	StepMultiplier float64
	// Active tells whether the bound held the new controller back: then KL is near Bound,
	// or that of some step near its own.
	Active bool
	// Anchored tells that no dual variable kept the bound, so that the new controller is
	// the one before: the condition did not learn. A warning says so too.
	Anchored bool
	// PolicyKL is the divergence of the new controller from the policy, linearised, in nat over
	// the whole trajectory: before the policy is trained on it for MDGPS, after the last turn for
	// the others.
	PolicyKL float64
	// Predicted and Actual are the improvement that the last update promised and what
	// the samples' models show, of what it minimised: the expected cost, and for the algorithms that
	// alternate the pull towards the policy; 0 in the first iteration, which has none to look back on.
	Predicted, Actual float64
	// EMSteps counts E-steps of the mixture fit.
	EMSteps int
	// Warnings say, for people, why the fitted dynamics deserve little trust, and that the
	// controller stayed what it was where Anchored is true.
	Warnings []string
}

// CostTerm is the part that a named term of the cost has, mean over the samples.
type CostTerm struct {
	Name string
	Mean float64
}

// MeanCost is the mean over all conditions' samples.
func (r *Report) MeanCost() float64 {
	sum, n := 0.0, 0
	for _, c := range r.Conditions {
		for _, v := range c.SampleCosts {
			sum += v
			n++
		}
	}
	return sum / float64(n)
}

// BestCost is the lowest cost of a sample.
func (r *Report) BestCost() float64 {
	best := r.Conditions[0].SampleCosts[0]
	for _, c := range r.Conditions {
		for _, v := range c.SampleCosts {
			best = min(best, v)
		}
	}
	return best
}

// NewState returns the state before the first iteration.
func NewState(seed uint64, eta float64, controllers []*lqg.Controller) *State {
	return (&State{Seed: seed}).WithConditions(eta, controllers)
}

// WithConditions returns the state with further conditions after those that it has, each with a
// controller to begin with. Priors, multipliers and the policy stay; the new conditions have none of
// them until their first samples.
func (s *State) WithConditions(eta float64, controllers []*lqg.Controller) *State {
	next := *s
	next.Conditions = slices.Clone(s.Conditions)
	for _, c := range controllers {
		next.Conditions = append(next.Conditions, Condition{Controller: c, Eta: eta, StepMultiplier: 1, Prior: new(dynamics.MixturePrior)})
	}
	return &next
}

// stream returns the random numbers of one purpose in one iteration and condition.
func (s *State) stream(condition int) *rand.Rand {
	return rand.New(rand.NewPCG(s.Seed, uint64(s.Iteration)<<32|uint64(uint32(condition))))
}

// policyStream numbers the random streams of the policy, after those of the conditions.
const policyStream = 1 << 31

// policySeed returns the seed of one fit of the policy in an iteration.
func (s *State) policySeed(fit int) uint64 { return s.stream(policyStream + fit).Uint64() }

// policyPriorStream returns the random numbers of the policy's prior of a condition.
func (s *State) policyPriorStream(condition, fit int) *rand.Rand {
	return s.stream(policyStream + 1<<24 + fit<<16 + condition)
}

// NoiseSeed returns the seed of the exploration noise (rollout.Noise) of a sample (from 0)
// of a condition in the iteration (from 1).
func NoiseSeed(seed uint64, iteration, condition, sample int) uint64 {
	rng := rand.New(rand.NewPCG(seed, 1<<63|uint64(iteration)<<40|uint64(condition)<<20|uint64(sample)))
	return rng.Uint64()
}
