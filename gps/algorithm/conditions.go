package algorithm

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"guidedpolicysearch/gps/internal/crew"
	"guidedpolicysearch/gps/trace"
)

// conditions is the work of one phase of an iteration, a block for each condition.
type conditions struct {
	ctx context.Context
	f   func(ctx context.Context, m, workers int) error
	// inner is how many workers a condition has.
	inner int
	// failed is the lowest condition with an error, which errs has; the number of
	// conditions for none.
	failed atomic.Int64
	errs   []error
}

// Do works on condition m. What comes after a condition that failed is left out.
func (c *conditions) Do(_, m int) {
	if int64(m) > c.failed.Load() {
		return
	}
	if c.errs[m] = c.ctx.Err(); c.errs[m] == nil {
		c.errs[m] = c.f(trace.WithIndex(c.ctx, "condition", m), m, c.inner)
	}
	if c.errs[m] == nil {
		return
	}
	for low := c.failed.Load(); int64(m) < low; low = c.failed.Load() {
		c.failed.CompareAndSwap(low, int64(m))
	}
}

// each calls f for all M conditions, at once as far as there are workers, and tells it how many
// it may use itself. Each has the context's names for its own records. The error is that of the first condition that has one.
func (c *core) each(ctx context.Context, iteration, M int, f func(ctx context.Context, m, workers int) error) error {
	if M == 0 {
		return nil
	}
	outer, inner := split(c.cfg.Workers, M)
	work := &conditions{ctx: ctx, f: f, inner: inner, errs: make([]error, M)}
	work.failed.Store(int64(M))
	crew := crew.New(outer)
	defer crew.Stop()
	crew.Run(M, work)
	for m, err := range work.errs {
		if err != nil {
			return fmt.Errorf("iteration %d, condition %d: %w", iteration, m, err)
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
