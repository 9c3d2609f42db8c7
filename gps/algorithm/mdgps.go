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
	"guidedpolicysearch/gps/trajopt"
)

// StepRule says what the KL step of MDGPS is adapted to.
type StepRule string

// The step rules of Montgomery & Levine 2016, section 4.2.
const (
	// Laplace compares expected costs of the linearised policy under the fitted models.
	Laplace StepRule = "laplace"
	// MonteCarlo compares the mean costs of the samples with what was expected.
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
	// never rolls back.
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
	s, err := newStudent(cfg.Policy, dX, dU)
	if err != nil {
		return nil, err
	}
	c, err := newCore(cfg.Trajectory, costs)
	if err != nil {
		return nil, err
	}
	return &MDGPS{cfg: cfg, core: c, student: s}, nil
}

// Sampler implements Algorithm: the policy, once there is one, unless samples are off-policy.
func (a *MDGPS) Sampler(state *State, m int) (policy.Policy, error) {
	return a.student.sampler(state, m, !a.cfg.OffPolicy)
}

// Iterate implements Algorithm. An error is that of the first condition that has one.
func (a *MDGPS) Iterate(ctx context.Context, state *State, samples [][]*rollout.Rollout) (*State, *Report, error) {
	next, report, err := a.core.begin(state, samples)
	if err != nil {
		return nil, nil, err
	}
	report.Policy = new(PolicyReport)
	current := state.Policy
	if current == nil {
		if current, err = a.first(ctx, state, samples, report.Policy); err != nil {
			return nil, nil, fmt.Errorf("iteration %d: first policy: %w", next.Iteration, err)
		}
	}
	err = a.core.each(ctx, next.Iteration, len(samples), func(m, workers int) error {
		return a.observe(ctx, state, current, samples[m], m, workers, &next.Conditions[m], &report.Conditions[m])
	})
	if err != nil {
		return nil, nil, err
	}
	multiplier := a.adapt(state, next, report)
	if report.Policy.RolledBack {
		current = state.Before
		for m := range next.Conditions {
			c, before := &next.Conditions[m], &state.Conditions[m]
			c.Previous, c.MeanCost, c.CostDeviation = before.Previous, before.MeanCost, before.CostDeviation
		}
	}
	err = a.core.each(ctx, next.Iteration, len(samples), func(m, _ int) error {
		return a.improve(state, multiplier, m, &next.Conditions[m], &report.Conditions[m])
	})
	if err != nil {
		return nil, nil, err
	}
	lessons, controllers := lessonsOf(next.Conditions)
	if next.Policy, err = a.student.learn(ctx, current, lessons, controllers, state.policySeed(1), report.Policy); err != nil {
		return nil, nil, fmt.Errorf("iteration %d: policy: %w", next.Iteration, err)
	}
	next.Before = current
	return next, report, nil
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
	return a.student.learn(ctx, nil, lessons, controllers, state.policySeed(0), report)
}

// lessonsOf returns what the conditions' controllers teach at the samples that they keep.
func lessonsOf(conditions []Condition) (lessons []lesson, controllers []*lqg.Controller) {
	for _, c := range conditions {
		for _, samples := range c.Samples {
			lessons = append(lessons, lesson{controller: c.Controller, samples: samples})
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
	*next = Condition{Prior: prior, Previous: model, PolicyPrior: policyPrior, MeanCost: mean(report.SampleCosts), CostDeviation: deviation(report.SampleCosts),
		Samples: keep(before.Samples, samples, a.cfg.Policy.Reuse+1)}
	return nil
}

// adapt returns the next step multiplier, and says in the report whether the policy is rolled back.
func (a *MDGPS) adapt(state, next *State, report *Report) float64 {
	multiplier := state.Conditions[0].StepMultiplier
	predicted, actual := 0.0, 0.0
	for m := range state.Conditions {
		previous, now, r := state.Conditions[m].Previous, next.Conditions[m].Previous, &report.Conditions[m]
		if previous == nil {
			return multiplier
		}
		was, promised, is := ExpectedCost(previous.Controller, previous), ExpectedCost(now.Controller, previous), ExpectedCost(now.Controller, now)
		if a.cfg.StepRule == MonteCarlo {
			was, is = state.Conditions[m].MeanCost, next.Conditions[m].MeanCost
		}
		r.Predicted, r.Actual = difference(was, promised), difference(was, is)
		predicted, actual = predicted+r.Predicted, actual+r.Actual
	}
	M := float64(len(state.Conditions))
	multiplier = a.core.cfg.Step.Next(multiplier, predicted/M, actual/M)
	if was, is, worse := a.worse(state, next); worse {
		report.Policy.RolledBack = true
		report.Policy.warn("iteration %d: the mean cost of the trials rose from %.4g to %.4g, by more than policy.guard %v allows: the policy before is put back, and the next step is smaller", next.Iteration, was, is, a.cfg.Guard)
		multiplier = max(a.core.cfg.Step.Min, min(multiplier, state.Conditions[0].StepMultiplier/4))
	}
	return multiplier
}

// worse compares the mean costs of the samples with those of the iteration before, and tells
// whether they are worse by more than the guard allows.
func (a *MDGPS) worse(state, next *State) (was, is float64, worse bool) {
	M, spread := float64(len(state.Conditions)), 0.0
	for m := range state.Conditions {
		c := &state.Conditions[m]
		was, is, spread = was+c.MeanCost/M, is+next.Conditions[m].MeanCost/M, spread+c.CostDeviation/M
	}
	return was, is, a.cfg.Guard > 0 && state.Before != nil && is-was > max(a.cfg.Guard*math.Abs(was), 3*spread)
}

// improve updates condition m's controller about the linearised policy.
func (a *MDGPS) improve(state *State, multiplier float64, m int, next *Condition, report *ConditionReport) (err error) {
	model := next.Previous
	problem := trajopt.Problem{Dynamics: model.Dynamics, X0: model.X0, Cost: model.Cost, Anchor: model.Controller, MaxEnt: a.core.cfg.MaxEntropy}
	next.StepMultiplier = multiplier
	samples, drawn := next.Samples[len(next.Samples)-1], model.Controller
	if a.cfg.OffPolicy || state.Policy == nil {
		drawn = state.Conditions[m].Controller
	}
	err = a.core.update(&step{problem: &problem, drawn: drawn, samples: samples, before: &state.Conditions[m], iteration: state.Iteration + 1, m: m}, next, report)
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
