package realtime

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The clock is CLOCK_MONOTONIC, though it is read in another way.
func TestClockIsTheSystems(t *testing.T) {
	clock := newMonotonic()
	read := func() int64 {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			t.Fatal(err)
		}
		return ts.Nano()
	}
	const apart = 20_000 // ns, by which finding out where it stands may be wrong
	for range 1000 {
		before, now, after := read(), clock.now(), read()
		if now < before-apart || now > after+apart {
			t.Fatalf("%d, between %d and %d of the system", now, before, after)
		}
	}
}
