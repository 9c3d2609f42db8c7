package learner

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
)

func loadPolicy(t *testing.T, p *plant, path string) *policy.File {
	t.Helper()
	f, err := policy.Load(p.run.Path(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Suits(p.robot.StateNames(), p.robot.Joints(), 0.05); err != nil {
		t.Error(err)
	}
	return f
}

// actions are what a policy does at a state, over its whole horizon.
func actions(p policy.Policy, x []float64) (list []float64) {
	T, _, dU := p.Sizes()
	u := make([]float64, dU)
	for t := range T {
		p.Act(u, x, t, nil)
		list = append(list, u...)
	}
	return list
}

// Without a policy, what is saved acts as the controller of the condition that a trial begins
// nearest to.
func TestControllersAreSaved(t *testing.T) {
	for _, positions := range [][]float64{{1, 0.5}, {1, 0.5, -0.5, 0.25}} {
		p := newPlant(t)
		reports := p.learn(taskProblem(t, func(c *Config) { c.Conditions.Position = positions }), never)
		f := loadPolicy(t, p, record.PolicyFile)
		last, _, err := checkpoint.Latest(p.run.Path(record.CheckpointsDir))
		if err != nil {
			t.Fatal(err)
		}
		for m, condition := range last.State.Conditions {
			x := []float64{positions[2*m] + 0.1, positions[2*m+1] - 0.1, 0, 0}
			if got, want := actions(f.Policy, x), actions(condition.Controller, x); !slices.Equal(got, want) {
				t.Errorf("%d conditions: near condition %d the policy acts %v, its controller %v", len(positions)/2, m, got, want)
			}
		}
		if _, single := f.Policy.(*lqg.Controller); single != (len(positions) == 2) {
			t.Errorf("%d conditions: a %T", len(positions)/2, f.Policy)
		}
		training := f.Training
		if training.Algorithm != "trajopt" || training.Iterations != 2 || training.Rollouts != 3*len(positions) || training.Conditions != len(positions)/2 || training.Seed != 1 ||
			!slices.Equal(training.MeanCost, []float64{reports[0].MeanCost, reports[1].MeanCost}) || training.SuccessRate != nil {
			t.Errorf("trained %+v", training)
		}
		if _, err := os.Stat(p.run.Path(record.PoliciesDir)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a folder of policies though the algorithm has none: %v", err)
		}
	}
}

// policy.feature says what the nearest start is, and a mixture blends the controllers by the state.
func TestControllersAreCombined(t *testing.T) {
	positions := []float64{1, 0.5, -0.5, 0.25}
	save := func(change func(*Config)) (policy.Policy, *checkpoint.Checkpoint) {
		p := newPlant(t)
		p.learn(taskProblem(t, func(c *Config) { c.Conditions.Position = positions; change(c) }), never)
		last, _, err := checkpoint.Latest(p.run.Path(record.CheckpointsDir))
		if err != nil {
			t.Fatal(err)
		}
		return loadPolicy(t, p, record.PolicyFile).Policy, last
	}
	// By the second joint alone this is near the second condition, by both the first.
	between := []float64{0.9, 0.3, 0, 0}
	for m, feature := range [][]string{nil, {"b.position"}} {
		got, last := save(func(c *Config) { c.Policy.Feature = feature })
		if want := actions(last.State.Conditions[m].Controller, between); !slices.Equal(actions(got, between), want) {
			t.Errorf("feature %q: it does not act as the controller of condition %d", feature, m)
		}
	}
	got, last := save(func(c *Config) { c.Policy.Combine = "mixture" })
	blend, ok := got.(*policy.Mixture)
	if !ok {
		t.Fatalf("a %T is saved", got)
	}
	for m, condition := range last.State.Conditions {
		x := []float64{positions[2*m], positions[2*m+1], 0, 0}
		u, want := make([]float64, 2), make([]float64, 2)
		blend.Act(u, x, 0, nil)
		condition.Controller.Act(want, x, 0, nil)
		for i := range u {
			if math.Abs(u[i]-want[i]) > 1e-6*(1+math.Abs(want[i])) {
				t.Errorf("at the start of condition %d the mixture acts %v, its controller %v", m, u, want)
			}
		}
	}
	for key, change := range map[string]func(*Config){
		"policy.feature[1]": func(c *Config) { c.Policy.Feature = []string{"b.position", "c.position"} },
		"policy.feature[2]": func(c *Config) { c.Policy.Feature = []string{"b.position", "a.position", "b.position"} },
		"policy.combine":    func(c *Config) { c.Policy.Combine, c.Algorithm.Update = "mixture", "pi2" },
	} {
		cfg, rc := taskConfig()
		cfg.Conditions.Position = positions
		change(&cfg)
		var field params.FieldError
		if _, err := NewProblem(cfg, mustRobot(t, rc)); !errors.As(err, &field) || field.Key != key {
			t.Errorf("%s: error %v", key, err)
		}
	}
}

// The policy is saved after each iteration, whatever learner carries it out.
func TestPolicyIsSaved(t *testing.T) {
	task := taskProblem(t, func(c *Config) { c.Algorithm.Type = "mdgps"; c.Policy.Hidden = []int{4}; c.Success.Text = "q0 < 100" })
	p, core := newPlant(t), (*Core)(nil)
	for {
		core, _ = p.core(task)
		command := core.Next()
		if command == nil {
			break
		}
		report, err := core.Recorded(t.Context(), p.record(command))
		if err != nil {
			t.Fatal(err)
		}
		if report == nil {
			continue
		}
		if len(report.Warnings) != 0 {
			t.Errorf("iteration %d: %q", report.Iteration, report.Warnings)
		}
		if report.Policy == nil {
			t.Error("a report without a policy")
		}
		checkMessage(t, report)
		checkConditions(t, report)
		if err := p.run.AppendIteration(report); err != nil {
			t.Fatal(err)
		}
	}
	x := []float64{0.3, -0.2, 0.1, 0.4}
	last, err := checkpoint.Load(p.checkpointPath(2))
	if err != nil {
		t.Fatal(err)
	}
	first, second, latest := loadPolicy(t, p, record.PolicyPath(1)), loadPolicy(t, p, record.PolicyPath(2)), loadPolicy(t, p, record.PolicyFile)
	if want := actions(last.State.Policy, x); !slices.Equal(actions(second.Policy, x), want) || !slices.Equal(actions(latest.Policy, x), want) || slices.Equal(actions(first.Policy, x), want) {
		t.Errorf("policies act %v, %v and %v, the checkpoint's %v", actions(first.Policy, x), actions(second.Policy, x), actions(latest.Policy, x), want)
	}
	training := latest.Training
	if len(training.MeanCost) != 2 || first.Training.MeanCost[0] != training.MeanCost[0] || *training.SuccessRate != 1 || training.Algorithm != "mdgps" || training.Rollouts != 12 {
		t.Errorf("trained %+v", training)
	}
	// Without the costs of earlier iterations there are none in the file.
	var line struct{ Iteration int }
	data, err := os.ReadFile(p.run.Path(record.IterationsFile))
	if err != nil || json.Unmarshal(bytes.SplitN(data, []byte("\n"), 2)[1], &line) != nil || line.Iteration != 2 {
		t.Fatal(err, line)
	}
	edit(t, p.run.Path(record.IterationsFile), func(b []byte) []byte { return b[bytes.IndexByte(b, '\n')+1:] })
	if core, _ = p.core(task); core.costs != nil {
		t.Errorf("costs %v of a file without the first iteration", core.costs)
	}
}

// A policy that cannot be written is said, and learning goes on.
func TestPolicyNotSaved(t *testing.T) {
	p := newPlant(t)
	if err := os.Mkdir(p.run.Path(record.PolicyFile), 0o777); err != nil {
		t.Fatal(err)
	}
	reports := p.learn(taskProblem(t), never)
	if len(reports) != 2 || len(reports[1].Warnings) == 0 || !strings.Contains(strings.Join(reports[1].Warnings, ";"), "the policy after iteration 2 is not saved") {
		t.Errorf("%+v", reports)
	}
}

// All that a report says of a policy is in its message.
func TestPolicyReportMessage(t *testing.T) {
	heldOut := 0.25
	for _, p := range []*PolicyReport{nil, {KL: 3, Loss: 0.5, HeldOutLoss: &heldOut, Epochs: 7, RolledBack: true}, {KL: 1, Loss: 2, Diverged: true}} {
		want := &Report{Iteration: 1, SampleCosts: []float64{1}, Policy: p}
		if back := readReport(want.Message(0)); !reflect.DeepEqual(back, want) {
			t.Errorf("as a message %+v %+v, want %+v", back, back.Policy, p)
		}
	}
}
