package node

import (
	"context"
	"errors"
	"fmt"

	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/trial"
)

// maxRestarts bounds how often in a row a learner is started again without a trial or an
// iteration in between.
const maxRestarts = 10

// event handles what happened in the loop.
func (n *node) event(ctx context.Context, e trial.Event) error {
	n.session.event(e)
	switch e.Kind {
	case trial.GaveUp:
		return fmt.Errorf("%w: %s; that was once too often (reset.attempts, safety.max_faults)", ErrGaveUp, e.Fault)
	case trial.Faulted:
		n.places.broken(e.Fault)
		return n.recordBroken()
	case trial.Settled:
		return n.place(ctx)
	case trial.Finished:
		rec, recorded := n.loop.Load().finished()
		recorded.Extras = n.recorder.take()
		path, err := n.session.write(recorded, rec, n.robot)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
		n.trials[keyOf(rec.Command)] = path
		n.running, n.restarts = false, 0
		n.quiet.End()
		n.session.progress(rec.Command.Iteration, len(n.trials))
		n.publishTrial(rec, path)
		if n.runner != nil {
			return n.ran(rec)
		}
		n.answer(keyOf(rec.Command), path)
	}
	return nil
}

// recordBroken records what there is of a trial that a fault broke off.
func (n *node) recordBroken() error {
	l := n.loop.Load()
	rec, recorded := l.broken()
	if rec == nil {
		return nil
	}
	defer l.release()
	recorded.Extras = n.recorder.take()
	path, err := n.session.write(recorded, rec, n.robot)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	n.session.note(logging.Warn, "the trial was broken off after %d of %d steps; what there is of it is in %s", rec.Steps, rec.Rollout.T, path)
	return nil
}

// answer tells the learner of a recorded trial if it waits for that one. If it is gone,
// another will ask again.
func (n *node) answer(trial key, path string) {
	if n.waits == trial {
		n.waits = key{}
		n.watchdog.Touch(n.ros.Clock.Steady())
		_ = n.process.Recorded(path)
	}
}

// message handles what the learner said.
func (n *node) message(ctx context.Context, m learner.Message) error {
	n.watchdog.Touch(n.ros.Clock.Steady())
	switch {
	case m.Command != nil:
		return n.command(ctx, m.Command)
	case m.Report != nil:
		n.restarts = 0
		clear(n.trials)
		if err := n.session.report(m.Report); err != nil {
			return fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
		n.training.meanCost = m.Report.MeanCost
		n.publishReport(m.Report)
	case m.Note != "":
		n.session.note(logging.Warn, "learner: %s", m.Note)
	case m.Done:
		return n.done(ctx)
	case m.Exited:
		n.waits = key{}
		return n.restartLearner(m.Err)
	}
	return nil
}

// command begins the trial that the learner asks for.
func (n *node) command(ctx context.Context, c *trial.Command) error {
	n.waits = keyOf(c)
	if path, ok := n.trials[n.waits]; ok {
		n.answer(n.waits, path)
		return nil
	}
	if n.running {
		n.watchdog.Rest()
		return nil // a restarted learner asks for the trial that is running
	}
	if restarted, err := n.applyChanges(); restarted || err != nil {
		return err // another learner will ask
	}
	l := n.loop.Load()
	n.faults, n.places = l.status().faults, placements{}
	n.watchdog.Rest()
	if !n.cfg.LockStep {
		l.thread.companions()
		if n.cfg.Loop.QuietCollector {
			n.quiet.Begin()
		}
	}
	if err := l.start(c); err != nil {
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	n.running = true
	return nil
}

// place puts the scene in order, now that the arm is where the trial begins and in nobody's way.
func (n *node) place(ctx context.Context) error {
	l := n.loop.Load()
	faults := l.status().faults
	replaced, err := n.placeRobot(ctx, l.command())
	if err == nil {
		err = n.resetScene(ctx)
	}
	switch {
	case err != nil && l.status().faults > faults:
		// The robot went away meanwhile, with its services: where it is back the next reset asks again.
		n.session.note(logging.Warn, "%v; a fault was latched meanwhile", err)
		return nil
	case err != nil:
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	// A fault, or a stop, may have come meanwhile: then the next reset asks again.
	if err := l.placed(replaced); err != nil && !errors.Is(err, trial.ErrCommand) {
		return err
	}
	return nil
}

// done ends the activity when all iterations are done, and none were added meanwhile.
func (n *node) done(ctx context.Context) error {
	if restarted, err := n.applyChanges(); restarted || err != nil {
		return err
	}
	trained := n.succeedTraining()
	if _, err := n.states.Trigger(ctx, lifecycle.Deactivate); err != nil {
		return err
	}
	// The client of an action is to have its result, one whose goal was only just accepted too.
	n.over = n.cfg.ExitWhenDone && !trained && len(n.training.accepted) == 0
	return nil
}

func (n *node) startLearner() error {
	if err := n.session.keepParameters(); err != nil { // which it reads
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	p, err := learner.Start(context.Background(), n.opt.Learner(n.session.run.Dir()))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	n.process = p
	n.watchdog.Touch(n.ros.Clock.Steady())
	n.ros.Log.Info("learner is process %d", p.PID())
	return nil
}

// restartLearner starts the learner again after it died. The arm is held meanwhile: the
// loop does not depend on it.
func (n *node) restartLearner(cause error) error {
	if errors.Is(cause, learner.ErrFailed) {
		return fmt.Errorf("%w: %w", ErrGaveUp, cause)
	}
	if n.restarts++; n.restarts > maxRestarts {
		return fmt.Errorf("%w: the learner ended %d times in a row: %w", ErrGaveUp, n.restarts, cause)
	}
	if cause == nil {
		cause = errors.New("it ended before its time")
	}
	n.health.restart()
	n.session.note(logging.Warn, "learner process %d is gone: %v; another goes on from the last checkpoint", n.process.PID(), cause)
	if err := n.session.mendCheckpoints(); err != nil {
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	return n.startLearner()
}
