package record

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// DiskError says what can be done about an error of writing about so many bytes to a path of a run: an
// ErrDisk with that, err itself where nothing is known, nil for nil.
func DiskError(path string, bytes int64, err error) error {
	dir := filepath.Dir(path)
	remedy := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		remedy = fmt.Sprintf("the disk is full: %s are needed, %s are free in %s; free some space (or raise the quota), then go on with this run folder", size(bytes), size(free(dir)), dir)
	case errors.Is(err, syscall.EFBIG):
		remedy = fmt.Sprintf("%s are more than a file may have: raise the limit on file sizes (ulimit -f), then go on with this run folder", size(bytes))
	case errors.Is(err, syscall.EROFS):
		remedy = fmt.Sprintf("%s is on a file system that is mounted read-only: mount it for writing, then go on with this run folder", dir)
	case errors.Is(err, fs.ErrPermission):
		remedy = fmt.Sprintf("%s may not be written by this user: change its permissions or owner, then go on with this run folder", dir)
	case errors.Is(err, syscall.EIO):
		remedy = fmt.Sprintf("the disk under %s fails: save what is there, and go on with a copy elsewhere", dir)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrNotExist):
		remedy = fmt.Sprintf("%s is not there any more, or no folder: put it back, then go on with this run folder", dir)
	default:
		return err
	}
	return fmt.Errorf("%w: %s: %s: %w", ErrDisk, path, remedy, err)
}

// size writes a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes < 0:
		return "an unknown number of bytes"
	case bytes < 10_000:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 10_000_000:
		return fmt.Sprintf("%d kB", (bytes+999)/1000)
	}
	return fmt.Sprintf("%d MB", (bytes+999_999)/1_000_000)
}

// free returns how many bytes can be written in a folder, -1 if that is not known.
func free(dir string) int64 {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return -1
	}
	return int64(s.Bavail) * s.Bsize
}
