// Package checkpoint stores the state of a learning run between iterations.
//
// A checkpoint is a file checkpoint_NNNN.gps: a header line "GPSCHECKPOINT <version>
// <payload bytes> <SHA-256 of the payload, hex>\n" and the payload, encoding/gob of a
// Checkpoint. It is written to a temporary name, synced and renamed, so that a file of
// that name is whole; one that was damaged later is told by its checksum.
package checkpoint

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"guidedpolicysearch/gps/algorithm"
)

// Version is the format that Save writes and Load reads.
const Version = 1

// maxPayload bounds what Load reads, in bytes.
const maxPayload = 1 << 30

// ErrDamaged marks a file that is no whole checkpoint of this version.
var ErrDamaged = errors.New("checkpoint: damaged file")

// ErrVersion marks a checkpoint of a version that this program does not read.
var ErrVersion = errors.New("checkpoint: unknown version")

// ErrNone marks a folder without a readable checkpoint.
var ErrNone = errors.New("checkpoint: none found")

// WriteError says that a checkpoint of a size could not be written; the earlier ones are untouched.
type WriteError struct {
	Path  string
	Bytes int64
	Err   error // of the file system
}

func (e *WriteError) Error() string { return fmt.Sprintf("checkpoint: write %s: %v", e.Path, e.Err) }

func (e *WriteError) Unwrap() error { return e.Err }

// Checkpoint is what a run needs to go on after an iteration.
type Checkpoint struct {
	State *algorithm.State
	// StateNames names the entries of x, ActionNames those of u.
	StateNames, ActionNames []string
}

// Name returns the file name of the checkpoint after an iteration.
func Name(iteration int) string { return fmt.Sprintf("checkpoint_%04d.gps", iteration) }

// Save writes the checkpoint of its state's iteration to dir and returns the path. What the file system
// refuses is a *WriteError.
func Save(dir string, c *Checkpoint) (path string, err error) {
	var payload bytes.Buffer
	if err := gob.NewEncoder(&payload).Encode(c); err != nil {
		return "", fmt.Errorf("checkpoint: encode iteration %d: %w", c.State.Iteration, err)
	}
	path = filepath.Join(dir, Name(c.State.Iteration))
	sum := sha256.Sum256(payload.Bytes())
	head := fmt.Sprintf("GPSCHECKPOINT %d %d %s\n", Version, payload.Len(), hex.EncodeToString(sum[:]))
	if err := write(path, head, payload.Bytes()); err != nil {
		return "", &WriteError{path, int64(len(head) + payload.Len()), err}
	}
	return path, nil
}

// write makes a file appear whole.
func write(path, head string, payload []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.WriteString(head)
	if err == nil {
		_, err = f.Write(payload)
	}
	err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(path))
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Load reads a checkpoint. Errors wrap ErrDamaged or ErrVersion, or are those of the
// file system.
func Load(path string) (*Checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, fmt.Errorf("%w: %s is no regular file", ErrDamaged, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	defer f.Close()
	r := bufio.NewReader(io.LimitReader(f, maxPayload))
	line, err := r.ReadSlice('\n')
	if err != nil {
		return nil, fmt.Errorf("%w: %s has no header line", ErrDamaged, path)
	}
	var version int
	var size int64
	var digest string
	if _, err := fmt.Sscanf(string(line), "GPSCHECKPOINT %d %d %64s\n", &version, &size, &digest); err != nil {
		return nil, fmt.Errorf("%w: %s begins with %.40q, want a GPSCHECKPOINT header", ErrDamaged, path, line)
	}
	if version != Version {
		return nil, fmt.Errorf("%w: %s is of version %d, this program reads %d: use the program that wrote it, or a newer one", ErrVersion, path, version, Version)
	}
	if rest := info.Size() - int64(len(line)); size != rest || size > maxPayload {
		return nil, fmt.Errorf("%w: %s should hold %d bytes after its header, holds %d", ErrDamaged, path, size, rest)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return nil, fmt.Errorf("checkpoint: read %s: %w", path, err)
	}
	if sum := sha256.Sum256(payload); hex.EncodeToString(sum[:]) != digest {
		return nil, fmt.Errorf("%w: the checksum of %s does not match", ErrDamaged, path)
	}
	c := new(Checkpoint)
	if err := gob.NewDecoder(bytes.NewReader(payload)).Decode(c); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	if c.State == nil {
		return nil, fmt.Errorf("%w: %s holds no state", ErrDamaged, path)
	}
	return c, nil
}

// Latest returns the readable checkpoint of the highest iteration in dir, and an error
// per file that was passed over. It returns ErrNone if there is none.
func Latest(dir string) (c *Checkpoint, passed []error, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("checkpoint: %w", err)
	}
	var names []string
	for _, e := range entries {
		if n := e.Name(); strings.HasPrefix(n, "checkpoint_") && strings.HasSuffix(n, ".gps") {
			names = append(names, n)
		}
	}
	// The names sort by iteration up to 9999 and by length beyond.
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(b, a))
	})
	for _, name := range names {
		c, err := Load(filepath.Join(dir, name))
		if err == nil {
			return c, passed, nil
		}
		passed = append(passed, err)
	}
	return nil, passed, fmt.Errorf("%w in %s", ErrNone, dir)
}
