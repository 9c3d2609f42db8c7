package simrobot

import (
	"time"

	"golang.org/x/sys/unix"
)

// nap sleeps for d, or less after a signal, in the kernel: it is late by its timer slack,
// 50 us, where Go's timers are by up to 1 ms.
func nap(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil) // a signal: the caller looks at the clock
}
