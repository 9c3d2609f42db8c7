package logging

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Writer passes writes on to a terminal that may stand still (a full pipe, a stopped
// terminal, ^S) from a goroutine of its own: writing to it never waits. What does not fit
// is dropped.
type Writer struct {
	to    io.Writer
	queue *queue[[]byte]
	grace time.Duration
}

// NewWriter returns a writer in front of to, which Close ends.
func NewWriter(to io.Writer) *Writer {
	w := &Writer{to: to, grace: closeGrace, queue: newQueue(queueLength, func(p []byte) int { return len(p) })}
	go w.queue.run(func(p []byte) {
		// A terminal that is gone must not stop an arm.
		_, _ = w.to.Write(p)
	}, nil)
	return w
}

// Write implements io.Writer; it never fails.
func (w *Writer) Write(p []byte) (int, error) {
	w.queue.put(append([]byte(nil), p...))
	return len(p), nil
}

// Fd returns the descriptor of the terminal behind the writer, or of none: programs ask it
// whether that is a terminal, and how wide.
func (w *Writer) Fd() uintptr {
	if f, ok := w.to.(interface{ Fd() uintptr }); ok {
		return f.Fd()
	}
	return ^uintptr(0)
}

// Dropped is how many writes found no room.
func (w *Writer) Dropped() uint64 { return w.queue.total() }

// Close passes on what is waiting, within a grace period of half a second. Later writes are
// dropped.
func (w *Writer) Close() {
	w.queue.close()
	ended, stop := startGrace(w.grace)
	defer stop()
	w.queue.wait(ended)
}

// WriteError writes an error of a program, each of its lines with the program's name, and
// waits for a terminal that stands still no longer than a grace period.
func WriteError(w io.Writer, program string, err error) {
	q := NewWriter(w)
	defer q.Close()
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintf(q, "%s: %s\n", program, line)
	}
}
