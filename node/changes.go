package node

import (
	"fmt"
	"slices"
	"strings"

	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/paramservice"
)

// parametersChanged passes on that there are changes. It runs on the service goroutine.
func (n *node) parametersChanged([]paramservice.Change) {
	select {
	case n.changed <- struct{}{}:
	default:
	}
}

// allow refuses what is taken over when the node is configured once that is over. It runs on
// the service goroutine.
func (n *node) allow(name string, takes params.Takes) error {
	if s := n.states.State(); takes == params.AtStart && s != lifecycle.Unconfigured {
		return fmt.Errorf("%s is taken over when the node is configured, and it is %v: deactivate it and clean it up first (`ros2 lifecycle set`), or restart it with the new value", name, s)
	}
	return nil
}

// change takes over what changes at once; the rest waits for the next trial.
func (n *node) change() {
	n.pending = true
	n.ros.Parameters.Do(func() { n.cfg.ExitWhenDone = n.shared.ExitWhenDone })
}

// adoptChanges takes over, while there is no learner or the arm is between two trials, the
// parameters that were set since they were last taken over, and records them in the run
// folder. It returns what changed.
func (n *node) adoptChanges() ([]change, error) {
	select {
	case <-n.changed:
		n.change()
	default:
	}
	if !n.pending {
		return nil, nil
	}
	var changes []change
	var resolved []byte
	var err error
	next := new(Config)
	n.ros.Parameters.Do(func() {
		*next = *n.shared
		if changes, err = n.session.changes(n.setup.Set); err == nil && len(changes) > 0 {
			resolved, err = n.setup.Resolved()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	if len(changes) > 0 {
		if err := n.session.adopt(next, resolved, changes); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
	}
	n.cfg, n.pending = next, false // not before: what failed is tried again
	return changes, nil
}

// applyChanges takes changes over between two trials. restarted tells that the learner was
// started again to read them.
func (n *node) applyChanges() (restarted bool, err error) {
	changes, err := n.adoptChanges()
	if err != nil || len(changes) == 0 {
		return false, err
	}
	if err := n.loop.Load().configure(n.cfg.Trials); err != nil {
		return false, err
	}
	if n.runner != nil || !slices.ContainsFunc(changes, func(c change) bool { return concernsLearner(c.name) }) {
		return false, nil
	}
	n.process.Close()
	n.waits = key{}
	if err := n.session.mendCheckpoints(); err != nil {
		return false, fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	return true, n.startLearner()
}

// concernsLearner tells whether the learner reads a parameter that can change in a run.
func concernsLearner(name string) bool {
	return name == "iterations" || strings.HasPrefix(name, "algorithm.")
}
