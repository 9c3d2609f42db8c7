package cost

import "math"

// pattern is where the Hessians of a cost may have numbers: in row i from column from[i] to
// before to[i]. Most costs have few, in the same places at every time step.
type pattern struct {
	d        int
	from, to []int // d; 0 and 0 for a row of zeros
	// known says that the term told its pattern. Else gaps has what is outside of it, where
	// numbers have to be looked for.
	known bool
	gaps  []gap
}

// sparse is a Term that knows where its Hessians may have numbers, whatever the rollout.
type sparse interface {
	// sparsity widens p by its pattern; false if that is not known.
	sparsity(p *pattern, dX, dU int) bool
}

// gap is where a Hessian has none, from an index to before another one.
type gap struct{ from, to int }

func newPattern(d int) *pattern {
	return &pattern{d: d, from: make([]int, d), to: make([]int, d), gaps: make([]gap, 0, d+1)}
}

// reset makes it the pattern of zeros.
func (p *pattern) reset() {
	clear(p.from)
	clear(p.to)
	p.gaps = append(p.gaps[:0], gap{0, p.d * p.d})
}

// start makes it the pattern of a term, or that of zeros.
func (p *pattern) start(term Term, dX, dU int) {
	p.reset()
	s, ok := term.(sparse)
	if p.known = ok && s.sparsity(p, dX, dU); !p.known {
		p.reset()
	}
}

// widen adds to row i the columns from first to before last.
func (p *pattern) widen(i, first, last int) {
	if p.from[i] == p.to[i] {
		p.from[i], p.to[i] = first, last
	} else if first < last {
		p.from[i], p.to[i] = min(p.from[i], first), max(p.to[i], last)
	}
}

// block adds n rows and columns from an index on. What is beyond the last one is left out: a
// term that has it does not fit the rollout, and says so.
func (p *pattern) block(first, n int) {
	last := min(first+n, p.d)
	for i := first; i < last; i++ {
		p.widen(i, first, last)
	}
}

// cover widens the pattern if h, D x D, has a number in a gap. A NaN is one.
func (p *pattern) cover(h []float64) {
	if p.known {
		return
	}
	bits := uint64(0)
	for _, g := range p.gaps {
		bits |= anyBits(h[g.from:g.to])
	}
	if bits<<1 == 0 { // zeros may have a sign
		return
	}
	p.gaps = p.gaps[:0]
	end := 0
	for i := range p.d {
		first, last := 0, p.d
		row := h[i*p.d : (i+1)*p.d]
		for ; first < last && row[first] == 0; first++ {
		}
		for ; last > first && row[last-1] == 0; last-- {
		}
		p.widen(i, first, last)
		if p.from[i] < p.to[i] {
			if start := i*p.d + p.from[i]; start > end {
				p.gaps = append(p.gaps, gap{end, start})
			}
			end = i*p.d + p.to[i]
		}
	}
	if end < len(h) {
		p.gaps = append(p.gaps, gap{end, len(h)})
	}
}

// anyBits returns the bits that are set in any element.
func anyBits(a []float64) uint64 {
	var p, q uint64
	for ; len(a) >= 8; a = a[8:] {
		v := a[:8:8]
		p |= math.Float64bits(v[0]) | math.Float64bits(v[1]) | math.Float64bits(v[2]) | math.Float64bits(v[3])
		q |= math.Float64bits(v[4]) | math.Float64bits(v[5]) | math.Float64bits(v[6]) | math.Float64bits(v[7])
	}
	for _, v := range a {
		p |= math.Float64bits(v)
	}
	return p | q
}

func (n Named) sparsity(p *pattern, dX, dU int) bool {
	s, ok := n.Term.(sparse)
	return ok && s.sparsity(p, dX, dU)
}

func (s *Sum) sparsity(p *pattern, dX, dU int) bool {
	for _, w := range s.terms {
		if t, ok := w.Term.(sparse); !ok || !t.sparsity(p, dX, dU) {
			return false
		}
	}
	return true
}

func (a *Action) sparsity(p *pattern, dX, dU int) bool {
	for i := dX; i < dX+dU; i++ {
		p.widen(i, i, i+1)
	}
	return true
}

func (s *State) sparsity(p *pattern, dX, dU int) bool {
	p.block(s.config.Start, len(s.config.Target))
	return true
}

func (p *Points) sparsity(dst *pattern, dX, dU int) bool {
	dst.block(p.config.JointStart, p.joints)
	return true
}

func (g *Region) sparsity(p *pattern, dX, dU int) bool { return true }
