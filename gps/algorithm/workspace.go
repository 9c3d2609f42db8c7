package algorithm

import (
	"sync"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trajopt"
)

// workspace is what the update of one condition needs besides its result.
type workspace struct {
	search      *trajopt.Optimizer
	expectation *expectation
}

// maxKept is how many workspaces are kept for later updates. Each has megabytes, which cost
// more to get than to fill; on many processors, where as many conditions are updated at the
// same time, keeping all would double the memory of an iteration.
const maxKept = 2

// workspaces are those that wait for an update.
type workspaces struct {
	mu   sync.Mutex
	kept []*workspace
}

// take returns a workspace for controllers of c's size.
func (w *workspaces) take(cfg trajopt.Config, c *lqg.Controller) (*workspace, error) {
	if kept := w.pop(); kept != nil && kept.expectation.fits(c) {
		return kept, nil
	}
	search, err := trajopt.New(cfg, c.T, c.DX, c.DU)
	if err != nil {
		return nil, err
	}
	return &workspace{search: search, expectation: newExpectation(c)}, nil
}

// pop returns a kept workspace, nil if there is none.
func (w *workspaces) pop() *workspace {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.kept) - 1
	if last < 0 {
		return nil
	}
	kept := w.kept[last]
	w.kept = w.kept[:last]
	return kept
}

// giveBack ends the use of a workspace.
func (w *workspaces) giveBack(used *workspace) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.kept) < maxKept {
		w.kept = append(w.kept, used)
	}
}
