package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/gps/rollout"
)

// samplesOf draws rollouts of a linear system that differ in their actions and noise.
func samplesOf(s size, N int) []*rollout.Rollout {
	p := newLQ(s.T, s.dX, s.dU)
	rng := rand.New(rand.NewPCG(uint64(N), 3))
	d := s.dX + s.dU
	all := make([]*rollout.Rollout, N)
	for n := range all {
		r := rollout.New(s.T, s.dX, s.dU)
		copy(r.State(0), normals(rng, s.dX, 1))
		copy(r.U, normals(rng, len(r.U), 1))
		for t := range s.T {
			next := r.State(t + 1)
			for i := range next {
				row := p.dyn.FAt(t)[i*d : (i+1)*d]
				next[i] = p.dyn.BiasAt(t)[i] + 0.1*rng.NormFloat64()
				for j, v := range r.State(t) {
					next[i] += row[j] * v
				}
				for j, v := range r.Action(t) {
					next[i] += row[s.dX+j] * v
				}
			}
		}
		all[n] = r
	}
	return all
}

// fitFlops of all steps: mean, the lower half of the scatter, the factor of its inputs' part,
// the cross part solved with it, the lower half of the noise, the gain, the bias.
func fitFlops(s size, N int) float64 {
	x, d, n := float64(s.dX), float64(s.dX+s.dU), float64(N)
	p := x + d
	return float64(s.T) * (2*n*p + n*p*(p+1) + d*d*d/3 + x*d*d + x*(x+1)*d + x*d*d + 2*x*d)
}

// fitted are the results of a dynamics fit. Fewer rollouts than inputs make the covariance
// nearly singular, so that rounding shows.
func fitted(dyn *lqg.Dynamics) []array {
	T, dX, d := dyn.T, dyn.DX, dyn.DX+dyn.DU
	return []array{
		{Name: "F", Shape: []int{T, dX, d}, Data: dyn.F, Tolerance: 1e-6}, {Name: "f", Shape: []int{T, dX}, Data: dyn.Bias, Tolerance: 1e-6},
		{Name: "noise", Shape: []int{T, dX, dX}, Data: dyn.Cov, Tolerance: 1e-6},
	}
}

func withWorkers(title string, workers int) string {
	if workers == 1 {
		return title
	}
	return fmt.Sprintf("%s, %d cores", title, workers)
}

func fitWork(s size, N, workers int) *work {
	w := &work{Kind: "Fit", Title: withWorkers("dynamics fit", workers), Size: fmt.Sprintf("%s N=%d", s.text(), N), Key: fmt.Sprintf("%s/N=%d/workers=%d", s.key(), N, workers),
		Flops: fitFlops(s, N), Repeats: 1, Workers: workers, Short: s.T == 100}
	if workers == 1 {
		w.Peers = []string{numpy, torch}
	}
	w.Make = func() (*instance, error) {
		samples := samplesOf(s, N)
		cfg := dynamics.DefaultConfig()
		cfg.NoiseFloor, cfg.Workers = 0, workers // the peers have no floor
		fitter, err := dynamics.NewFitter(cfg, s.T, s.dX, s.dU)
		if err != nil {
			return nil, err
		}
		dyn := lqg.NewDynamics(s.T, s.dX, s.dU)
		in := &instance{Close: fitter.Stop, Done: []implementation{
			{Of: ours, Run: func() error { _, err := fitter.Fit(dyn, samples, nil); return err }, Result: func() []array { return fitted(dyn) }}}}
		if workers > 1 {
			return in, nil
		}
		var typed []array
		tuned := newTunedFit(samples)
		in.Done = append(in.Done, implementation{Of: naive, Run: func() error {
			F, noise, f, err := naiveFit(samples)
			typed = []array{ofMatrices("F", 0, F), ofMatrices("f", 0, f), ofMatrices("noise", 0, noise)}
			return err
		}, Result: func() []array { return typed }},
			implementation{Of: preallocated, Run: tuned.run, Result: func() []array { return fitted(tuned.dyn) }})
		x, u := stacked(samples)
		in.Inputs = []array{vector("sizes", float64(s.T), float64(s.dX), float64(s.dU)), x, u}
		return in, nil
	}
	return w
}

// transitions returns N points [x; u; x'] of the large system's trials.
func transitions(N int) (points []float64, D int, err error) {
	s, err := newSystem("large", 1, 0)
	if err != nil {
		return nil, 0, err
	}
	s.samples = (N + horizon - 1) / horizon
	trials, err := s.trials()
	if err != nil {
		return nil, 0, err
	}
	for _, r := range trials[0] {
		for t := range r.T {
			points = append(append(append(points, r.State(t)...), r.Action(t)...), r.State(t+1)...)
		}
		D = 2*r.DX + r.DU
	}
	return points[:N*D], D, nil
}

func emWork(N, K, workers int) *work {
	const D = 59
	w := &work{Kind: "EM", Title: withWorkers("EM iteration", workers), Size: fmt.Sprintf("N=%d D=%d K=%d", N, D, K), Key: fmt.Sprintf("N=%d/D=%d/K=%d/workers=%d", N, D, K, workers),
		Flops: 2 * float64(N) * float64(K) * D * (D + 1), Repeats: emIterations, Workers: workers, Short: true}
	if workers == 1 {
		w.Peers = []string{sklearn, numpy, torch}
	}
	w.Make = func() (*instance, error) {
		points, _, err := transitions(N)
		if err != nil {
			return nil, err
		}
		assigned := mixture.KMeansPlusPlus(rand.New(rand.NewPCG(1, 1)), points, D, K)
		start := mixture.FromAssignment(points, D, assigned, K, regularization, 0)
		cfg := mixture.DefaultConfig()
		cfg.MaxIterations, cfg.Tolerance, cfg.MaxRevivals, cfg.Workers = emIterations, 1e-300, 0, workers
		var m *mixture.Mixture
		// The likelihood of what was reached: components that explain the same points have
		// means that rounding moves.
		reached := func(m *mixture.Mixture) []array {
			l, err := m.LogLikelihood(points)
			if err != nil {
				panic(err) // a fit that succeeded left covariances that are none
			}
			return []array{{Name: "log-likelihood", Shape: []int{1}, Data: []float64{l}, Tolerance: 1e-6}}
		}
		in := &instance{Done: []implementation{{Of: ours, Run: func() error {
			m = start.Clone()
			_, err := mixture.Fit(context.Background(), m, points, cfg)
			return err
		}, Result: func() []array { return reached(m) }}}}
		if workers > 1 {
			return in, nil
		}
		weights := make([]float64, K)
		for k := range weights {
			weights[k] = 1 / float64(K)
		}
		var typed [3][]float64
		tuned := newTunedEM(points, D, weights, start.Means, start.Covs)
		in.Done = append(in.Done, implementation{Of: preallocated, Run: func() error { return tuned.run(emIterations) },
			Result: func() []array { return reached(mixtureOf(D, tuned.weights, tuned.means, tuned.covs)) }},
			implementation{Of: naive, Slow: true, Run: func() (err error) {
				typed, err = naiveEM(points, D, weights, start.Means, start.Covs, emIterations)
				return err
			}, Result: func() []array { return reached(mixtureOf(D, typed[0], typed[1], typed[2])) }})
		in.Inputs = []array{vector("sizes", float64(N), D, float64(K), emIterations), {Name: "points", Shape: []int{N, D}, Data: points},
			vector("weights", weights...), {Name: "means", Shape: []int{K, D}, Data: start.Means}, {Name: "covs", Shape: []int{K, D, D}, Data: start.Covs}}
		return in, nil
	}
	return w
}

func expansionWork(name, size string) *work {
	w := &work{Kind: "Expansion", Title: "cost expansion", Size: size, Key: "system=" + name, Repeats: 1, Short: true}
	if name == "large" {
		w.Peers = []string{numpy}
	}
	w.Make = func() (*instance, error) {
		s, err := newSystem(name, 1, 1)
		if err != nil {
			return nil, err
		}
		trials, err := s.trials()
		if err != nil {
			return nil, err
		}
		dX, dU := s.arm.dims()
		mean, out, totals := cost.NewMean(horizon, dX, dU), lqg.NewCost(horizon, dX, dU), make([]float64, s.samples)
		d := dX + dU
		in := &instance{Done: []implementation{{Of: ours, Run: func() error {
			return mean.Run(context.Background(), out, totals, s.costs[0], trials[0])
		}, Result: func() []array {
			return []array{ // the last entry is zero
				{Name: "Q", Shape: []int{horizon, d, d}, Data: out.Quad[:horizon*d*d], Tolerance: 1e-9},
				{Name: "q", Shape: []int{horizon, d}, Data: out.Lin[:horizon*d], Tolerance: 1e-9},
				{Name: "c", Shape: []int{horizon}, Data: out.Const[:horizon], Tolerance: 1e-9},
			}
		}}}}
		x, u := stacked(trials[0])
		tools := array{Name: "tool", Shape: []int{2, 3}, Data: append(append([]float64(nil), tool[0][:]...), tool[1][:]...)}
		in.Inputs = []array{vector("sizes", horizon, float64(dX), float64(dU)), x, u, vector("weights", torqueWeights(name)...),
			vector("target", reach()...), vector("links", links[:]...), tools, vector("penalty", reachPenalty.L2, reachPenalty.Log, reachPenalty.LogAlpha)}
		return in, nil
	}
	return w
}

// stacked returns the states (N x T+1 x dX) and actions (N x T x dU) of rollouts.
func stacked(samples []*rollout.Rollout) (x, u array) {
	first, N := samples[0], len(samples)
	x, u = array{Name: "X", Shape: []int{N, first.T + 1, first.DX}}, array{Name: "U", Shape: []int{N, first.T, first.DU}}
	for _, r := range samples {
		x.Data, u.Data = append(x.Data, r.X...), append(u.Data, r.U...)
	}
	return x, u
}

// iterationWork is the third iteration of a system, done again and again.
func iterationWork(name string, conditions int) *work {
	return &work{Kind: "Iteration", Title: "third iteration", Size: fmt.Sprintf("%s, conditions: %d", name, conditions), Key: fmt.Sprintf("system=%s/conditions=%d", name, conditions), Repeats: 1, Short: true,
		Make: func() (*instance, error) {
			s, err := newSystem(name, conditions, 0)
			if err != nil {
				return nil, err
			}
			if err := s.advance(2); err != nil {
				return nil, err
			}
			trials, err := s.trials()
			if err != nil {
				return nil, err
			}
			var next *algorithm.State
			return &instance{Done: []implementation{{Of: ours, Run: func() (err error) {
				next, _, err = s.iterate(trials)
				return err
			}, Result: func() []array { return []array{vector("K", next.Conditions[0].Controller.K...)} }}}}, nil
		}}
}

// processorTime returns what this process has used, in user and kernel mode.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // only a bad argument makes it fail
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
