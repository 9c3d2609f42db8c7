package main

import (
	"errors"
	"io/fs"

	"github.com/spf13/cobra"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/dataset"
	"guidedpolicysearch/node/inspection"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/policyfile"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/replay"
)

// What the exit status says.
const (
	statusFailed     = 1
	statusArguments  = 2
	statusNotLearned = 3
	statusDamaged    = 4
)

// exitStatusTopic is what `gps help exit-status` prints.
func exitStatusTopic() *cobra.Command {
	return &cobra.Command{
		Use:   "exit-status",
		Short: "What the exit status of each command says",
		Long: `The exit status of every command:
  0    done
  1    failed: the error is on standard error
  2    wrong arguments or parameters, or a file that they name is not there: nothing was done
  3    done, but not learned: the final cost is above the reference's (demo)
  4    what was to be read is damaged, or not what was expected (inspect, replay, report, import, export):
       the error says where
  130  interrupted (Ctrl-C, SIGTERM or SIGHUP)

Of gps param they are those of ros2 param, for which a value that the node refuses is no failure.

With --json the last line of standard output is one JSON object, or array, also where the exit status
of inspect is 4 ("damaged" and "error" say why) and that of params check is 2; everything else goes to
standard error.`,
	}
}

// status gives an error of something that reads files its exit status: by whether arguments are wrong,
// or what they name.
func status(err error) error {
	is := func(list ...error) bool {
		for _, e := range list {
			if errors.Is(err, e) {
				return true
			}
		}
		return false
	}
	switch {
	case is(record.ErrDamaged, record.ErrNotRun, record.ErrShape, checkpoint.ErrDamaged, checkpoint.ErrVersion, policy.ErrDamaged, policy.ErrVersion,
		inspection.ErrDamaged, inspection.ErrForeign, dataset.ErrMixed, replay.ErrIncomplete, learner.ErrOtherRun):
		return exitStatus{statusDamaged, err}
	case is(node.ErrReplay, params.ErrInvalid, replay.ErrNothing, dataset.ErrFormat, dataset.ErrEmpty, dataset.ErrExists, record.ErrNotEmpty,
		policyfile.ErrExport, fs.ErrNotExist):
		return exitStatus{statusArguments, err}
	}
	return exitStatus{statusFailed, err}
}

// trainStatus gives an error of training its exit status: the arguments are wrong where --out is the
// folder of something else, or the run that is to go on is of another problem. It is left as it is.
func trainStatus(err error) error {
	if errors.Is(err, node.ErrRunThere) || errors.Is(err, record.ErrNotEmpty) || errors.Is(err, learner.ErrOtherRun) {
		return exitStatus{statusArguments, err}
	}
	return exitStatus{statusFailed, err}
}
