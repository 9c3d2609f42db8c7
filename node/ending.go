package node

import (
	"context"
	"errors"

	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/trial"
)

// zero publishes zero torque, for good, from any goroutine.
func (n *node) zero() {
	if l := n.loop.Load(); l != nil {
		l.stop()
	}
}

// finishStop deactivates a node for a stop that found no room among the requests.
func (n *node) finishStop(ctx context.Context) {
	if !n.halt.Swap(false) {
		return
	}
	n.start = false
	if n.states.State() == lifecycle.Active {
		_, _ = n.states.Trigger(ctx, lifecycle.Deactivate)
	}
}

// end ends the run with an error: the process, or, where it is to stay, the activity.
func (n *node) end(err error) {
	if err == nil {
		return
	}
	n.zero()
	n.err, n.start = err, false
	n.abortTraining(err)
	if n.session != nil {
		n.session.failed = true
	}
	if !errors.Is(err, context.Canceled) {
		n.ros.Log.Error("%v", err)
	}
	n.over = n.cfg.ExitWhenDone
}

// fail ends the run if there is an error.
func (n *node) fail(ctx context.Context, err error) {
	if err == nil || n.stopped(err) {
		return
	}
	n.end(err)
	if !n.over && n.states.State() == lifecycle.Active {
		_, _ = n.states.Trigger(ctx, lifecycle.Deactivate)
	}
}

// stopped tells whether an error was brought about by a stop: that stops the loop at once, which
// then refuses the trial that the learner may just have asked for. The supervisor comes to the
// stop itself later.
func (n *node) stopped(err error) bool {
	l := n.loop.Load()
	return l != nil && l.status().phase == trial.Done && errors.Is(err, trial.ErrCommand)
}
