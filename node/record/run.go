package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Run writes a run folder. One process at a time holds it; its methods are for one
// goroutine at a time.
type Run struct {
	Folder
	lock    *os.File
	payload []byte // of the rollout, kept for its capacity
}

// NewRunDir makes a folder in base that is named for the time now, and returns its
// path. Two callers never get the same one.
func NewRunDir(base string) (string, error) {
	if err := os.MkdirAll(base, 0o777); err != nil {
		return "", fmt.Errorf("record: %w", err)
	}
	name := filepath.Join(base, time.Now().Format("2006-01-02_15-04-05"))
	for dir, n := name, 2; ; n++ {
		err := os.Mkdir(dir, 0o777)
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("record: %w", err)
		}
		dir = fmt.Sprintf("%s_%d", name, n)
	}
}

// Create starts a run in a folder that is empty or not there yet; else it returns an
// ErrNotEmpty, or an ErrLocked.
func Create(dir string) (*Run, error) { return create(dir, RolloutsDir, CheckpointsDir) }

// CreateFlat is Create for a run without trials: its folder holds files only, and it cannot
// be gone on with.
func CreateFlat(dir string) (*Run, error) { return create(dir) }

func create(dir string, folders ...string) (*Run, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	// Look before taking the lock too: no lock file is left in a folder of something else.
	if err := checkEmpty(dir); err != nil {
		return nil, err
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	if err := fill(dir, folders); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &Run{Folder: Folder{dir}, lock: lock}, nil
}

// fill makes the folders of a run.
func fill(dir string, folders []string) error {
	if err := checkEmpty(dir); err != nil {
		return err
	}
	for _, name := range folders {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			return fmt.Errorf("record: %w", err)
		}
	}
	return syncDir(dir)
}

// checkEmpty returns an ErrNotEmpty if a folder holds more than a lock.
func checkEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	for _, e := range entries {
		if e.Name() != lockFile {
			return fmt.Errorf("%w: %s holds %s; choose a new folder, or resume that run", ErrNotEmpty, dir, e.Name())
		}
	}
	return nil
}

// Open goes on with a run. notes say what a crash had left behind and what became of
// it. Errors are ErrNotRun, ErrLocked, or of the file system.
func Open(dir string) (run *Run, notes []string, err error) {
	folder, err := View(dir)
	if err != nil {
		return nil, nil, err
	}
	lock, err := acquire(dir)
	if err != nil {
		return nil, nil, err
	}
	run = &Run{Folder: *folder, lock: lock}
	if notes, err = run.clean(); err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	return run, notes, nil
}

// clean removes temporary files and mends the end of the iterations' file.
func (r *Run) clean() (notes []string, err error) {
	removed, err := r.remove(append([]string{temporary("*"), filepath.Join(RolloutsDir, "*", temporary("*"))}, halfPolicies()...))
	if err != nil {
		return nil, err
	}
	for _, path := range removed {
		notes = append(notes, fmt.Sprintf("removed %s, which was being written when the run was cut off", path))
	}
	note, err := r.mendIterations()
	if note != "" {
		notes = append(notes, note)
	}
	return notes, err
}

// CleanPolicies removes the policies that a learner was writing when it ended; none may be running.
func (r *Run) CleanPolicies() error {
	_, err := r.remove(halfPolicies())
	return err
}

// halfPolicies matches policies that are being written: by package policy, which has temporary names
// of its own.
func halfPolicies() []string {
	return []string{PolicyFile + ".*.tmp", filepath.Join(PoliciesDir, "*.tmp")}
}

// remove removes the files that match patterns, and returns their paths.
func (r *Run) remove(patterns []string) (removed []string, err error) {
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(escapeGlob(r.dir), pattern))
		if err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		for _, path := range paths {
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("record: %w", err)
			}
			removed = append(removed, path)
		}
	}
	return removed, nil
}

// escapeGlob makes a path match only itself.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// mendIterations ends the last line of the iterations' file if it is whole, else cuts
// it off.
func (r *Run) mendIterations() (note string, err error) {
	path := r.Path(IterationsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("record: %w", err)
	}
	whole := bytes.LastIndexByte(data, '\n') + 1
	last := data[whole:]
	switch {
	case len(last) == 0:
		return "", nil
	case json.Valid(last):
		return "", r.WriteFile(IterationsFile, append(data, '\n'))
	}
	note = fmt.Sprintf("cut off %d bytes at the end of %s, which were being written when the run was cut off", len(last), path)
	return note, r.WriteFile(IterationsFile, data[:whole])
}

// Close lets other processes write the folder.
func (r *Run) Close() error {
	if err := r.lock.Close(); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// AppendIteration appends v as a line of JSON to the iterations' file and syncs it.
func (r *Run) AppendIteration(v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("record: line of an iteration: %w", err)
	}
	f, err := os.OpenFile(r.Path(IterationsFile), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return syncDir(r.dir)
}

// WriteFile writes a file of the run, name relative to it, whole or not at all.
func (r *Run) WriteFile(name string, data []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("record: path %q is not inside the run folder", name)
	}
	return writeAtomic(r.Path(name), func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
}
