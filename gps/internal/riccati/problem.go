package riccati

import (
	"fmt"

	"guidedpolicysearch/gps/internal/kernel"
)

// Problem is a packed linear-quadratic problem of T steps: what the passes of one search
// share. Arguments of its methods are row-major, y = [x; u] with D = dX + dU entries.
type Problem struct {
	shape
	T int
	// MaxEnt is w, and Policy nu_t (T, nil for zeros): step t's covariance is
	// (eta + nu_t + w) Q_uu^-1.
	MaxEnt float64
	Policy []float64
	// ReferenceScale divides the value function as lqg.Objective describes it, not by
	// what it was multiplied with.
	ReferenceScale bool

	g, h []kernel.Block // rows x dX, rows x (pu + dX)
	a, b []kernel.Block // [A f], px x (dX+1), and B reversed, px x dU
	s    []kernel.Block // px x dX, its lower part
	last kernel.Block   // the cost at T, pz x dX

	uu, e, product, input kernel.Block // workspace of Whiten
	// ahead says that passes ask for the next step's blocks while they compute a step.
	ahead bool
}

// prefetched is how many numbers of the problem a pass reads, at least, where it pays to ask
// for them ahead: 3 MiB. Below, what the second-level cache does not hold the processor
// foresees by itself, and asking costs up to 4 in 100 of the time; above, it saves up to a
// quarter.
const prefetched = 3 << 17

// NewProblem returns a problem of zeros.
func NewProblem(T, dX, dU int) *Problem {
	if T < 1 {
		panic(fmt.Sprintf("riccati: problem of T=%d, need at least 1", T))
	}
	s := newShape(dX, dU)
	backward := s.rows * (dX + s.pu + dX)
	forward := s.px * (dX + 1 + dU + dX)
	arena := kernel.NewArena(T*(backward+forward) + s.pz*(dX+dU) + (2*s.pu+s.px)*dU)
	p := &Problem{shape: s, T: T, g: make([]kernel.Block, T), h: make([]kernel.Block, T),
		a: make([]kernel.Block, T), b: make([]kernel.Block, T), s: make([]kernel.Block, T)}
	p.ahead = T*backward >= prefetched
	// In the order in which the passes read them.
	for t := range T {
		p.g[t] = arena.TakeBlock(s.rows, dX)
		p.h[t] = arena.TakeBlock(s.rows, s.pu+dX)
	}
	p.last = arena.TakeBlock(s.pz, dX)
	for t := range T {
		p.a[t] = arena.TakeBlock(s.px, dX+1)
		p.b[t] = arena.TakeBlock(s.px, dU)
		p.s[t] = arena.TakeBlock(s.px, dX)
	}
	p.uu, p.product = arena.TakeBlock(s.pu, dU), arena.TakeBlock(s.pu, dU)
	p.e, p.input = arena.TakeBlock(s.pz, dU), arena.TakeBlock(s.px, dU)
	return p
}

// Clear makes all numbers zero, those of the padding too: a problem that was not finite leaves
// what is not finite there.
func (p *Problem) Clear() {
	for t := range p.T {
		for _, b := range []kernel.Block{p.g[t], p.h[t], p.a[t], p.b[t], p.s[t]} {
			clear(b.Data)
		}
	}
	for _, b := range []kernel.Block{p.last, p.uu, p.product, p.e, p.input} {
		clear(b.Data)
	}
}

// prefetchBackward asks for what the backward pass reads of step t, if there is one.
func (p *Problem) prefetchBackward(t int) {
	if !p.ahead || t < 0 {
		return
	}
	kernel.Prefetch(p.g[t], p.used, p.dX)
	kernel.Prefetch(p.h[t], p.used, p.dU)
	p.prefetchLower(p.h[t].From(p.pu, p.pu), p.dX+1)
}

// prefetchForward asks for what the forward pass reads of step t, if there is one.
func (p *Problem) prefetchForward(t int) {
	if !p.ahead || t >= p.T {
		return
	}
	kernel.Prefetch(p.a[t], p.dX, p.dX+1)
	kernel.Prefetch(p.b[t], p.dX, p.dU)
	p.prefetchLower(p.s[t], p.dX)
}

// prefetchLower asks for the lower part of dX columns.
func (p *Problem) prefetchLower(a kernel.Block, rows int) {
	for j := 0; j < p.dX; j += kernel.Lane {
		kernel.Prefetch(a.From(j, j), rows-j, min(kernel.Lane, p.dX-j))
	}
}

// Weight returns nu_t + w, what the divisor of step t is above eta; at T it is that of the
// step before.
func (p *Problem) Weight(t int) float64 {
	if p.Policy == nil {
		return p.MaxEnt
	}
	return p.Policy[min(t, p.T-1)] + p.MaxEnt
}

// factor returns what the value function of step t+1 is multiplied by at step t: 1 in
// undivided units, but for the reference's scale.
func (p *Problem) factor(t int, eta float64) float64 {
	if !p.ReferenceScale || p.Policy == nil {
		return 1
	}
	return ReferenceFactor(eta, p.MaxEnt, p.Policy, t)
}

// ReferenceFactor returns what the reference implementation multiplies the undivided value
// function of step t+1 by at step t, for policy weights nu (T) and the entropy's w.
func ReferenceFactor(eta, w float64, nu []float64, t int) float64 {
	now, next := eta+nu[t], eta+nu[min(t+1, len(nu)-1)]
	return next / now * ((now + w) / (next + w))
}

// SetDynamics packs F (dX x D), f (dX) and the noise covariance S (dX x dX), which is made
// symmetric, of step t < T.
func (p *Problem) SetDynamics(t int, F, f, S []float64) {
	p.SetBackward(t, F, f)
	p.SetForward(t, F, f, S)
}

// SetBackward is the part of SetDynamics that a backward pass reads.
func (p *Problem) SetBackward(t int, F, f []float64) {
	dX, dU, d := p.dX, p.dU, p.dX+p.dU
	if len(F) != dX*d || len(f) != dX {
		panic(fmt.Sprintf("riccati: dynamics of %d and %d numbers for dX=%d dU=%d", len(F), len(f), dX, dU))
	}
	for i := range dX {
		row, column := F[i*d:(i+1)*d], p.g[t].Column(i, p.rows)
		for j, v := range row[dX:] {
			column[dU-1-j] = v
		}
		copy(column[p.pu:], row[:dX])
		column[p.pu+dX] = f[i]
	}
}

// SetForward is the part of SetDynamics that a forward pass reads.
func (p *Problem) SetForward(t int, F, f, S []float64) {
	dX, dU, d := p.dX, p.dU, p.dX+p.dU
	if len(F) != dX*d || len(f) != dX || len(S) != dX*dX {
		panic(fmt.Sprintf("riccati: dynamics of %d, %d and %d numbers for dX=%d dU=%d", len(F), len(f), len(S), dX, dU))
	}
	kernel.Transpose(p.a[t].Data, p.px, kernel.Block{Data: F, Stride: d}, dX, dX)
	for j := range dU {
		column := p.b[t].Column(dU-1-j, dX)
		for i := range column {
			column[i] = F[i*d+dX+j]
		}
	}
	copy(p.a[t].Column(dX, dX), f)
	for j := range dX {
		column, row := p.s[t].Column(j, dX), S[j*dX:(j+1)*dX]
		for i, at := j, j*dX+j; i < len(row); i, at = i+1, at+dX {
			column[i] = 0.5 * (S[at] + row[i])
		}
	}
}

// SetCost packs the cost 1/2 y'quad y + lin'y of step t <= T, D x D and D. quad is made
// symmetric; at T only the state part counts.
func (p *Problem) SetCost(t int, quad, lin []float64) {
	dX, dU, d := p.dX, p.dU, p.dX+p.dU
	if len(quad) != d*d || len(lin) != d {
		panic(fmt.Sprintf("riccati: cost of %d and %d numbers for dX=%d dU=%d", len(quad), len(lin), dX, dU))
	}
	z := p.last
	if t < p.T {
		h := p.h[t]
		for c := range dU {
			i := dX + dU - 1 - c
			column, row := h.Column(c, p.rows), quad[i*d:(i+1)*d]
			for r := c; r < dU; r++ {
				k := dX + dU - 1 - r
				column[r] = 0.5 * (row[k] + quad[k*d+i])
			}
			x := column[p.pu:]
			for k, v := range row[:dX] {
				x[k] = 0.5 * (v + quad[k*d+i])
			}
			x[dX] = lin[i]
		}
		z = h.From(p.pu, p.pu)
	}
	for j := range dX {
		column, row := z.Column(j, p.pz), quad[j*d:j*d+dX]
		for k := j; k < dX; k++ {
			column[k] = 0.5 * (row[k] + quad[k*d+j])
		}
		column[dX] = lin[j]
	}
}

// Dynamics writes F (dX x D) and f (dX) of step t.
func (p *Problem) Dynamics(t int, F, f []float64) {
	dX, dU, d := p.dX, p.dU, p.dX+p.dU
	for i := range dX {
		column := p.g[t].Column(i, p.rows)
		copy(F[i*d:i*d+dX], column[p.pu:])
		for j := range dU {
			F[i*d+dX+j] = column[p.reversed(j)]
		}
		f[i] = column[p.pu+dX]
	}
}

// Noise writes S of step t, dX x dX.
func (p *Problem) Noise(t int, S []float64) {
	for j := range p.dX {
		for i, v := range p.s[t].Column(j, p.dX)[j:] {
			S[(i+j)*p.dX+j], S[j*p.dX+i+j] = v, v
		}
	}
}

// Cost writes the cost of step t, D x D and D.
func (p *Problem) Cost(t int, quad, lin []float64) {
	dX, dU, d := p.dX, p.dU, p.dX+p.dU
	clear(quad)
	clear(lin)
	z := p.last
	if t < p.T {
		h := p.h[t]
		for c := range dU {
			i, column := dX+p.reversed(c), h.Column(c, p.rows)
			for r := c; r < dU; r++ {
				k := dX + p.reversed(r)
				quad[i*d+k], quad[k*d+i] = column[r], column[r]
			}
			for k, v := range column[p.pu : p.pu+dX] {
				quad[i*d+k], quad[k*d+i] = v, v
			}
			lin[i] = column[p.pu+dX]
		}
		z = h.From(p.pu, p.pu)
	}
	for j := range dX {
		column := z.Column(j, p.pz)
		for k := j; k < dX; k++ {
			quad[j*d+k], quad[k*d+j] = column[k], column[k]
		}
		lin[j] = column[dX]
	}
}

// Whiten writes step t < T in the units of an anchor N(K x + k, L L'), u = K x + k + L e:
// what was u becomes e, of which the anchor is N(0, I).
func (p *Problem) Whiten(t int, anchor *Gains) {
	p.mustEqual(anchor.shape, "an anchor")
	n, z, columns := p.dU, p.dX+1, p.dX
	k, root := anchor.k[t], anchor.root[t]

	g := p.g[t]
	gz := g.From(p.pu, 0)
	kernel.Add(gz, gz, k, g.N(), z, columns, n)
	for c := 0; c < columns; c += n { // through a workspace of n columns
		width := min(n, columns-c)
		part := g.From(0, c)
		kernel.Set(p.uu, root, part.N(), n, width, n)
		for j := range width {
			copy(part.Column(j, p.pu), p.uu.Column(j, p.pu))
		}
	}
	kernel.Add(p.a[t], p.a[t], p.b[t], k.T(), p.dX, z, n)
	copy(p.input.Data, p.b[t].Data)
	kernel.Set(p.b[t], p.input, root.T(), p.dX, n, n)

	h := p.h[t]
	hz, zz := h.From(p.pu, 0), h.From(p.pu, p.pu)
	p.symmetric(p.uu, h)
	under(zz, zz, p.e, hz, p.uu, k, p.shape)
	kernel.Set(hz, p.e, root.T(), z, n, n)
	kernel.Set(p.product, root, p.uu.N(), n, n, n)
	kernel.Set(h, p.product, root.T(), n, n, n)
}

// symmetric writes the leading dU x dU block of h, of which the lower part is read, to uu.
func (s shape) symmetric(uu, h kernel.Block) {
	for j := range s.dU {
		copy(uu.Column(j, s.pu), h.Column(j, s.pu))
	}
	kernel.Mirror(uu, s.dU)
}

// under writes the lower part of H_zz + K_z H_uz + (H_zu + K_z H_uu) K_z' to v, and
// H_zu + K_z H_uu to e: the quadratic form of z where u = K_z' z.
func under(v, zz, e, zu, uu, k kernel.Block, s shape) {
	kernel.Add(e, zu, k, uu.N(), s.dX+1, s.dU, s.dU)
	kernel.AddLower(v, zz, k, zu.T(), s.dX+1, s.dX, s.dU)
	kernel.AddLower(v, v, e, k.T(), s.dX+1, s.dX, s.dU)
}

// Finite reports whether all numbers of step t <= T are finite.
func (p *Problem) Finite(t int) bool {
	if t == p.T {
		return kernel.Finite(p.last.Data)
	}
	return kernel.Finite(p.g[t].Data) && kernel.Finite(p.h[t].Data) && kernel.Finite(p.s[t].Data)
}
