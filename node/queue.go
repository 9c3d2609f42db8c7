package node

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// queue passes lines on to a terminal that may stand still (a full pipe, a stopped
// terminal, ^S) from a goroutine of its own: writing to it never waits. What does not fit
// is dropped.
type queue struct {
	to    io.Writer
	lines chan []byte
	done  chan struct{}
}

// queueLength is how many lines may wait.
const queueLength = 4096

// closeGrace is how long close waits for what is still in the queue.
const closeGrace = 500 * time.Millisecond

func newQueue(to io.Writer) *queue {
	q := &queue{to: to, lines: make(chan []byte, queueLength), done: make(chan struct{})}
	go func() {
		defer close(q.done)
		for line := range q.lines {
			// A terminal that is gone must not stop an arm.
			_, _ = q.to.Write(line)
		}
	}()
	return q
}

// Write implements io.Writer; it never fails. One goroutine at a time, and not after close.
func (q *queue) Write(p []byte) (int, error) {
	select {
	case q.lines <- append([]byte(nil), p...):
	default:
	}
	return len(p), nil
}

// Fd returns the descriptor of the terminal behind the queue, or of none: programs ask it
// whether that is a terminal, and how wide.
func (q *queue) Fd() uintptr {
	if f, ok := q.to.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// close ends the queue: what is in it is written, within a grace period.
func (q *queue) close() {
	close(q.lines)
	select {
	case <-q.done:
	case <-time.After(closeGrace):
	}
}

// WriteError writes an error of a program, each of its lines with the program's name, and
// waits for a terminal that stands still no longer than a grace period.
func WriteError(w io.Writer, program string, err error) {
	q := newQueue(w)
	defer q.close()
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(q, "%s: %s\n", program, line)
	}
}
