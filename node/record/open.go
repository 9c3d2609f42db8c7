package record

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Bounds of files in a run folder, in bytes: of the iterations' file, and of one with parameters.
const (
	MaxIterations = 1 << 30
	MaxParams     = 1 << 26
)

// OpenFile opens a file for reading that has at most so many bytes. What is no file is an error that
// wraps ErrDamaged, as a larger one is: a pipe would be waited for without end. Other errors are those
// of the file system.
func OpenFile(path string, most int64) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: %s: expected a file, it is %s", ErrDamaged, path, fs.FormatFileInfo(info))
	}
	if info.Size() > most {
		return nil, fmt.Errorf("%w: %s: it has %d bytes, expected at most %d", ErrDamaged, path, info.Size(), most)
	}
	return os.Open(path)
}

// ReadFile reads a file that OpenFile opens.
func ReadFile(path string, most int64) ([]byte, error) {
	f, err := OpenFile(path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}
