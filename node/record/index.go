package record

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Kind says which recording of a trial a file is.
type Kind string

// Kinds of recordings.
const (
	// Latest is what learning reads of a trial.
	Latest Kind = "latest"
	// Earlier is a whole trial that was recorded again since.
	Earlier Kind = "earlier"
	// Broken is what there is of a trial that a fault broke off.
	Broken Kind = "broken"
)

// Entry is a recording in a run folder.
type Entry struct {
	Path                         string // relative to the run
	Iteration, Condition, Sample uint32
	Kind                         Kind
	// Bytes is the file's size. Messages is how many it holds, Start when the first was received
	// and Duration how much later the last; all are 0 where Err is not nil.
	Bytes    int64
	Messages int64
	Start    time.Time
	Duration time.Duration
	// Err is an ErrDamaged if the file's end cannot be read, else nil. The messages before it are
	// not looked at: ReadRollout checks them.
	Err error

	topics []topicCount
}

var (
	iterationName = regexp.MustCompile(`^iteration_(\d{3,10})$`)
	recordingName = regexp.MustCompile(`^(broken_)?condition_(\d{1,10})_sample_(\d{1,10})(\.\d+)?\.mcap$`)
)

// Index returns every recording of the run, by iteration, condition, sample, and the latest first.
// It reads the end of each file alone, so that thousands take a fraction of a second.
func (f *Folder) Index() ([]Entry, error) {
	entries, err := f.list()
	if err != nil {
		return nil, err
	}
	f.describe(entries)
	return entries, nil
}

// list returns the recordings by name alone.
func (f *Folder) list() ([]Entry, error) {
	folders, err := os.ReadDir(f.Path(RolloutsDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record: %w", err)
	}
	var entries []Entry
	for _, folder := range folders {
		m := iterationName.FindStringSubmatch(folder.Name())
		if m == nil || !folder.IsDir() {
			continue
		}
		iteration, err := strconv.ParseUint(m[1], 10, 32)
		if err != nil {
			continue // no name that TrialPath gives
		}
		dir := filepath.Join(RolloutsDir, folder.Name())
		files, err := os.ReadDir(f.Path(dir))
		if err != nil {
			return nil, fmt.Errorf("record: %w", err)
		}
		for _, file := range files {
			if e, ok := named(file.Name()); ok {
				e.Path, e.Iteration = filepath.Join(dir, file.Name()), uint32(iteration)
				entries = append(entries, e)
			}
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.Iteration, b.Iteration), cmp.Compare(a.Condition, b.Condition), cmp.Compare(a.Sample, b.Sample),
			-cmp.Compare(a.Kind, b.Kind), cmp.Compare(len(a.Path), len(b.Path)), cmp.Compare(a.Path, b.Path))
	})
	return entries, nil
}

// named reads the name of a recording.
func named(name string) (Entry, bool) {
	m := recordingName.FindStringSubmatch(name)
	if m == nil {
		return Entry{}, false
	}
	condition, err := strconv.ParseUint(m[2], 10, 32)
	sample, err2 := strconv.ParseUint(m[3], 10, 32)
	if err != nil || err2 != nil {
		return Entry{}, false
	}
	e := Entry{Condition: uint32(condition), Sample: uint32(sample), Kind: Latest}
	switch {
	case m[1] != "":
		e.Kind = Broken
	case m[4] != "":
		e.Kind = Earlier
	}
	return e, true
}

// describe fills in what the ends of the files say.
func (f *Folder) describe(entries []Entry) {
	var wait sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), 8, len(entries))
	for w := range workers {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := w; i < len(entries); i += workers {
				entries[i].read(f)
			}
		}()
	}
	wait.Wait()
}

// read fills in what the end of the file says.
func (e *Entry) read(f *Folder) {
	s, err := readSummary(f.Path(e.Path))
	if err != nil {
		e.Err = err
		return
	}
	e.Bytes, e.Messages, e.topics = s.bytes, s.messages, s.topics
	e.Start, e.Duration = time.Unix(0, s.start), time.Duration(s.end-s.start)
}
