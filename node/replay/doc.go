// Package replay makes the updates of a recorded run again, from its rollouts, under other
// parameters or the same, and says what comes out otherwise.
//
// The learner is the one of the run (learner.Core), on a folder of its own that refers to the
// recordings: what is replayed is what a run would have done, checkpoints and policies included, and
// the run's folder is only read. By itself each update begins with the recorded checkpoint before it,
// and its rollouts were drawn by just those controllers. In a chain each update begins with what the
// replayed one before it left: then only the rollouts of the first iteration were drawn by the
// controllers that are improved, and those of later ones by the recorded controllers, off-policy.
//
// With the run's own parameters every checkpoint has to come out byte for byte.
package replay

import "errors"

var (
	// ErrNothing marks a run, or an iteration, of which there is nothing to replay.
	ErrNothing = errors.New("replay: nothing to replay")
	// ErrIncomplete marks an iteration some of whose rollouts are missing or do not suit the run.
	ErrIncomplete = errors.New("replay: incomplete iteration")
)
