package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SetAsideDir has what a crash left half-written, by the path that it had in the run.
const SetAsideDir = "set_aside"

// SetAside moves a file of the run, path relative to it, into the folder set_aside, where nothing is
// overwritten, and returns where it is now, relative to the run. The dot that hides a temporary
// file is left out of its name.
func (r *Run) SetAside(path string) (string, error) {
	if !filepath.IsLocal(path) {
		return "", fmt.Errorf("record: path %q is not inside the run folder", path)
	}
	to, err := r.asidePath(path)
	if err != nil {
		return "", err
	}
	// The lock is held: nobody else takes the name between.
	if err := os.Rename(r.Path(path), r.Path(to)); err != nil {
		return "", fmt.Errorf("record: setting a half-written file aside: %w", err)
	}
	return to, SyncDir(filepath.Dir(r.Path(to)))
}

// asidePath makes the folder for something to set aside, and returns a path that is free.
func (r *Run) asidePath(path string) (string, error) {
	dir, name := filepath.Split(path)
	to := filepath.Join(SetAsideDir, dir, strings.TrimPrefix(name, "."))
	if err := os.MkdirAll(filepath.Dir(r.Path(to)), 0o777); err != nil {
		return "", fmt.Errorf("record: %w", err)
	}
	for n := 0; ; n++ {
		free := to
		if n > 0 {
			free = fmt.Sprintf("%s.%d", to, n)
		}
		if _, err := os.Lstat(r.Path(free)); errors.Is(err, fs.ErrNotExist) {
			return free, nil
		} else if err != nil {
			return "", fmt.Errorf("record: %w", err)
		}
	}
}
