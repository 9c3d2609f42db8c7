//go:build !linux

package realtime

import (
	"runtime"
	"time"
)

// monotonic is the clock of package time.
type monotonic struct{ base time.Time }

func newMonotonic() *monotonic { return &monotonic{time.Now()} }

func (m *monotonic) now() int64 { return int64(time.Since(m.base)) }

func (m *monotonic) sleep(until int64) { time.Sleep(time.Duration(until - m.now())) }

func (m *monotonic) yield() { runtime.Gosched() }
