package replay

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
)

// Options says what is replayed.
type Options struct {
	// Source is the folder of the recorded run; it is only read.
	Source *record.Folder
	// Robot is the run's.
	Robot *robot.Robot
	// Task is the run's under the parameters of the replay. Earlier are those under the parameters
	// that the run had before they were set on its way; an update by itself that does not come out as
	// recorded is tried under them too.
	Task    Task
	Earlier []Task
	// Iteration is the one that is replayed, from 1; 0 for all.
	Iteration int
	// Chain makes each update go on from the replayed one before, instead of the recorded one.
	Chain bool
	// Changed are the parameters with other values, as name=value.
	Changed []string
	// Out is the run that a chain is kept as; nil for none.
	Out *record.Run
}

// Task returns the problem of a run's first conditions, of which an early update knew fewer than a
// later one.
type Task func(conditions int) (*learner.Problem, error)

// replaying is a replay that goes on.
type replaying struct {
	Options
	reports map[int]*learner.Report
	// work is the folder of a chain.
	work *workFolder
	// history is a copy of what the run said of its iterations, for updates by themselves.
	history string
	result  *Result
	// parted says that the chain has left the recorded one.
	parted bool
}

// Run replays. progress is called after each iteration. Errors wrap ErrNothing or ErrIncomplete, or
// are those of checkpoints, recordings and the learner; what was replayed before is returned with
// them.
func Run(ctx context.Context, o Options, progress func(done, total int)) (*Result, error) {
	first, last, err := o.span()
	if err != nil {
		return nil, err
	}
	r := &replaying{Options: o, result: &Result{Run: o.Source.Dir(), Changed: slices.Clone(o.Changed), Chain: o.Chain}}
	if r.result.Changed == nil {
		r.result.Changed = []string{}
	}
	if r.reports, err = reports(o.Source); err != nil {
		return nil, err
	}
	if o.Chain {
		if err := r.openChain(); err != nil {
			return nil, err
		}
		if o.Out == nil {
			defer os.RemoveAll(r.work.Dir())
		}
	} else {
		if err := r.copyHistory(); err != nil {
			return nil, err
		}
		defer os.Remove(r.history)
	}
	for k := first; k <= last && err == nil; k++ {
		if err = r.iteration(ctx, k); err == nil {
			progress(k-first+1, last-first+1)
		}
	}
	r.result.Verdict = r.result.verdict()
	return r.result, err
}

// span returns the first and the last iteration.
func (o *Options) span() (first, last int, err error) {
	count, err := finished(o.Source)
	if err != nil {
		return 0, 0, err
	}
	switch {
	case count == 0:
		return 0, 0, fmt.Errorf("%w: %s holds no checkpoint of a finished iteration", ErrNothing, o.Source.Dir())
	case o.Iteration == 0:
		return 1, count, nil
	case o.Iteration < 1 || o.Iteration > count:
		return 0, 0, fmt.Errorf("%w: iteration %d of %s, which has 1 to %d", ErrNothing, o.Iteration, o.Source.Dir(), count)
	}
	return o.Iteration, o.Iteration, nil
}

func (r *replaying) openChain() (err error) {
	if r.Out != nil {
		r.work, r.result.Out = keptFolder(r.Source, r.Out), r.Out.Dir()
		return nil
	}
	r.work, err = newWorkFolder(r.Source)
	return err
}

// copyHistory copies the iterations' file; it is empty where there is none.
func (r *replaying) copyHistory() error {
	text, err := record.ReadFile(r.Source.Path(record.IterationsFile), record.MaxIterations)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replay: %w", err)
	}
	f, err := os.CreateTemp("", "gps-replay-*.jsonl")
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	r.history = f.Name()
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}

// iteration replays iteration k.
func (r *replaying) iteration(ctx context.Context, k int) error {
	recorded, err := checkpoint.Load(checkpointPath(r.Source, k))
	if err != nil {
		return err
	}
	paths, err := r.Source.Rollouts(uint32(k))
	if err != nil {
		return err
	}
	samples, err := r.samples(paths, len(recorded.State.Conditions))
	if err != nil {
		return err
	}
	it := Iteration{Iteration: k, OffPolicy: r.parted}
	if report := r.reports[k]; report != nil {
		it.Recorded.set(report)
	}
	it.Recorded.PredictedImprovement = predicted(recorded.State)
	state, err := r.again(ctx, k, len(recorded.State.Conditions), paths, &it)
	if err != nil {
		return err
	}
	it.Replayed.PredictedImprovement = predicted(state)
	it.Distance, it.Conditions = distances(state, recorded.State, samples)
	it.PolicyDistance = policies(state, recorded.State, samples)
	if len(it.Conditions) == 1 {
		it.Conditions = nil // it is the mean
	}
	if it.Identical {
		r.result.Identical++
	}
	r.parted = r.parted || r.Chain && !it.Identical
	r.result.OffPolicy = r.result.OffPolicy || it.OffPolicy
	r.result.Iterations = append(r.result.Iterations, it)
	return nil
}

// again makes update k of so many conditions, under the first task that makes it as it was, or else
// under the replay's.
func (r *replaying) again(ctx context.Context, k, conditions int, paths []string, it *Iteration) (*algorithm.State, error) {
	problem, err := r.Task(conditions)
	if err != nil {
		return nil, fmt.Errorf("replay: iteration %d, of %d conditions: %w", k, conditions, err)
	}
	state, report, err := r.try(ctx, problem, k, paths, &it.Identical)
	if err != nil {
		return nil, err
	}
	if !r.Chain {
		for _, task := range r.Earlier {
			if it.Identical {
				break
			}
			p, err := task(conditions)
			if err != nil {
				continue // of fewer conditions
			}
			// They may be of a later iteration too, and then of other trials.
			if earlier, say, err := r.try(ctx, p, k, paths, &it.Identical); err == nil && it.Identical {
				state, report = earlier, say
			}
		}
	}
	it.Replayed.set(report)
	return state, nil
}

// try makes update k under a problem, and tells whether it came out as recorded.
func (r *replaying) try(ctx context.Context, p *learner.Problem, k int, paths []string, identical *bool) (state *algorithm.State, report *learner.Report, err error) {
	work := r.work
	if !r.Chain {
		if work, err = newWorkFolder(r.Source); err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(work.Dir())) }()
		if err := r.begin(work, k); err != nil {
			return nil, nil, err
		}
	}
	if err := work.bring(paths...); err != nil {
		return nil, nil, err
	}
	report, notes, err := work.update(ctx, p, k)
	for _, n := range notes {
		if !slices.Contains(r.result.Notes, n) {
			r.result.Notes = append(r.result.Notes, n)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if r.Chain {
		if err := work.say(report, r.Out); err != nil {
			return nil, nil, err
		}
	}
	made, err := checkpoint.Load(checkpointPath(work.Folder, k))
	if err != nil {
		return nil, nil, err
	}
	*identical, err = sameFiles(r.Source, work.Folder, k)
	return made.State, report, err
}

// begin makes the folder of an update by itself what the run's was before it.
func (r *replaying) begin(work *workFolder, k int) error {
	var before []string
	if k > 1 {
		path := filepath.Join(record.CheckpointsDir, checkpoint.Name(k-1))
		if _, err := checkpoint.Load(r.Source.Path(path)); err != nil { // the learner would pass it over, and begin anew
			return err
		}
		before = append(before, path)
	}
	// A copy: the learner's folder must not lead to where it could write in the run's.
	if err := os.Symlink(r.history, work.Path(record.IterationsFile)); err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	return work.bring(before...)
}

// samples reads an iteration's rollouts, by condition.
func (r *replaying) samples(paths []string, conditions int) ([][]*rollout.Rollout, error) {
	all := make([][]*rollout.Rollout, conditions)
	for _, path := range paths {
		m, err := r.Source.ReadRollout(path)
		if err != nil {
			return nil, err
		}
		s, err := rosio.ReadRollout(m, r.Robot)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Source.Path(path), err)
		}
		if int(m.Condition) < conditions {
			all[m.Condition] = append(all[m.Condition], s)
		}
	}
	return all, nil
}
