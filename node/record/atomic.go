package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// temporary returns the name of a file while it is being written.
func temporary(name string) string { return "." + name + ".tmp" }

// writeAtomic makes a file appear whole: write fills it under a temporary name in the
// same folder, then it is synced and renamed, and the folder synced. On an error the
// temporary file is removed and an earlier file of the name stays.
func writeAtomic(path string, write func(*os.File) error) error {
	tmp := filepath.Join(filepath.Dir(path), temporary(filepath.Base(path)))
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		return fmt.Errorf("record: writing %s: %w", path, errors.Join(err, os.Remove(tmp)))
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes new names in a folder outlast a crash of the machine.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("record: syncing %s: %w", dir, err)
	}
	return nil
}

// acquire takes the lock of a run folder. The kernel gives it back when the process
// ends, however it ends.
func acquire(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockFile)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o666)
	if err != nil {
		return nil, DiskError(path, 0, fmt.Errorf("record: %w", err))
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = fmt.Errorf("%w: another process writes %s; stop it, or choose another folder", ErrLocked, dir)
	} else {
		err = fmt.Errorf("record: locking %s: %w", path, err)
	}
	return nil, errors.Join(err, f.Close())
}
