package learner

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
)

func recording(c *Config) { c.Intermediates.Record = true }

// names returns those of the arrays in a file of intermediates.
func arrayNames(t *testing.T, path string) (names []string) {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		names = append(names, strings.TrimSuffix(f.Name, ".npy"))
	}
	return names
}

// TestIntermediates: every update leaves its record, the same whatever learner did it, and changes nothing by it.
func TestIntermediates(t *testing.T) {
	for _, kind := range []string{"trajopt", "mdgps"} {
		of := func(c *Config) { c.Algorithm.Type, c.Policy.Hidden, c.Policy.Train.Epochs = kind, []int{4}, 3 }
		plain, p, again := newPlant(t), newPlant(t), newPlant(t)
		plain.learn(taskProblem(t, of), never)
		if _, err := os.Stat(plain.run.Path(record.IntermediatesDir)); !os.IsNotExist(err) {
			t.Errorf("intermediates though nobody asked for them: %v", err)
		}
		for _, p := range []*plant{p, again} {
			core, _ := p.core(taskProblem(t, of, recording))
			for n := 0; ; n++ {
				if p == again && n%4 == 3 { // killed and started again
					if err := core.Close(); err != nil {
						t.Fatal(err)
					}
					core, _ = p.core(taskProblem(t, of, recording, func(c *Config) { c.Algorithm.Workers = 1 }))
				}
				c := core.Next()
				if c == nil {
					break
				}
				if r, err := core.Recorded(context.Background(), p.record(c)); err != nil || r != nil && len(r.Warnings) > 0 {
					t.Fatal(err, r)
				}
			}
			if err := core.Close(); err != nil {
				t.Fatal(err)
			}
			p.wantSame(plain, 2)
		}
		for iteration := 1; iteration <= 2; iteration++ {
			path := p.run.Path(record.IntermediatesPath(iteration))
			names := arrayNames(t, path)
			for _, want := range []string{"condition_00/report/eta", "condition_01/cost/terms/cost.torque", "condition_01/prior/end/means"} {
				if !slices.Contains(names, want) {
					t.Errorf("%s: %s is not among %d arrays", path, want, len(names))
				}
			}
			first, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if second, err := os.ReadFile(again.run.Path(record.IntermediatesPath(iteration))); err != nil || !bytes.Equal(first, second) {
				t.Errorf("%s, iteration %d: a learner that was started again records other bytes (%v)", kind, iteration, err)
			}
		}
		if entries, err := os.ReadDir(p.run.Path(record.IntermediatesDir)); err != nil || len(entries) != 2 {
			t.Errorf("%d files, want 2 (%v)", len(entries), err)
		}
	}
}

func TestIntermediatesAreSelected(t *testing.T) {
	p := newPlant(t)
	core, _ := p.core(taskProblem(t, recording, func(c *Config) {
		c.Iterations, c.Intermediates.Select = 1, []string{"*/report/eta", "condition_00/x0/*"}
	}))
	for c := core.Next(); c != nil; c = core.Next() {
		if _, err := core.Recorded(context.Background(), p.record(c)); err != nil {
			t.Fatal(err)
		}
	}
	if err := core.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"condition_00/report/eta", "condition_00/x0/covariance", "condition_00/x0/mean", "condition_01/report/eta"}
	if names := arrayNames(t, p.run.Path(record.IntermediatesPath(1))); !slices.Equal(names, want) {
		t.Errorf("arrays %q, want %q", names, want)
	}
}

// TestIntermediatesThatCannotBeWritten are said, and end nothing; so are those beyond the limit.
func TestIntermediatesThatCannotBeWritten(t *testing.T) {
	p := newPlant(t)
	if err := os.WriteFile(p.run.Path(record.IntermediatesDir), nil, 0o600); err != nil { // where the folder is to be
		t.Fatal(err)
	}
	core, _ := p.core(taskProblem(t, recording, func(c *Config) { c.Steps, c.Intermediates.Limit = 400, 1 }))
	var said []string
	for c := core.Next(); c != nil; c = core.Next() {
		report, err := core.Recorded(context.Background(), p.record(c))
		if err != nil {
			t.Fatal(err)
		}
		if report != nil {
			said = append(said, strings.Join(report.Warnings, "; "))
		}
	}
	last := core.Close()
	if len(said) != 2 || !strings.Contains(said[0], "are left out: raise intermediates.limit") || strings.Contains(said[0], "not written") ||
		!strings.Contains(said[1], "the intermediates iteration_0001 are not written") || last == nil || !strings.Contains(last.Error(), "iteration_0002") {
		t.Errorf("said %q, and in the end %v", said, last)
	}
	if core.Close() != nil {
		t.Error("the same error is told twice")
	}
}

// TestHalfWrittenIntermediates are removed, with a word.
func TestHalfWrittenIntermediates(t *testing.T) {
	p := newPlant(t)
	path := p.run.Path(record.IntermediatesPath(7))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + halfWritten} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, notes := p.core(taskProblem(t, recording)); len(notes) != 1 || !strings.Contains(notes[0], "iteration_0007.npz.tmp was left half-written") {
		t.Errorf("notes %q", notes)
	}
	if _, notes := p.core(taskProblem(t, recording)); len(notes) != 0 {
		t.Errorf("notes %q", notes)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestIntermediatesConfig(t *testing.T) {
	cfg, rc := taskConfig()
	cfg.Intermediates.Select = []string{"*", ""}
	_, err := NewProblem(cfg, mustRobot(t, rc))
	if field, ok := err.(params.FieldError); !ok || field.Key != "intermediates.select[1]" {
		t.Errorf("error %v, want one of intermediates.select[1]", err)
	}
}
