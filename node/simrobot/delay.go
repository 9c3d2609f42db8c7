package simrobot

// command is an effort on its way to the drives.
type command struct {
	interval int64 // the time step that it acts in first
	effort   []float64
}

// pending is what is on its way, the oldest first, in slots that are used again and again.
type pending[T any] struct {
	slots       []T
	first, size int
}

func newPending[T any](slots []T) pending[T] { return pending[T]{slots: slots} }

// head returns the oldest, nil if there is none.
func (p *pending[T]) head() *T {
	if p.size == 0 {
		return nil
	}
	return &p.slots[p.first]
}

// last returns the youngest, nil if there is none.
func (p *pending[T]) last() *T {
	if p.size == 0 {
		return nil
	}
	return &p.slots[(p.first+p.size-1)%len(p.slots)]
}

// at returns the i-th, from the oldest on.
func (p *pending[T]) at(i int) *T { return &p.slots[(p.first+i)%len(p.slots)] }

// push adds a slot, whose content is old, and returns it. There must be room.
func (p *pending[T]) push() *T {
	if p.size == len(p.slots) {
		panic("simrobot: more is on its way than the latency allows")
	}
	p.size++
	return p.last()
}

// pop takes the head away; it keeps its content until the next push.
func (p *pending[T]) pop() {
	p.first = (p.first + 1) % len(p.slots)
	p.size--
}
