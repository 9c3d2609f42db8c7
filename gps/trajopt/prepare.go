package trajopt

import (
	"fmt"

	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/lqg"
)

// prepare checks the problem and packs it in the anchor's units. It leaves the states under
// the anchor in o.states, where they are needed.
func (o *Optimizer) prepare(p *Problem) error {
	p.check(o.T, o.dX, o.dU)
	if err := p.validateWeights(); err != nil {
		return err
	}
	o.problem.MaxEnt, o.problem.Policy, o.problem.ReferenceScale = p.MaxEnt, nil, p.ReferenceScale
	if p.Policy != nil {
		o.problem.Policy = p.Policy.Weight
	}
	overflow, sound := o.pack(p)
	if !sound {
		// What is wrong is found, and told, by looking at every number as it was given.
		if err := p.validate(); err != nil {
			o.problem.Clear()
			return err
		}
	}
	if overflow >= 0 {
		o.problem.Clear()
		return fmt.Errorf("%w: the cost and the dynamics overflow in the anchor's units at time step %d: check the scale of its gains and covariances", lqg.ErrNotFinite, overflow)
	}
	o.backward.PropagateAnchor, o.forward.MeanStates = o.cfg.PropagateAnchor, o.cfg.MeanStates
	if v := o.cfg.CovarianceFloor; v > 0 {
		if o.floor == nil {
			o.floor = lqg.NewWhitenedFloor(v, p.Anchor)
			o.backward.Floor = o.floor
		} else {
			o.floor.Whiten(v, p.Anchor)
		}
	}
	o.forward.Begin(p.X0.Mean, p.X0.Cov)
	if !o.forward.Record(o.states, o.problem, o.standard) {
		return fmt.Errorf("the states under the anchor overflow: %w", o.overflow(p.X0))
	}
	return nil
}

// pack writes the problem to o.problem in the anchor's units. overflow is the first step
// that has a number there that is not finite, or -1. Where sound is true the problem's numbers
// are finite and its covariances are such; a NaN or an infinity passes through all that is
// computed, so that it is looked for at the end.
func (o *Optimizer) pack(p *Problem) (overflow int, sound bool) {
	given := lqg.Objective{Cost: p.Cost, Policy: p.Policy}
	overflow, sound = -1, kernel.Finite(p.X0.Mean) && o.noise.is(p.X0.Cov)
	for t := range o.T {
		o.anchor.Set(t, p.Anchor.Gain(t), p.Anchor.BiasAt(t), p.Anchor.CholAt(t))
		quad, lin, F, S := p.Cost.QuadAt(t), p.Cost.LinAt(t), p.Dynamics.FAt(t), p.Dynamics.CovAt(t)
		// This reads them in order; packing reads rows and columns at once.
		sound = sound && kernel.Finite(quad) && kernel.Finite(F) && kernel.Finite(S)
		if p.Policy != nil {
			quad, lin = o.quad, o.lin
			given.WithoutAnchor(t, quad, lin)
		}
		o.problem.SetCost(t, quad, lin)
		o.problem.SetDynamics(t, F, p.Dynamics.BiasAt(t), S)
		o.problem.Whiten(t, o.anchor)
		sound = sound && o.noise.is(S)
		if overflow < 0 && !o.problem.Finite(t) {
			overflow, sound = t, false
		}
	}
	quad, lin := p.Cost.QuadAt(o.T), p.Cost.LinAt(o.T)
	o.problem.SetCost(o.T, quad, lin)
	return overflow, sound && kernel.Finite(quad) && kernel.Finite(lin)
}

// overflow names the first time step at which the states under the anchor overflow.
func (o *Optimizer) overflow(x0 *lqg.InitialState) error {
	dynamics, standard := lqg.NewDynamics(o.T, o.dX, o.dU), lqg.NewController(o.T, o.dX, o.dU)
	o.unpackDynamics(dynamics)
	for t := range o.T {
		o.standard.Get(t, standard.Gain(t), standard.BiasAt(t), standard.CholAt(t))
	}
	return lqg.NewForwardPass(o.dX, o.dU).Run(lqg.NewTrajectory(o.T, o.dX, o.dU), x0, standard, dynamics)
}

// unpackDynamics writes the model in the anchor's units.
func (o *Optimizer) unpackDynamics(dst *lqg.Dynamics) {
	for t := range o.T {
		o.problem.Dynamics(t, dst.FAt(t), dst.BiasAt(t))
		o.problem.Noise(t, dst.CovAt(t))
	}
}
