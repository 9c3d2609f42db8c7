package learner

import (
	"context"
	"errors"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/record"
)

// Kernels that this machine does not have are said, and learning goes on with others.
func TestKernelNote(t *testing.T) {
	_, notes := newPlant(t).core(taskProblem(t))
	said := slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, "GPS_KERNEL") })
	if _, err := algorithm.Arithmetic(); said != (err != nil) {
		t.Errorf("notes %q, where the kernels' error is %v", notes, err)
	}
	if os.Getenv("GPS_KERNEL") == "abacus" {
		if !said {
			t.Error("no word of kernels that do not exist")
		}
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^TestKernelNote$")
	again.Env = append(os.Environ(), "GPS_KERNEL=abacus")
	if out, err := again.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCoreOrder(t *testing.T) {
	p, problem := newPlant(t), taskProblem(t)
	core, _ := p.core(problem)
	ctx := context.Background()
	for iteration := 1; iteration <= 2; iteration++ {
		for n := range 6 {
			condition, sample := n/3, n%3
			if recorded, total := core.Trials(); recorded != n || total != 6 || core.Iteration() != iteration {
				t.Fatalf("%d of %d trials of iteration %d recorded, want %d of 6 of %d", recorded, total, core.Iteration(), n, iteration)
			}
			c := core.Next()
			if c.Iteration != iteration || c.Condition != condition || c.Sample != sample {
				t.Fatalf("trial (%d, %d, %d), want (%d, %d, %d)", c.Iteration, c.Condition, c.Sample, iteration, condition, sample)
			}
			if c.DT != 0.05 || !slices.Equal(c.InitialPosition, problem.positions[condition]) || c.NoiseSeed != algorithm.NoiseSeed(1, iteration, condition, sample) {
				t.Errorf("command %+v", c)
			}
			if again := core.Next(); again.Sample != sample || again.Condition != condition {
				t.Error("Next moved on without a recording")
			}
			if report, err := core.Update(ctx); report != nil || err != nil {
				t.Fatalf("update before the iteration's trials are there: %v, %v", report, err)
			}
			report, err := core.Recorded(ctx, p.record(c))
			if err != nil {
				t.Fatal(err)
			}
			if last := n == 5; last != (report != nil) || last != (p.checkpointBytes(iteration) != nil) {
				t.Fatalf("trial %d of 6: report %v, checkpoint of %d bytes", n+1, report, len(p.checkpointBytes(iteration)))
			}
			if report != nil {
				checkReport(t, report, iteration)
			}
		}
	}
	if c := core.Next(); c != nil {
		t.Errorf("after the last iteration comes %+v", c)
	}
	if report, err := core.Update(ctx); report != nil || err != nil {
		t.Errorf("after the last iteration: %v, %v", report, err)
	}
}

func checkReport(t *testing.T, r *Report, iteration int) {
	t.Helper()
	sum := 0.0
	for _, c := range r.SampleCosts {
		sum += c
	}
	if r.Iteration != iteration || r.Iterations != 2 || len(r.SampleCosts) != 6 || math.Abs(r.MeanCost-sum/6) > 1e-9*sum || r.BestCost != slices.Min(r.SampleCosts) {
		t.Errorf("report %+v", r)
	}
	if !(r.KL > 0) || !(r.Eta > 0) || !(r.StepMultiplier > 0) || !(r.Seconds >= r.UpdateSeconds) {
		t.Errorf("report %+v", r)
	}
	if r.Error != nil || !math.IsNaN(r.EndEffectorError()) {
		t.Errorf("an end effector error of %v m without an end effector", r.EndEffectorError())
	}
	checkMessage(t, r)
	checkConditions(t, r)
}

// TestCoreGoesOnAnywhere: a learner that is killed at any point and started again comes to
// the same bits.
func TestCoreGoesOnAnywhere(t *testing.T) {
	whole, problem := newPlant(t), taskProblem(t)
	if reports := whole.learn(problem, never); len(reports) != 2 {
		t.Fatalf("%d reports", len(reports))
	}
	for at := range 13 {
		p := newPlant(t)
		p.learn(problem, func(n int) bool { return n == at })
		p.wantSame(whole, 2)
	}
	p := newPlant(t)
	p.learn(problem, func(int) bool { return true })
	p.wantSame(whole, 2)
}

// TestCoreUpdatesWhatItFinds: the learner was killed when all trials were recorded and
// before the checkpoint was there.
func TestCoreUpdatesWhatItFinds(t *testing.T) {
	whole, problem := newPlant(t), taskProblem(t)
	whole.learn(problem, never)
	for iteration := 1; iteration <= 2; iteration++ {
		p := newPlant(t)
		p.learn(problem, never)
		for i := iteration; i <= 2; i++ {
			if err := os.Remove(p.checkpointPath(i)); err != nil {
				t.Fatal(err)
			}
		}
		core, notes := p.core(problem)
		for i := iteration; i <= 2; i++ {
			if core == nil {
				core, notes = p.core(problem)
			}
			if recorded, total := core.Trials(); recorded != total || len(notes) != 0 {
				t.Fatalf("%d of %d trials found, notes %q", recorded, total, notes)
			}
			report, err := core.Update(context.Background())
			if err != nil || report == nil || report.Iteration != i {
				t.Fatalf("report %v, error %v", report, err)
			}
			core = nil
		}
		p.wantSame(whole, 2)
	}
}

// TestCoreIsToldTwice: the node tells a new learner of a recording that it found by
// itself, maybe after the update.
func TestCoreIsToldTwice(t *testing.T) {
	whole, problem := newPlant(t), taskProblem(t)
	whole.learn(problem, never)
	p := newPlant(t)
	core, _ := p.core(problem)
	ctx := context.Background()
	for c := core.Next(); c != nil; c = core.Next() {
		path := p.record(c)
		for range 2 {
			if _, err := core.Recorded(ctx, path); err != nil {
				t.Fatalf("trial (%d, %d, %d): %v", c.Iteration, c.Condition, c.Sample, err)
			}
		}
	}
	p.wantSame(whole, 2)
}

func TestCoreRefusesRecordings(t *testing.T) {
	p, problem := newPlant(t), taskProblem(t)
	core, _ := p.core(problem)
	for _, c := range []struct {
		name string
		path func() string
		says string
	}{
		{"not there", func() string { return record.TrialPath(1, 0, 0) }, "no such file"},
		{"outside", func() string { return "../../etc/passwd" }, "not inside"},
		{"empty path", func() string { return "" }, "not inside"},
		{"an iteration to come", func() string { c := core.Next(); c.Iteration = 2; return p.record(c) }, "iteration 2"},
		{"a condition too many", func() string { c := core.Next(); c.Condition = 2; return p.record(c) }, "condition 2"},
		{"a sample too many", func() string { c := core.Next(); c.Sample = 3; return p.record(c) }, "sample 3"},
		{"other time step", func() string { c := core.Next(); c.DT = 0.1; return p.record(c) }, "0.1 s"},
		{"other length", func() string {
			other, _ := newPlant(t).core(taskProblem(t, func(c *Config) { c.Steps = 5 }))
			return p.record(other.Next())
		}, "5 steps"},
		{"other seed", func() string {
			other, _ := newPlant(t).core(taskProblem(t, func(c *Config) { c.Seed = 2 }))
			return p.record(other.Next())
		}, "seed"},
		{"cut off", func() string {
			path := p.record(core.Next())
			edit(t, p.run.Path(path), func(b []byte) []byte { return b[:len(b)/2] })
			return path
		}, "damaged"},
		{"empty file", func() string {
			path := p.record(core.Next())
			edit(t, p.run.Path(path), func(b []byte) []byte { return nil })
			return path
		}, "damaged"},
		{"flipped bit", func() string {
			path := p.record(core.Next())
			edit(t, p.run.Path(path), func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
			return path
		}, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, err := core.Recorded(context.Background(), c.path())
			if err == nil || report != nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("report %v, error %v, want one that says %q", report, err, c.says)
			}
			if recorded, _ := core.Trials(); recorded != 0 {
				t.Error("the recording was taken")
			}
			core, _ = p.core(problem)
			for _, dir := range []uint32{1, 2} {
				paths, err := p.run.Rollouts(dir)
				if err != nil {
					t.Fatal(err)
				}
				for _, path := range paths {
					if dir == 1 {
						// What was not taken is passed over by a new learner, with a note.
						fresh, notes := p.core(problem)
						if recorded, _ := fresh.Trials(); recorded != 0 || len(notes) != 1 || !strings.Contains(notes[0], path) {
							t.Errorf("a new learner took %d recordings; notes %q", recorded, notes)
						}
					}
					if err := os.Remove(p.run.Path(path)); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
	p.learn(problem, never)
}

// TestDamagedCheckpoint: the learner goes back to the checkpoint before, and what was
// recorded leads it to the same bits.
func TestDamagedCheckpoint(t *testing.T) {
	whole, problem := newPlant(t), taskProblem(t)
	whole.learn(problem, never)
	for name, change := range map[string]func([]byte) []byte{
		"empty":     func(b []byte) []byte { return nil },
		"cut off":   func(b []byte) []byte { return b[:len(b)-1] },
		"flipped":   func(b []byte) []byte { b[len(b)-9] ^= 4; return b },
		"no header": func(b []byte) []byte { return b[20:] },
	} {
		p := newPlant(t)
		p.learn(problem, never)
		edit(t, p.checkpointPath(2), change)
		core, notes := p.core(problem)
		if len(notes) != 1 || !strings.Contains(notes[0], checkpoint.Name(2)) || core.Iteration() != 2 {
			t.Fatalf("%s: iteration %d, notes %q", name, core.Iteration(), notes)
		}
		if report, err := core.Update(context.Background()); err != nil || report == nil {
			t.Fatalf("%s: report %v, error %v", name, report, err)
		}
		p.wantSame(whole, 2)
	}
}

func TestOtherRun(t *testing.T) {
	p := newPlant(t)
	p.learn(taskProblem(t), never)
	for name, edit := range map[string]func(*Config, *robot.Config){
		"joints":     func(_ *Config, r *robot.Config) { r.Joints = []string{"a", "c"} },
		"order":      func(_ *Config, r *robot.Config) { r.Joints = []string{"b", "a"} },
		"state":      func(_ *Config, r *robot.Config) { *r = robot.DefaultConfig(); r.Joints = []string{"a", "b"} },
		"conditions": func(c *Config, _ *robot.Config) { c.Conditions.Position = []float64{1, 2} },
		"steps":      func(c *Config, _ *robot.Config) { c.Steps = 7 },
		"seed":       func(c *Config, _ *robot.Config) { c.Seed = 2 },
	} {
		cfg, rc := taskConfig()
		edit(&cfg, &rc)
		problem, err := NewProblem(cfg, mustRobot(t, rc))
		if err != nil {
			t.Fatal(err)
		}
		if core, _, err := NewCore(problem, &p.run.Folder); !errors.Is(err, ErrOtherRun) || core != nil {
			t.Errorf("other %s: error %v", name, err)
		}
	}
	// More iterations, or fewer, are the same run.
	for _, n := range []int{1, 2} {
		if core, _ := p.core(taskProblem(t, func(c *Config) { c.Iterations = n })); core.Next() != nil {
			t.Errorf("%d iterations are done, but a trial comes next", n)
		}
	}
	if core, _ := p.core(taskProblem(t, func(c *Config) { c.Iterations = 3 })); core.Next().Iteration != 3 {
		t.Error("a third iteration does not begin")
	}
}

// TestHollowCheckpoint: a whole file whose content is none of this program's.
func TestHollowCheckpoint(t *testing.T) {
	problem := taskProblem(t)
	for name, change := range map[string]func(*algorithm.State){
		"no controller":    func(s *algorithm.State) { s.Conditions[1].Controller = nil },
		"short controller": func(s *algorithm.State) { s.Conditions[0].Controller.K = nil },
		"other length":     func(s *algorithm.State) { s.Conditions[1].Controller.T = 2 },
	} {
		p := newPlant(t)
		p.learn(problem, never)
		c, err := checkpoint.Load(p.checkpointPath(2))
		if err != nil {
			t.Fatal(err)
		}
		change(c.State)
		if _, err := checkpoint.Save(p.run.Path(record.CheckpointsDir), c); err != nil {
			t.Fatal(err)
		}
		if _, _, err := NewCore(problem, &p.run.Folder); !errors.Is(err, ErrOtherRun) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
