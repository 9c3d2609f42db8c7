package replay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// checkpointPath returns where the checkpoint after an iteration is.
func checkpointPath(f *record.Folder, iteration int) string {
	return f.Path(filepath.Join(record.CheckpointsDir, checkpoint.Name(iteration)))
}

// finished returns how many iterations of a run have a checkpoint, without a gap.
func finished(f *record.Folder) (int, error) {
	for n := 1; ; n++ {
		if _, err := os.Stat(checkpointPath(f, n)); errors.Is(err, fs.ErrNotExist) {
			return n - 1, nil
		} else if err != nil {
			return 0, fmt.Errorf("replay: %w", err)
		}
	}
}

// workFolder is a run folder for the learner, whose rollouts are those of another run.
type workFolder struct {
	*record.Folder
	source *record.Folder
	// place puts a file of the source in this folder.
	place func(from, to string) error
}

// newWorkFolder makes a folder below the one for temporary files. It refers to the source's files.
func newWorkFolder(source *record.Folder) (*workFolder, error) {
	dir, err := os.MkdirTemp("", "gps-replay-")
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	for _, name := range []string{record.RolloutsDir, record.CheckpointsDir} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			return nil, errors.Join(fmt.Errorf("replay: %w", err), os.RemoveAll(dir))
		}
	}
	folder, err := record.View(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &workFolder{folder, source, os.Symlink}, nil
}

// keptFolder is the folder of a run that is to be kept: it has copies of the rollouts.
func keptFolder(source *record.Folder, out *record.Run) *workFolder {
	return &workFolder{&out.Folder, source, copyFile}
}

// bring puts files of the source, paths relative to the run, in the folder.
func (w *workFolder) bring(paths ...string) error {
	for _, path := range paths {
		from, err := filepath.Abs(w.source.Path(path))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(w.Path(path)), 0o777)
		}
		if err == nil {
			err = w.place(from, w.Path(path))
		}
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
	}
	return nil
}

// copyFile copies a file that is not there yet.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// update makes the update that comes next in the folder, which has the checkpoints before it and its
// rollouts. notes are the learner's, for people.
func (w *workFolder) update(ctx context.Context, p *learner.Problem, iteration int) (r *learner.Report, notes []string, err error) {
	core, notes, err := learner.NewCore(p, w.Folder)
	if err != nil {
		return nil, notes, err
	}
	if core.Iteration() != iteration {
		return nil, notes, fmt.Errorf("%w: the learner goes on with iteration %d, expected %d: %s", ErrIncomplete, core.Iteration(), iteration, strings.Join(notes, "; "))
	}
	r, err = core.Update(ctx)
	if failed := core.Close(); failed != nil {
		notes = append(notes, failed.Error())
	}
	if err != nil {
		return nil, notes, fmt.Errorf("replay: iteration %d: %w", iteration, err)
	}
	if r == nil {
		recorded, total := core.Trials()
		if len(notes) == 0 {
			return nil, notes, fmt.Errorf("%w: %d of the %d rollouts of iteration %d are recorded", ErrIncomplete, recorded, total, iteration)
		}
		return nil, notes, fmt.Errorf("%w: %d of the %d rollouts of iteration %d can be used: %s", ErrIncomplete, recorded, total, iteration, strings.Join(notes, "; "))
	}
	return r, append(notes, r.Warnings...), nil
}

// say adds to what the run of the folder, out if it is kept, said of its iterations. Policies have it.
func (w *workFolder) say(r *learner.Report, out *record.Run) error {
	if out != nil {
		return out.AppendIteration(r)
	}
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	f, err := os.OpenFile(w.Path(record.IterationsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// reports reads what a run said of its iterations, by their numbers; what cannot be read is left out.
func reports(f *record.Folder) (map[int]*learner.Report, error) {
	all := map[int]*learner.Report{}
	in, err := record.OpenFile(f.Path(record.IterationsFile), record.MaxIterations)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	defer in.Close()
	for decoder := json.NewDecoder(in); ; {
		r := new(learner.Report)
		if err := decoder.Decode(r); err != nil {
			return all, nil
		}
		all[r.Iteration] = r
	}
}
