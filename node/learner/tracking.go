package learner

import (
	"context"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/node/params"
)

// TrackingCostConfig describes a cost of the distance from the demonstration, whose weight decays
// from iteration to iteration (Rajeswaran et al. 2018, arXiv:1709.10087, equation 4, has such a weight
// for the demonstrations' likelihood).
type TrackingCostConfig struct {
	Weight   float64 `param:"weight" desc:"Weight, in the first iteration, of the squared distance from the recorded motion; 0 leaves it out." range:"[0, inf)"`
	Position float64 `param:"position" desc:"Weight, within it, of half the squared distance of each joint's position." unit:"1/rad^2" range:"[0, inf)"`
	Velocity float64 `param:"velocity" desc:"Weight, within it, of half the squared distance of each joint's velocity." unit:"s^2/rad^2" range:"[0, inf)"`
	Decay    float64 `param:"decay" desc:"Factor on the weight from one iteration to the next; 1 keeps it." range:"[0, 1]"`
}

// at returns the weight in an iteration, from 0.
func (c *TrackingCostConfig) at(iteration int) float64 {
	return c.Weight * math.Pow(c.Decay, float64(iteration))
}

// tracking is an algorithm whose cost has a term that pulls towards demonstrations, with a weight
// that depends on the iteration alone: a run that is resumed goes on with the one that it had. It is
// for one goroutine.
//
// An algorithm compares the cost of an iteration with that of the one before. So that a smaller weight
// is not taken for an improvement, what the state holds of the cost is moved to the weight of the next
// iteration; the term is quadratic, and that is exact. The costs in reports are the task's, without the
// term.
type tracking struct {
	algorithm.Algorithm
	cfg TrackingCostConfig
	// terms has one per condition.
	terms []*decaying
}

// decaying is a term whose weight is set before each iteration.
type decaying struct {
	*cost.Tracking
	weight float64
}

// Add adds the term, with its present weight.
func (d *decaying) Add(dst *cost.Expansion, weight float64, r *rollout.Rollout) error {
	return d.Tracking.Add(dst, weight*d.weight, r)
}

// Iterate iterates with the weight of the state's iteration.
func (k *tracking) Iterate(ctx context.Context, state *algorithm.State, samples [][]*rollout.Rollout) (*algorithm.State, *algorithm.Report, error) {
	weight := k.cfg.at(state.Iteration)
	for _, term := range k.terms {
		term.weight = weight
	}
	next, report, err := k.Algorithm.Iterate(ctx, state, samples)
	if err != nil {
		return nil, nil, err
	}
	for m := range report.Conditions {
		costs := report.Conditions[m].SampleCosts
		for n, r := range samples[m] {
			value, err := k.terms[m].Value(r)
			if err != nil {
				return nil, nil, fmt.Errorf("cost.demonstration: %w", err)
			}
			costs[n] -= weight * value
		}
		if err := k.decay(&next.Conditions[m], &state.Conditions[m], samples[m], m, k.cfg.at(next.Iteration)-weight); err != nil {
			return nil, nil, err
		}
	}
	return next, report, nil
}

// decay adds change, which is not above 0, to the weight of what a condition keeps of the cost.
// before is the condition an iteration earlier, samples are what the iteration began with.
func (k *tracking) decay(next, before *algorithm.Condition, samples []*rollout.Rollout, m int, change float64) error {
	if next.Previous == nil || change == 0 {
		return nil
	}
	if next.Previous == before.Previous && len(before.Samples) > 0 { // the policy was rolled back
		samples = before.Samples[len(before.Samples)-1]
	}
	for _, r := range samples {
		value, err := k.terms[m].Value(r)
		if err != nil {
			return fmt.Errorf("cost.demonstration: %w", err)
		}
		next.MeanCost += change * value / float64(len(samples))
	}
	model := *next.Previous // the state before may share it
	held := *model.Cost
	held.Quad, held.Lin, held.Const = slices.Clone(held.Quad), slices.Clone(held.Lin), slices.Clone(held.Const)
	model.Cost = &held
	k.terms[m].AddQuadratic(model.Cost, change)
	next.Previous = &model
	return nil
}

// trackingTerms returns the terms of cost.demonstration, one per condition, or nil.
func (p *Problem) trackingTerms() ([]*decaying, error) {
	c := p.cfg.Cost.Demonstration
	if c.Weight == 0 {
		return nil, nil
	}
	if c.Position == 0 && c.Velocity == 0 {
		return nil, params.FieldError{Key: "cost.demonstration.weight", Problem: fmt.Sprintf("is %v, but cost.demonstration.position and velocity are 0: set one of them, or weight 0", c.Weight)}
	}
	if len(p.references) == 0 {
		return nil, params.FieldError{Key: "cost.demonstration.weight", Problem: fmt.Sprintf("is %v, but there is no demonstration: name one in initial_controller.demonstration.files, or set weight 0", c.Weight)}
	}
	var terms []*decaying
	for m := range p.conditions {
		term, err := newTracking(p.references[m%len(p.references)], c)
		if err != nil {
			return nil, params.FieldError{Key: "cost.demonstration", Problem: err.Error()}
		}
		terms = append(terms, &decaying{Tracking: term})
	}
	return terms, nil
}

// newTracking returns the term of one demonstration: positions and velocities begin the state.
func newTracking(r *initial.Reference, c TrackingCostConfig) (*cost.Tracking, error) {
	cfg := cost.TrackingConfig{Weights: append(initial.Repeat(c.Position, r.DQ), initial.Repeat(c.Velocity, r.DQ)...)}
	for t := range r.T {
		cfg.Reference = append(cfg.Reference, r.Position[t*r.DQ:(t+1)*r.DQ]...)
		cfg.Reference = append(cfg.Reference, r.Velocity[t*r.DQ:(t+1)*r.DQ]...)
	}
	return cost.NewTracking(cfg)
}

// track adds cost.demonstration to what the algorithm that build makes minimises, if there is such a
// term.
func (p *Problem) track(task cost.Term, build func(costs []cost.Term) (algorithm.Algorithm, error)) (algorithm.Algorithm, error) {
	terms, err := p.trackingTerms()
	if err != nil {
		return nil, err
	}
	costs := make([]cost.Term, p.conditions)
	for m := range costs {
		costs[m] = task
		if terms != nil {
			if costs[m], err = cost.NewSum(cost.Weighted{Term: cost.Named{Name: "cost", Term: task}, Weight: 1}, cost.Weighted{Term: cost.Named{Name: "cost.demonstration", Term: terms[m]}, Weight: 1}); err != nil {
				return nil, err
			}
		}
	}
	a, err := build(costs)
	if err != nil || terms == nil {
		return a, err
	}
	return &tracking{Algorithm: a, cfg: p.cfg.Cost.Demonstration, terms: terms}, nil
}
