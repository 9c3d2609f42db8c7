package realtime

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A wait sleeps: it uses no processor.
func TestEventSleeps(t *testing.T) {
	used := func() time.Duration {
		var r unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_THREAD, &r); err != nil {
			t.Fatal(err)
		}
		return time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	onThread(func() {
		e := NewEvent()
		before := used()
		for range 3 {
			e.Wait(100 * time.Millisecond)
		}
		if took := used() - before; took > 10*time.Millisecond {
			t.Errorf("three waits of 100 ms used %v of a processor", took)
		}
	})
}
