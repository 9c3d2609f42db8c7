package inspection

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"guidedpolicysearch/node/record"
)

// Intermediates are those of an update.
type Intermediates struct {
	// Arrays counts them; Groups are the first parts of their names.
	Arrays int      `json:"arrays"`
	Groups []string `json:"groups"`
}

// Dataset is an NPZ file of rollouts, as gps export writes it.
type Dataset struct {
	Arrays []string `json:"arrays"`
}

// rollouts says whether the arrays are those of a dataset: an update's intermediates have none of these names.
func (i *Intermediates) rollouts() bool {
	return slices.Contains(i.Groups, "states") && slices.Contains(i.Groups, "noise_seed")
}

func openIntermediates(path string) (*Intermediates, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
	}
	defer z.Close()
	i := new(Intermediates)
	seen := map[string]bool{}
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("%w: %s is a ZIP archive that holds %q, and no NPZ file, which holds .npy alone", ErrForeign, path, f.Name)
		}
		i.Arrays++
		if err := readThrough(f); err != nil {
			return nil, fmt.Errorf("%w: %s: %s: %w", ErrDamaged, path, f.Name, err)
		}
		if group := strings.Split(name, "/")[0]; !seen[group] {
			seen[group] = true
			i.Groups = append(i.Groups, group)
		}
	}
	return i, nil
}

// readThrough reads a file of an archive, so that its checksum is compared.
func readThrough(f *zip.File) error {
	content, err := f.Open()
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, content)
	return errors.Join(err, content.Close())
}

// readIntermediates counts a run's intermediates, and compares the checksums of as many, the latest
// first, as take so many bytes; of the rest the index alone is read. last is the latest iteration that
// the run knows of.
func (r *Report) readIntermediates(folder *record.Folder, left int64, last int) {
	list, err := listSealed(folder.Path(record.IntermediatesDir), "iteration_%d.npz", func(k int) string { return filepath.Base(record.IntermediatesPath(k)) }, nil)
	if err != nil {
		r.damaged("%v", err)
		return
	}
	r.Run.Intermediates = len(list)
	wrong := 0
	for _, f := range list {
		err := checkIntermediates(f.path, left)
		switch {
		case errors.Is(err, errUnread):
			r.Run.Unread++
			r.Run.UnreadBytes += f.bytes
			err = nil
		case errors.Is(err, fs.ErrNotExist): // another writer has taken it away
			err = nil
		default:
			left -= f.bytes
		}
		// An update's are written before its iteration is reported.
		if err == nil && f.iteration > last+1 {
			err = fmt.Errorf("%s: of iteration %d, and the run has done %d: it is of another run; move it there", f.path, f.iteration, last)
		}
		if err == nil {
			continue
		}
		if wrong++; wrong <= maxNamed {
			r.damaged("%v", err)
		}
	}
	if wrong > maxNamed {
		r.damaged("and %d more intermediates", wrong-maxNamed)
	}
}

// checkIntermediates reads the index of a file, and all of it unless that is more than so many bytes.
func checkIntermediates(path string, most int64) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is %v, expected a file", path, info.Mode())
	}
	if info.Size() <= most {
		_, err = openIntermediates(path)
	} else if z, failed := zip.OpenReader(path); failed == nil {
		return errors.Join(errUnread, z.Close())
	} else {
		err = fmt.Errorf("%w: %s: %w", ErrDamaged, path, failed)
	}
	if err != nil {
		return fmt.Errorf("%w; no run needs it: remove it, or make it again by gps replay RUN --all --out ANOTHER", err)
	}
	return nil
}
