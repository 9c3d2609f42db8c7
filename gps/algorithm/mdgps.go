package algorithm

import (
	"context"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
	"guidedpolicysearch/gps/trajopt"
)

// StepRule says what the KL step of MDGPS is adapted to.
type StepRule string

// The step rules of Montgomery & Levine 2016, section 4.2.
const (
	// Laplace compares expected costs of the linearised policy under the fitted models.
	Laplace StepRule = "laplace"
	// MonteCarlo compares the mean costs of the samples with what was expected. Off-policy, where the
	// policy has drawn none, what it costs above the controllers under the fitted models is added.
	MonteCarlo StepRule = "mc"
)

// MDGPSConfig holds the settings of MDGPS.
type MDGPSConfig struct {
	// Trajectory are those of the fits and of the trajectory update.
	Trajectory TrajOptConfig
	// Policy are those of the policy.
	Policy PolicyConfig
	// OffPolicy draws samples with the local controllers instead of the policy.
	OffPolicy bool
	// StepRule adapts the KL step; default Laplace.
	StepRule StepRule
	// Guard is how much worse than those of the iteration before the samples may do in the mean, as
	// a part of that cost, before the policy is rolled back, >= 0; 0 is no guard. Default 0.5. A
	// rise within three standard deviations of the samples' costs, which is what exploration does,
	// never rolls back. Each rollback in a row doubles what is allowed: where the samples before
	// were lucky, or no training does better, learning goes on from the policy that there is.
	Guard float64
}

// DefaultMDGPSConfig returns the defaults.
func DefaultMDGPSConfig() MDGPSConfig {
	return MDGPSConfig{Trajectory: DefaultTrajOptConfig(), Policy: DefaultPolicyConfig(), StepRule: Laplace, Guard: 0.5}
}

// Validate returns an error that names the field that is out of range.
func (c MDGPSConfig) Validate() error {
	if c.StepRule != Laplace && c.StepRule != MonteCarlo {
		return fmt.Errorf("algorithm: step rule is %q, need %q or %q", c.StepRule, Laplace, MonteCarlo)
	}
	if !(c.Guard >= 0) || math.IsInf(c.Guard, 0) {
		return fmt.Errorf("algorithm: guard is %v, need a finite number >= 0", c.Guard)
	}
	if err := c.Trajectory.Validate(); err != nil {
		return err
	}
	return c.Policy.Validate()
}

// MDGPS is guided policy search as approximate mirror descent (Montgomery & Levine 2016): local
// controllers improve on the policy, linearised where its samples are, within a KL bound; the
// policy is trained to act as they do.
type MDGPS struct {
	cfg     MDGPSConfig
	core    *core
	student *student
}

// NewMDGPS returns the algorithm for one cost per condition, as NewTrajOpt does.
func NewMDGPS(cfg MDGPSConfig, costs []cost.Term, dX, dU int) (*MDGPS, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c, s, err := newParts(cfg.Trajectory, cfg.Policy, costs, dX, dU)
	if err != nil {
		return nil, err
	}
	return &MDGPS{cfg: cfg, core: c, student: s}, nil
}

// Sampler implements Algorithm: the policy, once there is one, unless samples are off-policy or the
// condition is new.
func (a *MDGPS) Sampler(state *State, m int) (policy.Policy, error) {
	return a.student.sampler(state, m, !a.cfg.OffPolicy)
}

// Iterate implements Algorithm. An error is that of the first condition that has one.
func (a *MDGPS) Iterate(ctx context.Context, state *State, samples [][]*rollout.Rollout) (*State, *Report, error) {
	next, report, err := a.core.begin(state, samples)
	if err != nil {
		return nil, nil, err
	}
	if err := a.student.suits(state); err != nil {
		return nil, nil, err
	}
	report.Policy = new(PolicyReport)
	current := state.Policy
	if current == nil {
		if current, err = a.first(ctx, state, samples, report.Policy); err != nil {
			return nil, nil, fmt.Errorf("iteration %d: first policy: %w", next.Iteration, err)
		}
	}
	err = a.core.each(ctx, next.Iteration, len(samples), func(ctx context.Context, m, workers int) error {
		return a.observe(ctx, state, current, samples[m], m, workers, &next.Conditions[m], &report.Conditions[m])
	})
	if err != nil {
		return nil, nil, err
	}
	multiplier := a.adapt(state, next, report)
	if report.Policy.RolledBack {
		current, next.Rollbacks = state.Before, state.Rollbacks+1
		err = a.core.each(ctx, next.Iteration, len(samples), func(ctx context.Context, m, workers int) error {
			return a.putBack(ctx, state, samples[m], m, workers, &next.Conditions[m])
		})
		if err != nil {
			return nil, nil, err
		}
	}
	next.Before = current
	if report.Policy.RolledBack && a.core.cfg.Update == PI2 {
		a.redraw(multiplier, state, next, report)
		return next, report, nil
	}
	err = a.core.each(ctx, next.Iteration, len(samples), func(ctx context.Context, m, _ int) error {
		return a.improve(ctx, state, multiplier, m, &next.Conditions[m], &report.Conditions[m])
	})
	if err != nil {
		return nil, nil, err
	}
	lessons, controllers := lessonsOf(next.Conditions)
	if next.Policy, err = a.student.learn(ctx, current, lessons, controllers, state, 1, report.Policy); err != nil {
		return nil, nil, fmt.Errorf("iteration %d: policy: %w", next.Iteration, err)
	}
	return next, report, nil
}

// putBack makes condition m go on from what was known before the policy that is rolled back: its
// samples, whose states the other one does not meet, are left to the prior of the dynamics.
func (a *MDGPS) putBack(ctx context.Context, state *State, samples []*rollout.Rollout, m, workers int, next *Condition) (err error) {
	before := &state.Conditions[m]
	if before.Previous == nil { // a new condition, which has no other samples
		_, next.PolicyPrior, err = a.student.linearise(trace.With(ctx, "put_back"), next.Previous.Controller, state.Before, samples, before.PolicyPrior, workers, state.policyPriorStream(m, 1))
		return err
	}
	next.Previous, next.Drawn, next.MeanCost, next.CostDeviation = before.Previous, before.Drawn, before.MeanCost, before.CostDeviation
	next.Samples, next.PolicyPrior = before.Samples, before.PolicyPrior
	return nil
}

// redraw lets the policy that was put back draw the next samples, as it is: PI2's step would be the
// same once more, since no multiplier makes it smaller.
func (a *MDGPS) redraw(multiplier float64, state, next *State, report *Report) {
	next.Policy = next.Before
	for m := range next.Conditions {
		c := &next.Conditions[m]
		c.Controller, c.StepMultiplier, c.Eta = c.Previous.Controller.Clone(), multiplier, state.Conditions[m].Eta
		report.Conditions[m].StepMultiplier, report.Conditions[m].Eta = multiplier, c.Eta
	}
}

// first returns a policy that acts as the first controllers do, which drew the samples.
func (a *MDGPS) first(ctx context.Context, state *State, samples [][]*rollout.Rollout, report *PolicyReport) (*policy.Network, error) {
	var lessons []lesson
	var controllers []*lqg.Controller
	for m, c := range state.Conditions {
		if err := suit(samples[m], c.Controller); err != nil {
			return nil, err
		}
		lessons = append(lessons, lesson{controller: c.Controller, samples: samples[m]})
		controllers = append(controllers, c.Controller)
	}
	return a.student.learn(trace.With(ctx, "first"), nil, lessons, controllers, state, 0, report)
}

// lessonsOf returns what the conditions' controllers teach at the samples that they keep.
func lessonsOf(conditions []Condition) (lessons []lesson, controllers []*lqg.Controller) {
	for _, c := range conditions {
		for i, samples := range c.Samples {
			lessons = append(lessons, lesson{controller: c.Controller, samples: samples, age: len(c.Samples) - 1 - i})
		}
		controllers = append(controllers, c.Controller)
	}
	return lessons, controllers
}

// observe fits what condition m's samples say, of the robot and of the policy.
func (a *MDGPS) observe(ctx context.Context, state *State, current *policy.Network, samples []*rollout.Rollout, m, workers int, next *Condition, report *ConditionReport) error {
	model, prior, err := a.core.model(ctx, state, samples, m, workers, report)
	if err != nil {
		return err
	}
	before := &state.Conditions[m]
	model.Controller = lqg.NewController(before.Controller.T, before.Controller.DX, before.Controller.DU)
	_, policyPrior, err := a.student.linearise(ctx, model.Controller, current, samples, before.PolicyPrior, workers, state.policyPriorStream(m, 0))
	if err != nil {
		return err
	}
	drawn := model.Controller
	if a.cfg.OffPolicy || state.Policy == nil || before.Previous == nil {
		drawn = before.Controller
	}
	*next = Condition{Prior: prior, Previous: model, Drawn: drawn, PolicyPrior: policyPrior, MeanCost: mean(report.SampleCosts), CostDeviation: deviation(report.SampleCosts),
		Samples: keep(before.Samples, samples, a.cfg.Policy.Reuse+1)}
	return nil
}

// adapt returns the next step multiplier, and says in the report whether the policy is rolled back.
// Conditions that are new have nothing to compare with.
func (a *MDGPS) adapt(state, next *State, report *Report) float64 {
	before, predicted, actual, known := 1.0, 0.0, 0.0, 0.0
	for m := range state.Conditions {
		c, r := &state.Conditions[m], &report.Conditions[m]
		previous, now := c.Previous, next.Conditions[m].Previous
		if previous == nil {
			continue
		}
		was, promised, is := ExpectedCost(previous.Controller, previous), ExpectedCost(c.Controller, previous), ExpectedCost(now.Controller, now)
		if a.cfg.StepRule == MonteCarlo {
			was, is = a.sampled(c), a.sampled(&next.Conditions[m])
		}
		r.Predicted, r.Actual = difference(was, promised), difference(was, is)
		before, predicted, actual, known = c.StepMultiplier, predicted+r.Predicted, actual+r.Actual, known+1
	}
	if known == 0 {
		return before
	}
	multiplier := a.core.cfg.Step.Next(before, predicted/known, actual/known)
	if was, is, worse := a.worse(state, next); worse {
		report.Policy.RolledBack = true
		report.Policy.warn("iteration %d: the mean cost of the trials rose from %.4g to %.4g, by more than policy.guard %v allows: the policy before is put back, and the next step is smaller", next.Iteration, was, is, a.cfg.Guard)
		multiplier = max(a.core.cfg.Step.Min, min(multiplier, before/4))
	}
	return multiplier
}

// sampled is what the samples say that the policy costs. Off-policy they are the controllers', and what
// the policy does worse is the model's estimate: where it fails, they do not show it.
func (a *MDGPS) sampled(c *Condition) float64 {
	if !a.cfg.OffPolicy || c.Drawn == nil {
		return c.MeanCost
	}
	if gap := ExpectedCost(c.Previous.Controller, c.Previous) - ExpectedCost(c.Drawn, c.Previous); !(gap <= 0) {
		return c.MeanCost + gap
	}
	return c.MeanCost
}

// worse compares the mean costs of the samples with those of the iteration before, and tells
// whether they are worse by more than the guard allows.
func (a *MDGPS) worse(state, next *State) (was, is float64, worse bool) {
	spread, known := 0.0, 0.0
	for m := range state.Conditions {
		if c := &state.Conditions[m]; c.Previous != nil {
			was, is, spread, known = was+c.MeanCost, is+next.Conditions[m].MeanCost, spread+c.CostDeviation, known+1
		}
	}
	was, is, spread = was/known, is/known, spread/known
	margin := math.Ldexp(max(a.cfg.Guard*math.Abs(was), 3*spread), state.Rollbacks)
	return was, is, a.cfg.Guard > 0 && state.Before != nil && is-was > margin
}

// improve updates condition m's controller about the linearised policy.
func (a *MDGPS) improve(ctx context.Context, state *State, multiplier float64, m int, next *Condition, report *ConditionReport) (err error) {
	model := next.Previous
	problem := trajopt.Problem{Dynamics: model.Dynamics, X0: model.X0, Cost: model.Cost, Anchor: model.Controller, MaxEnt: a.core.cfg.MaxEntropy}
	next.StepMultiplier = multiplier
	err = a.core.update(ctx, &step{problem: &problem, drawn: next.Drawn, samples: next.Samples[len(next.Samples)-1], before: &state.Conditions[m], iteration: state.Iteration + 1, m: m}, next, report)
	report.PolicyKL = report.KL
	return err
}

// deviation returns the standard deviation of v.
func deviation(v []float64) float64 {
	s, m := 0.0, mean(v)
	for _, x := range v {
		s += (x - m) * (x - m) / float64(len(v))
	}
	return math.Sqrt(s)
}

func mean(v []float64) float64 {
	s := 0.0
	for _, x := range v {
		s += x
	}
	return s / float64(len(v))
}

// keep returns the latest groups of samples, the newest last.
func keep(groups [][]*rollout.Rollout, latest []*rollout.Rollout, most int) [][]*rollout.Rollout {
	groups = append(slices.Clone(groups), latest)
	return groups[max(0, len(groups)-most):]
}
