package algorithm_test

import (
	"context"
	"math"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/kinematics"
	"guidedpolicysearch/hardware/sim"
)

// largeSystem is a 7-link planar arm of which three points are seen: T=100, dX=26 (angles,
// velocities, coordinates of the points and their velocities), dU=7, several conditions.
type largeSystem struct {
	t           testing.TB
	simulator   *sim.Simulator
	chains      []*kinematics.Planar // to the points
	conditions  [][]float64          // initial angles
	term        cost.Term
	controllers []*lqg.Controller
}

const (
	largeJoints  = 7
	largeDX      = 26
	largeSamples = 20
)

func newLargeSystem(t testing.TB, conditions int) *largeSystem {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	same := func(v float64) []float64 {
		list := make([]float64, largeJoints)
		for i := range list {
			list[i] = v
		}
		return list
	}
	s := &largeSystem{t: t}
	p, err := sim.NewPlanarArm(sim.PlanarArmConfig{Lengths: same(0.3), Masses: same(1), Damping: same(1)})
	must(err)
	run := sim.DefaultConfig()
	run.TimeStep, run.Substeps = 0.02, 6
	s.simulator, err = sim.New(p, run)
	must(err)
	for _, links := range []int{3, 5, 7} {
		chain, err := kinematics.NewPlanar(kinematics.PlanarConfig{Lengths: same(0.3)[:links], Coordinates: 2})
		must(err)
		s.chains = append(s.chains, chain)
	}
	action, err := cost.NewAction(same(1))
	must(err)
	points, err := cost.NewPoints(cost.DefaultPointsConfig([]float64{0.8, 0.8}), s.chains[2])
	must(err)
	still, err := cost.NewState(cost.DefaultStateConfig(largeJoints, make([]float64, largeJoints)))
	must(err)
	s.term, err = cost.NewSum(cost.Weighted{Term: action, Weight: 1e-3}, cost.Weighted{Term: points, Weight: 1}, cost.Weighted{Term: still, Weight: 0.1})
	must(err)
	actuation := make([]float64, largeJoints*largeJoints)
	for m := range conditions {
		q0 := make([]float64, largeJoints)
		for i := range q0 {
			q0[i] = 0.2 + 0.1*float64(m) - 0.05*float64(i)
		}
		x0 := make([]float64, largeDX)
		copy(x0, q0)
		s.observe(x0)
		c, err := initial.HoldInitialState(initial.HoldConfig{Actuation: actuation, Acc: make([]float64, largeJoints), Variance: 0.3,
			Stiffness: 0.01, StiffnessVel: 0.5, FinalWeight: 1, DT: 0.02}, x0, steps, largeJoints, largeJoints)
		must(err)
		s.conditions, s.controllers = append(s.conditions, q0), append(s.controllers, c)
	}
	return s
}

// observe completes a state by the points.
func (s *largeSystem) observe(x []float64) {
	for k, chain := range s.chains {
		n, _ := chain.Dims()
		chain.Points(x[14+2*k:16+2*k], x[:n])
		chain.Velocities(x[20+2*k:22+2*k], x[:n], x[7:7+n])
	}
}

// new returns the algorithm on that many workers.
func (s *largeSystem) new(workers int) *algorithm.TrajOpt {
	s.t.Helper()
	cfg := algorithm.DefaultTrajOptConfig()
	cfg.Workers = workers
	costs := make([]cost.Term, len(s.conditions))
	for m := range costs {
		costs[m] = s.term
	}
	a, err := algorithm.NewTrajOpt(cfg, costs)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// samples draws the rollouts of an iteration.
func (s *largeSystem) samples(state *algorithm.State) [][]*rollout.Rollout {
	s.t.Helper()
	all := make([][]*rollout.Rollout, len(s.conditions))
	for m, q0 := range s.conditions {
		for n := range largeSamples {
			all[m] = append(all[m], s.sample(q0, state.Conditions[m].Controller, algorithm.NoiseSeed(state.Seed, state.Iteration+1, m, n)))
		}
	}
	return all
}

func (s *largeSystem) sample(q0 []float64, c *lqg.Controller, seed uint64) *rollout.Rollout {
	s.t.Helper()
	noise, err := rollout.Noise(seed, steps, largeJoints, rollout.DefaultNoiseConfig())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := s.simulator.SetState(append(append([]float64{}, q0...), make([]float64, largeJoints)...)); err != nil {
		s.t.Fatal(err)
	}
	r := rollout.New(steps, largeDX, largeJoints)
	for k := range steps + 1 {
		x := r.State(k)
		s.simulator.State(x[:14])
		s.observe(x)
		if k < steps {
			c.Act(r.Action(k), x, k, noise[k*largeJoints:(k+1)*largeJoints])
			if err := s.simulator.Step(r.Action(k)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	return r
}

// learn returns the state and the samples before iteration n+1, and the mean costs until then.
func (s *largeSystem) learn(a *algorithm.TrajOpt, n int) (*algorithm.State, [][]*rollout.Rollout, []float64) {
	s.t.Helper()
	state := algorithm.NewState(1, 1, s.controllers)
	var costs []float64
	for range n {
		next, report, err := a.Iterate(context.Background(), state, s.samples(state))
		if err != nil {
			s.t.Fatal(err)
		}
		state, costs = next, append(costs, report.MeanCost())
	}
	return state, s.samples(state), costs
}

// What is measured below learns.
func TestLargeSystemLearns(t *testing.T) {
	t.Parallel()
	s := newLargeSystem(t, 2)
	_, _, costs := s.learn(s.new(0), 4)
	if last := costs[len(costs)-1]; !(last < 0.5*costs[0]) || math.IsNaN(last) {
		t.Errorf("mean costs %.4g", costs)
	}
	t.Logf("mean costs %.4g", costs)
}

// BenchmarkIterate is an iteration of a system that has learned for three.
func BenchmarkIterate(b *testing.B) {
	for _, size := range []struct {
		name       string
		conditions int
		workers    int
	}{{"large/conditions=1/workers=1", 1, 1}, {"large/conditions=4/workers=1", 4, 1}, {"large/conditions=1/workers=2", 1, 2}, {"large/conditions=4/workers=2", 4, 2}} {
		b.Run(size.name, func(b *testing.B) {
			s := newLargeSystem(b, size.conditions)
			a := s.new(size.workers)
			state, samples, _ := s.learn(a, 3)
			benchmark(b, a, state, samples)
		})
	}
	b.Run("arm", func(b *testing.B) {
		a := newArm(b, 0, []float64{0.75 * math.Pi, 0.5 * math.Pi}, 0.1)
		a.configure(func(c *algorithm.TrajOptConfig) { c.Workers = 1 })
		state := algorithm.NewState(1, 1, []*lqg.Controller{a.controller})
		for range 3 {
			state, _ = a.iterate(state)
		}
		var drawn []*rollout.Rollout
		for n := range samples {
			drawn = append(drawn, a.sample(state.Conditions[0].Controller, algorithm.NoiseSeed(state.Seed, state.Iteration+1, 0, n)))
		}
		benchmark(b, a.algorithm, state, [][]*rollout.Rollout{drawn})
	})
}

func benchmark(b *testing.B, a *algorithm.TrajOpt, state *algorithm.State, samples [][]*rollout.Rollout) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := a.Iterate(context.Background(), state, samples); err != nil {
			b.Fatal(err)
		}
	}
}
