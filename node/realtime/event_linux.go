package realtime

import (
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// States of an event.
const (
	unset uint32 = iota
	set
	awaited
)

// Event wakes one goroutine, which has the thread of a control loop, when another one has
// something for it, such as a joint state in a Latest. Going through a channel, the wake-up would
// pass through two more threads of the Go runtime; this is a futex(2), waited for in a raw
// system call, for the reasons of Timer.
type Event struct {
	state   atomic.Uint32
	clock   *monotonic
	yielded int64 // when the Go runtime last had its way
	until   unix.Timespec
}

// NewEvent returns an event that is not set.
func NewEvent() *Event {
	e := &Event{clock: newMonotonic()}
	e.yielded = e.clock.now()
	return e
}

const (
	futexWaitBitset = 9 | futexPrivate // FUTEX_WAIT_BITSET, whose time-out is a time of CLOCK_MONOTONIC
	futexWake       = 1 | futexPrivate
	futexPrivate    = 128
	anyBit          = 1<<32 - 1 // FUTEX_BITSET_MATCH_ANY
)

// Set has the present Wait return, or the next one. Any goroutine may call it.
func (e *Event) Set() {
	if e.state.Swap(set) == awaited {
		unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&e.state)), futexWake, 1, 0, 0, 0)
	}
}

// Wait returns true as soon as the event is set, which it then is no more, and false when that
// has not happened for a time. Sets between two waits count as one. It is for one goroutine, and
// does not allocate.
func (e *Event) Wait(timeout time.Duration) bool {
	now := e.clock.now()
	until := now + int64(timeout)
	for {
		if e.state.CompareAndSwap(set, unset) {
			return true
		}
		if now >= until {
			return false
		}
		if now-e.yielded >= int64(yieldAfter) {
			// Right after a tick the next joint state is as far as it gets.
			runtime.Gosched()
			e.yielded = e.clock.now()
		}
		if e.state.CompareAndSwap(unset, awaited) {
			e.until = unix.NsecToTimespec(until)
			unix.RawSyscall6(unix.SYS_FUTEX, uintptr(unsafe.Pointer(&e.state)), futexWaitBitset, uintptr(awaited), uintptr(unsafe.Pointer(&e.until)), 0, anyBit)
			e.state.CompareAndSwap(awaited, unset)
		}
		now = e.clock.now()
	}
}
