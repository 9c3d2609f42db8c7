//go:build !linux

package realtime

import "runtime"

// Thread is a goroutine that is locked to its thread.
type Thread struct{ released bool }

// Adopt locks the calling goroutine to its thread. Priorities and locked memory are available
// on Linux only, which is told in notes. Settings that Validate refuses panic.
func Adopt(cfg Config) (t *Thread, notes []string) {
	if err := cfg.Validate(); err != nil {
		panic(err)
	}
	runtime.LockOSThread()
	if cfg.Priority > 0 || cfg.LockMemory || cfg.CPU >= 0 {
		notes = append(notes, "the control loop has no real-time priority: it is available on Linux only, this is "+runtime.GOOS)
	}
	return &Thread{}, notes
}

// Companions does nothing here.
func (t *Thread) Companions() (notes []string) { return nil }

// Release undoes what Adopt did, on the same goroutine. Calling it twice does nothing.
func (t *Thread) Release() {
	if !t.released {
		t.released = true
		runtime.UnlockOSThread()
	}
}
