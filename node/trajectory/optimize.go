package trajectory

import (
	"context"
	"fmt"
	"math/rand/v2"

	"guidedpolicysearch/gps/ilqg"
)

// Outcome is the result of an optimisation.
type Outcome struct {
	*ilqg.Result
	// ReplayCost is the cost of the controls when the simulator runs them again.
	ReplayCost float64
	// Reference is the best known cost of the task; nil if there is none.
	Reference *Reference
	// TimeStep of a control in s; MaxEffort bounds each control, nil if nothing does.
	TimeStep  float64
	MaxEffort []float64
}

// Total is the number of iterations over all descents.
func (o *Outcome) Total() int {
	n := 0
	for _, d := range o.Descents {
		n += len(d.Iterations)
	}
	return n
}

// Reached tells whether there is a reference and the cost is at or below it, with its
// margin.
func (o *Outcome) Reached() bool { return o.Reference != nil && o.Reference.Reached(o.Cost) }

// Optimize searches from random starts, and runs the best trajectory again. progress,
// which may be nil, is called after each iteration with the index of the start. A context
// that ends ends the search.
func (p *Problem) Optimize(ctx context.Context, progress func(start int, it ilqg.Iteration)) (*Outcome, error) {
	rng := rand.New(rand.NewPCG(p.config.Seed, 0x694c5147)) // a stream of its own
	controls := make([]float64, p.config.Steps*p.dU())
	for i := range controls {
		controls[i] = p.config.Starts.Spread * rng.NormFloat64()
	}
	res, err := p.solver.Search(p.x0, controls, p.config.starts(), rng, func(start int, it ilqg.Iteration) error {
		if progress != nil {
			progress(start, it)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	cost, err := p.replay(res.Rollout)
	if err != nil {
		return nil, fmt.Errorf("run of the optimised controls: %w", err)
	}
	return &Outcome{Result: res, ReplayCost: cost, Reference: p.reference, TimeStep: p.simulator.TimeStep(), MaxEffort: p.maxEffort}, nil
}

func (p *Problem) dU() int {
	_, nU := p.simulator.Plant().Dims()
	return nU
}
