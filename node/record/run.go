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
	bag     bag
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
		return nil, DiskError(dir, 0, fmt.Errorf("record: %w", err))
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
			return DiskError(filepath.Join(dir, name), 0, fmt.Errorf("record: %w", err))
		}
	}
	return SyncDir(dir)
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
	notes, err = run.clean()
	if err == nil {
		var left []string
		left, err = run.bag.open(folder)
		notes = append(notes, left...)
	}
	if err == nil {
		err = run.WriteMetadata()
	}
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	return run, notes, nil
}

// clean sets temporary files aside, drops second names of recordings and mends the end of the iterations' file.
func (r *Run) clean() (notes []string, err error) {
	notes, err = r.setAside(append([]string{temporary("*"), filepath.Join(RolloutsDir, temporary("*")), filepath.Join(RolloutsDir, "*", temporary("*"))}, halfPolicies()...))
	if err != nil {
		return nil, err
	}
	names, err := r.dropSecondNames()
	if err != nil {
		return nil, err
	}
	notes = append(notes, names...)
	note, err := r.mendIterations()
	if note != "" {
		notes = append(notes, note)
	}
	return notes, err
}

// CleanPolicies sets the policies aside that a learner was writing when it ended; none may be
// running.
func (r *Run) CleanPolicies() error {
	_, err := r.setAside(halfPolicies())
	return err
}

// halfPolicies matches policies that are being written: by package policy, which has temporary names
// of its own.
func halfPolicies() []string {
	return []string{PolicyFile + ".*.tmp", filepath.Join(PoliciesDir, "*.tmp")}
}

// setAside sets the files aside that match patterns, and returns a note for each.
func (r *Run) setAside(patterns []string) (notes []string, err error) {
	for _, pattern := range patterns {
		paths, err := filepath.Glob(filepath.Join(escapeGlob(r.dir), pattern))
		if err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		for _, path := range paths {
			relative, err := filepath.Rel(r.dir, path)
			if err != nil {
				return nil, fmt.Errorf("record: %w", err)
			}
			to, err := r.SetAside(relative)
			if err != nil {
				return nil, err
			}
			notes = append(notes, fmt.Sprintf("%s was being written when the run was cut off: what there is of it is now %s", path, r.Path(to)))
		}
	}
	return notes, nil
}

// escapeGlob makes a path match only itself.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}

// mendIterations ends the last line of the iterations' file if it is whole, else cuts
// it off.
func (r *Run) mendIterations() (note string, err error) {
	path := r.Path(IterationsFile)
	data, err := ReadFile(path, MaxIterations)
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
	to, err := r.asidePath(IterationsFile)
	if err != nil {
		return "", err
	}
	if err := r.WriteFile(to, last); err != nil {
		return "", err
	}
	note = fmt.Sprintf("cut off %d bytes at the end of %s, which were being written when the run was cut off: they are now in %s", len(last), path, r.Path(to))
	return note, r.WriteFile(IterationsFile, data[:whole])
}

// Close makes the rollouts a whole bag, and lets other processes write the folder.
func (r *Run) Close() error {
	err := r.WriteMetadata()
	if closeErr := r.lock.Close(); closeErr != nil {
		err = errors.Join(err, fmt.Errorf("record: %w", closeErr))
	}
	return err
}

// owned returns an error that wraps ErrLocked if the lock that this process has is not the folder's any
// more: somebody removed its file, and another process may write.
func (r *Run) owned() error {
	if _, err := os.Stat(r.dir); err != nil {
		return nil // writing tells
	}
	path := r.Path(lockFile)
	ours, err := r.lock.Stat()
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if there, err := os.Stat(path); err != nil || !os.SameFile(ours, there) {
		return fmt.Errorf("%w: %s was removed or replaced while this process wrote the run, and another one may write it now; the run can be gone on with when none does", ErrLocked, path)
	}
	return nil
}

// AppendIteration appends v as a line of JSON to the iterations' file and syncs it, and writes the
// bag's metadata anew. The error wraps ErrLocked if the folder's lock was removed, ErrDisk if the disk
// does not take it.
func (r *Run) AppendIteration(v any) error {
	if err := r.owned(); err != nil {
		return err
	}
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("record: line of an iteration: %w", err)
	}
	path := r.Path(IterationsFile)
	if err := appendLine(path, append(line, '\n')); err != nil {
		return DiskError(path, int64(len(line)), fmt.Errorf("record: %w", err))
	}
	if err := SyncDir(r.dir); err != nil {
		return err
	}
	return r.WriteMetadata()
}

// appendLine appends to a file and syncs it. What was there of a line that was not taken as a whole is
// cut off, or the next one would go on in it.
func appendLine(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	if _, err = f.Write(line); err == nil {
		err = f.Sync()
	}
	if err != nil {
		err = errors.Join(err, f.Truncate(info.Size()))
	}
	return errors.Join(err, f.Close())
}

// WriteFile writes a file of the run, name relative to it, whole or not at all.
func (r *Run) WriteFile(name string, data []byte) error {
	if !filepath.IsLocal(name) {
		return fmt.Errorf("record: path %q is not inside the run folder", name)
	}
	err := writeAtomic(r.Path(name), func(f *os.File) error {
		_, err := f.Write(data)
		return err
	})
	return DiskError(r.Path(name), int64(len(data)), err)
}

// Restore writes a file of the run, name relative to it, if it was removed, and tells whether it was. The
// error wraps ErrLocked if the folder's lock was removed too: then the folder may be another process's.
func (r *Run) Restore(name string, data []byte) (removed bool, err error) {
	if _, err := os.Stat(r.Path(name)); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("record: %w", err)
	}
	if err := r.owned(); err != nil {
		return true, err
	}
	return true, r.WriteFile(name, data)
}
