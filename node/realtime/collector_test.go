package realtime_test

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"

	"guidedpolicysearch/node/realtime"
)

// settings of the collector at present.
func settings() (percent int, limit int64) {
	percent = debug.SetGCPercent(-1)
	debug.SetGCPercent(percent)
	return percent, debug.SetMemoryLimit(-1)
}

func collections() uint32 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.NumGC
}

var sink [][]byte

func TestQuietCollector(t *testing.T) {
	percent, limit := settings()
	if limit != math.MaxInt64 || percent <= 0 {
		t.Skipf("needs Go's own settings of the collector; this runs with GOGC=%d and a memory limit of %d", percent, limit)
	}
	c := realtime.NewQuietCollector(1 << 30)
	check := func(what string, quiet bool) {
		t.Helper()
		p, l := settings()
		if quiet && (p != -1 || l >= 1<<40 || l < 1<<30) || !quiet && (p != percent || l != limit) {
			t.Errorf("%s: percent %d, limit %d, quiet should be %v", what, p, l, quiet)
		}
	}
	c.End()
	check("an end without a beginning", false)
	before := collections()
	c.Begin()
	check("begun", true)
	if collections() == before {
		t.Error("the beginning collects nothing")
	}
	before = collections()
	for range 2000 {
		sink = append(sink[:0], make([]byte, 64<<10)) // 128 MB in all
	}
	if n := collections() - before; n != 0 {
		t.Errorf("%d collections while it should be quiet", n)
	}
	c.Begin()
	c.End()
	check("within two", true)
	c.End()
	check("ended", false)
	c.End()
	check("ended once more", false)
	c.Begin()
	check("begun again", true)
	c.End()
	check("ended again", false)
}

// A trial that makes more garbage than memory may grow by is not ended by the system.
func TestQuietCollectorHasANet(t *testing.T) {
	c := realtime.NewQuietCollector(16 << 20)
	c.Begin()
	defer c.End()
	before := collections()
	for range 16_000 {
		sink = append(sink[:0], make([]byte, 64<<10))
	}
	if collections() == before {
		t.Error("1 GB of garbage and no collection, though memory may grow by 16 MB")
	}
}

// A limit that somebody has set is not raised.
func TestQuietCollectorKeepsALowerLimit(t *testing.T) {
	const lower = 512 << 20
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(lower))
	c := realtime.NewQuietCollector(1 << 40)
	c.Begin()
	if _, limit := settings(); limit != lower {
		t.Errorf("limit %d, want %d", limit, lower)
	}
	c.End()
	if _, limit := settings(); limit != lower {
		t.Errorf("limit %d in the end, want %d", limit, lower)
	}
}

func TestQuietCollectorWithoutAllowancePanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	realtime.NewQuietCollector(0)
}
