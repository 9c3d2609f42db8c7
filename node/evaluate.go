package node

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/policyfile"
	"guidedpolicysearch/node/trial"
)

// EvaluationConfig says how a policy is evaluated.
type EvaluationConfig struct {
	// Starts is how many trials there are at most, 1 to MaxStarts, and Seed names the random numbers
	// that they begin at.
	Starts int
	Seed   uint64
	// Distance of the end effector from its target at the end of a trial, in m, that counts as
	// success where the task does not say what success is; > 0.
	Distance float64
}

// MaxStarts bounds the trials of an evaluation.
const MaxStarts = 100_000

// Validate returns an error that names the flag of `gps evaluate`.
func (c EvaluationConfig) Validate() error {
	if c.Starts < 1 || c.Starts > MaxStarts {
		return fmt.Errorf("--starts is %d, need 1 to %d", c.Starts, MaxStarts)
	}
	if !(c.Distance > 0) || math.IsInf(c.Distance, 0) {
		return fmt.Errorf("--distance is %v m, need a finite number > 0", c.Distance)
	}
	return nil
}

// Evaluator runs a policy in trials without exploration noise, on a simulated robot in this process.
type Evaluator struct {
	task    *PolicyTask
	cfg     EvaluationConfig
	robot   *robot.Robot
	problem *learner.Problem
	file    *policy.File
	starts  [][]float64
	note    string // Evaluation.Note
}

// NewEvaluator reads the task's policy and draws the positions that trials begin at. Errors name the
// parameter, flag or file; a start outside of the robot's limits is one.
func NewEvaluator(task *PolicyTask, cfg EvaluationConfig) (*Evaluator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	r, err := task.robot()
	if err != nil {
		return nil, err
	}
	e := &Evaluator{task: task, cfg: cfg, robot: r}
	if err := task.Config.reachable(r); err != nil {
		return nil, err
	}
	if e.problem, err = learner.NewProblem(task.Config.Learning, r); err != nil {
		return nil, err
	}
	if e.file, err = policyfile.Load(task.Policy, layout(task.Config, r)); err != nil {
		return nil, err
	}
	if task.Config.Success.Text == "" && e.problem.Target() == nil {
		return nil, params.FieldError{Key: "success.text", Problem: "is empty, and the task has no target for an end effector: say what success is"}
	}
	e.starts = e.problem.TestPositions(cfg.Seed, cfg.Starts)
	if n := len(e.starts); n > 1 && !slices.ContainsFunc(e.starts, func(q []float64) bool { return !slices.Equal(q, e.starts[0]) }) {
		e.starts = e.starts[:1]
		e.note = fmt.Sprintf("Only 1 trial, not %d: all would begin where the one condition does. conditions.test_lower and conditions.test_upper (--set) make a box of other starts.", n)
	}
	lower, upper := task.Config.limits(r)
	for i, q := range e.starts {
		if at := outside(lower, upper, q); at >= 0 {
			return nil, fmt.Errorf("start %d has %v for joint %q, which is outside of its limits, %v and %v", i+1, q[at], r.Joints()[at], lower[at], upper[at])
		}
	}
	return e, nil
}

// File returns the policy.
func (e *Evaluator) File() *policy.File { return e.file }

// Starts returns how many trials there are.
func (e *Evaluator) Starts() int { return len(e.starts) }

// Run runs the trials, each on a robot of its own, and tells progress how many are done. One
// evaluation gives the same numbers whenever it is repeated. A fault, or a simulation that diverges,
// is a row; the error is ctx's, or that of a robot or policy that cannot be used at all.
func (e *Evaluator) Run(ctx context.Context, progress func(done int)) (*Evaluation, error) {
	out := &Evaluation{Policy: e.task.Policy, Algorithm: e.file.Training.Algorithm, Seed: e.cfg.Seed, Starts: len(e.starts), Criterion: e.task.Config.Success.Text, Note: e.note}
	if out.Criterion == "" {
		out.Criterion = fmt.Sprintf("end effector within %v m", e.cfg.Distance)
	}
	for i, q := range e.starts {
		row, err := e.trial(ctx, i, q)
		if err != nil {
			return nil, err
		}
		out.Rows = append(out.Rows, *row)
		progress(i + 1)
	}
	out.sum()
	return out, nil
}

// brokenOff is the error of a trial that a fault broke off.
type brokenOff struct{ fault safety.Fault }

func (b brokenOff) Error() string { return b.fault.String() }

// trial runs the trial of one start.
func (e *Evaluator) trial(ctx context.Context, number int, start []float64) (*EvaluationRow, error) {
	row := &EvaluationRow{Start: start}
	simulated := *e.task.Simulated
	simulated.Seed += uint64(number) // the noise of a sensor is not the same in all trials
	b, err := newBench(e.task.Config, e.robot, &simulated, 0)
	if err != nil {
		return nil, err
	}
	defer b.simulated.Close()
	command := &trial.Command{Iteration: 1, Sample: number, DT: e.task.Config.DT, InitialPosition: start, Controller: trial.Mean{Controller: policy.Fork(e.file.Policy)}}
	err = b.run(ctx, command, func(trial.Event) {}, func(f safety.Fault) error { return brokenOff{f} })
	switch {
	case err != nil && ctx.Err() != nil, errors.Is(err, trial.ErrCommand):
		return nil, err
	case err != nil:
		row.Fault = err.Error()
		return row, nil
	}
	judged, err := e.problem.Judge(b.machine.Record().Rollout)
	if err != nil {
		row.Fault = err.Error()
		return row, nil
	}
	row.Cost, row.Error = &judged.Cost, judged.Error
	if judged.Success != nil {
		row.Success = *judged.Success
	} else {
		row.Success = *judged.Error <= e.cfg.Distance
	}
	return row, nil
}
