//go:build !race

// The race detector keeps shadows of all memory, whose pages are new too.

package trial_test

import (
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"guidedpolicysearch/node/trial"
)

// Memory of a record is there before the first tick writes to it: a page that is new costs a tick
// more than its whole computation may.
func TestRecordHasItsPages(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	faults := func() int64 {
		var u unix.Rusage
		if err := unix.Getrusage(unix.RUSAGE_THREAD, &u); err != nil {
			t.Fatal(err)
		}
		return u.Minflt
	}
	const T, dX, dU = 50_000, 26, 7
	r := trial.NewRecord(T, dX, dU)
	fill := func(list []float64) {
		for i := range list {
			list[i] = 1
		}
	}
	for _, c := range []struct {
		name  string
		write func()
	}{
		{"states", func() { fill(r.Rollout.X) }},
		{"actions", func() { fill(r.Rollout.U) }},
		{"commanded", func() { fill(r.Commanded) }},
		{"ages", func() { fill(r.Ages) }},
		{"stamps", func() {
			for i := range r.Stamps {
				r.Stamps[i] = 1
			}
		}},
		{"lost", func() {
			for i := range r.Lost {
				r.Lost[i] = 1
			}
		}},
	} {
		before := faults()
		c.write()
		if n := faults() - before; n > 2 {
			t.Errorf("%s: %d pages are new when they are written", c.name, n)
		}
	}
}
