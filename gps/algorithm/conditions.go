package algorithm

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"guidedpolicysearch/gps/internal/crew"
	"guidedpolicysearch/gps/rollout"
)

// iteration is the work of one iteration, a block for each condition.
type iteration struct {
	a       *TrajOpt
	ctx     context.Context
	state   *State
	samples [][]*rollout.Rollout
	next    *State
	report  *Report
	// inner is how many workers a condition has.
	inner int
	// failed is the lowest condition with an error, which errs has; the number of
	// conditions for none.
	failed atomic.Int64
	errs   []error
}

// Do improves condition m. What comes after a condition that failed is left out.
func (it *iteration) Do(_, m int) {
	if int64(m) > it.failed.Load() {
		return
	}
	it.errs[m] = it.improve(m)
	if it.errs[m] == nil {
		return
	}
	for low := it.failed.Load(); int64(m) < low; low = it.failed.Load() {
		it.failed.CompareAndSwap(low, int64(m))
	}
}

// improveAll improves all conditions at once, as far as there are workers.
func (a *TrajOpt) improveAll(ctx context.Context, state *State, samples [][]*rollout.Rollout, next *State, report *Report) error {
	M := len(samples)
	if M == 0 {
		return nil
	}
	outer, inner := split(a.cfg.Workers, M)
	it := &iteration{a: a, ctx: ctx, state: state, samples: samples, next: next, report: report, inner: inner, errs: make([]error, M)}
	it.failed.Store(int64(M))
	c := crew.New(outer)
	defer c.Stop()
	c.Run(M, it)
	for m, err := range it.errs {
		if err != nil {
			return fmt.Errorf("iteration %d, condition %d: %w", next.Iteration, m, err)
		}
	}
	return nil
}

// split divides workers, all processors if 0, among that many conditions: outer conditions
// run at once, with inner workers each.
func split(workers, conditions int) (outer, inner int) {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	outer = min(workers, conditions)
	return outer, workers / outer
}
