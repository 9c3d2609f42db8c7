package learner

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"guidedpolicysearch/gps/trace"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
)

// halfWritten ends the name of a file until all of it is there.
const halfWritten = ".tmp"

// IntermediatesConfig says what of an update is kept to look into.
type IntermediatesConfig struct {
	Record bool     `param:"record" desc:"After each update, write every array that it computed on its way to the run folder: intermediates/iteration_0003.npz, which NumPy opens." takes:"trial"`
	Select []string `param:"select" desc:"Names of the arrays that are written: patterns in which * stands for any characters and ? for one." takes:"trial"`
	Limit  int      `param:"limit" desc:"Memory for the arrays of an update, which takes it twice; beyond it the largest are left out." unit:"MB" range:"[1, 100000]" takes:"trial"`
}

func defaultIntermediatesConfig() IntermediatesConfig {
	c := trace.DefaultConfig()
	return IntermediatesConfig{Select: c.Select, Limit: c.Limit >> 20}
}

// recorder returns a Recorder, nil where nothing is to be recorded.
func (c *IntermediatesConfig) recorder() (*trace.Recorder, error) {
	for i, pattern := range c.Select {
		if pattern == "" {
			return nil, params.FieldError{Key: fmt.Sprintf("intermediates.select[%d]", i), Problem: "is empty, need a pattern such as * or */search/*"}
		}
	}
	if !c.Record {
		return nil, nil
	}
	r, err := trace.NewRecorder(trace.Config{Select: c.Select, Limit: c.Limit << 20})
	if err != nil {
		return nil, params.FieldError{Key: "intermediates", Problem: err.Error()}
	}
	return r, nil
}

// intermediates records updates, and writes the record of each while the next trials run. A record that cannot be
// written is said, and ends nothing. It is for one goroutine.
type intermediates struct {
	recorder *trace.Recorder // nil where nothing is recorded
	folder   *record.Folder
	written  chan error // of the record being written; nil for none
}

// newIntermediates returns the records of a run, and what it did about one that was left half-written.
func newIntermediates(c *IntermediatesConfig, folder *record.Folder) (i intermediates, notes []string, err error) {
	i.folder = folder
	if i.recorder, err = c.recorder(); err != nil || i.recorder == nil {
		return i, nil, err
	}
	entries, err := os.ReadDir(folder.Path(record.IntermediatesDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return i, []string{err.Error()}, nil
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != halfWritten {
			continue
		}
		path := filepath.Join(record.IntermediatesDir, e.Name())
		if err := os.Remove(folder.Path(path)); err != nil {
			notes = append(notes, err.Error())
			continue
		}
		notes = append(notes, fmt.Sprintf("%s was left half-written, and is removed", path))
	}
	return i, notes, nil
}

// into returns a context whose update is recorded, when the record of the update before is written. warnings
// say what could not be.
func (i *intermediates) into(ctx context.Context) (_ context.Context, warnings []string) {
	if i.recorder == nil {
		return ctx, nil
	}
	if err := i.wait(); err != nil {
		warnings = append(warnings, err.Error())
	}
	i.recorder.Reset()
	return i.recorder.Into(ctx), warnings
}

// write begins to write the record of an iteration's update; wait tells the outcome.
func (i *intermediates) write(iteration int) (warnings []string) {
	if i.recorder == nil {
		return nil
	}
	if arrays, bytes := i.recorder.Dropped(); arrays > 0 {
		warnings = append(warnings, fmt.Sprintf("intermediates of iteration %d: %d arrays, %d MB in all, are left out: raise intermediates.limit, or name fewer in intermediates.select", iteration, arrays, (bytes+(1<<20)-1)>>20))
	}
	i.written = make(chan error, 1)
	go func(done chan<- error) {
		done <- i.save(i.folder.Path(record.IntermediatesPath(iteration)))
	}(i.written)
	return warnings
}

// save writes the record to a file, which is whole or not there.
func (i *intermediates) save(path string) (err error) {
	defer func() {
		if err != nil {
			os.Remove(path + halfWritten)
			err = fmt.Errorf("the intermediates %s are not written: %w; learning goes on", strings.TrimSuffix(filepath.Base(path), ".npz"), err)
		}
	}()
	if err := os.Mkdir(filepath.Dir(path), 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	file, err := os.Create(path + halfWritten)
	if err != nil {
		return err
	}
	err = i.recorder.WriteNPZ(file)
	if err == nil {
		err = file.Sync() // or a power cut could leave an empty file of the name
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+halfWritten, path); err != nil {
		return err
	}
	return record.SyncDir(filepath.Dir(path))
}

// wait waits until the latest record is written.
func (i *intermediates) wait() error {
	if i.written == nil {
		return nil
	}
	err := <-i.written
	i.written = nil
	return err
}
