package trace

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Phases measure the wall time of the parts of an update. Where parts run at the same time, on
// several processors, an instant is shared among them, so that all parts together take no longer
// than the update.
type Phases struct {
	mu sync.Mutex
	// now tells the time; the latest event was at then.
	now   func() time.Time
	then  time.Time
	names []string
	times []time.Duration
	// active counts how many are in each phase, total in all of them.
	active []int
	total  int
}

// NewPhases returns phases that have not begun. now tells the time, as time.Now does.
func NewPhases(now func() time.Time) *Phases { return &Phases{now: now} }

// Begin begins a phase; the function that it returns ends it. The nil Phases measure nothing.
func (p *Phases) Begin(name string) (end func()) {
	if p == nil {
		return func() {}
	}
	i := p.change(name, 0, 1)
	return func() { p.change("", i, -1) }
}

// change adds to the number in a phase: of the given name, or the i-th where that is "".
func (p *Phases) change(name string, i, by int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.total > 0 {
		share := now.Sub(p.then).Seconds() / float64(p.total)
		for k, n := range p.active {
			p.times[k] += time.Duration(share * float64(n) * float64(time.Second))
		}
	}
	p.then = now
	if name != "" {
		if i = slices.Index(p.names, name); i < 0 {
			i = len(p.names)
			p.names, p.times, p.active = append(p.names, name), append(p.times, 0), append(p.active, 0)
		}
	}
	p.active[i] += by
	p.total += by
	return i
}

// Times returns how long each phase took that began.
func (p *Phases) Times() map[string]time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	times := map[string]time.Duration{}
	for i, name := range p.names {
		times[name] = p.times[i]
	}
	return times
}

// phasesKey is the context's key of *Phases.
type phasesKey struct{}

// Into returns a context whose code is measured.
func (p *Phases) Into(ctx context.Context) context.Context {
	return context.WithValue(ctx, phasesKey{}, p)
}

// Phase begins a phase of what a context's code does; the function that it returns ends it.
func Phase(ctx context.Context, name string) (end func()) {
	p, _ := ctx.Value(phasesKey{}).(*Phases)
	return p.Begin(name)
}
