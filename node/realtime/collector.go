package realtime

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// QuietCollector puts off the collection of garbage while an arm moves. A process has at most
// one, whose methods may be called from any goroutine.
type QuietCollector struct {
	mu        sync.Mutex
	allowance int64
	depth     int
	percent   int   // before
	memory    int64 // before
	sample    []metrics.Sample
}

// NewQuietCollector returns one that lets memory grow by allowance bytes before garbage is
// collected all the same: the net under a trial that makes more of it than it should. allowance
// must be positive.
func NewQuietCollector(allowance int64) *QuietCollector {
	if allowance <= 0 {
		panic(fmt.Sprintf("realtime: memory may grow by %d bytes while no garbage is collected, expected more than 0", allowance))
	}
	return &QuietCollector{allowance: allowance, sample: []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}}
}

// Begin collects now, and then no more until End. It takes milliseconds and is called before an
// arm moves. Between several calls and as many of End, the first and the last count.
func (c *QuietCollector) Begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.depth++; c.depth > 1 {
		return
	}
	runtime.GC()
	c.memory = debug.SetMemoryLimit(-1)
	// What debug.SetMemoryLimit counts.
	metrics.Read(c.sample)
	used := int64(c.sample[0].Value.Uint64() - c.sample[1].Value.Uint64())
	debug.SetMemoryLimit(min(c.memory, used+c.allowance))
	c.percent = debug.SetGCPercent(-1)
}

// End has garbage collected again as before Begin. Without a Begin it does nothing.
func (c *QuietCollector) End() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.depth == 0 {
		return
	}
	if c.depth--; c.depth > 0 {
		return
	}
	debug.SetGCPercent(c.percent)
	debug.SetMemoryLimit(c.memory)
}
