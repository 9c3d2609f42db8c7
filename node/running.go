package node

import (
	"context"
	"fmt"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/policyfile"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/trial"
)

// runner asks for the trials of a policy that is run as it is: without exploration noise, in the order
// in which a learner would ask. It is for the supervisor's goroutine.
type runner struct {
	controller trial.Controller
	problem    *learner.Problem
	config     learner.RunConfig
	due        chan struct{} // another trial is to begin
	trials     int           // that came to their end since the node was configured
	// next is the trial to come, recorded the trials of its iteration that a run that goes on has
	// already.
	next     key
	recorded map[string]bool
}

// newRunner reads the policy that the parameters name, for a robot.
func newRunner(cfg *Config, r *robot.Robot, problem *learner.Problem) (*runner, error) {
	f, err := policyfile.Load(cfg.Run.File, layout(cfg, r))
	if err != nil {
		return nil, fmt.Errorf("policy.file: %w", err)
	}
	return &runner{controller: trial.Mean{Controller: f.Policy}, problem: problem, config: cfg.Run, due: make(chan struct{}, 1), next: key{iteration: 1}}, nil
}

// ask asks for the next trial.
func (r *runner) ask() {
	select {
	case r.due <- struct{}{}:
	default:
	}
}

// command returns the next trial that is not recorded yet, nil after the last.
func (r *runner) command(cfg *Config, folder *record.Folder) (*trial.Command, error) {
	for r.config.Endless || r.next.iteration <= cfg.Iterations {
		if r.recorded == nil {
			paths, err := folder.Rollouts(uint32(r.next.iteration))
			if err != nil {
				return nil, err
			}
			r.recorded = map[string]bool{}
			for _, path := range paths {
				r.recorded[path] = true
			}
		}
		if r.recorded[record.TrialPath(uint32(r.next.iteration), uint32(r.next.condition), uint32(r.next.sample))] {
			r.advance(cfg.Samples)
			continue
		}
		c := &trial.Command{Iteration: r.next.iteration, Condition: r.next.condition, Sample: r.next.sample, DT: cfg.DT, Controller: r.controller,
			InitialPosition: append([]float64{}, r.problem.InitialPosition(r.next.condition)...), Here: r.config.Start == learner.StartHere}
		return c, nil
	}
	return nil, nil
}

// advance goes on to the next trial.
func (r *runner) advance(samples int) {
	if r.next.sample++; r.next.sample < samples {
		return
	}
	r.next.sample = 0
	if r.next.condition++; r.next.condition < r.problem.Conditions() {
		return
	}
	r.next, r.recorded = key{iteration: r.next.iteration + 1}, nil
}

// turn tells that a trial of the runner is due; nil where there is none.
func (n *node) turn() <-chan struct{} {
	if n.runner == nil || n.loop.Load() == nil {
		return nil
	}
	return n.runner.due
}

// runNext begins the next trial of the runner, or ends the activity after the last.
func (n *node) runNext(ctx context.Context) error {
	c, err := n.runner.command(n.cfg, &n.session.run.Folder)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	if c == nil {
		n.session.tell("all %d trials were run; run folder %s", n.runner.trials, n.session.run.Dir())
		return n.done(ctx)
	}
	return n.command(ctx, c)
}

// ran says what a trial of the runner came to, and asks for the next.
func (n *node) ran(rec *trial.Record) error {
	c := rec.Command
	n.waits = key{}
	n.runner.trials++
	judged, err := n.runner.problem.Judge(rec.Rollout)
	if err != nil {
		n.session.note(logging.Warn, "trial %d: %v", n.runner.trials, err)
	} else {
		text := fmt.Sprintf("iteration %d, condition %d, sample %d: cost %.4g", c.Iteration, c.Condition, c.Sample, judged.Cost)
		if judged.Error != nil {
			text += fmt.Sprintf(", end effector error %.3g m", *judged.Error)
		}
		if judged.Success != nil {
			text += fmt.Sprintf(", success: %t", *judged.Success)
		}
		n.session.tell("%s", text)
	}
	if n.runner.advance(n.cfg.Samples); n.runner.next.iteration != c.Iteration {
		clear(n.trials)
	}
	n.runner.ask()
	return nil
}

// tell logs a line and shows it above the table.
func (s *session) tell(format string, args ...any) {
	s.log.LogDepth(1, logging.Info, format, args...)
	if s.printer != nil {
		_ = s.printer.Notice(fmt.Sprintf(format, args...))
	}
}
