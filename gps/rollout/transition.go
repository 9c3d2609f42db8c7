package rollout

import "fmt"

// Transitions returns all transitions [x_t; u_t; x_{t+1}] of the rollouts, rollout by
// rollout: sum of T rows of 2 DX + DU numbers. None give nil.
// Rollouts of different DX or DU, or that CheckShape refuses, panic.
func Transitions(rollouts []*Rollout) []float64 {
	if len(rollouts) == 0 {
		return nil
	}
	steps := 0
	for n, r := range rollouts {
		if err := r.CheckShape(); err != nil {
			panic(fmt.Sprintf("rollout %d: %v", n, err))
		}
		if first := rollouts[0]; r.DX != first.DX || r.DU != first.DU {
			panic(fmt.Sprintf("rollout: rollout 0 has dX=%d dU=%d, rollout %d has dX=%d dU=%d", first.DX, first.DU, n, r.DX, r.DU))
		}
		steps += r.T
	}
	rows := make([]float64, 0, steps*(2*rollouts[0].DX+rollouts[0].DU))
	for _, r := range rollouts {
		for t := range r.T {
			rows = append(rows, r.State(t)...)
			rows = append(rows, r.Action(t)...)
			rows = append(rows, r.State(t+1)...)
		}
	}
	return rows
}

// Pool keeps the latest transitions of any rollouts, up to a capacity: older ones make
// room for newer ones. It allocates as transitions come, at most its capacity.
type Pool struct {
	dX, dU, capacity int
	// rows is a ring of at most capacity rows of 2 dX + dU numbers; oldest is the row
	// that goes next once it is full.
	rows   []float64
	oldest int
}

// NewPool returns an empty pool for at most capacity transitions of dX states and dU
// actions.
func NewPool(capacity, dX, dU int) *Pool {
	if capacity < 1 || dX < 1 || dU < 1 {
		panic(fmt.Sprintf("rollout: need capacity, dX, dU >= 1, got capacity=%d dX=%d dU=%d", capacity, dX, dU))
	}
	return &Pool{dX: dX, dU: dU, capacity: capacity}
}

// Len returns how many transitions the pool holds.
func (p *Pool) Len() int { return len(p.rows) / p.width() }

// Cap returns how many transitions the pool can hold.
func (p *Pool) Cap() int { return p.capacity }

func (p *Pool) width() int { return 2*p.dX + p.dU }

// Add puts the rollouts' transitions into the pool, in the order of Transitions. A
// rollout that Validate refuses is an error (ErrShape, ErrNotFinite), and then none of
// them is added. One of other dimensions than the pool's panics.
func (p *Pool) Add(rollouts ...*Rollout) error {
	for n, r := range rollouts {
		if err := r.Validate(); err != nil {
			return fmt.Errorf("rollout %d: %w", n, err)
		}
		if r.DX != p.dX || r.DU != p.dU {
			panic(fmt.Sprintf("rollout: pool for dX=%d dU=%d, rollout %d has dX=%d dU=%d", p.dX, p.dU, n, r.DX, r.DU))
		}
	}
	for _, r := range rollouts {
		for t := range r.T {
			p.add(r.State(t), r.Action(t), r.State(t+1))
		}
	}
	return nil
}

func (p *Pool) add(x, u, next []float64) {
	if p.Len() < p.capacity {
		p.rows = append(append(append(p.rows, x...), u...), next...)
		return
	}
	row := p.rows[p.oldest*p.width():][:p.width()]
	copy(row, x)
	copy(row[p.dX:], u)
	copy(row[p.dX+p.dU:], next)
	p.oldest = (p.oldest + 1) % p.capacity
}

// Newest returns the latest n transitions, all if there are fewer, oldest first: up to n
// rows [x; u; x'] of 2 dX + dU numbers. The result is a copy.
func (p *Pool) Newest(n int) []float64 {
	n = max(0, min(n, p.Len()))
	rows := make([]float64, 0, n*p.width())
	for i := p.Len() - n; i < p.Len(); i++ {
		at := (p.oldest + i) % p.Len() * p.width()
		rows = append(rows, p.rows[at:at+p.width()]...)
	}
	return rows
}

// All returns all transitions of the pool, oldest first.
func (p *Pool) All() []float64 { return p.Newest(p.Len()) }
