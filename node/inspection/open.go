package inspection

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/node/record"
)

// peek is how much of a file is read to tell what it is, in bytes.
const peek = 4096

// Open describes what is at a path. Errors wrap ErrForeign or ErrDamaged, or are those of the file
// system. A folder of which something is damaged is described, and Damaged says so. There is a report
// also with an error, unless nothing is at the path: it has the path, the size, the kind where that is
// known, and the error's text.
func Open(path string) (*Report, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("inspection: %w", err)
	}
	r := &Report{Path: path, Kind: KindUnknown, Bytes: info.Size(), Damaged: []string{}}
	if info.IsDir() {
		err = r.openFolder()
	} else {
		err = r.openPath(info)
	}
	switch {
	case errors.Is(err, ErrDamaged):
		r.damaged("%v", err)
	case err != nil:
		r.Kind, r.Error = KindUnknown, err.Error()
	}
	return r, err
}

// openPath describes what is no folder.
func (r *Report) openPath(info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s is %v, expected a file or a folder", ErrForeign, r.Path, info.Mode())
	}
	head, err := headOf(r.Path)
	if err != nil {
		return err
	}
	return r.openFile(head)
}

func headOf(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("inspection: %w", err)
	}
	defer f.Close()
	head := make([]byte, peek)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("inspection: %w", err)
	}
	return head[:n], nil
}

// openFile describes a file by how it begins.
func (r *Report) openFile(head []byte) (err error) {
	switch {
	case len(head) == 0:
		return fmt.Errorf("%w: %s is empty", ErrDamaged, r.Path)
	case bytes.HasPrefix(head, []byte("GPSCHECKPOINT ")):
		r.Kind = KindCheckpoint
		r.Checkpoint, err = openCheckpoint(r.Path, head)
	case bytes.HasPrefix(head, []byte("GPSPOLICY ")):
		r.Kind = KindPolicy
		r.Policy, err = openPolicy(r.Path, head)
	case bytes.HasPrefix(head, mcap.Magic):
		r.Kind = KindBag
		err = r.openMCAP()
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		r.Kind = KindIntermediates
		if r.Intermediates, err = openIntermediates(r.Path); err == nil && r.Intermediates.rollouts() {
			r.Kind, r.Dataset, r.Intermediates = KindDataset, &Dataset{Arrays: r.Intermediates.Groups}, nil
		}
	case isModel(head):
		r.Kind = KindModel
		r.Model, err = openModel(r.Path, r.Bytes)
	case isParameters(r.Path, head):
		r.Kind = KindParameters
		r.Parameters, err = openParameters(r.Path)
	default:
		return fmt.Errorf("%w: %s begins with %.40q: expected a run folder, a checkpoint, a bag (a folder, or .mcap), a policy (.gps), an ONNX model, a parameter file (.yaml), intermediates or a dataset of rollouts (.npz)", ErrForeign, r.Path, head)
	}
	return err
}

// openFolder describes a folder by what it holds.
func (r *Report) openFolder() (err error) {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(r.Path, name))
		return err == nil
	}
	if folder, err := record.View(r.Path); err == nil {
		r.Kind = KindRun
		return r.openRun(folder)
	} else if !errors.Is(err, record.ErrNotRun) {
		return err
	}
	switch {
	case has(record.MetadataFile):
		r.Kind = KindBag
		return r.openBagFolder()
	case has(record.ParamsFile) && has(record.IterationsFile):
		r.Kind = KindTrajectory
		r.Bytes = sizeOf(r.Path)
		r.Trajectory, err = openTrajectory(r.Path)
		return err
	case has(record.ParamsFile):
		return fmt.Errorf("%w: %s has %s, but no %s: a run that was cut off before its first trial, or lost it", ErrDamaged, r.Path, record.ParamsFile, record.RolloutsDir)
	}
	return fmt.Errorf("%w: %s is a folder without %s (a run has it) and without %s (a bag has it: `ros2 bag reindex %s` makes it)", ErrForeign, r.Path, record.RolloutsDir, record.MetadataFile, r.Path)
}

// sizeOf adds up the files below a folder.
func sizeOf(dir string) (total int64) {
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil // what cannot be read has no size that is known
		}
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
