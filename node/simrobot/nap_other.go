//go:build !linux

package simrobot

import "time"

// nap sleeps for d.
func nap(d time.Duration) { time.Sleep(d) }
