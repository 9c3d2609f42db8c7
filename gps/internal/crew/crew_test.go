package crew_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/gps/internal/crew"
)

type task func(worker, block int)

func (f task) Do(worker, block int) { f(worker, block) }

// count counts, for every block, how often it was done, with a workspace per worker that the
// race detector watches.
type count struct {
	done  []int
	spare []int
}

func (c *count) Do(worker, block int) {
	c.spare[worker] = block
	c.done[block] += 1 + c.spare[worker] - block
}

func TestRunDoesEveryBlockOnce(t *testing.T) {
	for _, workers := range []int{1, 2, 3, 7, 40} {
		c := crew.New(workers)
		if c.Size() != workers {
			t.Errorf("size %d of %d workers", c.Size(), workers)
		}
		for _, blocks := range []int{-1, 0, 1, 2, 3, workers, 1000} {
			for range 20 {
				work := &count{done: make([]int, max(blocks, 0)), spare: make([]int, workers)}
				c.Run(blocks, work)
				for b, n := range work.done {
					if n != 1 {
						t.Fatalf("%d workers, %d blocks: block %d was done %d times", workers, blocks, b, n)
					}
				}
			}
		}
		c.Stop()
	}
}

func TestNewTakesAllProcessors(t *testing.T) {
	for _, workers := range []int{0, -3} {
		c := crew.New(workers)
		if want := runtime.GOMAXPROCS(0); c.Size() != want {
			t.Errorf("New(%d) has %d workers, want %d", workers, c.Size(), want)
		}
		c.Stop()
	}
}

// Blocks that wait for each other can only finish where as many are under way at once.
func TestBlocksRunAtOnce(t *testing.T) {
	const workers = 4
	c := crew.New(workers)
	defer c.Stop()
	var meet sync.WaitGroup
	meet.Add(workers)
	seen := make([]int, workers)
	c.Run(workers, task(func(worker, _ int) {
		seen[worker]++
		meet.Done()
		meet.Wait()
	}))
	if !slices.Equal(seen, []int{1, 1, 1, 1}) {
		t.Errorf("blocks by worker: %v, want one each", seen)
	}
}

func TestOneWorkerIsTheCaller(t *testing.T) {
	before := runtime.NumGoroutine()
	c := crew.New(1)
	if n := runtime.NumGoroutine(); n > before { // fewer where one that was joined earlier has just ended
		t.Errorf("%d goroutines with a crew of one, %d without", n, before)
	}
	var order []int
	c.Run(5, task(func(worker, block int) { order = append(order, worker, block) }))
	if want := []int{0, 0, 0, 1, 0, 2, 0, 3, 0, 4}; !slices.Equal(order, want) {
		t.Errorf("worker, block: %v, want %v", order, want)
	}
	c.Stop()
}

func TestRunAllocatesNothing(t *testing.T) {
	for _, workers := range []int{1, 2, 5} {
		c := crew.New(workers)
		work := &count{done: make([]int, 64), spare: make([]int, workers)}
		if n := testing.AllocsPerRun(100, func() { c.Run(len(work.done), work) }); n != 0 {
			t.Errorf("%d workers: %g allocations per run", workers, n)
		}
		c.Stop()
	}
}

// caught returns what f panics with.
func caught(f func()) (v any) {
	defer func() { v = recover() }()
	f()
	return nil
}

// Of several blocks that panic it is always the lowest one that the caller hears of, whatever
// the number of workers, and the crew works on.
func TestPanicReachesTheCaller(t *testing.T) {
	lowest, other := errors.New("block 11"), errors.New("a later block")
	for _, workers := range []int{1, 2, 3, 8} {
		c := crew.New(workers)
		for range 50 {
			got := caught(func() {
				c.Run(100, task(func(_, block int) {
					if block == 11 {
						runtime.Gosched()
						panic(lowest)
					}
					if block > 11 {
						panic(other)
					}
				}))
			})
			if got != any(lowest) {
				t.Fatalf("%d workers: the caller hears %v, want %v", workers, got, lowest)
			}
			work := &count{done: make([]int, 30), spare: make([]int, workers)}
			if c.Run(30, work); slices.Min(work.done) != 1 || slices.Max(work.done) != 1 {
				t.Fatalf("%d workers: blocks done after a panic: %v", workers, work.done)
			}
		}
		c.Stop()
	}
}

func TestPanicEndsTheRun(t *testing.T) {
	c := crew.New(2)
	defer c.Stop()
	var done atomic.Int64
	caught(func() {
		c.Run(1e9, task(func(_, block int) {
			done.Add(1)
			if block == 3 {
				panic("no more")
			}
		}))
	})
	if n := done.Load(); n >= 1e9 {
		t.Errorf("all %d blocks were done after a panic", n)
	}
}

// A test's FailNow ends its goroutine: neither that of a worker nor the caller's may leave
// the other one waiting.
func TestGoexitDoesNotHang(t *testing.T) {
	c := crew.New(3)
	for range 20 {
		var left atomic.Int64
		var meet sync.WaitGroup
		meet.Add(3)
		got := caught(func() {
			c.Run(3, task(func(worker, _ int) {
				meet.Done()
				meet.Wait() // so that every worker has one block
				if worker > 0 {
					left.Add(1)
					runtime.Goexit()
				}
			}))
		})
		if got == nil || left.Load() != 2 {
			t.Fatalf("%d workers left, the caller hears %v", left.Load(), got)
		}
	}
	ended := make(chan bool)
	go func() {
		defer close(ended)
		c.Run(3, task(func(worker, _ int) {
			if worker == 0 {
				runtime.Goexit()
			}
			time.Sleep(time.Millisecond)
		}))
	}()
	<-ended
	work := &count{done: make([]int, 9), spare: make([]int, 3)}
	if c.Run(9, work); slices.Min(work.done) != 1 {
		t.Errorf("blocks done afterwards: %v", work.done)
	}
	c.Stop()
}

func TestStopJoinsTheGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 50 {
		c := crew.New(5)
		c.Run(3, task(func(int, int) {}))
		c.Stop()
		c.Stop()
	}
	// A goroutine that was joined may still be on its last instructions.
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines before, %d after", before, runtime.NumGoroutine())
}

func TestMisusePanics(t *testing.T) {
	c := crew.New(2)
	nothing := task(func(int, int) {})
	for name, f := range map[string]func(){
		"run within run":  func() { c.Run(2, task(func(int, int) { c.Run(1, nothing) })) },
		"stop within run": func() { c.Run(2, task(func(int, int) { c.Stop() })) },
	} {
		if caught(f) == nil {
			t.Errorf("%s: no panic", name)
		}
	}
	c.Run(5, nothing)
	c.Stop()
	if caught(func() { c.Run(1, nothing) }) == nil {
		t.Error("run after stop: no panic")
	}
}

func BenchmarkRun(b *testing.B) {
	for _, workers := range []int{1, 2, 4} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			c := crew.New(workers)
			defer c.Stop()
			nothing := task(func(int, int) {})
			for b.Loop() {
				c.Run(16, nothing)
			}
		})
	}
}
