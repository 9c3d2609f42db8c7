package main

import (
	"errors"

	"gonum.org/v1/gonum/mat"

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
			pass, objective, out := lqg.NewBackwardPass(s.dX, s.dU), p.plain(), lqg.NewController(s.T, s.dX, s.dU)
			types, tuned := newNaiveLQ(p), newTunedLQ(p)
			var typed naiveController
			return &instance{Inputs: p.inputs(), Done: []implementation{
				{ours, func() error { return pass.Run(out, objective, p.dyn, 0) }, func() []array { return gains(out) }},
				{naive, func() (err error) { typed, err = types.backward(); return err },
					func() []array { return []array{ofMatrices("K", 1e-8, typed.K), ofMatrices("k", 1e-8, typed.k)} }},
				{preallocated, func() error { return tuned.backward(0) }, func() []array { return gains(tuned.result) }},
			}}, nil
		}}
}

// marginals are the results of a forward pass and its divergences.
func marginals(m *lqg.Trajectory, kl []float64) []array {
	d := m.DX + m.DU
	return []array{
		{Name: "mean", Shape: []int{m.T + 1, d}, Data: m.Mean, Tolerance: 1e-8},
		{Name: "cov", Shape: []int{m.T + 1, d, d}, Data: m.Cov, Tolerance: 1e-8},
		{Name: "kl", Shape: []int{m.T}, Data: kl, Tolerance: 1e-8},
	}
}

func forwardWork(s size) *work {
	return &work{Kind: "Forward", Title: "forward pass with KL", Size: s.text(), Key: s.key(), Flops: forwardFlops(s.T, s.dX, s.dU), Repeats: 1,
		Peers: []string{numpy, torch}, Short: s.T == 100, Make: func() (*instance, error) {
			p := newLQ(s.T, s.dX, s.dU)
			pass, divergence := lqg.NewForwardPass(s.dX, s.dU), lqg.NewDivergence(s.dX, s.dU)
			out, kl := lqg.NewTrajectory(s.T, s.dX, s.dU), make([]float64, s.T)
			types, tuned := newNaiveLQ(p), newTunedLQ(p)
			var typed []array
			return &instance{Inputs: p.inputs(), Done: []implementation{
				{ours, func() error {
					err := pass.Run(out, p.x0, p.controller, p.dyn)
					divergence.PerStep(kl, p.controller, p.anchor, out)
					return err
				}, func() []array { return marginals(out, kl) }},
				{naive, func() error {
					mean, cov, kl, err := types.forward()
					typed = []array{ofMatrices("mean", 0, mean), ofMatrices("cov", 0, cov), vector("kl", kl...)}
					return err
				}, func() []array { return typed }},
				{preallocated, func() error { tuned.forward(p.controller); return nil }, func() []array { return marginals(tuned.marginals, tuned.kl) }},
			}}, nil
		}}
}

var errUnbound = errors.New("the KL bound holds nothing back: there was no search")

// updateWork is a whole search. Its peers pass at the etas that the search of this module
// tried, so that they do the same work; the last eta is that of the result.
func updateWork(s size) *work {
	const bound = 0.2 // nat per step
	return &work{Kind: "Update", Title: "update with dual search", Size: s.text(), Key: s.key(), Repeats: 1,
		Peers: []string{numpy}, Short: s.T == 100, Make: func() (*instance, error) {
			p := newLQ(s.T, s.dX, s.dU)
			search, err := trajopt.New(trajopt.DefaultConfig(), s.T, s.dX, s.dU)
			if err != nil {
				return nil, err
			}
			problem := &trajopt.Problem{Dynamics: p.dyn, X0: p.x0, Cost: p.cost, Anchor: p.anchor}
			var r *trajopt.Result
			run := func() (err error) { r, err = search.Update(problem, bound*float64(s.T), 1); return err }
			if err := run(); err != nil {
				return nil, err
			}
			if !r.Active {
				return nil, errUnbound
			}
			etas := []float64{}
			for _, v := range r.Trace {
				if v != r.Eta {
					etas = append(etas, v)
				}
			}
			etas = append(etas, r.Eta)
			tuned := newTunedLQ(p)
			return &instance{Inputs: append(p.inputs(), vector("etas", etas...)), Done: []implementation{
				{ours, run, func() []array { return updated(r.Controller, r.KLPerStep) }},
				{preallocated, func() error {
					tuned.surrogate.Set(p.anchor, tuned.action)
					for _, eta := range etas {
						if err := tuned.backward(eta); err != nil {
							return err
						}
						tuned.forward(tuned.result)
					}
					return nil
				}, func() []array { return updated(tuned.result, tuned.kl) }},
			}}, nil
		}}
}

// updated are the results of a search.
func updated(c *lqg.Controller, kl []float64) []array {
	a := append(gains(c), array{Name: "L", Shape: []int{c.T, c.DU, c.DU}, Data: c.Chol}, array{Name: "kl", Shape: []int{c.T}, Data: kl})
	for i := range a {
		a[i].Tolerance = 1e-7
	}
	return a
}
