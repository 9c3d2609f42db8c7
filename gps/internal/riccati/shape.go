package riccati

import (
	"fmt"

	"guidedpolicysearch/gps/internal/kernel"
)

// shape holds the sizes of the blocks of one time step.
type shape struct {
	dX, dU int
	pu     int // rows of u, padded
	px     int // rows of x, padded
	pz     int // rows of z = [x; 1], padded
	rows   int // of [u; z], pu + pz
	used   int // of rows, without the padding of z
}

func newShape(dX, dU int) shape {
	if dX < 1 || dU < 1 {
		panic(fmt.Sprintf("riccati: need dX, dU >= 1, got dX=%d dU=%d", dX, dU))
	}
	s := shape{dX: dX, dU: dU, pu: kernel.Pad(dU), px: kernel.Pad(dX), pz: kernel.Pad(dX + 1)}
	s.rows, s.used = s.pu+s.pz, s.pu+dX+1
	return s
}

// mustLast panics unless two parts are for the same number of steps.
func mustLast(T int, what string, other int) {
	if T != other {
		panic(fmt.Sprintf("riccati: pass over T=%d with %s of T=%d", T, what, other))
	}
}

// mustEqual panics unless a part is for the same sizes.
func (s shape) mustEqual(o shape, what string) {
	if s != o {
		panic(fmt.Sprintf("riccati: pass for dX=%d dU=%d with %s of dX=%d dU=%d", s.dX, s.dU, what, o.dX, o.dU))
	}
}

// reversed returns the place of action i, which is also the action at place i.
func (s shape) reversed(i int) int { return s.dU - 1 - i }
