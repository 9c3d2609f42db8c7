// Package rollouttest reads the rollouts of the reference vectors.
package rollouttest

import (
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// Rollouts returns the N rollouts of states x, N x (T+1) x dX, and actions u, N x T x dU.
func Rollouts(x, u vectors.Node) []*rollout.Rollout {
	N, T, dX, dU := u.Shape()[0], u.Shape()[1], x.Shape()[2], u.Shape()[2]
	all := make([]*rollout.Rollout, N)
	for n := range all {
		all[n] = rollout.New(T, dX, dU)
		copy(all[n].X, x.At(n).Floats(T+1, dX))
		copy(all[n].U, u.At(n).Floats(T, dU))
	}
	return all
}
