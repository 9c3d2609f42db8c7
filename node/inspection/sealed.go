package inspection

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/record"
)

// maxSealed bounds what is read of a run's checkpoints, policies and intermediates, in bytes: a fraction of a second.
const maxSealed = 64 << 20

// sealedFile is a checkpoint or a policy of a run: its first line has its length and its SHA-256.
type sealedFile struct {
	path      string
	iteration int
	latest    bool // what the run goes on with, or its policy
	bytes     int64
	load      func(path string) error // says what is wrong with it
}

func loadCheckpoint(path string) error {
	_, err := checkpoint.Load(path)
	return err
}

func loadPolicy(path string) error {
	_, err := policy.Load(path)
	return err
}

// readSealed counts the checkpoints and policies, and compares lengths and checksums: the latest of each
// first, then from the last iteration back, as far as maxSealed goes. It returns what is left of that, and
// the iteration of the latest checkpoint.
func (r *Report) readSealed(folder *record.Folder) (left int64, last int, err error) {
	checkpoints, err := listSealed(folder.Path(record.CheckpointsDir), "checkpoint_%d.gps", checkpoint.Name, loadCheckpoint)
	if err != nil {
		return 0, 0, err
	}
	policies, err := listSealed(folder.Path(record.PoliciesDir), "policy_%d.gps", func(k int) string { return filepath.Base(record.PolicyPath(k)) }, loadPolicy)
	if err != nil {
		return 0, 0, err
	}
	if len(checkpoints) > 0 {
		last = checkpoints[0].iteration
	}
	r.Run.Checkpoints, r.Run.Policies = len(checkpoints), len(policies)
	for i, c := range checkpoints {
		r.Run.Sizes[record.CheckpointsDir] += c.bytes
		checkpoints[i].latest = i == 0
	}
	all := append(checkpoints, policies...)
	if info, err := os.Stat(folder.Path(record.PolicyFile)); err == nil {
		all = append(all, sealedFile{folder.Path(record.PolicyFile), 0, true, info.Size(), loadPolicy})
	}
	slices.SortStableFunc(all, func(a, b sealedFile) int {
		switch {
		case a.latest == b.latest:
			return cmp.Compare(b.iteration, a.iteration)
		case a.latest:
			return -1
		}
		return 1
	})
	left = maxSealed
	wrong := 0
	buffer := make([]byte, 1<<16)
	for _, f := range all {
		err := f.check(left, buffer)
		switch {
		case errors.Is(err, errUnread):
			r.Run.Unread++
			r.Run.UnreadBytes += f.bytes
			continue
		case errors.Is(err, fs.ErrNotExist): // another writer has taken it away
		case err != nil:
			if wrong++; wrong <= maxNamed {
				r.damaged("%v", err)
			}
		}
		left -= f.bytes
	}
	if wrong > maxNamed {
		r.damaged("and %d more checkpoints and policies", wrong-maxNamed)
	}
	return left, last, nil
}

// listSealed returns the files of a folder that have the name of an iteration, the last one first.
func listSealed(dir, pattern string, name func(iteration int) string, load func(path string) error) ([]sealedFile, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("inspection: %w", err)
	}
	var list []sealedFile
	for _, e := range entries {
		f := sealedFile{path: filepath.Join(dir, e.Name()), load: load}
		if _, err := fmt.Sscanf(e.Name(), pattern, &f.iteration); err != nil || e.Name() != name(f.iteration) {
			continue
		}
		if info, err := e.Info(); err == nil { // else it is gone by now
			f.bytes = info.Size()
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b sealedFile) int { return cmp.Compare(b.iteration, a.iteration) })
	return list, nil
}

// errUnread says that a file has the length which it states, and that its checksum was not computed.
var errUnread = errors.New("not read as a whole")

// check compares the length of a file, and its checksum unless that takes more than so many bytes; the
// buffer is to read into. The latest is decoded, too. What is wrong is said as who loads the file says it.
func (f *sealedFile) check(most int64, buffer []byte) error {
	whole, err := f.whole(most, buffer)
	if err != nil && !errors.Is(err, errUnread) {
		return err
	}
	if whole && (!f.latest || err != nil) {
		return err
	}
	return f.load(f.path)
}

// whole tells whether length and checksum are those of the first line.
func (f *sealedFile) whole(most int64, buffer []byte) (bool, error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() {
		return false, fmt.Errorf("%s is %v, expected a file", f.path, info.Mode())
	}
	in, err := os.Open(f.path)
	if err != nil {
		return false, err
	}
	defer in.Close()
	head := make([]byte, 256)
	if n, err := in.ReadAt(head, 0); errors.Is(err, io.EOF) {
		head = head[:n]
	} else if err != nil {
		return false, err
	}
	begin := int64(bytes.IndexByte(head, '\n') + 1)
	var word, sum string
	var version int
	var length int64
	if _, err := fmt.Sscanf(string(head[:begin]), "%s %d %d %64s\n", &word, &version, &length, &sum); err != nil || length != info.Size()-begin {
		return false, nil
	}
	if info.Size() > most {
		return true, errUnread
	}
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, io.NewSectionReader(in, begin, length), buffer); err != nil {
		return false, err
	}
	return hex.EncodeToString(hash.Sum(nil)) == sum, nil
}
