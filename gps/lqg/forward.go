package lqg

import (
	"fmt"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/internal/riccati"
)

// ForwardPass computes trajectory marginals, with its workspace, for one problem size.
type ForwardPass struct {
	dX, dU  int
	pass    *riccati.Forward
	problem *riccati.Problem // one step, packed
	gains   *riccati.Gains   // alike
}

// NewForwardPass returns a pass for dX states and dU actions.
func NewForwardPass(dX, dU int) *ForwardPass {
	checkSizes(1, dX, dU)
	return &ForwardPass{dX: dX, dU: dU, pass: riccati.NewForward(dX, dU),
		problem: riccati.NewProblem(1, dX, dU), gains: riccati.NewGains(1, dX, dU)}
}

// Run writes the marginals of y_t under the controller and the dynamics, from x0
// (arXiv:1504.00702, appendix A.1). An error wraps ErrNotFinite and names the first time step
// whose marginal overflows, or has a NaN of the input; dst is written to the end all the same.
// It does not allocate on success.
func (p *ForwardPass) Run(dst *Trajectory, x0 *InitialState, c *Controller, dyn *Dynamics) error {
	dX, dU := p.dX, p.dU
	if dst.T != c.T || dst.DX != dX || dst.DU != dU || c.DX != dX || c.DU != dU || dyn.T != c.T || dyn.DX != dX || dyn.DU != dU || len(x0.Mean) != dX || len(x0.Cov) != dX*dX {
		panic(fmt.Sprintf("lqg: forward pass for dX=%d dU=%d into marginals of T=%d dX=%d dU=%d: controller of T=%d dX=%d dU=%d, dynamics of T=%d dX=%d dU=%d, x0 of a mean of %d and a covariance of %d numbers",
			dX, dU, dst.T, dst.DX, dst.DU, c.T, c.DX, c.DU, dyn.T, dyn.DX, dyn.DU, len(x0.Mean), len(x0.Cov)))
	}
	p.Start(dst, x0)
	p.load(dst, 0)
	for t := range c.T {
		p.step(dst, c, dyn, t)
	}
	return dst.finite()
}

// load packs the distribution of x_t, and makes it symmetric in dst too.
func (p *ForwardPass) load(dst *Trajectory, t int) {
	mean, cov, d := dst.MeanAt(t), dst.CovAt(t), p.dX+p.dU
	p.pass.SetState(mean[:p.dX], cov, d)
	p.pass.State(mean, cov, d)
}

// finite returns an error that names the first time step whose marginal is not finite.
func (m *Trajectory) finite() error {
	if kernel.Finite(m.Mean) && kernel.Finite(m.Cov) {
		return nil
	}
	t, what := 0, ""
	for ; what == ""; t++ {
		if dense.FirstNotFinite(m.MeanAt(t)) >= 0 {
			what = "mean"
		} else if dense.FirstNotFinite(m.CovAt(t)) >= 0 {
			what = "covariance"
		}
	}
	return fmt.Errorf("%w: %s of the marginal at time step %d: check the scale of the dynamics (gains far above 1 grow over the horizon) and of the controller, or shorten the horizon", ErrNotFinite, what, t-1)
}

// Start writes the distribution of x_0 to dst.
func (p *ForwardPass) Start(dst *Trajectory, x0 *InitialState) {
	d := p.dX + p.dU
	copy(dst.MeanAt(0)[:p.dX], x0.Mean)
	for i := range p.dX {
		copy(dst.CovAt(0)[i*d:i*d+p.dX], x0.Cov[i*p.dX:(i+1)*p.dX])
	}
}

// Step writes, given the distribution of x_t in dst, that of y_t and of x_{t+1}, for
// callers that choose the controller of a step from the states it meets. The action part
// of the entry t+1 is cleared. It does not check numbers: what overflows stays in dst.
func (p *ForwardPass) Step(dst *Trajectory, c *Controller, dyn *Dynamics, t int) {
	p.load(dst, t)
	p.step(dst, c, dyn, t)
}

// step is Step from the packed distribution of x_t.
func (p *ForwardPass) step(dst *Trajectory, c *Controller, dyn *Dynamics, t int) {
	p.gains.Set(0, c.Gain(t), c.BiasAt(t), c.CholAt(t))
	p.problem.SetForward(0, dyn.FAt(t), dyn.BiasAt(t), dyn.CovAt(t))
	p.pass.Actions(p.gains, 0, dst.MeanAt(t), dst.CovAt(t))
	p.pass.Step(p.problem, p.gains, 0)
	mean, cov := dst.MeanAt(t+1), dst.CovAt(t+1)
	clear(mean[p.dX:])
	clear(cov)
	p.pass.State(mean, cov, p.dX+p.dU)
}

// ExpectedCost writes E[cost_t] for t = 0..T to dst (T+1) and returns the sum:
// c + q'mu + 1/2 mu'Q mu + 1/2 tr(Q Sigma). It does not check numbers: where the marginals
// or the products overflow it is an infinity or NaN.
func ExpectedCost(dst []float64, cost *Cost, m *Trajectory) float64 {
	if cost.T != m.T || cost.DX != m.DX || cost.DU != m.DU || len(dst) != cost.T+1 {
		panic(fmt.Sprintf("lqg: expected cost of T=%d dX=%d dU=%d under marginals of T=%d dX=%d dU=%d into %d numbers", cost.T, cost.DX, cost.DU, m.T, m.DX, m.DU, len(dst)))
	}
	d := cost.DX + cost.DU
	total := 0.0
	for t := range cost.T + 1 {
		mean, cov, quad, lin := m.MeanAt(t), m.CovAt(t), cost.QuadAt(t), cost.LinAt(t)
		e := cost.Const[t]
		for i := range d {
			s := 0.0
			for j := range d {
				s += quad[i*d+j] * (mean[i]*mean[j] + cov[i*d+j])
			}
			e += lin[i]*mean[i] + 0.5*s
		}
		dst[t] = e
		total += e
	}
	return total
}
