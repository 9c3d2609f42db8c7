package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"guidedpolicysearch/node/bench/harness"
)

// allowedGrowth is how much the node may have grown since a tenth of the round trips, in kB.
const allowedGrowth = 1000

// growth is the node's memory over many round trips.
type growth struct {
	machine  harness.Machine
	count    int
	took     time.Duration
	resident []int // kB after each tenth
}

// soak does round trips with a node that holds the arm, and reads its memory after each tenth.
func soak(ctx context.Context, o options, b *build, progress io.Writer) (*growth, error) {
	s, err := start(ctx, b, own, o.domain, 10)
	if err != nil {
		return nil, err
	}
	defer s.close()
	pid := s.program.Process.Pid
	// What a trial leaves behind is kept on purpose. Without its learner the node ends the
	// first one and holds the arm: one command per joint state, and nothing else.
	resume, err := pauseChildren(pid)
	if err != nil {
		return nil, err
	}
	defer resume()
	g := &growth{count: o.soak}
	began := time.Now()
	const tenths = 10
	for i := range tenths {
		if _, _, err := s.ask(false, o.soak*(i+1)/tenths-o.soak*i/tenths, 0); err != nil {
			return nil, err
		}
		kB, err := strconv.Atoi(strings.TrimSuffix(harness.Field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS", ""), " kB"))
		if err != nil {
			return nil, fmt.Errorf("memory of process %d: %w", pid, err)
		}
		g.resident = append(g.resident, kB)
		fmt.Fprintf(progress, "%d of %d round trips: %d kB\n", o.soak*(i+1)/tenths, o.soak, kB)
	}
	g.took, g.machine = time.Since(began), harness.Describe()
	return g, nil
}

// pauseChildren stops the child processes of a process until resume is called.
func pauseChildren(pid int) (resume func(), err error) {
	list, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	var children []int
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, t := range threads { // each has those that it started
		list, err = os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, t.Name()))
		for _, word := range strings.Fields(string(list)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				return nil, err
			}
			children = append(children, child)
		}
	}
	if len(children) == 0 {
		return nil, errors.Join(fmt.Errorf("process %d has no child, expected a learner", pid), err)
	}
	signal := func(s syscall.Signal) {
		for _, c := range children {
			_ = syscall.Kill(c, s) // gone: nothing to do
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }, nil
}

// write writes the table. It is an error if the node grew.
func (g *growth) write(out io.Writer) error {
	first, last := g.resident[0], g.resident[len(g.resident)-1]
	fmt.Fprintf(out, "\n%s\n%d round trips in %v: %d kB resident after a tenth, %d kB after all, %+d kB.\n", &g.machine, g.count, g.took.Round(time.Second), first, last, last-first)
	if last-first > allowedGrowth {
		return fmt.Errorf("the node grew by %d kB, expected at most %d kB", last-first, allowedGrowth)
	}
	return nil
}
