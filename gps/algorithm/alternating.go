package algorithm

import (
	"context"
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
	"guidedpolicysearch/gps/trajopt"
)

// AlternatingConfig holds the settings of the algorithms that bring local controllers and the
// policy together in turns.
type AlternatingConfig struct {
	// Trajectory are those of the fits and of the trajectory update, which must be LQR: path
	// integral updates weigh samples by their costs, which know nothing of the policy's pull.
	Trajectory TrajOptConfig
	// Policy are those of the policy.
	Policy PolicyConfig
	// OnPolicy draws samples with the policy instead of the local controllers.
	OnPolicy bool
	// Inner is how often policy and controllers take turns in an iteration, >= 1; default 4.
	Inner int
}

// DefaultAlternatingConfig returns the defaults.
func DefaultAlternatingConfig() AlternatingConfig {
	return AlternatingConfig{Trajectory: DefaultTrajOptConfig(), Policy: DefaultPolicyConfig(), Inner: 4}
}

// Validate returns an error that names the field that is out of range.
func (c AlternatingConfig) Validate() error {
	if c.Inner < 1 || c.Inner > 1000 {
		return fmt.Errorf("algorithm: inner iterations are %d, need 1 to 1000", c.Inner)
	}
	if c.Trajectory.Update == PI2 || c.Trajectory.Update == PILQR {
		return fmt.Errorf("algorithm: update is %q, need %q where controllers and policy take turns; %q and %q are for trajectory optimisation and mirror descent", c.Trajectory.Update, LQR, PI2, PILQR)
	}
	if err := c.Trajectory.Validate(); err != nil {
		return err
	}
	return c.Policy.Validate()
}

// agreement is how one of the algorithms makes policy and controllers agree.
type agreement interface {
	validate() error
	// begin returns the duals of a condition.
	begin(T, dX, dU int) *policy.Duals
	// problem adds to p what pulls the controller towards the linearised policy.
	problem(p *trajopt.Problem, linear *lqg.Controller, d *policy.Duals)
	// lesson returns what the policy is to learn of the controller c, and the weights of the
	// time steps.
	lesson(c *lqg.Controller, d *policy.Duals) (taught *lqg.Controller, weight []float64)
	// step adapts the duals to how far controller and policy are apart; last tells that it is
	// the last turn of an iteration.
	step(d *policy.Duals, a *apart, last bool) error
}

// apart says how far a controller and the policy are apart.
type apart struct {
	controller, linear *lqg.Controller
	samples            []*rollout.Rollout
	// means are the policy's at the samples' states, N x T x dU.
	means []float64
	// kl holds the expected divergences of the controller from the linearised policy, T, in nat,
	// under the states of the controller; previous those of the last turn of the iteration before,
	// nil in the first.
	kl, previous []float64
}

// alternating is guided policy search whose controllers and policy take turns.
type alternating struct {
	cfg     AlternatingConfig
	core    *core
	student *student
	agree   agreement
}

func newAlternating(cfg AlternatingConfig, agree agreement, costs []cost.Term, dX, dU int) (*alternating, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if err := agree.validate(); err != nil {
		return nil, err
	}
	c, s, err := newParts(cfg.Trajectory, cfg.Policy, costs, dX, dU)
	if err != nil {
		return nil, err
	}
	return &alternating{cfg: cfg, core: c, student: s, agree: agree}, nil
}

// Sampler implements Algorithm.
func (a *alternating) Sampler(state *State, m int) (policy.Policy, error) {
	return a.student.sampler(state, m, a.cfg.OnPolicy)
}

// Iterate implements Algorithm. An error is that of the first condition that has one.
func (a *alternating) Iterate(ctx context.Context, state *State, samples [][]*rollout.Rollout) (*State, *Report, error) {
	next, report, err := a.core.begin(state, samples)
	if err != nil {
		return nil, nil, err
	}
	if err := a.student.suits(state); err != nil {
		return nil, nil, err
	}
	report.Policy = new(PolicyReport)
	err = a.core.each(ctx, next.Iteration, len(samples), func(ctx context.Context, m, workers int) error {
		return a.observe(ctx, state, samples[m], m, workers, &next.Conditions[m], &report.Conditions[m])
	})
	if err != nil {
		return nil, nil, err
	}
	next.Policy, next.Before = state.Policy, state.Policy
	for turn := range a.cfg.Inner {
		ctx := trace.WithIndex(ctx, "turn", turn)
		if err := a.learn(ctx, state, next, turn, report.Policy); err != nil {
			return nil, nil, fmt.Errorf("iteration %d: policy: %w", next.Iteration, err)
		}
		err = a.core.each(ctx, next.Iteration, len(samples), func(ctx context.Context, m, workers int) error {
			return a.turn(ctx, state, next, m, workers, turn, &report.Conditions[m])
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return next, report, nil
}

// observe fits what condition m's samples say, and begins its part of the next state.
func (a *alternating) observe(ctx context.Context, state *State, samples []*rollout.Rollout, m, workers int, next *Condition, report *ConditionReport) error {
	current := &state.Conditions[m]
	model, prior, err := a.core.model(ctx, state, samples, m, workers, report)
	if err != nil {
		return err
	}
	multiplier := current.StepMultiplier
	if current.Previous != nil {
		if report.Predicted, report.Actual, err = a.improvement(current, model); err != nil {
			return err
		}
		multiplier = a.core.cfg.Step.Next(multiplier, report.Predicted, report.Actual)
	}
	*next = Condition{Controller: current.Controller, Eta: current.Eta, StepMultiplier: multiplier, Prior: prior, Previous: model, MeanCost: mean(report.SampleCosts),
		Samples: keep(current.Samples, samples, a.cfg.Policy.Reuse+1), PolicyPrior: current.PolicyPrior, PolicyKL: current.PolicyKL}
	if current.Duals == nil {
		next.Duals = a.agree.begin(current.Controller.T, current.Controller.DX, current.Controller.DU)
	} else {
		next.Duals = current.Duals.Clone()
	}
	return nil
}

// learn trains the policy for a turn; the first one on the controllers that drew the samples.
func (a *alternating) learn(ctx context.Context, state, next *State, turn int, report *PolicyReport) (err error) {
	var lessons []lesson
	var controllers []*lqg.Controller
	for _, c := range next.Conditions {
		taught, weight := a.agree.lesson(c.Controller, c.Duals)
		for i, samples := range c.Samples {
			lessons = append(lessons, lesson{controller: taught, own: c.Controller, samples: samples, weight: weight, age: len(c.Samples) - 1 - i})
		}
		controllers = append(controllers, c.Controller)
	}
	next.Policy, err = a.student.learn(ctx, next.Policy, lessons, controllers, state, turn, report)
	return err
}

// turn adapts condition m's duals, and then its controller, to the policy.
func (a *alternating) turn(ctx context.Context, state, next *State, m, workers, turn int, report *ConditionReport) error {
	c := &next.Conditions[m]
	model, samples, last := c.Previous, c.Samples[len(c.Samples)-1], turn == a.cfg.Inner-1
	linear := lqg.NewController(c.Controller.T, c.Controller.DX, c.Controller.DU)
	// Of all turns the first alone adds the samples to the policy's prior.
	prior := c.PolicyPrior
	if turn > 0 && prior != nil {
		prior = &policy.MixturePrior{Rollouts: prior.Rollouts[:max(0, len(prior.Rollouts)-len(samples))], Mixture: prior.Mixture}
	}
	means, prior, err := a.student.linearise(ctx, linear, next.Policy, samples, prior, workers, state.policyPriorStream(m, turn))
	if err != nil {
		return err
	}
	c.PolicyPrior = prior
	between := &apart{controller: c.Controller, linear: linear, samples: samples, means: means, previous: c.PolicyKL}
	if state.Policy != nil || turn > 0 {
		if err := between.measure(model); err != nil {
			return err
		}
		if err := a.agree.step(c.Duals, between, last); err != nil {
			return err
		}
		if last {
			c.PolicyKL = between.kl
		}
	}
	if last {
		c.Linear = linear
	}
	p := trajopt.Problem{Dynamics: model.Dynamics, X0: model.X0, Cost: model.Cost, Anchor: state.Conditions[m].Controller, MaxEnt: a.core.cfg.MaxEntropy}
	a.agree.problem(&p, linear, c.Duals)
	recordDuals(trace.From(ctx).In("duals"), c.Duals, between.kl)
	before := *c
	if err := a.core.update(ctx, &step{problem: &p, before: &before, iteration: next.Iteration, m: m}, c, report); err != nil || !last {
		return err
	}
	between.controller = c.Controller
	err = between.measure(model)
	for _, v := range between.kl {
		report.PolicyKL += v
	}
	return err
}

// measure sets the divergences of the controller from the linearised policy under a model.
func (a *apart) measure(model *Model) error {
	c := a.controller
	a.kl = make([]float64, c.T)
	marginals := lqg.NewTrajectory(c.T, c.DX, c.DU)
	if err := lqg.NewForwardPass(c.DX, c.DU).Run(marginals, model.X0, c, model.Dynamics); err != nil {
		return err
	}
	if kl := lqg.NewDivergence(c.DX, c.DU).PerStep(a.kl, c, a.linear, marginals); math.IsInf(kl, 0) {
		return fmt.Errorf("%w: the divergence of the controller from the policy", lqg.ErrNotFinite)
	}
	return nil
}
