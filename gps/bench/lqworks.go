package main

import (
	"errors"
	"slices"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/internal/riccati"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trajopt"
)

// ofMatrices joins matrices into a result.
func ofMatrices[M mat.Matrix](name string, tolerance float64, list []M) array {
	a := array{Name: name, Tolerance: tolerance}
	for _, m := range list {
		r, c := m.Dims()
		for i := range r {
			for j := range c {
				a.Data = append(a.Data, m.At(i, j))
			}
		}
	}
	return a
}

func backwardWork(s size) *work {
	return &work{Kind: "Backward", Title: "LQR backward", Size: s.text(), Key: s.key(), Flops: backwardFlops(s.T, s.dX, s.dU), Repeats: 1,
		Peers: []string{numpy, torch, hpipm}, Short: s.T == 100, Make: func() (*instance, error) {
			p := newLQ(s.T, s.dX, s.dU)
			packed, found, out := p.packed(), riccati.NewGains(s.T, s.dX, s.dU), lqg.NewController(s.T, s.dX, s.dU)
			backward := riccati.NewBackward(s.dX, s.dU)
			pass, objective, whole := lqg.NewBackwardPass(s.dX, s.dU), p.plain(), lqg.NewController(s.T, s.dX, s.dU)
			types, tuned := newNaiveLQ(p), newTunedLQ(p)
			var typed naiveController
			return &instance{Inputs: p.inputs(), Done: []implementation{
				{Of: ours, Run: func() error {
					if backward.Run(found, packed, 0) >= 0 {
						return errIndefinite
					}
					return nil
				}, Result: func() []array { unpack(out, found); return gains(out) }},
				{Of: packing, Run: func() error { return pass.Run(whole, objective, p.dyn, 0) }, Result: func() []array { return gains(whole) }},
				{Of: naive, Run: func() (err error) { typed, err = types.backward(); return err },
					Result: func() []array { return []array{ofMatrices("K", 1e-8, typed.K), ofMatrices("k", 1e-8, typed.k)} }},
				{Of: preallocated, Run: func() error { return tuned.backward(0) }, Result: func() []array { return gains(tuned.result) }},
			}}, nil
		}}
}

// divergences are the results of a forward pass: they depend on all states before the last.
func divergences(kl []float64) []array {
	return []array{{Name: "kl", Shape: []int{len(kl)}, Data: kl, Tolerance: 1e-8}}
}

var errOverflow = errors.New("the forward pass overflows")

func forwardWork(s size) *work {
	return &work{Kind: "Forward", Title: "forward pass with KL", Size: s.text(), Key: s.key(), Flops: forwardFlops(s.T, s.dX, s.dU), Repeats: 1,
		Peers: []string{numpy, torch}, Short: s.T == 100, Make: func() (*instance, error) {
			p := newLQ(s.T, s.dX, s.dU)
			forward, packed, c := riccati.NewForward(s.dX, s.dU), p.packed(), p.whitened()
			anchor := riccati.NewGains(s.T, s.dX, s.dU)
			for t := range s.T {
				anchor.Set(t, p.anchor.Gain(t), p.anchor.BiasAt(t), p.anchor.CholAt(t))
				packed.Whiten(t, anchor)
			}
			forward.Begin(p.x0.Mean, p.x0.Cov)
			kl := make([]float64, s.T)
			pass, divergence := lqg.NewForwardPass(s.dX, s.dU), lqg.NewDivergence(s.dX, s.dU)
			marginals, whole := lqg.NewTrajectory(s.T, s.dX, s.dU), make([]float64, s.T)
			types, tuned := newNaiveLQ(p), newTunedLQ(p)
			var typed []float64
			return &instance{Inputs: p.inputs(), Done: []implementation{
				{Of: ours, Run: func() error {
					if _, ok := forward.Run(kl, packed, c); !ok {
						return errOverflow
					}
					return nil
				}, Result: func() []array { return divergences(kl) }},
				{Of: packing, Run: func() error {
					err := pass.Run(marginals, p.x0, p.controller, p.dyn)
					divergence.PerStep(whole, p.controller, p.anchor, marginals)
					return err
				}, Result: func() []array { return divergences(whole) }},
				{Of: naive, Run: func() (err error) { typed, err = types.forward(); return err }, Result: func() []array { return divergences(typed) }},
				{Of: preallocated, Run: func() error { tuned.forward(p.controller); return nil }, Result: func() []array { return divergences(tuned.kl) }},
			}}, nil
		}}
}

var errUnbound = errors.New("the KL bound holds nothing back: there was no search")

// updateWork is a whole search over a drawn problem.
func updateWork(s size) *work {
	const bound = 0.2 // nat per step
	return &work{Kind: "Update", Title: "update with dual search", Size: s.text(), Key: s.key(), Repeats: 1,
		Peers: []string{numpy}, Short: s.T == 100, Make: func() (*instance, error) {
			return newLQ(s.T, s.dX, s.dU).search(bound*float64(s.T), 1, 1e-7)
		}}
}

// taskUpdateWork is the search of a system's third iteration. There the fitted dynamics and
// the cost are worse scaled than drawn ones, so that rounding shows more.
func taskUpdateWork(name, size string) *work {
	return &work{Kind: "Update", Title: "update with dual search", Size: size, Key: "system=" + name, Repeats: 1,
		Peers: []string{numpy}, Short: true, Make: func() (*instance, error) {
			s, err := newSystem(name, 1, 1)
			if err != nil {
				return nil, err
			}
			if err := s.advance(2); err != nil {
				return nil, err
			}
			eta := s.state.Conditions[0].Eta
			samples, err := s.trials()
			if err != nil {
				return nil, err
			}
			next, report, err := s.iterate(samples)
			if err != nil {
				return nil, err
			}
			model := next.Conditions[0].Previous
			p := &lq{T: horizon, dX: model.Controller.DX, dU: model.Controller.DU, dyn: model.Dynamics, cost: model.Cost, x0: model.X0,
				anchor: model.Controller, controller: next.Conditions[0].Controller}
			return p.search(report.Conditions[0].Bound, eta, 1e-4)
		}}
}

// search is the search for a controller within the bound. Its peers pass at the etas that the
// search of this module tried, so that they do the same work; the last eta is that of the
// result.
func (p *lq) search(bound, eta, tolerance float64) (*instance, error) {
	search, err := trajopt.New(trajopt.DefaultConfig(), p.T, p.dX, p.dU)
	if err != nil {
		return nil, err
	}
	problem := &trajopt.Problem{Dynamics: p.dyn, X0: p.x0, Cost: p.cost, Anchor: p.anchor}
	var r *trajopt.Result
	run := func() (err error) { r, err = search.Update(problem, bound, eta); return err }
	if err := run(); err != nil {
		return nil, err
	}
	if !r.Active {
		return nil, errUnbound
	}
	etas := slices.DeleteFunc(slices.Clone(r.Trace), func(v float64) bool { return v == r.Eta })
	etas = append(etas, r.Eta)
	tuned := newTunedLQ(p)
	flops := float64(len(etas)) * (backwardFlops(p.T, p.dX, p.dU) + forwardFlops(p.T, p.dX, p.dU))
	return &instance{Inputs: append(p.inputs(), vector("etas", etas...)), Flops: flops, Done: []implementation{
		{Of: ours, Run: run, Result: func() []array { return updated(r.Controller, r.KLPerStep, tolerance) }},
		{Of: preallocated, Run: func() error {
			tuned.surrogate.Set(p.anchor, tuned.action)
			for _, eta := range etas {
				if err := tuned.backward(eta); err != nil {
					return err
				}
				tuned.forward(tuned.result)
			}
			return nil
		}, Result: func() []array { return updated(tuned.result, tuned.kl, tolerance) }},
	}}, nil
}

// updated are the results of a search.
func updated(c *lqg.Controller, kl []float64, tolerance float64) []array {
	a := append(gains(c), array{Name: "L", Shape: []int{c.T, c.DU, c.DU}, Data: c.Chol}, array{Name: "kl", Shape: []int{c.T}, Data: kl})
	for i := range a {
		a[i].Tolerance = tolerance
	}
	return a
}
