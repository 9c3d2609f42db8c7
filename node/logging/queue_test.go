package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"
)

const patience = time.Minute

// inTime fails the test when f takes longer than any machine should.
func inTime(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal(what)
	}
}

// A terminal that stands still holds up neither the lines nor the end of a program.
func TestTerminalThatStandsStill(t *testing.T) {
	still, end := io.Pipe() // nobody reads
	defer still.Close()
	inTime(t, "a terminal that takes nothing stopped the program", func() {
		w := NewWriter(end)
		for range 3 * queueLength {
			fmt.Fprintln(w, "a line")
		}
		w.Close()
		if w.Dropped() < queueLength {
			t.Errorf("%d writes dropped, want at least %d", w.Dropped(), queueLength)
		}
		WriteError(end, "gps_node", errors.New("one\ntwo"))
	})
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b)
	w.grace = patience
	line := []byte("one\n")
	if n, err := w.Write(line); n != len(line) || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	copy(line, "two\n") // the writer keeps none of it
	w.Close()
	w.Close()
	fmt.Fprintln(w, "late")
	if b.String() != "one\n" || w.Dropped() != 1 {
		t.Errorf("wrote %q, dropped %d", b.String(), w.Dropped())
	}
	if w.Fd() != ^uintptr(0) {
		t.Errorf("descriptor %d of a buffer", w.Fd())
	}
	f := NewWriter(os.Stderr)
	defer f.Close()
	if f.Fd() != os.Stderr.Fd() {
		t.Errorf("descriptor %d, want that of the terminal, %d", f.Fd(), os.Stderr.Fd())
	}
}

func TestWriteError(t *testing.T) {
	var b bytes.Buffer
	WriteError(&b, "gps", errors.New("one\ntwo"))
	if b.String() != "gps: one\ngps: two\n" {
		t.Errorf("%q", b.String())
	}
}

// A queue is bounded in bytes too, and gives the room back.
func TestQueueBytes(t *testing.T) {
	q := newQueue(10, func(n int) int { return n })
	q.put(queueBytes)
	q.put(1)
	if len(q.items) != 1 || q.total() != 1 {
		t.Fatalf("%d items wait, %d lost; want 1 and 1", len(q.items), q.total())
	}
	handled := make(chan int)
	var notices []uint64
	go q.run(func(n int) { handled <- n }, func(dropped uint64) { notices = append(notices, dropped) })
	<-handled
	// The room is free once the next item can be had.
	inTime(t, "no room came free", func() {
		for q.put(2); len(handled) == 0; {
			select {
			case <-handled:
				return
			default:
				q.put(2)
			}
		}
	})
	q.close()
	inTime(t, "the queue did not end", func() {
		for {
			select {
			case <-handled:
			case <-q.done:
				return
			}
		}
	})
	if len(notices) == 0 {
		t.Error("nobody was told of what was dropped")
	}
}
