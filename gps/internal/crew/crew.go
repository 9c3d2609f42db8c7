// Package crew runs the independent blocks of one piece of work on a fixed number of
// goroutines.
//
// A Crew belongs to one caller, who makes it once, runs work on it any number of times and
// stops it. The caller's own goroutine is worker 0; the others sleep on a channel between
// runs. Each worker begins with a part of the blocks, in ascending order and the same part for
// the same number of blocks, since what it read and wrote there the last time may still be in
// its processor's cache; then it takes what others have left. So which worker does a block is a
// matter of chance. What is computed must not depend on it:
// blocks are cut by the problem and never by the number of workers, write to places of their
// own, and are summed up afterwards in the order of the blocks. Then one worker and ten give
// the same bits.
package crew

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// Task is work that falls into independent blocks.
type Task interface {
	// Do does one block. worker, in [0, Size), is the caller's alone for the time of the
	// call: it tells which workspace to use. block is in [0, blocks).
	Do(worker, block int)
}

// What a crew is at.
const (
	idle int32 = iota
	running
	stopped
)

// Crew is a number of workers. Make one with New and end it with Stop.
type Crew struct {
	size int
	// wake has one token for every worker that a run wants beside the caller.
	wake chan struct{}
	// alive counts goroutines, pending the tokens that are not worked off.
	alive, pending sync.WaitGroup
	state          atomic.Int32

	// Of the run under way. Blocks above last are not begun any more.
	task  Task
	parts []part // of the workers that it wants
	last  atomic.Int64

	mu      sync.Mutex
	failed  int64 // the lowest block that panicked, -1 for none
	failure any
	all     []part
}

// part is what a worker begins with: the blocks from next to end. It has a cache line of its
// own.
type part struct {
	next atomic.Int64
	end  int64
	_    [48]byte
}

// New returns a crew of that many workers: GOMAXPROCS where workers <= 0. A crew of one has
// no goroutine besides its caller's.
func New(workers int) *Crew {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	c := &Crew{size: workers, wake: make(chan struct{}, workers-1), failed: -1, all: make([]part, workers)}
	c.alive.Add(workers - 1)
	for w := 1; w < workers; w++ {
		go c.serve(w)
	}
	return c
}

// Size is the number of workers, the caller of Run among them.
func (c *Crew) Size() int { return c.size }

// Run calls task.Do once for every block and returns when all calls have returned. It
// allocates nothing.
//
// Where a block panics, no blocks after it are begun, and Run panics with the same value, of
// the lowest block that panics: which one that is does not depend on the number of workers,
// as the caller's goroutine takes what is left of the blocks in ascending order. The crew can
// go on after that. Run panics too on a crew that was stopped or is at work: a task must not
// run work on the crew that it runs on.
func (c *Crew) Run(blocks int, task Task) {
	if !c.state.CompareAndSwap(idle, running) {
		panic("crew: Run on a crew that is running or stopped: each caller, and each task that divides its own work, needs a crew of its own")
	}
	defer c.finish()
	if blocks <= 0 {
		return
	}
	wanted := min(c.size, blocks)
	c.task, c.parts = task, c.all[:wanted]
	c.last.Store(int64(blocks) - 1)
	for w := range c.parts {
		c.parts[w].next.Store(int64(w) * int64(blocks) / int64(wanted))
		c.parts[w].end = int64(w+1) * int64(blocks) / int64(wanted)
	}
	others := wanted - 1
	c.pending.Add(others)
	for range others {
		c.wake <- struct{}{}
	}
	c.share(0)
}

// finish waits for the other workers and passes on a panic.
func (c *Crew) finish() {
	c.pending.Wait()
	failed, failure := c.failed, c.failure
	c.task, c.parts, c.failed, c.failure = nil, nil, -1, nil
	c.state.Store(idle)
	if failed >= 0 {
		panic(failure)
	}
}

// Stop ends the goroutines and waits for them. Stopping twice is harmless; stopping a crew at
// work panics.
func (c *Crew) Stop() {
	if c.state.CompareAndSwap(idle, stopped) {
		close(c.wake)
	} else if c.state.Load() == running {
		panic("crew: Stop while Run is at work")
	}
	c.alive.Wait()
}

// serve is the life of a worker's goroutine.
func (c *Crew) serve(worker int) {
	woken := false
	defer func() {
		if woken { // a task ended the goroutine: another takes its place
			go c.serve(worker)
			c.pending.Done()
			return
		}
		c.alive.Done()
	}()
	for range c.wake {
		woken = true
		c.share(worker)
		woken = false
		c.pending.Done()
	}
}

var errExit = errors.New("crew: a task ended its goroutine with runtime.Goexit")

// share does blocks until none is left or one panics.
func (c *Crew) share(worker int) {
	block, done := int64(0), false
	defer func() {
		if done {
			return
		}
		failure := recover()
		if failure == nil {
			if worker == 0 { // it is the caller's goroutine that ends
				c.last.Store(-1)
				return
			}
			failure = errExit
		}
		c.mu.Lock()
		if c.failed < 0 || block < c.failed {
			c.failed, c.failure = block, failure
			c.last.Store(min(block, c.last.Load()))
		}
		c.mu.Unlock()
	}()
	for i := range c.parts {
		p := &c.parts[(worker+i)%len(c.parts)]
		for {
			if block = p.next.Add(1) - 1; block >= p.end || block > c.last.Load() {
				break
			}
			c.task.Do(worker, int(block))
		}
	}
	done = true
}
