package safety

// barrier is the quadratic programme of a filter.
type barrier struct{ f *Filter }

func newBarrier(f *Filter) (*barrier, error) { return &barrier{f}, nil }
func (b *barrier) factor() bool              { return true }
func (b *barrier) apply(dt float64)          {}
func (b *barrier) solve()                    {}
