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

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
)

// maxReport bounds a line of the iterations' file, in bytes.
const maxReport = 1 << 24

// resume takes over the reports of a run that goes on.
func (s *session) resume() error {
	path := s.run.Path(record.IterationsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the run's earlier iterations: %w", err)
	}
	last := 0
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, maxReport)
	for number := 1; lines.Scan(); number++ {
		r := new(learner.Report)
		if err := json.Unmarshal(lines.Bytes(), r); err != nil || r.Iteration <= last || len(r.SampleCosts) == 0 {
			return fmt.Errorf("%s:%d: expected the report of an iteration after %d as JSON (%v); move the file away to go on without the earlier reports", path, number, last, err)
		}
		last = r.Iteration
		s.reports = append(s.reports, r)
		s.show(r)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if last > 0 {
		s.log.Log(Info, "the run in %s goes on after iteration %d", s.run.Dir(), last)
	}
	return nil
}

// mendCheckpoints clears up after a learner or a node that ended between two steps: what
// was left half-written goes, and so does the latest checkpoint if its iteration was never
// reported. Then the update is done again from the same recordings, with the same outcome,
// and reported. No learner may be running.
func (s *session) mendCheckpoints() error {
	folder := s.run.Path(record.CheckpointsDir)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("read the checkpoints: %w", err)
	}
	last := 0
	if n := len(s.reports); n > 0 {
		last = s.reports[n-1].Iteration
	}
	// Where more are ahead the reports were lost otherwise; the checkpoints count.
	_, err = os.Stat(filepath.Join(folder, checkpoint.Name(last+2)))
	ahead := err == nil
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".tmp" && (ahead || e.Name() != checkpoint.Name(last+1)) {
			continue
		}
		if err := os.Remove(filepath.Join(folder, e.Name())); err != nil {
			return fmt.Errorf("remove a checkpoint that was not finished or not reported: %w", err)
		}
	}
	return nil
}
