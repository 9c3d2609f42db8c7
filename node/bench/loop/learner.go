package main

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"time"
)

// learners keep every processor busy: one alone works on one processor where its update has
// nothing to share.
const learners = 2

// niceness is what the node gives its learner.
const niceness = "10"

// load runs learners until it is stopped.
type load struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
	began  time.Time

	mu   sync.Mutex
	used time.Duration // of processors
	runs int
	err  error
}

func startLoad(ctx context.Context, program string) *load {
	l := &load{began: time.Now()}
	ctx, l.cancel = context.WithCancel(ctx)
	for range learners {
		l.done.Add(1)
		go func() {
			defer l.done.Done()
			for ctx.Err() == nil {
				l.run(ctx, program)
			}
		}()
	}
	return l
}

// run learns once. An error that is not of the end stops all.
func (l *load) run(ctx context.Context, program string) {
	c := exec.CommandContext(ctx, "nice", "-n", niceness, program, "-learn", "large", "-conditions", "4")
	out, err := c.CombinedOutput()
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.ProcessState != nil {
		l.used += c.ProcessState.UserTime() + c.ProcessState.SystemTime()
		l.runs++
	}
	if err != nil && ctx.Err() == nil {
		l.err = fmt.Errorf("learner: %w\n%s", err, out)
		l.cancel()
	}
}

// failed returns why the learners stopped by themselves.
func (l *load) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// stop ends the learners and returns how many processors they used, on average. Stopping twice
// does nothing.
func (l *load) stop() (processors float64) {
	l.cancel()
	l.done.Wait()
	return l.used.Seconds() / time.Since(l.began).Seconds()
}
