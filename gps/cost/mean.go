package cost

import (
	"context"
	"fmt"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// Mean expands a term along many rollouts, one after the other in the memory of one
// expansion, and averages as QuadraticMean does: it gives the same numbers. It serves one
// goroutine.
type Mean struct {
	expansion *Expansion
	pattern   *pattern
	shares    shares
}

// NewMean returns a mean for rollouts of T steps, dX states and dU actions. It panics where
// NewExpansion does.
func NewMean(T, dX, dU int) *Mean {
	return &Mean{expansion: NewExpansion(T, dX, dU), pattern: newPattern(dX + dU)}
}

// Fits tells whether the mean is for these sizes.
func (m *Mean) Fits(T, dX, dU int) bool {
	e := m.expansion
	return e.T == T && e.DX == dX && e.DU == dU
}

// Shares returns what each named term (Named) added to the rollouts' costs in the latest Run, in the
// order of the terms, as a view that the next one overwrites. A named term whose own terms have
// names is left to these. Of a term without names there are none.
func (m *Mean) Shares() []Share { return m.shares.list }

// Run sets dst to the mean of the term's second-order expansions along the rollouts, and
// totals, N, to the rollouts' costs. Errors are ctx's, or those of Expand and of
// QuadraticMean, the first by number of the rollout, which they name. No rollout, or sizes
// that differ, panic. It does not allocate, but for what the term keeps from its first
// rollout of a size.
func (m *Mean) Run(ctx context.Context, dst *lqg.Cost, totals []float64, term Term, rollouts []*rollout.Rollout) error {
	e := m.expansion
	if len(rollouts) == 0 || len(totals) != len(rollouts) {
		panic(fmt.Sprintf("cost: mean over %d rollouts with room for %d costs, want the same number, at least 1", len(rollouts), len(totals)))
	}
	if dst.T != e.T || dst.DX != e.DX || dst.DU != e.DU {
		panic(fmt.Sprintf("cost: quadratic cost is for T=%d dX=%d dU=%d, the mean for T=%d dX=%d dU=%d", dst.T, dst.DX, dst.DU, e.T, e.DX, e.DU))
	}
	zero(dst)
	e.Reset()
	m.pattern.start(term, e.DX, e.DU)
	m.shares.start(len(rollouts))
	e.shares = &m.shares
	defer func() { e.shares = nil }()
	scale := 1 / float64(len(rollouts))
	for n, r := range rollouts {
		m.shares.at = n
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := r.CheckShape(); err != nil {
			return m.blame(ctx, term, rollouts, fmt.Errorf("rollout %d: %w: %w", n, ErrShape, err))
		}
		checkRollout(e, r)
		err := finiteRollout(r)
		if err == nil {
			err = term.Add(e, 1, r)
		}
		if err != nil {
			return m.blame(ctx, term, rollouts, fmt.Errorf("rollout %d: %w", n, err))
		}
		totals[n] = e.Total()
		for t := range e.T {
			dst.Const[t] += scale * m.drain(dst.LinAt(t), dst.QuadAt(t), scale, r, t)
		}
		clear(e.L)
		clear(e.Ly)
	}
	// Whatever is not finite in an expansion is not finite in the mean.
	if err := finiteCost(dst); err != nil {
		return m.blame(ctx, term, rollouts, err)
	}
	return nil
}

// drain is about0 that passes over the zeros of the Hessian, which does not change a bit of
// the sums, and leaves zeros behind.
func (m *Mean) drain(lin, quad []float64, scale float64, r *rollout.Rollout, t int) float64 {
	e := m.expansion
	x, u, g, h := r.State(t), r.Action(t), e.Gradient(t), e.Hessian(t)
	m.pattern.cover(h)
	d, c := len(g), e.L[t]
	for i, gi := range g {
		hy := 0.0
		if from, to := m.pattern.from[i], m.pattern.to[i]; from < to {
			row := h[i*d+from : i*d+to]
			hy = addRow(quad[i*d+from:i*d+to], scale, row, x[min(from, len(x)):], u[max(from-len(x), 0):])
			clear(row)
		}
		lin[i] += scale * (gi - hy)
		c -= yAt(x, u, i) * (gi - hy/2)
	}
	return c
}

// blame returns the error of the first rollout that has one, found when it is expanded alone,
// or the given one.
func (m *Mean) blame(ctx context.Context, term Term, rollouts []*rollout.Rollout, given error) error {
	for n, r := range rollouts {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := Expand(m.expansion, term, r); err != nil {
			return fmt.Errorf("rollout %d: %w", n, err)
		}
	}
	return given
}
