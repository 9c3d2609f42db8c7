package inspection

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

// Run is the folder of a run.
type Run struct {
	// Task is what its parameters say; nil where they cannot be read.
	Task *Task `json:"task"`
	// Iterations are those that are done, Planned how many there are to be, 0 where that is not known.
	Iterations int `json:"iterations"`
	Planned    int `json:"planned"`
	// Trials counts the latest recordings, Repeated those that were recorded again since, Faults what
	// there is of trials that a fault broke off, Imported motions from elsewhere.
	Trials   int `json:"trials"`
	Repeated int `json:"repeated"`
	Faults   int `json:"faults"`
	Imported int `json:"imported"`
	// MeanCost and BestCost have one entry per iteration that is done.
	MeanCost    []float64 `json:"mean_cost"`
	BestCost    []float64 `json:"best_cost"`
	SuccessRate *float64  `json:"success_rate"` // of the last iteration
	Seconds     float64   `json:"seconds"`      // that the iterations took
	Checkpoints int       `json:"checkpoints"`
	Policies    int       `json:"policies"`
	// Intermediates counts the updates whose intermediates are there.
	Intermediates int `json:"intermediates"`
	// Unread counts checkpoints, policies and intermediates of which only the length was compared, because
	// there is too much to read; UnreadBytes is their size.
	Unread      int   `json:"unread"`
	UnreadBytes int64 `json:"unread_bytes"`
	// SetAside are files that a crash left half-written, by their paths in the run.
	SetAside []string `json:"set_aside"`
	// Sizes are the bytes of the run's parts, by their names.
	Sizes map[string]int64 `json:"sizes"`
	// Writer is the process that writes the run now, nil for none; WriterUnknown says that the system
	// does not tell.
	Writer        *Writer `json:"writer"`
	WriterUnknown bool    `json:"writer_unknown,omitempty"`
}

// Task is what a run learns, by its parameters.
type Task struct {
	Joints    []string `json:"joints"`
	Algorithm string   `json:"algorithm"`
	Update    string   `json:"update"`
	Seed      int64    `json:"seed"`
	Samples   int64    `json:"samples"`
	Steps     int64    `json:"steps"`
	DT        float64  `json:"dt"`
	Planned   int64    `json:"iterations"`
}

// damaged notes what is not whole.
func (r *Report) damaged(format string, args ...any) {
	r.Damaged = append(r.Damaged, fmt.Sprintf(format, args...))
}

// openRun describes a run. Its parts are looked at one by one: damage of one does not hide another.
func (r *Report) openRun(folder *record.Folder) error {
	run := &Run{SetAside: []string{}, Sizes: map[string]int64{}, MeanCost: []float64{}, BestCost: []float64{}}
	r.Run = run
	var known bool
	run.Writer, known = writerOf(folder.Dir())
	run.WriterUnknown = !known
	if task, err := openTask(folder.Path(record.ParamsFile)); errors.Is(err, fs.ErrNotExist) {
		run.Task = nil // imported recordings have none
	} else if err != nil {
		r.damaged("%v", err)
	} else {
		run.Task, run.Planned = task, int(task.Planned)
	}
	if _, err := openTask(folder.Path(record.SimulatorFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.damaged("%v", err)
	}
	if err := r.readIterations(folder.Path(record.IterationsFile)); err != nil {
		return err
	}
	if err := r.readRecordings(folder); err != nil {
		return err
	}
	left, last, err := r.readSealed(folder)
	if err != nil {
		return err
	}
	r.readIntermediates(folder, left, max(last, run.Iterations))
	if err := run.readRest(folder.Dir()); err != nil {
		return err
	}
	r.Bytes = 0
	for _, n := range run.Sizes {
		r.Bytes += n
	}
	return nil
}

// openTask reads what the parameters say, whatever version of the program wrote them.
func openTask(path string) (*Task, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	nodes, err := rcl.ReadParamsFile(path)
	if err != nil {
		return nil, err
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("%s holds no parameters", path)
	}
	t := new(Task)
	for _, n := range nodes {
		for _, o := range n.Overrides {
			switch v := o.Value; o.Name {
			case "robot.joints":
				t.Joints = v.Strs
			case "algorithm.type":
				t.Algorithm = v.Str
			case "algorithm.update":
				t.Update = v.Str
			case "seed":
				t.Seed = v.Int
			case "samples":
				t.Samples = v.Int
			case "steps":
				t.Steps = v.Int
			case "dt":
				t.DT = v.Double
			case "iterations":
				t.Planned = v.Int
			}
		}
	}
	return t, nil
}

// maxLine bounds a line of the iterations' file, in bytes.
const maxLine = 1 << 24

// readIterations reads what the run said of its iterations.
func (r *Report) readIterations(path string) error {
	f, err := record.OpenFile(path, record.MaxIterations)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("inspection: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		var it struct {
			Iteration   int      `json:"iteration"`
			Iterations  int      `json:"iterations"`
			MeanCost    *float64 `json:"mean_cost"`
			BestCost    float64  `json:"best_cost"`
			SuccessRate *float64 `json:"success_rate"`
			Seconds     float64  `json:"seconds"`
		}
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil || it.MeanCost == nil || it.Iteration <= r.Run.Iterations {
			r.damaged("%s:%d: expected the report of an iteration after %d as JSON: %.60q", path, number, r.Run.Iterations, lines.Bytes())
			return nil
		}
		run := r.Run
		if err := record.LostReports(run.Iterations, it.Iteration); err != nil {
			r.damaged("%s:%d: %v", path, number, err)
		}
		run.Iterations, run.SuccessRate = it.Iteration, it.SuccessRate
		run.MeanCost, run.BestCost = append(run.MeanCost, *it.MeanCost), append(run.BestCost, it.BestCost)
		run.Seconds += it.Seconds
		if run.Planned == 0 {
			run.Planned = it.Iterations
		}
	}
	if err := lines.Err(); err != nil {
		r.damaged("%s: %v", path, err)
	}
	return nil
}

// maxNamed bounds how many damaged recordings are named.
const maxNamed = 20

// readRecordings counts the recordings by their names and ends.
func (r *Report) readRecordings(folder *record.Folder) error {
	entries, err := folder.Index()
	if err != nil {
		return err
	}
	damaged := 0
	for _, e := range entries {
		r.Run.Sizes[record.RolloutsDir] += e.Bytes
		switch {
		case e.Err != nil:
			if damaged++; damaged <= maxNamed {
				r.damaged("%v", e.Err)
			}
		case e.Kind == record.Broken:
			r.Run.Faults++
		case e.Kind == record.Earlier:
			r.Run.Repeated++
		case e.Iteration == 0:
			r.Run.Imported++
		default:
			r.Run.Trials++
		}
	}
	if damaged > maxNamed {
		r.damaged("and %d more recordings", damaged-maxNamed)
	}
	r.checkMetadata(folder, entries, r.Run.Writer != nil || r.Run.WriterUnknown)
	return nil
}

// readRest adds up the other files, and lists what was set aside.
func (run *Run) readRest(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a temporary file that has its name now
		}
		if err != nil {
			return fmt.Errorf("inspection: %w", err)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return fmt.Errorf("inspection: %w", err)
		}
		part := strings.Split(filepath.ToSlash(name), "/")[0]
		if e.IsDir() {
			if slices.Contains([]string{record.RolloutsDir, record.CheckpointsDir}, name) {
				return fs.SkipDir // counted already
			}
			return nil
		}
		info, err := e.Info()
		if err != nil || !info.Mode().IsRegular() {
			return nil
		}
		if part == record.SetAsideDir {
			run.SetAside = append(run.SetAside, filepath.ToSlash(name))
		}
		if part == name {
			part = "other"
		}
		run.Sizes[part] += info.Size()
		return nil
	})
}

// Trajectory is the folder of a trajectory that was optimised under known dynamics.
type Trajectory struct {
	Cost []float64 `json:"cost"` // of each iteration
}

func openTrajectory(dir string) (*Trajectory, error) {
	path := filepath.Join(dir, record.IterationsFile)
	f, err := record.OpenFile(path, record.MaxIterations)
	if err != nil {
		return nil, fmt.Errorf("inspection: %w", err)
	}
	defer f.Close()
	t := &Trajectory{Cost: []float64{}}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for number := 1; lines.Scan(); number++ {
		var it struct {
			Cost *float64 `json:"cost"`
		}
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil || it.Cost == nil {
			return nil, fmt.Errorf("%w: %s:%d: expected an iteration with its cost as JSON: %.60q", ErrDamaged, path, number, lines.Bytes())
		}
		t.Cost = append(t.Cost, *it.Cost)
	}
	return t, lines.Err()
}
