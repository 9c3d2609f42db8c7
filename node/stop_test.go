package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"guidedpolicysearch/node/trial"
)

// A trial that the learner asks for after the loop was stopped is no failure of the run.
func TestInterrupted(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	refused := fmt.Errorf("%w: %w: the machine was stopped", ErrGaveUp, trial.ErrCommand)
	failed := fmt.Errorf("%w: disk full", ErrGaveUp)
	for _, c := range []struct {
		ctx       context.Context
		err, want error
	}{
		{ended, refused, context.Canceled},
		{ended, failed, failed},
		{ended, nil, nil},
		{context.Background(), refused, refused},
	} {
		if got := interrupted(c.ctx, c.err); !errors.Is(got, c.want) || (got == nil) != (c.want == nil) {
			t.Errorf("error %v, context %v: got %v, want %v", c.err, c.ctx.Err(), got, c.want)
		}
	}
}

// A terminal that stands still holds up neither the lines nor the end of a program.
func TestTerminalThatStandsStill(t *testing.T) {
	still, end := io.Pipe() // nobody reads
	defer still.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		q := newQueue(end)
		for range 3 * queueLength {
			fmt.Fprintln(q, "a line")
		}
		q.close()
		WriteError(end, "gps_node", errors.New("one\ntwo"))
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("a terminal that takes nothing stopped the program")
	}
}
