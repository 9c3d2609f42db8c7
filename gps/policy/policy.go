package policy

import (
	"errors"
	"fmt"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// ErrInvalid marks a policy, or settings, that cannot be used: sizes that do not fit, or numbers
// that are not finite or out of range.
var ErrInvalid = errors.New("policy: invalid")

// Policy gives actions for states. One goroutine at a time; Fork is for others.
type Policy interface {
	// Sizes returns the number of actions T and the sizes of state and action.
	Sizes() (T, dX, dU int)
	// Act writes the action to dst (dU), in the robot's unit, for the state x (dX) and
	// 0 <= t < T. noise (dU) is standard normal; nil asks for the mean action. Other shapes
	// panic. It does not allocate, and does not check numbers: a NaN of x reaches dst, where
	// the caller checks.
	Act(dst, x []float64, t int, noise []float64)
	// Validate returns an error if sizes do not fit or numbers are not finite.
	Validate() error
}

// Fork returns a policy of the same numbers for another goroutine. Numbers are shared: nobody may
// set them meanwhile. A policy of a kind that this package does not know panics.
func Fork(p Policy) Policy {
	switch p := p.(type) {
	case *lqg.Controller:
		return p // Act keeps nothing
	case *Network:
		return p.Fork()
	case *NearestNeighbour:
		return p.Fork()
	case *Mixture:
		return p.Fork()
	}
	panic(fmt.Sprintf("policy: cannot fork a %T", p))
}

// Means returns the mean actions of p at the samples' states, N x T x dU. Samples of other sizes
// than the policy's panic. Where a state leads to an action that is not finite the error wraps
// ErrInvalid and names sample and time step.
func Means(p Policy, samples []*rollout.Rollout) ([]float64, error) {
	T, dX, dU := p.Sizes()
	checkSamples(samples, T, dX, dU)
	means := make([]float64, len(samples)*T*dU)
	for n, s := range samples {
		for t := range T {
			p.Act(means[(n*T+t)*dU:(n*T+t+1)*dU], s.State(t), t, nil)
		}
	}
	if i := dense.FirstNotFinite(means); i >= 0 {
		return nil, fmt.Errorf("%w: the mean action is %v at time step %d of sample %d, action %d: check the policy's numbers and the sample's states", ErrInvalid, means[i], i/dU%T, i/dU/T, i%dU)
	}
	return means, nil
}

// checkSamples panics unless all samples have the given sizes.
func checkSamples(samples []*rollout.Rollout, T, dX, dU int) {
	for n, s := range samples {
		if s.T != T || s.DX != dX || s.DU != dU || len(s.X) < T*dX {
			panic(fmt.Sprintf("policy: sample %d has T=%d dX=%d dU=%d and %d states' numbers, the policy or controller T=%d dX=%d dU=%d", n, s.T, s.DX, s.DU, len(s.X), T, dX, dU))
		}
	}
}

// checkAct panics unless the arguments of Act have the policy's sizes.
func checkAct(kind string, T, dX, dU int, dst, x []float64, t int, noise []float64) {
	if len(dst) != dU || len(x) != dX || noise != nil && len(noise) != dU || uint(t) >= uint(T) {
		panicAct(kind, T, dX, dU, len(dst), len(x), t, len(noise))
	}
}

func panicAct(kind string, T, dX, dU, dst, x, t, noise int) {
	panic(fmt.Sprintf("policy: %s of T=%d dX=%d dU=%d acts at time step %d on %d states with %d numbers of noise into %d actions", kind, T, dX, dU, t, x, noise, dst))
}

func block(a []float64, i, size int) []float64 { return a[i*size : (i+1)*size : (i+1)*size] }

// addNoise adds L e to u for the lower factor l, n x n.
func addNoise(u, l, e []float64, scale float64) {
	n := len(u)
	for i := range n {
		s := 0.0
		for j, v := range l[i*n : i*n+i+1] {
			s += v * e[j]
		}
		u[i] += scale * s
	}
}

// multiply adds scale K x to u, K being len(u) x len(x).
func multiply(u, gain, x []float64, scale float64) {
	n := len(x)
	for i := range u {
		s := 0.0
		for j, v := range gain[i*n : (i+1)*n] {
			s += v * x[j]
		}
		u[i] += scale * s
	}
}

// checkSelection returns an error wrapping ErrInvalid unless the list names entries of x, each at
// most once.
func checkSelection(what string, list []int, dX int) error {
	seen := make([]bool, dX)
	for i, j := range list {
		if uint(j) >= uint(dX) {
			return fmt.Errorf("%w: %s %d is entry %d of a state of %d", ErrInvalid, what, i, j, dX)
		}
		if seen[j] {
			return fmt.Errorf("%w: %s %d is entry %d of the state, which is there already", ErrInvalid, what, i, j)
		}
		seen[j] = true
	}
	return nil
}

// every returns the list, or 0..dX-1 for nil.
func every(list []int, dX int) []int {
	if list != nil {
		return append([]int{}, list...)
	}
	list = make([]int, dX)
	for i := range list {
		list[i] = i
	}
	return list
}
