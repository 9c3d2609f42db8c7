package node

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/record"
)

// mendCheckpoints clears up after a learner or a node that ended between two steps: what was left
// half-written is set aside, and so is the latest checkpoint if its iteration was never reported. Then
// the update is done again from the same recordings, with the same outcome, and reported. What is
// damaged, or of another run, is set aside with a word; then the checkpoint before it is the latest.
// A checkpoint of a version that this program does not read is an error that wraps
// checkpoint.ErrVersion: the run is that of a newer program. No learner may be running.
func (s *session) mendCheckpoints() error {
	folder := s.run.Path(record.CheckpointsDir)
	// A run that was cut off while its folder was made may lack it.
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("read the checkpoints: %w", err)
	}
	var names []string
	for _, e := range entries {
		switch name := e.Name(); {
		case filepath.Ext(name) == ".tmp":
			if err := s.setAsideCheckpoint(name, "it was being written when the learner ended"); err != nil {
				return err
			}
		case strings.HasPrefix(name, "checkpoint_") && filepath.Ext(name) == ".gps":
			names = append(names, name)
		}
	}
	// The latest first: the names sort by iteration up to 9999 and by length beyond.
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(b, a))
	})
	last := 0
	if n := len(s.reports); n > 0 {
		last = s.reports[n-1].Iteration
	}
	// Where more are ahead the reports were lost otherwise; the checkpoints count.
	for i, name := range names {
		why := ""
		if i == 0 && name == checkpoint.Name(last+1) {
			why = "its iteration was not reported yet: the update is done again"
		} else if c, err := checkpoint.Load(filepath.Join(folder, name)); errors.Is(err, checkpoint.ErrDamaged) {
			why = err.Error()
		} else if err != nil {
			return fmt.Errorf("the run cannot go on: %w; go on with the program that wrote it, or move the file away to go on from the checkpoint before it", err)
		} else if why = s.foreign(name, c); why == "" {
			break
		}
		if err := s.setAsideCheckpoint(name, why); err != nil {
			return err
		}
	}
	return s.run.CleanPolicies()
}

func (s *session) setAsideCheckpoint(name, why string) error {
	to, err := s.run.SetAside(filepath.Join(record.CheckpointsDir, name))
	if err != nil {
		return err
	}
	s.note(logging.Warn, "checkpoint %s is set aside as %s: %s", name, to, why)
	return nil
}

// foreign tells why a checkpoint is not of this run, "" if it may be: then the trials of its iteration
// were recorded here, and cost what it says that they cost.
func (s *session) foreign(name string, c *checkpoint.Checkpoint) string {
	iteration := c.State.Iteration
	if name != checkpoint.Name(iteration) {
		return fmt.Sprintf("it holds the state after iteration %d", iteration)
	}
	until := slices.IndexFunc(s.reports, func(r *learner.Report) bool { return r.Iteration == iteration })
	if until < 0 {
		if paths, err := s.run.Rollouts(uint32(iteration)); err == nil && len(paths) == 0 {
			return fmt.Sprintf("it is of another run: no trials of iteration %d are recorded in this one", iteration)
		}
		return ""
	}
	for m, condition := range c.State.Conditions {
		if cost := condition.MeanCost; cost != 0 && !slices.ContainsFunc(s.reports[:until+1], func(r *learner.Report) bool { return s.cost(r, m, cost) }) {
			return fmt.Sprintf("it is of another run: its trials of condition %d cost %.6g on average, which those of this run never did", m, cost)
		}
	}
	return ""
}

// cost tells whether the trials of condition m cost as much on average in the iteration of a report. A
// policy that was put back comes with the costs of an earlier iteration. What a state holds of
// cost.demonstration has been moved to a smaller weight since, and costs in reports are without it.
func (s *session) cost(r *learner.Report, m int, mean float64) bool {
	if len(r.Conditions) == 0 {
		return true // of a version that did not tell
	}
	if m >= len(r.Conditions) || len(r.Conditions[m].SampleCosts) == 0 {
		return false
	}
	c := &r.Conditions[m]
	task := 0.0
	for _, v := range c.SampleCosts {
		task += v / float64(len(c.SampleCosts))
	}
	tracking := math.Abs(c.CostTerms["cost.demonstration"])
	slack := 1e-9 * (math.Abs(mean) + tracking) // of sums in another order
	return mean >= task-slack && mean <= task+tracking+slack
}
