package riccati

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/kernel"
)

// Forward is the forward pass with its workspace.
type Forward struct {
	shape
	// MeanStates measures divergences at the mean states.
	MeanStates bool

	start, state kernel.Block // [Sigma, mu; mu', .] of x_0 and of x_t, pz x (dX+1)
	p            kernel.Block // [Y, A + B K, f + B k], Y = B R', px x (dU+dX+1)
	r            kernel.Block // [scale Y, (A + B K) Sigma, (A + B K) mu], alike
	e            kernel.Block // [Sigma; mu'] K', pz x dU
	zeros        []float64    // px*dU

	gain, factor, uu kernel.Block // of Actions: K, R' and the covariance of u, pu rows
}

// NewForward returns a pass for dX states and dU actions.
func NewForward(dX, dU int) *Forward {
	s := newShape(dX, dU)
	arena := kernel.NewArena(2*s.pz*(dX+1) + 2*s.px*(dU+dX+1) + (s.pz+s.px)*dU + s.pu*(dX+2*dU))
	return &Forward{shape: s, start: arena.TakeBlock(s.pz, dX+1), state: arena.TakeBlock(s.pz, dX+1),
		p: arena.TakeBlock(s.px, dU+dX+1), r: arena.TakeBlock(s.px, dU+dX+1),
		e: arena.TakeBlock(s.pz, dU), zeros: arena.Take(s.px * dU),
		gain: arena.TakeBlock(s.pu, dX), factor: arena.TakeBlock(s.pu, dU), uu: arena.TakeBlock(s.pu, dU)}
}

// Marginals are packed distributions of x_t for t = 0..T-1.
type Marginals struct {
	shape
	state []kernel.Block
}

// NewMarginals returns marginals of zeros.
func NewMarginals(T, dX, dU int) *Marginals {
	m := &Marginals{shape: newShape(dX, dU), state: make([]kernel.Block, T)}
	arena := kernel.NewArena(T * m.pz * (dX + 1))
	for t := range m.state {
		m.state[t] = arena.TakeBlock(m.pz, dX+1)
	}
	return m
}

// Begin sets the distribution of x_0 for all runs: mean dX, covariance dX x dX, which is made
// symmetric.
func (f *Forward) Begin(mean, cov []float64) {
	f.SetState(mean, cov, f.dX)
	copy(f.start.Data, f.state.Data)
}

// SetState sets the distribution of x_t: mean dX, covariance dX x dX in rows that are stride
// apart, which is made symmetric.
func (f *Forward) SetState(mean, cov []float64, stride int) {
	dX := f.dX
	if len(mean) != dX || len(cov) < (dX-1)*stride+dX {
		panic(fmt.Sprintf("riccati: state of a mean of %d and a covariance of %d numbers with stride %d for dX=%d", len(mean), len(cov), stride, dX))
	}
	for j := range dX {
		column := f.state.Column(j, f.pz)
		for i := j; i < dX; i++ {
			column[i] = 0.5 * (cov[i*stride+j] + cov[j*stride+i])
		}
		column[dX] = mean[j]
		clear(column[dX+1:]) // an earlier run may have overflowed
	}
	kernel.Mirror(f.state, dX+1)
	clear(f.state.Column(dX, f.pz)[dX+1:])
}

// State writes the distribution of x_t: the mean, and the covariance into rows that are
// stride apart.
func (f *Forward) State(mean, cov []float64, stride int) {
	copy(mean[:f.dX], f.state.Column(f.dX, f.dX))
	for j := range f.dX {
		copy(cov[j*stride:j*stride+f.dX], f.state.Column(j, f.dX))
	}
}

// Rewind goes back to x_0.
func (f *Forward) Rewind() { copy(f.state.Data, f.start.Data) }

// Run measures, at each step, the divergence of the controller from N(0, I) under its own
// states, writes it to kl (T, in nat) and returns the sum. A step whose divergence overflows
// has +Inf. Run reports whether everything, the states at T too, was finite.
func (f *Forward) Run(kl []float64, p *Problem, c *Gains) (total float64, ok bool) {
	f.mustEqual(p.shape, "a problem")
	f.mustEqual(c.shape, "a controller")
	mustLast(p.T, "a controller", c.T)
	mustLast(p.T, "divergences", len(kl))
	f.Rewind()
	for t := range p.T {
		p.prefetchForward(t + 1)
		kl[t] = f.divergence(c, t, f.state)
		total += kl[t]
		f.Step(p, c, t)
	}
	return total, total <= math.MaxFloat64 && kernel.Finite(f.state.Data)
}

// Record writes the states under the controller to dst, unless that is nil, and reports
// whether they are finite.
func (f *Forward) Record(dst *Marginals, p *Problem, c *Gains) bool {
	f.mustEqual(p.shape, "a problem")
	f.mustEqual(c.shape, "a controller")
	mustLast(p.T, "a controller", c.T)
	if dst != nil {
		f.mustEqual(dst.shape, "marginals")
		mustLast(p.T, "marginals", len(dst.state))
	}
	f.Rewind()
	for t := range p.T {
		if dst != nil {
			copy(dst.state[t].Data, f.state.Data)
		}
		f.Step(p, c, t)
	}
	return kernel.Finite(f.state.Data)
}

// Measure is Run under given states.
func (f *Forward) Measure(kl []float64, m *Marginals, c *Gains) (total float64, ok bool) {
	f.mustEqual(m.shape, "marginals")
	f.mustEqual(c.shape, "a controller")
	mustLast(c.T, "divergences", len(kl))
	mustLast(c.T, "marginals", len(m.state))
	for t := range kl {
		kl[t] = f.divergence(c, t, m.state[t])
		total += kl[t]
	}
	return total, total <= math.MaxFloat64
}

// Step takes the states from t to t+1.
func (f *Forward) Step(p *Problem, c *Gains, t int) {
	dX, n := f.dX, f.dU
	k, root, closed := c.k[t], c.root[t], f.p.From(0, n)
	kernel.Set(f.p, p.b[t], root.T(), dX, n, n)
	kernel.Add(closed, p.a[t], p.b[t], k.T(), dX, dX+1, n)
	kernel.Difference(f.r.Data[:f.px*n], f.p.Data[:f.px*n], f.zeros, c.scale[t])
	kernel.Set(f.r.From(0, n), closed, f.state.N(), dX, dX+1, dX)
	kernel.AddLower(f.state, p.s[t], f.r, f.p.T(), dX, dX, n+dX)
	mean, bias := f.r.Column(n+dX, dX), f.p.Column(n+dX, dX)
	for j, v := range mean {
		f.state.Data[j*f.pz+dX] = v + bias[j]
	}
	kernel.Mirror(f.state, dX+1)
}

// Actions writes the distribution of y_t = [x; u] but for that of x: the actions' mean to the
// last dU of mean (D), and the rows and columns of u of cov (D x D).
func (f *Forward) Actions(c *Gains, t int, mean, cov []float64) {
	dX, n, k, root := f.dX, f.dU, c.k[t], c.root[t]
	d := dX + n
	kernel.Set(f.e, f.state, k.N(), dX+1, n, dX)
	for i := range n {
		column := k.Column(i, dX)
		for j, v := range column {
			f.gain.Data[j*f.pu+i] = v
		}
		for j := i; j < n; j++ {
			f.factor.Data[j*f.pu+i] = c.scale[t] * root.At(j, i)
		}
	}
	kernel.Set(f.uu, f.factor, root.N(), n, n, n)
	kernel.Add(f.uu, f.uu, f.gain, f.e.N(), n, n, dX)
	for i := range n {
		r := f.reversed(i)
		column, u := f.e.Column(r, f.pz), dX+i
		mean[u] = column[dX] + k.At(dX, r)
		copy(cov[u*d:u*d+dX], column)
		for j, v := range column[:dX] {
			cov[j*d+u] = v
		}
		for j := range i + 1 {
			v := f.uu.At(f.reversed(j), r)
			cov[u*d+dX+j], cov[(dX+j)*d+u] = v, v
		}
	}
}

// divergence returns E[KL(N(K x + k, C) || N(0, I))] at step t under the given states,
//
//	1/2 [tr C - dU - log det C + |K mu + k|^2 + tr(K Sigma K')],
//
// as a sum of terms >= 0; +Inf where it overflows.
func (f *Forward) divergence(c *Gains, t int, state kernel.Block) float64 {
	dX, n, k := f.dX, f.dU, c.k[t]
	kernel.Set(f.e, state, k.N(), dX+1, n, dX)
	scale, sum := c.scale[t], 0.0
	sd := math.Sqrt(scale)
	for i := range n {
		column := c.root[t].Column(i, n)
		sum += Excess(sd * column[i])
		squares := 0.0
		for _, v := range column[i+1:] {
			squares += v * v
		}
		v := f.e.Data[i*f.pz+dX] + k.Data[i*f.pz+dX]
		f.e.Data[i*f.pz+dX] = 0
		sum += scale*squares + v*v
	}
	if !f.MeanStates {
		sum += math.Max(0, kernel.Dot(f.e.Data, k.Data))
	}
	if math.IsNaN(sum) {
		return math.Inf(1)
	}
	return 0.5 * sum
}

// Excess returns v^2 - 1 - log v^2 >= 0, exact to rounding near v = 1 too.
func Excess(v float64) float64 {
	d := v - 1
	if math.Abs(d) < 1e-3 {
		// The series of d(2+d) - 2 log(1+d), whose terms of first order cancel.
		return d * d * (2 - d*(2.0/3-d*(0.5-d*0.4)))
	}
	return d*(2+d) - 2*math.Log(v)
}
