package realtime

import (
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// monotonic is CLOCK_MONOTONIC.
type monotonic struct {
	base time.Time
	at   int64 // CLOCK_MONOTONIC at base
	ts   unix.Timespec
}

// newMonotonic finds out where the clock of package time stands, which is the same clock from
// another beginning: it is read without a system call.
func newMonotonic() *monotonic {
	m := &monotonic{base: time.Now()}
	best := time.Duration(1<<63 - 1)
	for range 32 {
		before := time.Since(m.base)
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &m.ts); err != nil {
			panic("realtime: clock_gettime: " + err.Error()) // every Linux has this clock
		}
		if took := time.Since(m.base) - before; took < best {
			best, m.at = took, m.ts.Nano()-int64(before+took/2)
		}
	}
	return m
}

func (m *monotonic) now() int64 { return m.at + int64(time.Since(m.base)) }

// sleep makes a raw system call: for the reason, see the package documentation. The thread
// keeps its processor of the Go runtime meanwhile, and the runtime reaches it by a signal.
func (m *monotonic) sleep(until int64) {
	m.ts = unix.NsecToTimespec(until)
	unix.RawSyscall6(unix.SYS_CLOCK_NANOSLEEP, unix.CLOCK_MONOTONIC, unix.TIMER_ABSTIME, uintptr(unsafe.Pointer(&m.ts)), 0, 0, 0)
}

func (m *monotonic) yield() { runtime.Gosched() }
