//go:build rclgo

package rclgo

/*
#include <stdlib.h>
#include "rcl.h"
*/
import "C"

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

// waitable is what a waiter waits for. take is called on the waiter's goroutine when it is ready.
type waitable interface {
	entity() (kind C.uint32_t, c unsafe.Pointer)
	take()
}

// waiter is a goroutine that waits for waitables and takes from them.
type waiter struct {
	c     *C.struct_waiter
	graph *C.rcl_guard_condition_t // nil: does not wait for changes of the graph
	shut  atomic.Bool
	done  chan struct{}
	err   error // why it ended before it was stopped; read after done

	// gate is held by who is about to change the waitables, or to wait for them, so that a change
	// comes through between two waits. mu is held while waiting.
	gate, mu sync.Mutex
	items    []waitable // replaced as a whole
	list     []C.struct_waitable
	ready    []waitable // as the latest wait found
}

// forever is the timeout of a wait without one.
const forever = time.Duration(-1)

func newWaiter(context *C.rcl_context_t, graph *C.rcl_guard_condition_t) (*waiter, error) {
	w := &waiter{graph: graph, done: make(chan struct{})}
	if err := check(C.waiter_open(&w.c, context)); err != nil {
		return nil, err
	}
	return w, nil
}

// run takes from what is ready until the waiter is stopped. before is called after each wait,
// before anything is taken; it returns how long the next wait may last.
func (w *waiter) run(before func(graph bool) (timeout time.Duration)) {
	defer close(w.done)
	timeout := forever
	for {
		graph, err := w.wait(timeout)
		if w.shut.Load() {
			return
		}
		if err != nil {
			w.err = err
			return
		}
		timeout = before(graph)
		for _, i := range w.ready {
			i.take()
		}
	}
}

func (w *waiter) wait(timeout time.Duration) (graph bool, err error) {
	w.gate.Lock()
	w.mu.Lock()
	w.gate.Unlock()
	defer w.mu.Unlock()
	woken := C.waiter_wait(w.c, unsafe.SliceData(w.list), C.size_t(len(w.list)), w.graph, C.int64_t(timeout))
	w.ready = w.ready[:0]
	for i := range w.list {
		if w.list[i].ready != 0 {
			w.ready = append(w.ready, w.items[i])
		}
	}
	return bool(woken.graph), check(woken.outcome)
}

// wake ends the present wait, or the next one. It fails with the context only, which ends the
// waiter too.
func (w *waiter) wake() { _ = check(C.waiter_wake(w.c)) }

// change replaces the waitables, while nobody waits for them.
func (w *waiter) change(to func(items []waitable) []waitable) {
	w.gate.Lock()
	defer w.gate.Unlock()
	w.wake()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.items = to(slices.Clone(w.items))
	w.list = make([]C.struct_waitable, len(w.items))
	for i, item := range w.items {
		kind, c := item.entity()
		w.list[i] = C.struct_waitable{kind: kind, entity: c}
	}
}

func (w *waiter) add(items ...waitable) {
	if len(items) > 0 {
		w.change(func(old []waitable) []waitable { return append(old, items...) })
	}
}

func (w *waiter) remove(items ...waitable) {
	if len(items) > 0 {
		w.change(func(old []waitable) []waitable {
			return slices.DeleteFunc(old, func(w waitable) bool { return slices.Contains(items, w) })
		})
	}
}

// stop ends the goroutine and waits for it.
func (w *waiter) stop() error {
	w.shut.Store(true)
	w.wake()
	<-w.done
	return w.err
}

// close needs a waiter that has stopped, or never ran, and nobody that wakes it.
func (w *waiter) close() error { return check(C.waiter_close(w.c)) }
