package pi2_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trajopt"
	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/sim"
)

// The door: the planar two-link arm moves its tip to a handle at (0.6, 0.2), which the smooth part
// of the cost leads to, and pays 1 a step until the tip has pushed below y = 0.1. The step has no
// gradient: the smooth part alone ends at the handle, in front of a closed door.
const (
	doorText = `2*(px-0.6)^2 + 2*(py-0.2)^2 + 0.01*(dq0^2 + dq1^2) + (py < 0.1 ? 0 : 1)`
	doorT    = 60
	doorDX   = 7 // q, dq, tip
	doorDU   = 2
	// doorEntropy keeps exploration alive, for LQR and for PILQR.
	doorEntropy = 0.1
)

type door struct {
	t         *testing.T
	q0        []float64
	simulator *sim.Simulator
	chain     *kinematics.Planar
	cost      cost.Term
	start     *lqg.Controller
	mean      *cost.Mean
	expansion *cost.Expansion
}

func newDoor(t *testing.T) *door {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	d := &door{t: t, q0: []float64{1.2, 0.8}, mean: cost.NewMean(doorT, doorDX, doorDU), expansion: cost.NewExpansion(doorT, doorDX, doorDU)}
	arm, err := sim.NewPlanarArm(sim.DefaultPlanarArmConfig())
	must(err)
	d.simulator, err = sim.New(arm, sim.DefaultConfig())
	must(err)
	d.chain, err = kinematics.NewPlanar(kinematics.DefaultPlanarConfig())
	must(err)
	x0 := make([]float64, doorDX)
	copy(x0, d.q0)
	d.chain.Points(x0[4:], d.q0)
	d.start, err = initial.HoldInitialState(initial.HoldConfig{Actuation: make([]float64, 4), Acc: []float64{0, 0}, Variance: 0.5,
		Stiffness: 0.01, StiffnessVel: 0.5, FinalWeight: 1, DT: 0.05}, x0, doorT, 2, doorDU)
	must(err)
	text, err := cost.NewExpression(cost.DefaultExpressionConfig(doorText, []string{"q0", "q1", "dq0", "dq1", "px", "py", "pz"}, []string{"u0", "u1"}))
	must(err)
	action, err := cost.NewAction([]float64{1, 1})
	must(err)
	sum, err := cost.NewSum(cost.Weighted{Term: action, Weight: 1e-3}, cost.Weighted{Term: text, Weight: 1})
	must(err)
	d.cost, err = cost.NewConvex(sum)
	must(err)
	return d
}

// draw returns n trials with c, their costs, and the mean of a trial's.
func (d *door) draw(c *lqg.Controller, seed uint64, iteration, n int) (samples []*rollout.Rollout, costs [][]float64, mean float64) {
	for i := range n {
		noise, err := rollout.Noise(algorithm.NoiseSeed(seed, iteration+1, 0, i), doorT, doorDU, rollout.DefaultNoiseConfig())
		if err != nil {
			d.t.Fatal(err)
		}
		if err := d.simulator.SetState([]float64{d.q0[0], d.q0[1], 0, 0}); err != nil {
			d.t.Fatal(err)
		}
		r := rollout.New(doorT, doorDX, doorDU)
		for t := range doorT + 1 {
			x := r.State(t)
			d.simulator.State(x[:4])
			d.chain.Points(x[4:], x[:2])
			if t == doorT {
				break
			}
			c.Act(r.Action(t), x, t, noise[t*doorDU:(t+1)*doorDU])
			if err := d.simulator.Step(r.Action(t)); err != nil {
				d.t.Fatal(err)
			}
		}
		if err := cost.Expand(d.expansion, d.cost, r); err != nil {
			d.t.Fatal(err)
		}
		samples, costs, mean = append(samples, r), append(costs, slices.Clone(d.expansion.L)), mean+d.expansion.Total()/float64(n)
	}
	return samples, costs, mean
}

// fit returns the problem that the samples pose, under a mixture prior.
func (d *door) fit(prior *dynamics.MixturePrior, samples []*rollout.Rollout, c *lqg.Controller, rng *rand.Rand) (*dynamics.MixturePrior, *trajopt.Problem) {
	cfg := dynamics.DefaultPriorConfig()
	prior = prior.Add(cfg, samples)
	if _, err := prior.Fit(context.Background(), cfg, rng); err != nil {
		d.t.Fatal(err)
	}
	source, err := dynamics.FromMixture(prior.Mixture)
	if err != nil {
		d.t.Fatal(err)
	}
	p := &trajopt.Problem{Anchor: c, Cost: lqg.NewCost(doorT, doorDX, doorDU), MaxEnt: doorEntropy}
	if p.Dynamics, _, err = dynamics.Fit(samples, source, dynamics.DefaultConfig()); err != nil {
		d.t.Fatal(err)
	}
	if p.X0, err = dynamics.FitInitialState(samples, prior.Rollouts, dynamics.InitialStateConfig{MinVariance: 1e-6, Strength: 1}); err != nil {
		d.t.Fatal(err)
	}
	if err := d.mean.Run(context.Background(), p.Cost, make([]float64, len(samples)), d.cost, samples); err != nil {
		d.t.Fatal(err)
	}
	return prior, p
}

// update returns the next controller.
type update func(c *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) *lqg.Controller

// learn returns the mean cost of a trial before each iteration, and after the last.
func (d *door) learn(seed uint64, iterations, n int, next update) (curve []float64) {
	c := d.start
	for i := range iterations {
		samples, costs, mean := d.draw(c, seed, i, n)
		curve = append(curve, mean)
		c = next(c, samples, costs)
	}
	_, _, mean := d.draw(c, seed, iterations, n)
	return append(curve, mean)
}

// lqr is the update of algorithm.TrajOpt, with its rule for the step.
func (d *door) lqr(seed uint64) update {
	search, err := trajopt.New(trajopt.DefaultConfig(), doorT, doorDX, doorDU)
	if err != nil {
		d.t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	prior, multiplier, eta := new(dynamics.MixturePrior), 1.0, 1.0
	var previous *algorithm.Model
	return func(c *lqg.Controller, samples []*rollout.Rollout, _ [][]float64) *lqg.Controller {
		var p *trajopt.Problem
		prior, p = d.fit(prior, samples, c, rng)
		model := &algorithm.Model{Controller: c, Dynamics: p.Dynamics, X0: p.X0, Cost: p.Cost}
		if previous != nil {
			predicted, actual := algorithm.Improvement(previous, model)
			multiplier = algorithm.DefaultStepConfig().Next(multiplier, predicted, actual)
		}
		r, err := search.Update(p, multiplier*doorT, eta)
		if err != nil {
			d.t.Fatal(err)
		}
		previous = model
		if !r.Anchored {
			eta = r.Eta
		}
		return r.Controller
	}
}

func (d *door) pi2() update {
	o, err := pi2.New(pi2.DefaultConfig(), doorT, doorDX, doorDU)
	if err != nil {
		d.t.Fatal(err)
	}
	return func(c *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) *lqg.Controller {
		r, err := o.Update(c, samples, costs)
		if err != nil {
			d.t.Fatal(err)
		}
		return r.Controller
	}
}

func (d *door) pilqr(seed uint64) update {
	q, err := pi2.NewPILQR(pi2.DefaultPILQRConfig(), doorT, doorDX, doorDU)
	if err != nil {
		d.t.Fatal(err)
	}
	rng, bounds := rand.New(rand.NewPCG(seed, 1)), make([]float64, doorT)
	for t := range bounds {
		bounds[t] = 1
	}
	prior, state := new(dynamics.MixturePrior), pi2.NewState(doorT, 1)
	return func(c *lqg.Controller, samples []*rollout.Rollout, costs [][]float64) *lqg.Controller {
		var p *trajopt.Problem
		prior, p = d.fit(prior, samples, c, rng)
		r, err := q.Update(state, p, c, samples, costs, bounds)
		if err != nil {
			d.t.Fatal(err)
		}
		state = r.State
		return r.Controller
	}
}

// reached returns the number of trials before the first mean cost below a level, most where there
// is none.
func reached(curve []float64, level float64, n, most int) float64 {
	if i := slices.IndexFunc(curve, func(v float64) bool { return v < level }); i >= 0 {
		return float64(i * n)
	}
	return float64(most)
}

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}

func TestPILQROpensTheDoorWithFewSamples(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a run without -short, as make test does: it learns for some seconds")
	}
	d := newDoor(t)
	const seeds, n, iterations, nPI2, iterationsPI2 = 5, 10, 14, 20, 30
	var pilqr, modelFree [][]float64
	var finalLQR, finalPILQR []float64
	for seed := uint64(1); seed <= seeds; seed++ {
		lqr := d.learn(seed, iterations, n, d.lqr(seed))
		finalLQR = append(finalLQR, lqr[iterations])
		pilqr = append(pilqr, d.learn(seed, iterations, n, d.pilqr(seed)))
		finalPILQR = append(finalPILQR, pilqr[seed-1][iterations])
		modelFree = append(modelFree, d.learn(seed, iterationsPI2, nPI2, d.pi2()))
	}
	level := 0.8 * median(finalLQR)
	var byPILQR, byPI2 []float64
	for i := range seeds {
		byPILQR = append(byPILQR, reached(pilqr[i], level, n, 1e6))
		byPI2 = append(byPI2, reached(modelFree[i], level, nPI2, nPI2*iterationsPI2))
	}
	t.Logf("final cost: LQR %.1f, PILQR %.1f; trials to a cost of %.1f: PILQR %v, PI2 %v", finalLQR, finalPILQR, level, byPILQR, byPI2)
	if a, b := median(finalPILQR), median(finalLQR); !(a <= 0.8*b) {
		t.Errorf("median final cost is %.1f, want at most 0.8 of LQR's %.1f", a, b)
	}
	if a, b := median(byPILQR), median(byPI2); !(2*a <= b) {
		t.Errorf("PILQR needs %v trials, want at most half of PI2's %v", a, b)
	}
}
