package node

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
)

// definesProblem tells whether trials and controllers that were made with one value of a
// parameter are of no use with another.
func definesProblem(name string) bool {
	switch name {
	case "seed", "samples", "steps", "dt", "mode", "policy.file", "policy.start":
		return true
	case "reset.timeout", "reset.attempts":
		return false // when to give up
	case "conditions.test_position", "conditions.test_lower", "conditions.test_upper":
		return false // nothing is trained there
	}
	for _, group := range []string{"conditions.", "robot.", "cost.", "initial_controller.", "reset.", "noise."} {
		if strings.HasPrefix(name, group) {
			return true
		}
	}
	return false
}

// change is a parameter that a run goes on with at another value.
type change struct {
	name    string
	was, is rcl.Value
}

// changedParameters compares the parameters with those in a run folder, which it leaves as
// it is. file is the parameter file there; nil if there is no run yet. Changes that make
// it another problem are an error that wraps learner.ErrOtherRun.
func changedParameters(dir string, set *params.Set) (file []byte, changes []change, err error) {
	if _, err := record.View(dir); errors.Is(err, record.ErrNotRun) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, err
	}
	path := filepath.Join(dir, record.ParamsFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil // it was cut off before its first trial
	}
	old, err := params.ReadRecorded(path, DefaultConfig())
	if err == nil {
		file, err = record.ReadFile(path, record.MaxParams)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the run's earlier parameters: %w; mend the file, or choose another run_folder", err)
	}
	var refused []string
	other := false // conditions
	for _, name := range set.Names() {
		c := change{name, old.Value(name), set.Value(name)}
		if c.was.Equal(c.is) || name == "resume" { // which is what asks for the comparison
			continue
		}
		changes = append(changes, c)
		switch {
		case namesConditions(name):
			other = true
		case definesProblem(name):
			refused = append(refused, fmt.Sprintf("%s was %v, is %v", name, c.was, c.is))
		}
	}
	added := 0
	if other {
		if added, err = addedConditions(old, set); err != nil {
			for _, c := range changes {
				if namesConditions(c.name) {
					refused = append(refused, fmt.Sprintf("%s was %v, is %v", c.name, c.was, c.is))
				}
			}
			refused = append(refused, err.Error())
		}
	}
	if refused != nil {
		return nil, nil, fmt.Errorf("%w: %s says: %s; choose another run_folder, or go on with the old values", learner.ErrOtherRun, path, strings.Join(refused, ", "))
	}
	if added > 0 {
		if err := trainsMore(dir, set); err != nil {
			return nil, nil, err
		}
	}
	return file, changes, nil
}

// namesConditions tells whether a parameter says where trials begin that are trained on: a run may go
// on with more of them.
func namesConditions(name string) bool {
	return name == "conditions.initial_position" || strings.HasPrefix(name, "conditions.random.")
}

// addedConditions returns how many conditions the parameters is have after those of was, or an error
// that says which of those is another one.
func addedConditions(was, is *params.Set) (int, error) {
	before, after := conditionsOf(was), conditionsOf(is)
	return after.Added(&before, uint64(is.Value("seed").Int), is.Value("robot.joints").Len())
}

// trainsMore returns an error unless there are iterations beyond those that the run in dir has done.
func trainsMore(dir string, set *params.Set) error {
	reports, err := readReports(filepath.Join(dir, record.IterationsFile))
	if err != nil {
		return err
	}
	if n, iterations := len(reports), set.Value("iterations").Int; n > 0 && int64(reports[n-1].Iteration) >= iterations {
		return params.FieldError{Key: "iterations", Problem: fmt.Sprintf("is %d, and the run in %s has done %d: set it higher, so that the new conditions are trained", iterations, dir, reports[n-1].Iteration)}
	}
	return nil
}

func conditionsOf(set *params.Set) learner.ConditionsConfig {
	return learner.ConditionsConfig{Position: set.Value("conditions.initial_position").Doubles, Random: learner.RandomConfig{
		Count: int(set.Value("conditions.random.count").Int), Lower: set.Value("conditions.random.lower").Doubles, Upper: set.Value("conditions.random.upper").Doubles}}
}

// writeParameters writes the parameters to the run folder, where the learner reads them.
// If some changed the earlier file is kept under the next free name, which is returned.
func (s *session) writeParameters(resolved, earlier []byte, changed bool) (kept string, err error) {
	if changed {
		for n := 1; ; n++ {
			kept = fmt.Sprintf("params.%d.yaml", n)
			if _, err := os.Lstat(s.run.Path(kept)); errors.Is(err, fs.ErrNotExist) {
				break
			} else if err != nil {
				return "", err
			}
		}
		if err := s.run.WriteFile(kept, earlier); err != nil {
			return "", err
		}
	}
	return kept, s.keeps(record.ParamsFile, resolved)
}

// keeps writes a file of parameters that stays in the run folder while the run goes on.
func (s *session) keeps(name string, text []byte) error {
	if err := s.run.WriteFile(name, text); err != nil {
		return err
	}
	s.parameters = slices.DeleteFunc(s.parameters, func(f parameterFile) bool { return f.name == name })
	s.parameters = append(s.parameters, parameterFile{name, text})
	return nil
}

// maxReport bounds a line of the iterations' file, in bytes.
const maxReport = 1 << 24

// readReports reads the reports of a run's iterations, in their order; none if there is no file. With
// an error there are those before it.
func readReports(path string) (reports []*learner.Report, err error) {
	data, err := record.ReadFile(path, record.MaxIterations)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the run's earlier iterations: %w", err)
	}
	last := 0
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxReport)
	for number := 1; lines.Scan(); number++ {
		r := new(learner.Report)
		if err := json.Unmarshal(lines.Bytes(), r); err != nil || r.Iteration <= last || len(r.SampleCosts) == 0 {
			return reports, fmt.Errorf("%s:%d: expected the report of an iteration after %d as JSON (%v); move the file away to go on without the earlier reports", path, number, last, err)
		}
		last = r.Iteration
		reports = append(reports, r)
	}
	if err := lines.Err(); err != nil {
		return reports, fmt.Errorf("%s: %w", path, err)
	}
	return reports, nil
}

// resume takes over the reports of a run that goes on.
func (s *session) resume() error {
	path := s.run.Path(record.IterationsFile)
	reports, err := readReports(path)
	last := 0
	for _, r := range reports {
		if lost := record.LostReports(last, r.Iteration); lost != nil {
			s.note(logging.Warn, "%s: %v", path, lost)
		}
		last = r.Iteration
		s.reports = append(s.reports, r)
		s.seconds += r.Seconds
		s.show(r)
	}
	switch {
	case err != nil:
		return err
	case last >= s.cfg.Iterations:
		text := fmt.Sprintf("all %d iterations of the run in %s are done already; set iterations higher to go on", s.cfg.Iterations, s.run.Dir())
		s.log.Info("%s", text)
		if s.printer != nil {
			_ = s.printer.Notice(text)
		}
	case last > 0:
		s.log.Info("the run in %s goes on after iteration %d", s.run.Dir(), last)
	}
	return nil
}
