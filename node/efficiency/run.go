package efficiency

import (
	"context"
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/simrobot"
)

// Task is what is learned.
type Task struct {
	// Name is shown in the table.
	Name      string
	Learning  learner.Config
	Noise     rollout.NoiseConfig
	Robot     robot.Config
	Simulated simrobot.Config
}

// Criterion says when a task counts as learned.
type Criterion struct {
	// Distance of the end effector from its target, in m, > 0, that is not exceeded in
	// the last Hold states of a trial, >= 1.
	Distance float64
	Hold     int
	// MaxTrials ends a run that has not learned, >= 1.
	MaxTrials int
}

// Validate returns an error that names what is out of range, in the criterion or in a
// variant.
func (c Criterion) Validate(variants []Variant) error {
	switch {
	case !(c.Distance > 0) || math.IsInf(c.Distance, 0):
		return fmt.Errorf("efficiency: distance is %v m, need a finite number > 0", c.Distance)
	case c.Hold < 1:
		return fmt.Errorf("efficiency: hold is %d states, need at least 1", c.Hold)
	}
	for _, v := range variants {
		if v.Samples < 2 || v.Samples > c.MaxTrials {
			return fmt.Errorf("efficiency: %d samples per iteration, need 2 to the %d trials that a run may have", v.Samples, c.MaxTrials)
		}
	}
	return nil
}

// Variant is a way to learn.
type Variant struct {
	// Prior fits the dynamics under the mixture prior, else by plain regression.
	Prior bool `json:"prior"`
	// Samples is the number of trials per iteration and condition.
	Samples int `json:"samples"`
}

// arm is a task made concrete: one run in progress.
type arm struct {
	task      *Task
	problem   *learner.Problem
	robot     *robot.Robot
	simulator *sim.Simulator
	rest      []float64 // zero velocities
	torque    []float64
	tip       []float64
}

func newArm(task *Task, v Variant, seed uint64) (*arm, error) {
	cfg := task.Learning
	cfg.Seed, cfg.Samples, cfg.Algorithm.Prior.Use = seed, v.Samples, v.Prior
	cfg.Algorithm.Workers = 1 // many runs at once keep all processors busy
	r, err := robot.New(task.Robot, nil)
	if err != nil {
		return nil, err
	}
	a := &arm{task: task, robot: r, rest: make([]float64, r.DU()), torque: make([]float64, r.DU())}
	if a.problem, err = learner.NewProblem(cfg, r); err != nil {
		return nil, err
	}
	if a.problem.Target() == nil {
		return nil, fmt.Errorf("%s: the task has no target for the end effector: cost.joint_position or cost.end_effector must name one, and robot.kinematics.type must not be none", task.Name)
	}
	a.tip = make([]float64, len(a.problem.Target()))
	a.simulator, err = task.Simulated.Simulator()
	return a, err
}

// trial runs one trial from the initial position of a condition at rest. noise is
// T x dU; nil for none.
func (a *arm) trial(c *lqg.Controller, condition int, noise []float64) (*rollout.Rollout, error) {
	r := rollout.New(c.T, c.DX, c.DU)
	start := append(append([]float64(nil), a.problem.InitialPosition(condition)...), a.rest...)
	if err := a.simulator.SetState(start); err != nil {
		return nil, err
	}
	ticks := int(math.Round(a.task.Learning.DT / a.simulator.TimeStep()))
	for t := range c.T + 1 {
		a.robot.State(r.State(t), robot.Measurement{Position: a.simulator.Positions(), Velocity: a.simulator.Velocities()})
		if t == c.T {
			break
		}
		var e []float64
		if noise != nil {
			e = noise[t*c.DU : (t+1)*c.DU]
		}
		c.Act(a.torque, r.State(t), t, e)
		for i, limit := range a.robot.EffortLimit() {
			a.torque[i] = min(max(a.torque[i], -limit), limit)
		}
		copy(r.Action(t), a.torque)
		for range ticks {
			if err := a.simulator.Step(a.torque); err != nil {
				return nil, fmt.Errorf("time step %d: %w", t, err)
			}
		}
	}
	return r, nil
}

// learned tells if the mean controllers of all conditions meet the criterion.
func (a *arm) learned(state *algorithm.State, c Criterion) (bool, error) {
	for m := range state.Conditions {
		r, err := a.trial(state.Conditions[m].Controller, m, nil)
		if errors.Is(err, sim.ErrDiverged) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		for t := max(0, r.T+1-c.Hold); t <= r.T; t++ {
			a.robot.EndEffector().Points(a.tip, r.State(t)[:r.DU])
			distance := 0.0
			for i, v := range a.problem.Target() {
				distance += (a.tip[i] - v) * (a.tip[i] - v)
			}
			if math.Sqrt(distance) > c.Distance {
				return false, nil
			}
		}
	}
	return true, nil
}

// Trials runs a task until it is learned and returns how many trials were recorded; 0 if
// it is not learned within c.MaxTrials or the simulation diverges.
func Trials(ctx context.Context, task *Task, v Variant, c Criterion, seed uint64) (int, error) {
	a, err := newArm(task, v, seed)
	if err != nil {
		return 0, err
	}
	state, trials := a.problem.Start(), 0
	for trials+v.Samples*len(state.Conditions) <= c.MaxTrials {
		samples := make([][]*rollout.Rollout, len(state.Conditions))
		for m := range samples {
			controller := state.Conditions[m].Controller
			for n := range v.Samples {
				noise, err := rollout.Noise(a.problem.NoiseSeed(state.Iteration+1, m, n), controller.T, controller.DU, task.Noise)
				if err != nil {
					return 0, err
				}
				r, err := a.trial(controller, m, noise)
				if errors.Is(err, sim.ErrDiverged) {
					return 0, nil
				}
				if err != nil {
					return 0, err
				}
				samples[m] = append(samples[m], r)
				trials++
			}
		}
		next, _, err := a.problem.Algorithm().Iterate(ctx, state, samples)
		if err != nil {
			return 0, err
		}
		state = next
		done, err := a.learned(state, c)
		if err != nil || done {
			return trials, err
		}
	}
	return 0, nil
}
