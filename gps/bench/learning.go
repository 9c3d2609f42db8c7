package main

import (
	"context"
	"fmt"
	"math"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// system is a task that is learned: an arm, its starts, a cost and the algorithm.
type system struct {
	arm       arm
	samples   int
	positions [][]float64
	algorithm *algorithm.TrajOpt
	state     *algorithm.State
	costs     []cost.Term
}

// horizon is the number of actions of a trial.
const horizon = 100

// newSystem returns "arm", the planar arm of params/planar_arm.yaml with 5 trials, or
// "large", seven joints with dX=26, dU=7 and 20 trials, with 1 to 4 conditions. workers are
// the goroutines of an iteration, 0 for all processors.
func newSystem(name string, conditions, workers int) (*system, error) {
	if conditions < 1 || conditions > 4 {
		return nil, fmt.Errorf("%d conditions, need 1 to 4", conditions)
	}
	cfg := algorithm.DefaultTrajOptConfig()
	cfg.Workers = workers
	s := &system{}
	hold := initial.DefaultHoldConfig()
	hold.DT = timeStep
	switch name {
	case "arm":
		s.arm, s.samples = twoLinks{}, 5
		cfg.KLStep, cfg.Step.Max = 1, 100
		cfg.Prior.EM.MaxIterations, cfg.Prior.EM.Tolerance = 10, 1e-3
		hold.Actuation, hold.Acc, hold.Variance, hold.Stiffness = make([]float64, 4), make([]float64, 2), 0.1, 0.01
		for _, q := range [][2]float64{{0.75, 0.5}, {0.5, 0}, {1, -0.5}, {1.25, 0}} {
			s.positions = append(s.positions, []float64{q[0] * math.Pi, q[1] * math.Pi})
		}
	case "large":
		s.arm, s.samples = sevenJoints{}, 20
		gains := make([]float64, joints)
		for i, v := range inertias {
			gains[i] = 1 / v
		}
		hold.Actuation, hold.Acc, hold.Variance, hold.Stiffness = initial.Diagonal(gains, joints, joints), make([]float64, joints), 1, 1
		for c := range 4 {
			shift := 0.1 * float64(c)
			s.positions = append(s.positions, []float64{0.1 + shift, 0.3 - shift, -0.4, -0.7 + shift, 0.4, -0.2, 0})
		}
	default:
		return nil, fmt.Errorf("no system %q, there are arm and large", name)
	}
	s.positions = s.positions[:conditions]
	dX, dU := s.arm.dims()
	var controllers []*lqg.Controller
	for _, q := range s.positions {
		x0 := make([]float64, dX)
		s.arm.state(x0, q, make([]float64, dU), nil)
		c, err := initial.HoldInitialState(hold, x0, horizon, dU, dU)
		if err != nil {
			return nil, err
		}
		term, err := newCost(name)
		if err != nil {
			return nil, err
		}
		controllers, s.costs = append(controllers, c), append(s.costs, term)
	}
	s.state = algorithm.NewState(1, 1, controllers)
	var err error
	s.algorithm, err = algorithm.NewTrajOpt(cfg, s.costs)
	return s, err
}

// torqueWeights are those of the cost 1/2 sum w u^2.
func torqueWeights(name string) []float64 {
	if name == "arm" {
		return []float64{1e-5, 1e-5}
	}
	weights := make([]float64, joints)
	for i, v := range inertias {
		weights[i] = 5e-5 / v
	}
	return weights
}

// reach returns where the large system's points shall go.
func reach() []float64 {
	target := make([]float64, 6)
	sevenJoints{}.Points(target, []float64{0.6, 0.8, 0.1, -0.2, 0.2, 0.5, 0})
	return target
}

var reachPenalty = cost.Penalty{L2: 10, Log: 0.1, LogAlpha: 1e-5}

func newCost(name string) (cost.Term, error) {
	torque, err := cost.NewAction(torqueWeights(name))
	if err != nil {
		return nil, err
	}
	var task cost.Term
	if name == "large" {
		points := cost.DefaultPointsConfig(reach())
		points.Penalty = reachPenalty
		task, err = cost.NewPoints(points, sevenJoints{})
	} else {
		task, err = cost.NewState(cost.DefaultStateConfig(0, make([]float64, 2)))
	}
	if err != nil {
		return nil, err
	}
	return cost.NewSum(cost.Weighted{Weight: 1, Term: torque}, cost.Weighted{Weight: 1, Term: task})
}

// trials draws the samples of the state's controllers.
func (s *system) trials() ([][]*rollout.Rollout, error) {
	all := make([][]*rollout.Rollout, len(s.positions))
	for m := range all {
		for n := range s.samples {
			_, dU := s.arm.dims()
			noise, err := rollout.Noise(algorithm.NoiseSeed(s.state.Seed, s.state.Iteration+1, m, n), horizon, dU, rollout.DefaultNoiseConfig())
			if err != nil {
				return nil, err
			}
			all[m] = append(all[m], s.trial(s.positions[m], s.state.Conditions[m].Controller, noise))
		}
	}
	return all, nil
}

func (s *system) trial(start []float64, c *lqg.Controller, noise []float64) *rollout.Rollout {
	r := rollout.New(c.T, c.DX, c.DU)
	q, dq := append([]float64(nil), start...), make([]float64, c.DU)
	var before []float64
	for t := range c.T + 1 {
		x := r.State(t)
		s.arm.state(x, q, dq, before)
		before = x
		if t < c.T {
			c.Act(r.Action(t), x, t, noise[t*c.DU:(t+1)*c.DU])
			s.arm.step(q, dq, r.Action(t))
		}
	}
	return r
}

// advance learns for a number of iterations.
func (s *system) advance(iterations int) error {
	for range iterations {
		samples, err := s.trials()
		if err != nil {
			return err
		}
		if s.state, _, err = s.iterate(samples); err != nil {
			return err
		}
	}
	return nil
}

// iterate does one iteration.
func (s *system) iterate(samples [][]*rollout.Rollout) (*algorithm.State, *algorithm.Report, error) {
	return s.algorithm.Iterate(context.Background(), s.state, samples)
}
