package trajopt_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trajopt"
)

// over runs f for problems 0..n-1 on all processors. f draws from a stream of its own.
func over(n int, stream uint64, f func(i int, rng *rand.Rand)) {
	next := make(chan int)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range next {
				f(i, rand.New(rand.NewPCG(stream, uint64(i))))
			}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	group.Wait()
}

// measured returns the divergence of c from the anchor and the objective's expectation, by
// passes in the problem's own units.
func measured(p *drawn, c *lqg.Controller) (kl []float64, cost float64) {
	m, parts := lqg.NewTrajectory(p.T, p.dX, p.dU), make([]float64, p.T+1)
	lqg.NewForwardPass(p.dX, p.dU).Run(m, p.X0, c, p.Dynamics)
	kl = make([]float64, p.T)
	lqg.NewDivergence(p.dX, p.dU).PerStep(kl, c, p.Anchor, m)
	return kl, lqg.ExpectedCost(parts, p.Cost, m)
}

// apart returns the KL divergence between two controllers; with gains alone that of
// controllers that have b's covariances.
func apart(p *drawn, a, b *lqg.Controller, gains bool) float64 {
	if gains {
		a = a.Clone()
		copy(a.Chol, b.Chol)
	}
	m, parts := lqg.NewTrajectory(p.T, p.dX, p.dU), make([]float64, p.T)
	lqg.NewForwardPass(p.dX, p.dU).Run(m, p.X0, b, p.Dynamics)
	return lqg.NewDivergence(p.dX, p.dU).PerStep(parts, a, b, m)
}

// best fails the test if another controller, or one next to the returned one, has a lower
// E[cost] + eta KL - w H.
func best(t *testing.T, problem int, p *drawn, r *trajopt.Result, other *lqg.Controller, rng *rand.Rand) {
	lagrangian := func(c *lqg.Controller) (value, size float64) {
		kl, cost := measured(p, c)
		value, size = cost, math.Abs(cost)
		for k, v := range kl {
			h := 0.5 * p.MaxEnt * c.LogDet(k)
			value += r.Eta*v - h
			size += r.Eta*v + math.Abs(h)
		}
		return value, size
	}
	least, size := lagrangian(r.Controller)
	compare := func(c *lqg.Controller, what string) {
		if v, _ := lagrangian(c); v < least-1e-9*size {
			t.Errorf("problem %d: the Lagrangian is %.12g, that of %s %.12g", problem, least, what, v)
		}
	}
	compare(other, "a pass in plain units")
	m := lqg.NewTrajectory(p.T, p.dX, p.dU)
	lqg.NewForwardPass(p.dX, p.dU).Run(m, p.X0, r.Controller, p.Dynamics)
	d := p.dX + p.dU
	for range 4 {
		c, k := r.Controller.Clone(), rng.IntN(p.T)
		size := logUniform(rng, -4, -1)
		for i := range p.dU {
			c.BiasAt(k)[i] += size * c.CholAt(k)[i*p.dU+i] * rng.NormFloat64()
			for j := range p.dX {
				c.Gain(k)[i*p.dX+j] += size * c.CholAt(k)[i*p.dU+i] * rng.NormFloat64() / math.Sqrt(m.CovAt(k)[j*d+j])
			}
		}
		compare(c, "one nearby")
	}
}

// Over 1,000 random well-posed problems (unstable ones and costs of 1e-6 to 1e20 among
// them), half of them with the default floor under the covariances: every returned controller keeps the bound and is the one that belongs to the
// returned eta, nearly all active solves use what the bound allows, the median needs few
// passes, and an inactive bound stops early.
func TestSearchOverRandomProblems(t *testing.T) {
	const problems = 1000
	results := make([]*trajopt.Result, problems)
	bounds := make([]float64, problems)
	over(problems, 11, func(i int, rng *rand.Rand) {
		p := draw(rng)
		cfg := trajopt.DefaultConfig()
		if i%2 == 0 {
			cfg.CovarianceFloor = 0
		}
		o, err := trajopt.New(cfg, p.T, p.dX, p.dU)
		if err != nil {
			t.Error(err)
			return
		}
		r, err := o.Update(p.Problem, p.epsilon, p.eta0)
		if err != nil {
			t.Errorf("problem %d (T=%d dX=%d dU=%d): %v", i, p.T, p.dX, p.dU, err)
			return
		}
		results[i], bounds[i] = r, p.epsilon
		if err := r.Controller.Validate(); err != nil {
			t.Errorf("problem %d: %v", i, err)
		}
		kl, _ := measured(p, r.Controller)
		total := 0.0
		for k, v := range kl {
			total += v
			if !(math.Abs(v-r.KLPerStep[k]) <= 1e-6*r.KL) {
				t.Errorf("problem %d: KL at step %d is %g, given as %g", i, k, v, r.KLPerStep[k])
			}
		}
		if !(total <= 1.1*p.epsilon) {
			t.Errorf("problem %d: KL %g above 1.1 x %g", i, total, p.epsilon)
		}
		again := lqg.NewController(p.T, p.dX, p.dU)
		obj := &lqg.Objective{Cost: p.Cost, Anchor: lqg.NewSurrogate(p.Anchor), MaxEnt: p.MaxEnt}
		err = lqg.NewBackwardPass(p.dX, p.dU).Run(again, obj, p.Dynamics, r.Eta)
		if p.unstable {
			// That pass may lose all digits in the problem's own units.
			if err != nil {
				again = p.Anchor.Clone()
			}
			copy(again.Chol, r.Controller.Chol) // above the floor
			if p.T*p.dX <= 1000 {               // for time
				best(t, i, p, r, again, rng)
			}
			return
		}
		if err != nil {
			t.Errorf("problem %d: at the returned eta: %v", i, err)
			return
		}
		if v := apart(p, again, r.Controller, cfg.CovarianceFloor > 0); !(v <= 1e-6) {
			t.Errorf("problem %d: the controller of the returned eta is %g nat from the one returned", i, v)
		}
	})
	if t.Failed() {
		return
	}
	var passes []int
	active, near, early, large := 0, 0, 0, 0
	for i, r := range results {
		passes = append(passes, r.Passes)
		switch {
		case r.Anchored:
			t.Errorf("problem %d: the search came to nothing", i)
		case r.Active:
			active++
			if r.Eta > 1e16 {
				large++
			}
			if r.KL >= 0.9*bounds[i] {
				near++
			}
		default:
			early++
			if r.Passes > 12 {
				t.Errorf("problem %d: %d passes to find the bound inactive", i, r.Passes)
			}
		}
	}
	slices.Sort(passes)
	if m := passes[problems/2]; m > 12 {
		t.Errorf("median of %d backward passes, want at most 12", m)
	}
	if active < problems/2 || float64(near) < 0.95*float64(active) {
		t.Errorf("%d of %d active solves within 10%% of the bound, want 95%%", near, active)
	}
	if large == 0 {
		t.Error("no problem asks for a large eta")
	}
	if early == 0 {
		t.Error("no inactive bound among the problems")
	}
	t.Logf("passes: median %d, 90%% %d, most %d; %d of %d active solves within 10%%; %d inactive, %d with an eta above 1e16", passes[problems/2], passes[problems*9/10], passes[problems-1], near, active, early, large)
}

// bounded draws bounds for every step.
func bounded(rng *rand.Rand, p *drawn) (epsilon, eta []float64) {
	epsilon, eta = make([]float64, p.T), make([]float64, p.T)
	size, spread := logUniform(rng, -4, 1), 0.3
	if rng.IntN(4) == 0 {
		spread = 3
	}
	for k := range epsilon {
		epsilon[k], eta[k] = size*logUniform(rng, -spread, spread), p.eta0
	}
	return epsilon, eta
}

// One bound per step: no step of a returned controller is above it, steps with a dual
// variable use what it allows (also where the search is stopped before it settles), nearly all
// searches settle, and then one backward pass with
// the returned etas (the policy term with the anchor for a policy, and weights for etas)
// gives that controller.
func TestSearchPerStepOverRandomProblems(t *testing.T) {
	const problems = 400
	var unsettled, stopped atomic.Int32
	passes, loose, steps := make([]int, problems), make([]int, problems), make([]int, problems)
	over(problems, 12, func(i int, rng *rand.Rand) {
		p := draw(rng)
		epsilon, eta := bounded(rng, p)
		cfg := trajopt.DefaultConfig()
		if i%2 == 0 {
			cfg.CovarianceFloor = 0
		}
		short := i%4 == 1
		if short {
			cfg.MaxPassesPerStep = 2 // too few for many
		}
		o, err := trajopt.New(cfg, p.T, p.dX, p.dU)
		if err != nil {
			t.Error(err)
			return
		}
		r, err := o.UpdatePerStep(p.Problem, epsilon, eta)
		if err != nil || r.Anchored {
			t.Errorf("problem %d (T=%d dX=%d dU=%d): %v, result %+v", i, p.T, p.dX, p.dU, err, r)
			return
		}
		kl, _ := measured(p, r.Controller)
		for k, v := range kl {
			if !(v <= 1.1*epsilon[k]*(1+1e-6)) {
				t.Errorf("problem %d step %d: KL %g above 1.1 x %g", i, k, v, epsilon[k])
			}
			if r.Eta[k] > cfg.MinEta {
				steps[i]++
				if v < 0.9*epsilon[k] {
					loose[i]++
				}
			}
		}
		passes[i] = r.Passes
		if !r.Settled {
			if short {
				stopped.Add(1)
			} else {
				unsettled.Add(1)
			}
			return
		}
		if p.unstable {
			return
		}
		surrogate := lqg.NewSurrogate(p.Anchor)
		none := &lqg.Surrogate{T: p.T, DX: p.dX, DU: p.dU, Quad: make([]float64, len(surrogate.Quad)), Lin: make([]float64, len(surrogate.Lin))}
		obj := &lqg.Objective{Cost: p.Cost, Anchor: none, MaxEnt: p.MaxEnt, Policy: &lqg.PolicyTerm{
			Surrogate: surrogate, Weight: r.Eta, DualGain: make([]float64, p.T*p.dU*p.dX), DualBias: make([]float64, p.T*p.dU)}}
		again := lqg.NewController(p.T, p.dX, p.dU)
		if err := lqg.NewBackwardPass(p.dX, p.dU).Run(again, obj, p.Dynamics, 0); err != nil {
			t.Errorf("problem %d: at the returned etas: %v", i, err)
			return
		}
		if v := apart(p, again, r.Controller, cfg.CovarianceFloor > 0); !(v <= 1e-5) {
			t.Errorf("problem %d: the controller of the returned etas is %g nat from the one returned", i, v)
		}
	})
	all, below := 0, 0
	for i := range problems {
		all += steps[i]
		below += loose[i]
	}
	slices.Sort(passes)
	if passes[problems/2] > 12 || float64(below) > 0.05*float64(all) {
		t.Errorf("median of %d passes, want at most 12; %d of %d active steps below 90%% of their bound, want 5%%", passes[problems/2], below, all)
	}
	if stopped.Load() == 0 {
		t.Error("no search that was stopped early")
	}
	if n := unsettled.Load(); n > problems/50 {
		t.Errorf("%d of %d searches did not settle, want 2%% at most", n, problems)
	}
	t.Logf("%d did not settle, %d were stopped; passes: median %d, 90%% %d, most %d; %d of %d active steps below 90%% of their bound", unsettled.Load(), stopped.Load(), passes[problems/2], passes[problems*9/10], passes[problems-1], below, all)
}

// With the bounds that the reference's search came to use, the default one finds an expected
// cost that is no higher: the reference's value function leaves out what an action does to
// the KL of later steps.
func TestSearchPerStepAgainstReference(t *testing.T) {
	const problems = 100
	gain := make([]float64, problems) // NaN where there is nothing to compare
	above := make([]bool, problems)
	over(problems, 13, func(i int, rng *rand.Rand) {
		gain[i] = math.NaN()
		p := draw(rng)
		p.MaxEnt = 0
		if p.T*p.dX > 1000 {
			return
		}
		epsilon, eta := bounded(rng, p)
		cfg := trajopt.DefaultConfig()
		cfg.CovarianceFloor, cfg.Tolerance = 0, 1e-6
		reference := cfg
		reference.Search, reference.Tolerance = trajopt.Bisection, 0.1
		reference.MinEta, reference.MaxEta = 1e-8, 1e16
		o, err := trajopt.New(reference, p.T, p.dX, p.dU)
		if err != nil {
			t.Error(err)
			return
		}
		theirs, err := o.UpdatePerStep(p.Problem, epsilon, eta)
		if errors.Is(err, trajopt.ErrNoController) || errors.Is(err, lqg.ErrNotFinite) {
			return
		}
		if err != nil {
			t.Errorf("problem %d: %v", i, err)
			return
		}
		for k, v := range theirs.KLPerStep {
			above[i] = above[i] || v > 1.1*epsilon[k]
			epsilon[k] = math.Max(v, 1e-9)
		}
		if o, err = trajopt.New(cfg, p.T, p.dX, p.dU); err != nil {
			t.Error(err)
			return
		}
		ours, err := o.UpdatePerStep(p.Problem, epsilon, eta)
		if err != nil {
			t.Errorf("problem %d: %v", i, err)
			return
		}
		_, before := measured(p, p.Anchor)
		_, reached := measured(p, theirs.Controller)
		_, cost := measured(p, ours.Controller)
		gain[i] = (reached - cost) / (math.Abs(before-reached) + 1e-12)
		if gain[i] < -1e-3 {
			t.Errorf("problem %d (T=%d dX=%d dU=%d, %d passes): expected cost %.8g, the reference's search reaches %.8g from %.8g", i, p.T, p.dX, p.dU, ours.Passes, cost, reached, before)
		}
	})
	beyond := 0
	for _, v := range above {
		if v {
			beyond++
		}
	}
	gain = slices.DeleteFunc(gain, math.IsNaN)
	slices.Sort(gain)
	if len(gain) < problems/2 {
		t.Fatalf("only %d of %d problems compared", len(gain), problems)
	}
	t.Logf("%d problems: improvement beyond the reference's, relative to it: median %.3g, most %.3g; %d of its controllers were beyond their bounds", len(gain), gain[len(gain)/2], gain[len(gain)-1], beyond)
}
