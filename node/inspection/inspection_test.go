package inspection_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/gps/checkpoint"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/inspection"
	"guidedpolicysearch/node/record"
)

// recordedRun makes a run of two iterations and returns its folder.
func recordedRun(t testing.TB, set ...string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "run")
	list := append([]string{"run_folder='" + folder + "'", "iterations=2", "samples=3", "steps=20", "policy.hidden=[8, 4]", "policy.train.epochs=2", "console=table"}, set...)
	cfg, setup, simulated, err := node.LoadFile("../../params/planar_arm.yaml", list)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Train(t.Context(), cfg, setup, simulated, io.Discard); err != nil {
		t.Fatal(err)
	}
	return folder
}

// open describes something that is whole, as text too.
func open(t *testing.T, path string) (*inspection.Report, string) {
	t.Helper()
	r, err := inspection.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Damaged) > 0 {
		t.Errorf("%s is whole, and said to be damaged: %q", path, r.Damaged)
	}
	var b bytes.Buffer
	if err := r.Write(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	return r, b.String()
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is missing in\n%s", p, text)
		}
	}
}

func TestRun(t *testing.T) {
	folder := recordedRun(t, "algorithm.type=mdgps", "iterations=3")
	r, text := open(t, folder)
	run := r.Run
	if r.Kind != inspection.KindRun || run.Iterations != 3 || run.Planned != 3 || run.Trials != 9 || run.Checkpoints != 3 || run.Policies != 3 || run.Faults+run.Repeated+run.Imported != 0 {
		t.Errorf("%+v", run)
	}
	task := run.Task
	if task == nil || task.Algorithm != "mdgps" || task.Samples != 3 || task.Steps != 20 || task.DT != 0.05 || task.Seed != 1 || fmt.Sprint(task.Joints) != "[joint1 joint2]" {
		t.Errorf("%+v", task)
	}
	if run.Writer != nil || run.WriterUnknown || len(run.SetAside) > 0 {
		t.Errorf("writer %+v, set aside %q", run.Writer, run.SetAside)
	}
	total := int64(0)
	err := filepath.WalkDir(folder, func(path string, e os.DirEntry, err error) error {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && filepath.Base(path) != record.MetadataFile {
			total += info.Size()
		}
		return err
	})
	if err != nil || r.Bytes != total {
		t.Errorf("%d bytes, counted %d, %v", r.Bytes, total, err)
	}
	contains(t, text, "a run", "joint1, joint2", "3 of 3 done", "mdgps, seed 1", "no process now", "mean cost per iteration")
}

// A run that a process writes, with recordings of all kinds and files that were set aside.
func TestRunInWork(t *testing.T) {
	folder := recordedRun(t)
	run, notes, err := record.Open(folder)
	if err != nil {
		t.Fatal(err, notes)
	}
	dir := filepath.Join(folder, record.RolloutsDir, "iteration_002")
	for _, name := range []string{"condition_0_sample_1.1.mcap", "broken_condition_0_sample_1.mcap", "broken_condition_0_sample_2.mcap"} {
		copyFile(t, filepath.Join(dir, "condition_0_sample_1.mcap"), filepath.Join(dir, name))
	}
	aside := filepath.Join(folder, record.SetAsideDir, record.RolloutsDir)
	if err := os.MkdirAll(aside, 0o777); err != nil {
		t.Fatal(err)
	}
	copyFile(t, filepath.Join(dir, "condition_0_sample_1.mcap"), filepath.Join(aside, "condition_0_sample_3.mcap.tmp"))
	r, text := open(t, folder)
	if r.Run.Trials != 6 || r.Run.Repeated != 1 || r.Run.Faults != 2 || fmt.Sprint(r.Run.SetAside) != "[set_aside/rollouts/condition_0_sample_3.mcap.tmp]" {
		t.Errorf("%+v", r.Run)
	}
	if w := r.Run.Writer; w == nil || w.PID != os.Getpid() || !strings.Contains(w.Command, "inspection") {
		t.Errorf("written by %+v, this is process %d", w, os.Getpid())
	}
	contains(t, text, "1 recorded again since, 2 broken off by a fault", "set aside      set_aside/rollouts/condition_0_sample_3.mcap.tmp", fmt.Sprintf("process %d now", os.Getpid()))
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	if r, _ := open(t, folder); r.Run.Writer != nil {
		t.Errorf("still written by %+v", r.Run.Writer)
	}
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	folder := recordedRun(t, "algorithm.type=mdgps")
	r, text := open(t, filepath.Join(folder, record.CheckpointsDir, checkpoint.Name(2)))
	c := r.Checkpoint
	if c == nil || c.Version != checkpoint.Version || c.Iteration != 2 || c.Seed != 1 || c.Steps != 20 || len(c.States) != 7 || len(c.Actions) != 2 || len(c.Conditions) != 1 || len(c.Checksum) != 64 {
		t.Errorf("%+v", c)
	} else if one := c.Conditions[0]; !(one.MeanCost > 0) || !(one.Eta > 0) || one.PriorTrials != 6 || one.Clusters < 2 {
		t.Errorf("%+v", one)
	} else if fmt.Sprint(c.Policy.Sizes) != "[7 8 4 2]" || c.Policy.Weights != 8*8+9*4+5*2 {
		t.Errorf("%+v", c.Policy)
	}
	contains(t, text, "a checkpoint", "T=20, dX=7, dU=2", "7 - 8 - 4 - 2 (tanh), 110 weights", "step multiplier")

	r, text = open(t, filepath.Join(folder, record.PolicyFile))
	if p := r.Policy; p == nil || p.Form != "network" || p.Step != 0.05 || p.Training.Iterations != 2 || p.Training.Rollouts != 6 || len(p.Network.Scale) != 7 || p.Training.Algorithm != "mdgps" {
		t.Errorf("%+v", p)
	}
	contains(t, text, "a policy", "joint1.position, normalised by x *", "mdgps, 2 iterations, 6 rollouts")

	model := filepath.Join(t.TempDir(), "x")
	if _, err := node.ExportPolicy(folder, model+".onnx"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(model+".onnx", model); err != nil { // its content tells what it is
		t.Fatal(err)
	}
	r, text = open(t, model)
	if m := r.Model; m == nil || m.Opset != 13 || fmt.Sprint(m.Inputs, m.Outputs) != "[observation] [action]" || len(m.Operators) < 3 || fmt.Sprint(m.Network.Sizes) != "[7 8 4 2]" || m.Properties["time_step_s"] != "0.05" {
		t.Errorf("%+v", m)
	}
	contains(t, text, "an ONNX model", "operator set   13", "Gemm")

	r, text = open(t, filepath.Join(folder, record.TrialPath(1, 0, 0)))
	b := r.Bag
	if b == nil || len(b.Topics) != 3 || b.Lost != 0 {
		t.Fatalf("%+v", b)
	}
	counts := map[string]int64{}
	for _, topic := range b.Topics {
		counts[topic.Name+" "+topic.Type] = topic.Messages
	}
	// 20 steps, with one joint state before the first.
	if counts["/joint_states sensor_msgs/msg/JointState"] != 21 || counts["/effort_controller/commands std_msgs/msg/Float64MultiArray"]+counts["/commands std_msgs/msg/Float64MultiArray"] != 20 || counts["/guided_policy_search/rollout guided_policy_search_msgs/msg/Rollout"] != 1 || b.Messages != 42 {
		t.Errorf("%v", counts)
	}
	contains(t, text, "a bag", "42 messages in 1 file", "sensor_msgs/msg/JointState")

	r, _ = open(t, filepath.Join(folder, record.RolloutsDir))
	if b := r.Bag; b == nil || b.Files != 6 || b.Messages != 6*42 || len(b.Topics) != 3 {
		t.Errorf("%+v", b)
	}

	r, text = open(t, filepath.Join(folder, record.ParamsFile))
	if p := r.Parameters; p == nil || len(p.Nodes) != 1 || p.Nodes[0].Node != "/guided_policy_search" || p.Nodes[0].Count < 50 {
		t.Errorf("%+v", p)
	}
	contains(t, text, "a parameter file", "gps params check")
}

func TestTrajectoryFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "run")
	l, err := node.LoadTrajectory("../../params/pendulum_ilqg.yaml", []string{"run_folder='" + folder + "'", "iterations=5"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.OptimizeTrajectory(t.Context(), l, io.Discard); err != nil {
		t.Fatal(err)
	}
	r, text := open(t, folder)
	if r.Kind != inspection.KindTrajectory || len(r.Trajectory.Cost) == 0 {
		t.Errorf("%+v", r.Trajectory)
	}
	contains(t, text, "under known dynamics")
}

// What is not whole is said to be so, with the place; what is nobody's too.
func TestDamage(t *testing.T) {
	folder := recordedRun(t, "algorithm.type=mdgps")
	trial := record.TrialPath(2, 0, 1)
	cut := func(path string, part int) func(string) error {
		return func(dir string) error {
			data, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, path), data[:len(data)*part/10], 0o666)
		}
	}
	for name, c := range map[string]struct {
		harm func(dir string) error
		open string // "" for the run
		says string
	}{
		"recording cut off":          {cut(trial, 5), "", "condition_0_sample_1.mcap: at byte"},
		"recording cut off, by name": {cut(trial, 5), trial, "cannot be read"},
		"bag with it":                {cut(trial, 5), record.RolloutsDir, "cut off"},
		"missing recording":          {func(dir string) error { return os.Remove(filepath.Join(dir, trial)) }, record.RolloutsDir, "is missing"},
		"checkpoint cut off":         {cut("checkpoints/checkpoint_0002.gps", 5), "", "checkpoint_0002.gps should hold"},
		"iterations cut off":         {cut(record.IterationsFile, 9), "", "iterations.jsonl:2"},
		"an iteration twice": {func(dir string) error {
			path := filepath.Join(dir, record.IterationsFile)
			lines, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, append(lines, lines...), 0o666))
		}, "", "iterations.jsonl:3: expected the report of an iteration after 2"},
		"parameters":         {cut(record.ParamsFile, 0), "", "params.yaml"},
		"checkpoint by name": {cut("checkpoints/checkpoint_0002.gps", 5), "checkpoints/checkpoint_0002.gps", "should hold"},
		"policy by name":     {cut("policy.gps", 5), "policy.gps", "should hold"},
		"empty file":         {cut("policy.gps", 0), "policy.gps", "is empty"},
		"no rollouts":        {func(dir string) error { return os.RemoveAll(filepath.Join(dir, record.RolloutsDir)) }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "run")
			if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
				t.Fatal(err)
			}
			if err := c.harm(dir); err != nil {
				t.Fatal(err)
			}
			r, err := inspection.Open(filepath.Join(dir, c.open))
			text := fmt.Sprint(err)
			if err == nil {
				text = strings.Join(r.Damaged, "\n")
			} else if !errors.Is(err, inspection.ErrDamaged) {
				t.Errorf("%v, want an ErrDamaged", err)
			}
			if c.says != "" && (text == "" || !strings.Contains(text, c.says)) {
				t.Errorf("%q does not say %q", text, c.says)
			}
		})
	}
	empty := t.TempDir()
	text := filepath.Join(empty, "x.txt")
	if err := os.WriteFile(text, []byte("hello"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{empty, text} {
		if _, err := inspection.Open(path); !errors.Is(err, inspection.ErrForeign) {
			t.Errorf("%s: %v, want an ErrForeign", path, err)
		}
	}
	if _, err := inspection.Open(filepath.Join(empty, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

// large makes a run of 2,000 iterations of 5 trials, whose recordings are copies of one.
func large(t testing.TB) string {
	folder := recordedRun(t)
	trial, err := os.ReadFile(filepath.Join(folder, record.TrialPath(1, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(filepath.Join(folder, record.IterationsFile))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := bytes.Cut(lines, []byte("\n"))
	var all bytes.Buffer
	for k := 1; k <= 2000; k++ {
		var report map[string]any
		if err := json.Unmarshal(first, &report); err != nil {
			t.Fatal(err)
		}
		report["iteration"] = k
		if err := json.NewEncoder(&all).Encode(report); err != nil {
			t.Fatal(err)
		}
		for n := range 5 {
			path := filepath.Join(folder, record.TrialPath(uint32(k), 0, uint32(n)))
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, trial, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(folder, record.IterationsFile), all.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestLargeRun(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 10,000 files")
	}
	r, _ := open(t, large(t))
	if r.Run.Trials != 10_000 || r.Run.Iterations != 2000 {
		t.Errorf("%d trials, %d iterations", r.Run.Trials, r.Run.Iterations)
	}
}

// BenchmarkLargeRun measures what `gps inspect` of 10,000 trials takes.
func BenchmarkLargeRun(b *testing.B) {
	folder := large(b)
	begin := time.Now()
	b.ResetTimer()
	for b.Loop() {
		r, err := inspection.Open(folder)
		if err != nil {
			b.Fatal(err)
		}
		if err := r.Write(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(time.Since(begin).Seconds()/float64(b.N), "s/run")
}
