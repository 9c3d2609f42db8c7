package report

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// Run is what a run folder holds, as far as it could be read.
type Run struct {
	// Dir is the path of the folder.
	Dir string
	// Task is nil where the parameters cannot be read, Robot too where it cannot be made of them.
	Task  *Task
	Robot *robot.Robot
	// Reports has a report for each iteration that ended, in their order.
	Reports []*learner.Report
	// Snapshots has what is known of some iterations beyond their reports, in their order: at most
	// Limits.Iterations, evenly spread, the first and the last among them.
	Snapshots []*Snapshot
	// Broken are trials that a fault broke off, in the order of their files.
	Broken []*Trial
	// Recorded is the number of iterations with trials or a checkpoint.
	Recorded int
	// Problems are what was left out, in the order of their places.
	Problems []Problem

	folder *record.Folder
	target []float64 // of the end effector, m; nil for none
	limits Limits
}

// Limits bound what is read of a run.
type Limits struct {
	// Iterations is how many are looked at closely, at least 2.
	Iterations int
	// CheckpointBytes and TrialBytes bound the files of these, so that fewer iterations are looked at
	// where each is large.
	CheckpointBytes, TrialBytes int64
	// Trials is how many of one iteration are read, evenly spread over its conditions.
	Trials int
	// Faults is how many broken trials are read.
	Faults int
}

// DefaultLimits returns limits that keep a page below 5 MB, and its making to a few seconds.
func DefaultLimits() Limits {
	return Limits{Iterations: 50, CheckpointBytes: 400 << 20, TrialBytes: 1 << 30, Trials: 200, Faults: 200}
}

// maxLine bounds a line of the iterations' file, in bytes.
const maxLine = 1 << 24

// Open reads a run folder. An error wraps record.ErrNotRun where it is none, or is ctx's; whatever is
// damaged inside is in Problems. progress, unless nil, is told how many of how many parts are read.
func Open(ctx context.Context, dir string, limits Limits, progress func(done, total int)) (*Run, error) {
	folder, err := record.View(dir)
	if err != nil {
		return nil, err
	}
	r := &Run{Dir: dir, folder: folder, limits: limits}
	iterations := r.recorded()
	_, paramsErr := os.Stat(folder.Path(record.ParamsFile))
	_, reportsErr := os.Stat(folder.Path(record.IterationsFile))
	if len(iterations) == 0 && paramsErr != nil && reportsErr != nil {
		return nil, fmt.Errorf("%w: %s holds no parameters (%s), no reports (%s) and no recorded trial", record.ErrNotRun, dir, record.ParamsFile, record.IterationsFile)
	}
	r.Recorded = len(iterations)
	r.readTaskOf()
	r.readReports()
	if err := r.readSnapshots(ctx, iterations, progress); err != nil {
		return nil, err
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return strings.Compare(a.Place, b.Place) })
	return r, nil
}

// note keeps what was left out.
func (r *Run) note(place string, err error) {
	r.Problems = append(r.Problems, r.problem(place, err))
}

// readReports reads the iterations' file; lines that cannot be read are left out.
func (r *Run) readReports() {
	f, err := record.OpenFile(r.folder.Path(record.IterationsFile), record.MaxIterations)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		r.note(record.IterationsFile, err)
		return
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	last, number := 0, 0
	for lines.Scan() {
		number++
		place := fmt.Sprintf("%s:%d", record.IterationsFile, number)
		report := new(learner.Report)
		if err := json.Unmarshal(lines.Bytes(), report); err != nil {
			r.note(place, fmt.Errorf("expected the report of an iteration as JSON: %w", err))
			continue
		}
		if report.Iteration <= last || len(report.SampleCosts) == 0 {
			r.note(place, fmt.Errorf("report of iteration %d with %d samples, expected one after %d with samples", report.Iteration, len(report.SampleCosts), last))
			continue
		}
		if err := record.LostReports(last, report.Iteration); err != nil {
			r.note(place, err)
		}
		last = report.Iteration
		r.Reports = append(r.Reports, report)
	}
	if err := lines.Err(); err != nil {
		r.note(fmt.Sprintf("%s:%d", record.IterationsFile, number+1), err)
	}
}

// conditions returns how many conditions the run has, as far as that is known.
func (r *Run) conditions() int {
	n := 0
	for _, report := range r.Reports {
		n = max(n, len(report.Conditions))
	}
	for _, s := range r.Snapshots {
		n = max(n, len(s.Controllers), len(s.Trials))
	}
	return n
}
