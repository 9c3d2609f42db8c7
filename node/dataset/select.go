package dataset

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"guidedpolicysearch/node/record"
)

// Selection says which trials of a run are meant.
type Selection struct {
	// Iterations count from 1, Conditions from 0; empty for all.
	Iterations, Conditions []int
}

// recording is one trial's file.
type recording struct {
	path                         string // relative to the run
	iteration, condition, sample int
}

// list returns the recordings of the selection in order of iteration, condition and sample. Only the
// names of files are looked at. The error wraps ErrEmpty if there is none.
func (s Selection) list(f *record.Folder) ([]recording, error) {
	entries, err := os.ReadDir(f.Path(record.RolloutsDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("dataset: %w", err)
	}
	var all []recording
	for _, e := range entries {
		var iteration int
		if n, err := fmt.Sscanf(e.Name(), "iteration_%d", &iteration); n != 1 || err != nil || !e.IsDir() || len(s.Iterations) > 0 && !slices.Contains(s.Iterations, iteration) {
			continue
		}
		paths, err := f.Rollouts(uint32(iteration))
		if err != nil {
			return nil, err
		}
		for _, path := range paths {
			r := recording{path: path, iteration: iteration}
			if _, err := fmt.Sscanf(filepath.Base(path), "condition_%d_sample_%d", &r.condition, &r.sample); err != nil {
				return nil, fmt.Errorf("dataset: %s: %w", path, err) // Rollouts matched it
			}
			if len(s.Conditions) == 0 || slices.Contains(s.Conditions, r.condition) {
				all = append(all, r)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w in %s%s", ErrEmpty, f.Dir(), s)
	}
	slices.SortStableFunc(all, func(a, b recording) int { return cmp.Compare(a.iteration, b.iteration) })
	return all, nil
}

func (s Selection) String() string {
	text := ""
	if len(s.Iterations) > 0 {
		text += fmt.Sprintf(" of the iterations %v", s.Iterations)
	}
	if len(s.Conditions) > 0 {
		text += fmt.Sprintf(" of the conditions %v", s.Conditions)
	}
	return text
}
