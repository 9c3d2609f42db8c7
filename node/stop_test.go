package node

import (
	"context"
	"fmt"
	"testing"

	"guidedpolicysearch/node/trial"
)

// A trial that the learner asks for after the loop was stopped is no failure of the run.
func TestInterrupted(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	refused := fmt.Errorf("%w: %w: the machine was stopped", ErrGaveUp, trial.ErrCommand)
	failed := fmt.Errorf("%w: disk full", ErrGaveUp)
	for _, c := range []struct {
		ctx  context.Context
		err  error
		want bool
	}{
		{ended, refused, true},
		{ended, failed, false},
		{context.Background(), refused, false},
	} {
		if got := interrupted(c.ctx, c.err); got != c.want {
			t.Errorf("error %v, context %v: got %v, want %v", c.err, c.ctx.Err(), got, c.want)
		}
	}
}
