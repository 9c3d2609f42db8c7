package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// Source is a run with what its folder does not say by itself.
type Source struct {
	Folder *record.Folder
	// Cost is that of the run's task; nil where it is not known.
	Cost *learner.SampleCost
	// Prismatic are the joints that slide.
	Prismatic []string
}

// Summary says what was written.
type Summary struct {
	Run string `json:"run"`
	// Files are the paths of what was written, Bytes their size.
	Files []string `json:"files"`
	Bytes int64    `json:"bytes"`
	// Trials and Rows count what is in them, time steps for Rows.
	Trials int `json:"trials"`
	Rows   int `json:"rows"`
	// States, Actions name and Units, of the states, measure the numbers.
	States  []string `json:"states"`
	Units   []string `json:"state_units"`
	Actions []string `json:"actions"`
	// Costs says whether the trials' costs are known.
	Costs bool `json:"costs"`
}

// table takes rows.
type table interface {
	write(row []Value) error
	close() error
}

// Export writes the selected trials to a file, by the ending of its name .csv, .parquet or .npz, or,
// where the name has no ending, to a new folder of CSV files. A file of that name is replaced.
// progress is called after each trial. Errors wrap ErrFormat, ErrEmpty, ErrMixed or ErrExists, or are
// those of the recordings and the file system; then nothing is left behind.
func Export(ctx context.Context, s Source, selected Selection, dest string, progress func(done, total int)) (*Summary, error) {
	list, err := selected.list(s.Folder)
	if err != nil {
		return nil, err
	}
	e := &export{ctx: ctx, list: list, progress: progress, reader: reader{folder: s.Folder, cost: s.Cost, names: Names{Prismatic: s.Prismatic}},
		summary: &Summary{Run: s.Folder.Dir(), Costs: s.Cost != nil}}
	switch extension := filepath.Ext(dest); extension {
	case ".csv":
		err = e.csvFile(dest)
	case ".parquet":
		err = e.parquetFile(dest)
	case ".npz":
		err = e.npzFile(dest)
	case "":
		err = e.csvFolder(dest)
	default:
		err = fmt.Errorf("%w: %s: expected a name that ends in .csv, .parquet or .npz (.onnx for a policy), or one without an ending for a folder of CSV files", ErrFormat, dest)
	}
	if err != nil {
		return nil, err
	}
	n := &e.reader.names
	e.summary.States, e.summary.Units, e.summary.Actions = n.States, n.stateUnits(), n.Joints
	return e.summary, nil
}

// export is an export that goes on.
type export struct {
	ctx      context.Context
	reader   reader
	list     []recording
	progress func(done, total int)
	summary  *Summary
}

// each reads the trials and passes them on.
func (e *export) each(take func(*trial) error) error {
	for i, rec := range e.list {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		t, err := e.reader.read(rec)
		if err == nil {
			err = take(t)
		}
		if err != nil {
			return err
		}
		e.summary.Trials++
		e.summary.Rows += int(t.Rollout.Steps) + 1
		e.progress(i+1, len(e.list))
	}
	return nil
}

// learnNames reads the first trial for the names of its columns.
func (e *export) learnNames() error {
	_, err := e.reader.read(e.list[0])
	return err
}

func (e *export) csvFile(dest string) error {
	if err := e.learnNames(); err != nil {
		return err
	}
	columns := e.reader.names.longColumns()
	beside := strings.TrimSuffix(dest, ".csv") + ".columns.csv"
	if _, err := os.Lstat(dest); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(beside); err == nil {
			return fmt.Errorf("%w: %s, which would describe the columns of %s: choose another name", ErrExists, beside, dest)
		}
	}
	err := e.whole(dest, func(w io.Writer) error {
		t, err := newCSVTable(w, columns)
		if err != nil {
			return err
		}
		return e.long(t)
	})
	if err != nil {
		return err
	}
	return e.whole(beside, func(w io.Writer) error {
		name := filepath.Base(dest)
		return writeColumns(w, map[string][]Column{name: columns}, name)
	})
}

func (e *export) parquetFile(dest string) error {
	if err := e.learnNames(); err != nil {
		return err
	}
	return e.whole(dest, func(w io.Writer) error {
		t, err := newParquetTable(w, e.reader.names.longColumns())
		if err != nil {
			return err
		}
		return e.long(t)
	})
}

// long writes one row per time step, with all columns.
func (e *export) long(to table) error {
	err := e.each(func(t *trial) error {
		row := slices.Concat(t.key(), t.row())
		n := len(row)
		for step := range int(t.Rollout.Steps) + 1 {
			row = t.stepRow(row[:n], step)
			if err := to.write(row); err != nil {
				return fmt.Errorf("dataset: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return to.close()
}

func (e *export) npzFile(dest string) error {
	a, err := newArrays(filepath.Dir(dest))
	if err != nil {
		return err
	}
	if err = e.each(a.add); err == nil {
		a.names.Prismatic = e.reader.names.Prismatic
		err = e.whole(dest, a.write)
	}
	return errors.Join(err, a.remove())
}

// csvFolder writes a folder of tables, under another name until all is there.
func (e *export) csvFolder(dest string) (err error) {
	if entries, err := os.ReadDir(dest); err == nil && len(entries) > 0 {
		return fmt.Errorf("%w: %s holds %s: choose a new folder", ErrExists, dest, entries[0].Name())
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("dataset: %w", err)
	}
	if err := e.learnNames(); err != nil {
		return err
	}
	dest = filepath.Clean(dest)
	temporary, err := os.MkdirTemp(filepath.Dir(dest), "."+filepath.Base(dest)+".*.tmp")
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	const trials, steps, columns = "trials.csv", "steps.csv", "columns.csv"
	names := &e.reader.names
	tables := map[string][]Column{
		trials: slices.Concat(keyColumns(), names.trialColumns(), []Column{{"file", Text, "", "The recording, in the run's folder."}}),
		steps:  slices.Concat(keyColumns(), names.stepColumns()),
	}
	var files []*os.File
	defer func() {
		for _, f := range files {
			f.Close()
		}
	}()
	open := func(name string) (*csvTable, error) {
		f, err := os.Create(filepath.Join(temporary, name))
		if err != nil {
			return nil, fmt.Errorf("dataset: %w", err)
		}
		files = append(files, f)
		return newCSVTable(f, tables[name])
	}
	perTrial, err := open(trials)
	if err != nil {
		return err
	}
	perStep, err := open(steps)
	if err != nil {
		return err
	}
	err = e.each(func(t *trial) error {
		if err := perTrial.write(slices.Concat(t.key(), t.row(), []Value{{Text: filepath.ToSlash(t.file)}})); err != nil {
			return fmt.Errorf("dataset: %w", err)
		}
		key := t.key()
		for step := range int(t.Rollout.Steps) + 1 {
			key = t.stepRow(key[:3], step)
			if err := perStep.write(key); err != nil {
				return fmt.Errorf("dataset: %w", err)
			}
		}
		return nil
	})
	if err == nil {
		err = errors.Join(perTrial.close(), perStep.close())
	}
	if err != nil {
		return err
	}
	legend, err := os.Create(filepath.Join(temporary, columns))
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	files = append(files, legend)
	if err := writeColumns(legend, tables, trials, steps); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	for _, f := range files {
		if err := f.Sync(); err != nil {
			return fmt.Errorf("dataset: %w", err)
		}
	}
	// An empty folder of that name makes way.
	if err := os.Remove(dest); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("dataset: %w", err)
	}
	err = errors.Join(os.Chmod(temporary, 0o755), os.Rename(temporary, dest))
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	for _, name := range []string{trials, steps, columns} {
		e.wrote(filepath.Join(dest, name))
	}
	return nil
}

// whole makes a file appear whole, in place of one of its name, or not at all.
func (e *export) whole(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	err = write(f)
	if err = errors.Join(err, f.Chmod(0o644), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	e.wrote(path)
	return nil
}

// wrote notes a file.
func (e *export) wrote(path string) {
	e.summary.Files = append(e.summary.Files, path)
	if info, err := os.Stat(path); err == nil {
		e.summary.Bytes += info.Size()
	}
}
