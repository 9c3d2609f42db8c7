package logging

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// queueLength is how many items may wait in a queue.
	queueLength = 4096
	// queueBytes is how much they may hold.
	queueBytes = 4 << 20
	// closeGrace is how long closing waits for what is still in the queues.
	closeGrace = 500 * time.Millisecond
)

// queue passes items from goroutines that must not wait to one that may.
type queue[T any] struct {
	items     chan T
	done      chan struct{} // closed when run has returned
	size      func(T) int   // in bytes
	abandoned atomic.Bool   // run ends after the item it handles

	mu      sync.Mutex
	bytes   int
	closed  bool
	dropped uint64 // not told to the notice of run yet
	lost    uint64 // in all
}

func newQueue[T any](length int, size func(T) int) *queue[T] {
	return &queue[T]{items: make(chan T, length), done: make(chan struct{}), size: size}
}

// put drops the item where there is no room for it. It never waits.
func (q *queue[T]) put(item T) {
	n := q.size(item)
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed && q.bytes+n <= queueBytes {
		select {
		case q.items <- item:
			q.bytes += n
			return
		default:
		}
	}
	q.dropped++
	q.lost++
}

// run hands the items to handle until the queue is closed and empty, or given up. notice, if
// not nil, is told how many were dropped when the queue has been caught up with, and during an
// endless flood once per length of the queue.
func (q *queue[T]) run(handle func(T), notice func(dropped uint64)) {
	defer close(q.done)
	handled := 0
	for item := range q.items {
		if q.abandoned.Load() {
			return
		}
		handle(item)
		handled++
		q.mu.Lock()
		q.bytes -= q.size(item)
		var dropped uint64
		if len(q.items) == 0 || handled >= cap(q.items) {
			dropped, q.dropped, handled = q.dropped, 0, 0
		}
		q.mu.Unlock()
		if dropped > 0 && notice != nil {
			notice(dropped)
		}
	}
}

// lose counts an item that was handled in vain.
func (q *queue[T]) lose() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.lost++
}

// total is how many items were lost.
func (q *queue[T]) total() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.lost
}

// close lets nothing more in.
func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.closed {
		q.closed = true
		close(q.items)
	}
}

// wait returns when run has, or when grace has ended: a write that never returns cannot be
// broken off, so its goroutine is left behind, with nothing more to do.
func (q *queue[T]) wait(grace <-chan struct{}) {
	select {
	case <-q.done:
		return
	default:
	}
	select {
	case <-q.done:
	case <-grace:
		q.abandoned.Store(true)
	}
}

// startGrace returns a channel that is closed after a while.
func startGrace(d time.Duration) (ended <-chan struct{}, stop func() bool) {
	c := make(chan struct{})
	return c, time.AfterFunc(d, func() { close(c) }).Stop
}
