package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// keepEarlier gives a recording that is there a second name, condition_0_sample_2.1.mcap
// or the next that is free, so that a repeated trial can take its place, and returns that; "" if
// nothing is there.
func keepEarlier(path string) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s.%d.mcap", strings.TrimSuffix(path, ".mcap"), n)
		err := os.Link(path, name)
		if err == nil {
			return name, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", fmt.Errorf("record: keeping the earlier recording: %w", err)
		}
	}
}

// earlierName takes the number off the name of an earlier recording.
var earlierName = regexp.MustCompile(`^(.*)\.\d+\.mcap$`)

// dropSecondNames takes the names away that keepEarlier gave to recordings which nothing took the
// place of, because the run was cut off just then: they would count twice. It returns a note for each.
func (r *Run) dropSecondNames() (notes []string, err error) {
	entries, err := r.list()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		m := earlierName.FindStringSubmatch(e.Path)
		if m == nil {
			continue
		}
		first, second := r.Path(m[1]+".mcap"), r.Path(e.Path)
		info, err := os.Lstat(first)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		if other, err := os.Lstat(second); err != nil {
			return nil, fmt.Errorf("record: %w", err)
		} else if !os.SameFile(info, other) {
			continue
		}
		if err := os.Remove(second); err != nil {
			return nil, fmt.Errorf("record: dropping the second name of a recording: %w", err)
		}
		if err := SyncDir(filepath.Dir(second)); err != nil {
			return nil, err
		}
		notes = append(notes, fmt.Sprintf("%s was about to be recorded again when the run was cut off: %s, its second name, is dropped", first, filepath.Base(second)))
	}
	return notes, nil
}
