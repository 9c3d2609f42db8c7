package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/plots"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/simrobot"
	"guidedpolicysearch/node/trial"
)

// PictureFile is the learning curve in the run folder.
const PictureFile = "learning_curve.png"

// Result is the outcome of a run.
type Result struct {
	Reports   []*learner.Report
	RunFolder string
	// Picture is the path of the learning curve, empty if there is none.
	Picture string
	// Compared tells whether there is a reference; then Learned tells whether the final
	// cost is at or below it, with its margin.
	Compared, Learned bool
}

// session is what a run writes: the run folder, the log, and the terminal.
type session struct {
	cfg     *Config
	run     *record.Run
	logFile *os.File
	log     *logging.Logger
	unlog   func()           // the log goes on without logFile
	printer *console.Printer // nil if the terminal shows the log
	began   time.Time
	seconds float64           // that the iterations before began took
	reports []*learner.Report // of the whole run, also from before it was resumed
	failed  bool              // the run was ended by an error, or interrupted
	// parameters are the files of them in the run folder.
	parameters []parameterFile
}

// parameterFile is a file of parameters, by its name in the run folder.
type parameterFile struct {
	name string
	text []byte
}

// ErrRunThere marks a run folder that holds a run already, which was not to be gone on with.
var ErrRunThere = errors.New("the run folder holds a run already")

// openSession makes or opens the run folder of cfg and writes the resolved parameters to
// it. A run that is there must be gone on with, and be of the same problem; else nothing there
// is changed and the error wraps ErrRunThere or learner.ErrOtherRun. The log goes to the run
// folder too, and to the table what is for it, if the parameter console asks for one. simulated is the
// robot of a run in one process, else nil.
func openSession(cfg *Config, setup *Setup, simulated *simrobot.Config, goOn bool, table io.Writer, log *logging.Logger) (*session, error) {
	s := &session{cfg: cfg, log: log, began: time.Now()}
	dir := cfg.RunFolder
	var err error
	var notes []string
	if dir == "" {
		if dir, err = record.NewRunDir(cfg.RunsFolder); err != nil {
			return nil, err
		}
	}
	if _, err := record.View(dir); err == nil && !goOn {
		return nil, fmt.Errorf("%w: %s; to go on with it set resume to true (gps train --resume %[2]s, gps_node --resume %[2]s), or choose another run_folder", ErrRunThere, dir)
	}
	// Before Open, which clears up.
	earlier, changes, err := changedParameters(dir, setup.Set)
	if err != nil {
		return nil, err
	}
	if s.run, notes, err = record.Open(dir); errors.Is(err, record.ErrNotRun) {
		s.run, err = record.Create(dir)
	}
	if err != nil {
		return nil, err
	}
	var kept string
	resolved, err := setup.Resolved()
	if err == nil && simulated != nil { // first: a folder with the node's parameters can be gone on with
		err = s.simulates(*simulated)
	}
	if err == nil {
		kept, err = s.writeParameters(resolved, earlier, len(changes) > 0)
	}
	if err == nil {
		s.logFile, err = os.OpenFile(s.run.Path(record.LogFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY|syscall.O_NONBLOCK, 0o644) // of a pipe it would wait for a reader
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("run folder %s: %w", dir, err), s.run.Close())
	}
	s.unlog = s.log.Add(s.logFile)
	if cfg.Console == consoleTable {
		s.printer = console.New(table, console.Config{Iterations: cfg.Iterations, Trials: cfg.Samples * cfg.Conditions.Count(len(cfg.Robot.Joints)), Success: cfg.Success.Text != "", Policy: cfg.Algorithm.LearnsPolicy(), Terminal: console.IsTerminal(table)})
	}
	for _, n := range append(notes, setup.Warnings...) {
		s.note(logging.Warn, "%s", n)
	}
	s.noteChanges(changes, kept)
	err = s.resume()
	if err == nil {
		err = s.mendCheckpoints()
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// note logs a line, and shows warnings and errors above the table.
func (s *session) note(severity logging.Severity, format string, args ...any) {
	s.log.LogDepth(1, severity, format, args...)
	if s.printer != nil && severity != logging.Info {
		_ = s.printer.Notice(fmt.Sprintf(format, args...))
	}
}

// fail logs what ended the run before its time; such a run gets no verdict. To tell the
// terminal is the caller's, who gets the error.
func (s *session) fail(err error) {
	s.failed = true
	if !errors.Is(err, context.Canceled) {
		s.log.Log(logging.Error, "%v", err)
	}
}

// event logs what happened in a trial.
func (s *session) event(e trial.Event) {
	switch e.Kind {
	case trial.Faulted:
		s.note(logging.Warn, "a fault is latched: %s", e.Fault)
	case trial.Unpaced:
		s.note(logging.Warn, "the robot does not wait for commands, but lock_step is true: from now on it is held by the position controller between trials; set lock_step to false")
	case trial.Recovered:
		s.note(logging.Warn, "the robot is back; the trial is repeated")
	}
}

// progress says how many trials of an iteration are recorded.
func (s *session) progress(iteration, trials int) {
	if s.printer != nil {
		_ = s.printer.Progress(iteration, trials)
	}
}

// write records a finished trial and returns its path in the run folder.
func (s *session) write(recorded *record.Trial, rec *trial.Record, r *robot.Robot) (string, error) {
	rosio.SetRollout(&recorded.Rollout, rec, r)
	path, err := s.run.WriteTrial(recorded)
	if err != nil {
		return "", fmt.Errorf("record iteration %d, condition %d, sample %d: %w", rec.Command.Iteration, rec.Command.Condition, rec.Command.Sample, err)
	}
	if err := s.keepParameters(); err != nil {
		return "", err
	}
	if dropped := recorded.JointStates.Dropped() + recorded.Commands.Dropped(); dropped > 0 {
		s.note(logging.Warn, "%s: %d messages did not fit into the recording's memory and are missing; the rollout itself is whole", path, dropped)
	}
	for _, e := range recorded.Extras {
		if dropped := e.Log.Dropped(); dropped > 0 {
			s.note(logging.Warn, "%s: %d messages of %s did not fit into record.max_megabytes and are missing, %d are there", path, dropped, e.Topic.Name, e.Log.Len())
		}
	}
	if times, ns := recorded.SetBack(); times > 0 {
		s.note(logging.Warn, "%s: the machine's clock was set back %d times during the trial: times of the recording go on, and are up to %.6g s later than the clock was", path, times, float64(ns)*1e-9)
	}
	return path, nil
}

// report takes the report of an iteration; one that was taken already is left out.
func (s *session) report(r *learner.Report) error {
	if n := len(s.reports); n > 0 && s.reports[n-1].Iteration >= r.Iteration {
		return nil
	}
	s.reports = append(s.reports, r)
	success := ""
	if r.SuccessRate != nil {
		success = fmt.Sprintf(", success in %.0f%% of the trials", 100**r.SuccessRate)
	}
	s.log.Log(logging.Info, "iteration %d of %d: mean cost %.4g, best %.4g, end effector error %.3g m%s, KL %.4g nat, eta %.3g, update %.3f s",
		r.Iteration, r.Iterations, r.MeanCost, r.BestCost, r.EndEffectorError(), success, r.KL, r.Eta, r.UpdateSeconds)
	s.show(r)
	return s.run.AppendIteration(r)
}

// show writes the table's line of an iteration.
func (s *session) show(r *learner.Report) {
	if s.printer != nil {
		_ = s.printer.Iteration(console.Iteration{Number: r.Iteration, MeanCost: r.MeanCost, BestCost: r.BestCost, Error: r.EndEffectorError(), Success: r.Success(), KL: r.KL, Eta: r.Eta, PolicyKL: r.PolicyKL(), Loss: r.PolicyLoss(), Seconds: r.Seconds})
	}
}

// finish draws the picture, writes the summary and closes the run folder.
func (s *session) finish() (*Result, error) {
	res := &Result{Reports: s.reports, RunFolder: s.run.Dir()}
	if len(s.reports) == 0 {
		return res, s.close()
	}
	if picture, err := s.draw(); err != nil {
		s.note(logging.Warn, "%v", err)
	} else {
		res.Picture = picture
	}
	last, complete := s.reports[len(s.reports)-1], s.complete()
	summary := s.summary()
	summary.Picture = res.Picture
	res.Compared = !math.IsNaN(summary.Reference)
	res.Learned = s.learned()
	s.log.Log(logging.Info, "ended after iteration %d of %d: mean cost %.4g; run folder %s", last.Iteration, last.Iterations, last.MeanCost, res.RunFolder)
	switch {
	case s.printer == nil:
	case s.failed && complete:
		_ = s.printer.Notice("Run folder: " + res.RunFolder)
	default:
		_ = s.printer.Summary(summary)
	}
	return res, s.close()
}

// complete tells whether all iterations are done.
func (s *session) complete() bool {
	return len(s.reports) > 0 && s.reports[len(s.reports)-1].Iteration >= s.cfg.Iterations
}

// summary sums up a run with at least one iteration.
func (s *session) summary() console.Summary {
	last := s.reports[len(s.reports)-1]
	reference := math.NaN()
	// Only a whole run has a final cost to compare.
	if n := len(s.cfg.Reference.MeanCost); n > 0 && s.complete() && !s.failed {
		reference = s.cfg.Reference.MeanCost[min(last.Iteration, n)-1]
	}
	return console.Summary{FinalCost: last.MeanCost, Reference: reference, Margin: s.cfg.Reference.Margin, RunFolder: s.run.Dir(),
		Seconds: s.seconds + time.Since(s.began).Seconds(), Interrupted: !s.complete(),
		PolicyUntried: s.cfg.Learning.Algorithm.LearnsPolicy() && s.cfg.Policy.Samples == "controllers"}
}

// learned tells whether the run is complete and its final cost at or below the reference's,
// with its margin.
func (s *session) learned() bool {
	return s.complete() && !math.IsNaN(s.summary().Reference) && s.summary().Learned()
}

// draw draws the learning curve and returns where.
func (s *session) draw() (string, error) {
	curve := plots.LearningCurve{Title: "Guided policy search", Reference: s.cfg.Reference.MeanCost, ReferenceName: s.cfg.Reference.Name}
	for _, r := range s.reports {
		curve.Points = append(curve.Points, plots.Point{Iteration: r.Iteration, Mean: r.MeanCost, Best: r.BestCost, Worst: slices.Max(r.SampleCosts), Error: r.EndEffectorError()})
	}
	picture := filepath.Join(s.run.Dir(), PictureFile)
	if err := curve.Save(picture); err != nil {
		return "", fmt.Errorf("no picture of the learning curve: %w", err)
	}
	return picture, nil
}

func (s *session) close() error {
	s.unlog()
	return errors.Join(s.logFile.Close(), s.run.Close())
}

// keepParameters writes the files of parameters again that were removed from the run folder: without
// them no learner starts, and nobody goes on with the run.
func (s *session) keepParameters() error {
	for _, f := range s.parameters {
		removed, err := s.run.Restore(f.name, f.text)
		if err != nil {
			return fmt.Errorf("the run's parameters: %w", err)
		}
		if removed {
			s.note(logging.Warn, "%s was removed while the run goes on, and is written again; leave it there, or the run cannot be gone on with", s.run.Path(f.name))
		}
	}
	return nil
}

// changes compares the parameters with those that the run folder has.
func (s *session) changes(set *params.Set) ([]change, error) {
	if err := s.keepParameters(); err != nil {
		return nil, err
	}
	_, changes, err := changedParameters(s.run.Dir(), set)
	return changes, err
}

// adopt goes on with other parameters, resolved, and notes the changes.
func (s *session) adopt(cfg *Config, resolved []byte, changes []change) error {
	earlier, err := record.ReadFile(s.run.Path(record.ParamsFile), record.MaxParams)
	if err != nil {
		return fmt.Errorf("the run's earlier parameters: %w", err)
	}
	kept, err := s.writeParameters(resolved, earlier, true)
	if err != nil {
		return err
	}
	s.cfg = cfg
	s.noteChanges(changes, kept)
	return nil
}

// noteChanges logs what is different from here on; kept is the file with the earlier values.
func (s *session) noteChanges(changes []change, kept string) {
	for _, c := range changes {
		s.note(logging.Info, "parameter %s was %v (see %s), is %v from here on", c.name, c.was, kept, c.is)
	}
}
