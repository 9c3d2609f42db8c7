package riccati

import (
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
)

// Floor bounds action covariances from below (lqg.Floor).
type Floor interface {
	// Below reports whether a covariance whose smallest eigenvalue is at least least may be
	// below the floor at step t; false is certain.
	Below(least float64, t int) bool
	// Raise lifts the covariance (row-major, dU x dU) of step t to the floor, and reports
	// whether it was below.
	Raise(cov []float64, t int) bool
}

// Backward is the backward pass with its workspace.
type Backward struct {
	shape
	// Floor, if not nil, bounds the covariances of the anchor's actions.
	Floor Floor
	// PropagateAnchor carries back the value function of the anchor, K = 0 and k = 0 in its
	// own units, instead of that of the new controller.
	PropagateAnchor bool

	v      kernel.Block // [V; v'], undivided, pz x dX; then H_zz and the V before
	m      kernel.Block // G V, rows x dX
	h      kernel.Block // H's columns of u, rows x dU; then L in its first rows
	g, c   kernel.Block // G and H_t of the step
	lz     kernel.Block // pz x dU
	uu, zu kernel.Block // copies of H_uu, full, and H_zu: pu x dU and pz x dU
	e      kernel.Block // pz x dU
	factor *kernel.Factor
	cov    []float64 // row-major, dU x dU
	failed int       // the step that Solve found no controller for in the latest Run, or -1
}

// NewBackward returns a pass for dX states and dU actions.
func NewBackward(dX, dU int) *Backward {
	s := newShape(dX, dU)
	arena := kernel.NewArena(s.pz*dX + s.rows*(dX+dU) + (s.pu+3*s.pz)*dU)
	return &Backward{shape: s,
		v: arena.TakeBlock(s.pz, dX), m: arena.TakeBlock(s.rows, dX), h: arena.TakeBlock(s.rows, dU), lz: arena.TakeBlock(s.pz, dU),
		uu: arena.TakeBlock(s.pu, dU), zu: arena.TakeBlock(s.pz, dU), e: arena.TakeBlock(s.pz, dU),
		factor: kernel.NewFactor(dU, 0), cov: make([]float64, dU*dU)}
}

// Run computes the controller that minimises the problem's cost plus eta KL from
// N(0, I) less the entropy's weight, and returns -1, or the time step at which there is
// none: Q_uu is not positive definite, or something overflows. FailedBlock tells which.
func (b *Backward) Run(dst *Gains, p *Problem, eta float64) (failed int) {
	b.mustEqual(p.shape, "a problem")
	b.mustEqual(dst.shape, "a controller")
	mustLast(p.T, "a controller", dst.T)
	b.failed = -1
	b.Start(p)
	for t := p.T - 1; t >= 0; t-- {
		p.prefetchBackward(t - 1)
		b.expandAt(p, t, eta)
		if !b.Solve(dst, t, eta+p.Weight(t)) {
			if later := dst.overflows(t + 1); later > t {
				return later
			}
			b.failed = t
			return t
		}
		if t == 0 {
			break
		}
		if b.PropagateAnchor {
			b.PropagateStates()
		} else {
			b.Propagate()
		}
	}
	return dst.overflows(0)
}

// FailedBlock writes the Q_uu, undivided and row-major, that the Run before found no factor of,
// at the same eta. It returns false where Run failed for another reason: some number
// overflowed.
func (b *Backward) FailedBlock(dst []float64, eta float64) bool {
	if b.failed < 0 {
		return false
	}
	b.Again()
	b.addPrecision(b.h, eta)
	b.ActionBlock(dst)
	return true
}

// expandAt computes H of step t with eta KL in it.
func (b *Backward) expandAt(p *Problem, t int, eta float64) {
	b.Expand(p, t, p.factor(t, eta))
	b.addPrecision(b.h, eta)
}

func (b *Backward) addPrecision(uu kernel.Block, eta float64) {
	for i := range b.dU {
		uu.Data[i*uu.Stride+i] += eta
	}
}

// Start sets the value function to the cost at T.
func (b *Backward) Start(p *Problem) {
	copy(b.v.Data, p.last.Data)
	kernel.Mirror(b.v, b.dX)
}

// Expand computes the columns of u of H = H_t + factor G V G', the quadratic form of [u; z]
// at step t. Those of z are left to the Propagate that follows.
func (b *Backward) Expand(p *Problem, t int, factor float64) {
	b.g, b.c = p.g[t], p.h[t]
	kernel.Set(b.m, b.g, b.v.T(), b.used, b.dX, b.dX)
	// v' once more, as f' V is in the row of the constant 1.
	one, m, v := b.pu+b.dX, b.m.Data, b.v.Data[b.dX:]
	for j := range b.dX {
		m[j*b.m.Stride+one] += v[j*b.v.Stride]
	}
	if factor != 1 {
		for i := range m {
			m[i] *= factor
		}
	}
	b.Again()
}

// Again computes what Expand did, which Solve overwrites, once more.
func (b *Backward) Again() {
	kernel.AddLower(b.h, b.c, b.m, b.g.T(), b.used, b.dU, b.dX)
}

// states writes H_zz to b.v.
func (b *Backward) states() {
	z := b.pu
	kernel.AddLower(b.v, b.c.From(z, z), b.m.From(z, 0), b.g.From(z, 0).T(), b.dX+1, b.dX, b.dX)
}

// ActionBlock writes Q_uu of H, row-major, before Solve overwrites it.
func (b *Backward) ActionBlock(dst []float64) {
	n := b.dU
	for i := range n {
		for j := range i + 1 {
			v := b.h.At(n-1-j, n-1-i)
			dst[i*n+j], dst[j*n+i] = v, v
		}
	}
}

// Solve factorises Q_uu in H and writes the controller of step t, with covariance
// scale Q_uu^-1, to dst; false if there is none.
func (b *Backward) Solve(dst *Gains, t int, scale float64) bool {
	n := b.dU
	if !(scale > 0 && scale <= math.MaxFloat64) {
		return false
	}
	trace := 0.0
	if b.Floor != nil {
		for i := range n {
			trace += b.h.Data[i*b.h.Stride+i]
		}
	}
	root := dst.root[t]
	if b.factor.Cholesky(b.h, n, 0) != n {
		return false
	}
	b.factor.InvertLower(root, b.h, n)
	kernel.Set(b.lz, b.h.From(b.pu, 0), root.T(), b.dX+1, n, n)
	kernel.Neg(dst.k[t], b.lz, root.N(), b.dX+1, n, n)
	dst.scale[t] = scale
	if b.Floor != nil && b.Floor.Below(scale/trace, t) {
		return b.raise(dst, t)
	}
	return true
}

// raise lifts the covariance of step t to the floor; false if it has no factor.
func (b *Backward) raise(dst *Gains, t int) bool {
	n, scale, root := b.dU, dst.scale[t], dst.root[t]
	for i := range n {
		for j := range i + 1 {
			// C = scale J R'R J, R lower.
			x, y := root.Column(n-1-i, n), root.Column(n-1-j, n)
			s := 0.0
			for l := n - 1 - j; l < n; l++ {
				s += x[l] * y[l]
			}
			s *= scale
			b.cov[i*n+j], b.cov[j*n+i] = s, s
		}
	}
	if !b.Floor.Raise(b.cov, t) {
		return true
	}
	if !dense.Cholesky(b.cov, n) {
		return false
	}
	dst.setFactor(t, b.cov, 1/math.Sqrt(scale))
	return true
}

// Propagate sets the value function to that of the controller that Solve found,
// H_zz - L_z L_z'.
func (b *Backward) Propagate() {
	b.states()
	kernel.SubLower(b.v, b.v, b.lz, b.lz.T(), b.dX+1, b.dX, b.dU)
	kernel.Mirror(b.v, b.dX)
}

// PropagateStates sets the value function to that of u = 0.
func (b *Backward) PropagateStates() {
	b.states()
	kernel.Mirror(b.v, b.dX)
}

// AddActions adds factor times the columns of u of a packed cost to those of H.
func (b *Backward) AddActions(p *Problem, t int, factor float64) {
	for j := range b.dU {
		kernel.Axpy(b.h.Column(j, b.rows), factor, p.h[t].Column(j, b.rows))
	}
}

// KeepActions copies what PropagateUnder needs of H, which Solve overwrites.
func (b *Backward) KeepActions() {
	b.symmetric(b.uu, b.h)
	for j := range b.dU {
		copy(b.zu.Column(j, b.pz), b.h.Column(j, b.rows)[b.pu:])
	}
}

// Actions writes what KeepActions kept, row-major: Q_uu (dU x dU), Q_ux (dU x dX), q_u (dU).
func (b *Backward) Actions(quu, qux, qu []float64) {
	for i := range b.dU {
		r := b.reversed(i)
		for j := range b.dU {
			quu[i*b.dU+j] = b.uu.At(r, b.reversed(j))
		}
		column := b.zu.Column(r, b.pz)
		copy(qux[i*b.dX:(i+1)*b.dX], column)
		qu[i] = column[b.dX]
	}
}

// States writes the quadratic form of the states in H, row-major: Q_xx (dX x dX) and q_x (dX). It
// overwrites the value function, which the Propagate that follows does too.
func (b *Backward) States(qxx, qx []float64) {
	b.states()
	for j := range b.dX {
		column := b.v.Column(j, b.pz)
		qx[j] = column[b.dX]
		for i := j; i < b.dX; i++ {
			qxx[i*b.dX+j], qxx[j*b.dX+i] = column[i], column[i]
		}
	}
}

// AddPrecision adds eta I to the Q_uu that KeepActions kept.
func (b *Backward) AddPrecision(eta float64) { b.addPrecision(b.uu, eta) }

// PropagateUnder sets the value function to that of any controller, under the H of which
// KeepActions kept the actions' columns.
func (b *Backward) PropagateUnder(c *Gains, t int) {
	b.states()
	under(b.v, b.v, b.e, b.zu, b.uu, c.k[t], b.shape)
	kernel.Mirror(b.v, b.dX)
}
