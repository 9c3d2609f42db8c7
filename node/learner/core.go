package learner

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/trial"
)

// ErrOtherRun marks a run folder that belongs to another problem.
var ErrOtherRun = errors.New("learner: the run folder is of another problem")

// errOver marks a rollout of an iteration that is over.
var errOver = errors.New("learner: the iteration is over")

// Core is the learner: it says which trial comes next, and improves the controllers when
// an iteration's trials are recorded.
type Core struct {
	problem *Problem
	folder  *record.Folder
	state   *algorithm.State
	// samplers drive the trials of each condition in the current iteration.
	samplers []policy.Policy
	// recorded has the rollouts of the current iteration, by condition and sample; ""
	// where there is none yet.
	recorded [][]string
	began    time.Time
	// warned has the warnings that were reported already.
	warned []string
	// costs are the mean costs of the iterations so far, and rollouts is how many they had, for the
	// policy files.
	costs         []float64
	rollouts      int
	intermediates intermediates
}

// NewCore returns the learner of a run folder: at its beginning, or after its latest
// checkpoint and the rollouts recorded since. notes says what was passed over. Errors wrap
// ErrOtherRun or are those of the file system.
func NewCore(p *Problem, folder *record.Folder) (c *Core, notes []string, err error) {
	c = &Core{problem: p, folder: folder, began: time.Now()}
	notes = append(notes, p.notes...)
	var left []string
	if c.intermediates, left, err = newIntermediates(&p.cfg.Intermediates, folder); err != nil {
		return nil, notes, err
	}
	notes = append(notes, left...)
	if _, err := algorithm.Arithmetic(); err != nil {
		notes = append(notes, err.Error())
	}
	saved, passed, err := checkpoint.Latest(folder.Path(record.CheckpointsDir))
	for _, e := range passed {
		notes = append(notes, e.Error())
	}
	state := p.Start()
	switch {
	case errors.Is(err, checkpoint.ErrNone):
	case err != nil:
		return nil, notes, err
	default:
		if err := p.suits(saved); err != nil {
			return nil, notes, err
		}
		state = p.extend(saved.State)
		if m := len(saved.State.Conditions); m < p.conditions {
			notes = append(notes, fmt.Sprintf("conditions: from condition %d on they are new: initial controllers drive their first trials, and they are trained beside the others", m))
		}
	}
	if err := c.goOn(state); err != nil {
		return nil, notes, err
	}
	c.costs, c.rollouts = p.earlier(folder, state.Iteration)
	paths, err := folder.Rollouts(uint32(c.Iteration()))
	if err != nil {
		return nil, notes, err
	}
	for _, path := range paths {
		if err := c.note(path); err != nil {
			notes = append(notes, fmt.Sprintf("%s is not used: %v", path, err))
		}
	}
	return c, notes, nil
}

// suits checks that a checkpoint is of this problem.
func (p *Problem) suits(c *checkpoint.Checkpoint) error {
	s := c.State
	switch {
	case fmt.Sprint(c.StateNames) != fmt.Sprint(p.robot.StateNames()) || fmt.Sprint(c.ActionNames) != fmt.Sprint(p.robot.Joints()):
		return fmt.Errorf("%w: its state is %v and its actions %v, the robot's are %v and %v", ErrOtherRun, c.StateNames, c.ActionNames, p.robot.StateNames(), p.robot.Joints())
	case len(s.Conditions) > p.conditions:
		return fmt.Errorf("%w: it has %d conditions, conditions.initial_position and conditions.random have %d: conditions can be added, but not taken away", ErrOtherRun, len(s.Conditions), p.conditions)
	case s.Seed != p.cfg.Seed:
		return fmt.Errorf("%w: its seed is %d, seed is %d", ErrOtherRun, s.Seed, p.cfg.Seed)
	}
	for m, condition := range s.Conditions {
		switch c := condition.Controller; {
		case c == nil || c.DX != p.robot.DX() || c.DU != p.robot.DU():
			return fmt.Errorf("%w: condition %d has no controller of dX=%d dU=%d", ErrOtherRun, m, p.robot.DX(), p.robot.DU())
		case c.T != p.cfg.Steps:
			return fmt.Errorf("%w: its trials have %d steps, steps is %d", ErrOtherRun, c.T, p.cfg.Steps)
		case c.Validate() != nil:
			return fmt.Errorf("%w: condition %d: %w", ErrOtherRun, m, c.Validate())
		}
	}
	return nil
}

// Close waits until what updates computed on their way is written, and says if it could not be.
func (c *Core) Close() error { return c.intermediates.wait() }

// Iteration returns the iteration whose trials are being recorded, from 1.
func (c *Core) Iteration() int { return c.state.Iteration + 1 }

// Next returns the next trial, or nil when all iterations are done.
func (c *Core) Next() *trial.Command {
	if c.Iteration() > c.problem.cfg.Iterations {
		return nil
	}
	for m, samples := range c.recorded {
		for n, path := range samples {
			if path == "" {
				return &trial.Command{Iteration: c.Iteration(), Condition: m, Sample: n, DT: c.problem.cfg.DT,
					InitialPosition: c.problem.positions[m],
					NoiseSeed:       c.problem.NoiseSeed(c.Iteration(), m, n),
					Controller:      c.samplers[m]}
			}
		}
	}
	return nil
}

// goOn makes state the current one.
func (c *Core) goOn(state *algorithm.State) error {
	samplers := make([]policy.Policy, len(state.Conditions))
	for m := range samplers {
		var err error
		if samplers[m], err = c.problem.algorithm.Sampler(state, m); err != nil {
			return fmt.Errorf("learner: condition %d: %w", m, err)
		}
	}
	c.state, c.samplers = state, samplers
	c.clearRecorded()
	return nil
}

// Trials returns how many trials of the current iteration are recorded, and how many
// there are to be.
func (c *Core) Trials() (recorded, total int) {
	for _, samples := range c.recorded {
		for _, path := range samples {
			total++
			if path != "" {
				recorded++
			}
		}
	}
	return recorded, total
}

// Recorded takes the path of a recorded rollout, relative to the run folder. When it was
// the last of the iteration the controllers are improved from the recorded rollouts, the
// checkpoint is written, and a report is returned. A rollout of an iteration that is over
// changes nothing: a learner that was started again may have found it by itself.
func (c *Core) Recorded(ctx context.Context, path string) (*Report, error) {
	if err := c.note(path); err != nil && !errors.Is(err, errOver) {
		return nil, err
	}
	return c.Update(ctx)
}

// Update improves the controllers if all trials of the iteration are recorded, else it
// returns nil.
func (c *Core) Update(ctx context.Context) (*Report, error) {
	if recorded, total := c.Trials(); recorded < total || c.Iteration() > c.problem.cfg.Iterations {
		return nil, nil
	}
	begin, cpu := time.Now(), processorTime()
	phases := trace.NewPhases(time.Now)
	reading := phases.Begin("read")
	samples := make([][]*rollout.Rollout, len(c.recorded))
	distance, count, target := 0.0, 0, false
	for m, paths := range c.recorded {
		for _, path := range paths {
			r, err := c.read(path)
			if err != nil {
				return nil, err
			}
			samples[m] = append(samples[m], r)
			var d float64
			d, target = c.problem.endEffectorError(r.State(r.T)[:c.problem.robot.DU()])
			distance += d
			count++
		}
	}
	reading()
	ctx, warnings := c.intermediates.into(phases.Into(ctx))
	before := c.state
	next, report, err := c.problem.algorithm.Iterate(ctx, before, samples)
	if err != nil {
		return nil, err
	}
	saving := phases.Begin("checkpoint")
	if _, err := checkpoint.Save(c.folder.Path(record.CheckpointsDir), &checkpoint.Checkpoint{State: next,
		StateNames: c.problem.robot.StateNames(), ActionNames: c.problem.robot.Joints()}); err != nil {
		return nil, diskError(err)
	}
	saving()
	if err := c.goOn(next); err != nil {
		return nil, err
	}
	warnings = append(warnings, c.intermediates.write(next.Iteration)...)
	now := time.Now()
	r := &Report{Iteration: report.Iteration, Iterations: c.problem.cfg.Iterations, MeanCost: report.MeanCost(), BestCost: report.BestCost(), SuccessRate: c.problem.successRate(samples), Policy: newPolicyReport(report),
		Conditions: conditionReports(report, before), Phases: seconds(phases), Warnings: warnings,
		UpdateSeconds: now.Sub(begin).Seconds(), UpdateCPUSeconds: (processorTime() - cpu).Seconds(), Seconds: now.Sub(c.began).Seconds()}
	if target {
		distance /= float64(count)
		r.Error = &distance
	}
	for _, condition := range report.Conditions {
		share := 1 / float64(len(report.Conditions))
		r.SampleCosts = append(r.SampleCosts, condition.SampleCosts...)
		r.KL += share * condition.KL
		r.Eta += share * condition.Eta
		r.StepMultiplier += share * condition.StepMultiplier
		for _, w := range condition.Warnings {
			if !slices.Contains(c.warned, w) {
				c.warned = append(c.warned, w)
				r.Warnings = append(r.Warnings, w)
			}
		}
	}
	if report.Policy != nil {
		r.Warnings = append(r.Warnings, report.Policy.Warnings...)
	}
	c.costs, c.rollouts = append(c.costs, r.MeanCost), c.rollouts+len(r.SampleCosts)
	// The checkpoint is what the run needs to go on.
	if err := c.savePolicy(r, samples); err != nil {
		r.Warnings = append(r.Warnings, fmt.Sprintf("the policy after iteration %d is not saved: %v", r.Iteration, err))
	}
	c.began = now
	return r, nil
}

// note puts a rollout of the current iteration on the list.
func (c *Core) note(path string) error {
	r, err := c.folder.ReadRollout(path)
	if err != nil {
		return err
	}
	if _, err := rosio.ReadRollout(r, c.problem.robot); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	m, n := int(r.Condition), int(r.Sample)
	switch {
	case int(r.Iteration) < c.Iteration():
		return fmt.Errorf("%w: %s is of iteration %d, the run is at %d", errOver, path, r.Iteration, c.Iteration())
	case int(r.Iteration) != c.Iteration():
		return fmt.Errorf("learner: %s is of iteration %d, the run is at %d", path, r.Iteration, c.Iteration())
	case m >= len(c.recorded) || n >= len(c.recorded[m]):
		return fmt.Errorf("learner: %s is sample %d of condition %d, there are %d samples of %d conditions", path, n, m, c.problem.cfg.Samples, c.problem.conditions)
	case int(r.Steps) != c.problem.cfg.Steps || math.Abs(r.Dt-c.problem.cfg.DT) > 1e-12:
		return fmt.Errorf("learner: %s has %d steps of %v s, want %d of %v s", path, r.Steps, r.Dt, c.problem.cfg.Steps, c.problem.cfg.DT)
	case !c.problem.isNoise(r.NoiseSeed, c.Iteration(), m, n):
		return fmt.Errorf("learner: %s has exploration noise %d, which is not that of seed %d", path, r.NoiseSeed, c.state.Seed)
	}
	c.recorded[m][n] = path
	return nil
}

func (c *Core) read(path string) (*rollout.Rollout, error) {
	msg, err := c.folder.ReadRollout(path)
	if err != nil {
		return nil, err
	}
	return rosio.ReadRollout(msg, c.problem.robot)
}

// processorTime returns the processor time that this process has used.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (c *Core) clearRecorded() {
	c.recorded = make([][]string, c.problem.conditions)
	for m := range c.recorded {
		c.recorded[m] = make([]string, c.problem.cfg.Samples)
	}
}
