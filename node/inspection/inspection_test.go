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
	"guidedpolicysearch/node/dataset"
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
	reopen(t, folder) // which makes the copies part of the bag
	if r, _ := open(t, folder); r.Run.Writer != nil {
		t.Errorf("still written by %+v", r.Run.Writer)
	}
}

// reopen opens a run for writing and closes it, as what goes on with it does.
func reopen(t testing.TB, folder string) {
	t.Helper()
	run, _, err := record.Open(folder)
	if err == nil {
		err = run.Close()
	}
	if err != nil {
		t.Fatal(err)
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

// Both are NPZ files: exported rollouts are told from what an update computed.
func TestDataset(t *testing.T) {
	folder := recordedRun(t, "intermediates.record=true")
	file := filepath.Join(t.TempDir(), "rollouts.npz")
	if _, err := node.ExportRollouts(t.Context(), folder, dataset.Selection{}, file, func(_, _ int) {}); err != nil {
		t.Fatal(err)
	}
	r, text := open(t, file)
	if r.Kind != inspection.KindDataset || r.Dataset == nil || len(r.Dataset.Arrays) == 0 || r.Intermediates != nil {
		t.Errorf("%+v", r)
	}
	contains(t, text, "a dataset of rollouts", "states, actions", "noise_seed")
	if r, _ := open(t, filepath.Join(folder, record.IntermediatesPath(1))); r.Kind != inspection.KindIntermediates || r.Dataset != nil {
		t.Errorf("%+v", r)
	}
}

// What is not whole is said to be so, with the place; what is nobody's too.
func TestDamage(t *testing.T) {
	folder := recordedRun(t, "algorithm.type=mdgps", "intermediates.record=true")
	trial := record.TrialPath(2, 0, 1)
	change := func(path string) func(string) error { // a bit in its middle
		return func(dir string) error {
			data, err := os.ReadFile(filepath.Join(dir, path))
			if err != nil {
				return err
			}
			data[len(data)/2] ^= 4
			return os.WriteFile(filepath.Join(dir, path), data, 0o666)
		}
	}
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
		"an iteration lost": {func(dir string) error {
			path := filepath.Join(dir, record.IterationsFile)
			lines, err := os.ReadFile(path)
			_, after, _ := bytes.Cut(lines, []byte("\n"))
			return errors.Join(err, os.WriteFile(path, after, 0o666))
		}, "", "iterations.jsonl:1: report of iteration 2, and none of 1 before it"},
		"parameters":          {cut(record.ParamsFile, 0), "", "params.yaml"},
		"checkpoint by name":  {cut("checkpoints/checkpoint_0002.gps", 5), "checkpoints/checkpoint_0002.gps", "should hold"},
		"policy by name":      {cut("policy.gps", 5), "policy.gps", "should hold"},
		"empty file":          {cut("policy.gps", 0), "policy.gps", "is empty"},
		"no rollouts":         {func(dir string) error { return os.RemoveAll(filepath.Join(dir, record.RolloutsDir)) }, "", ""},
		"latest policy":       {change("policy.gps"), "", "policy.gps: policy: damaged file: the checksum"},
		"earlier policy":      {change("policies/policy_0001.gps"), "", "policy_0001.gps: policy: damaged file: the checksum"},
		"latest checkpoint":   {change("checkpoints/checkpoint_0002.gps"), "", "the checksum of"},
		"earlier checkpoint":  {change("checkpoints/checkpoint_0001.gps"), "", "checkpoint_0001.gps does not match"},
		"earlier one cut off": {cut("checkpoints/checkpoint_0001.gps", 5), "", "checkpoint_0001.gps should hold"},
		"folder in its place": {func(dir string) error {
			path := filepath.Join(dir, "checkpoints/checkpoint_0001.gps")
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o777))
		}, "", "checkpoint_0001.gps is d"},
		"simulated robot": {cut(record.SimulatorFile, 0), "", "simulator.yaml"},
		"intermediates":   {change("intermediates/iteration_0001.npz"), "intermediates/iteration_0001.npz", "iteration_0001.npz: "},
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
			} else if len(r.Damaged) != 1 || r.Damaged[0] != err.Error() || r.Path == "" {
				t.Errorf("the report of %v is %+v", err, r)
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
		r, err := inspection.Open(path)
		if !errors.Is(err, inspection.ErrForeign) || r.Kind != inspection.KindUnknown || r.Error != err.Error() || len(r.Damaged) > 0 {
			t.Errorf("%s: %v, want an ErrForeign, reported as %+v", path, err, r)
		}
	}
	if _, err := inspection.Open(filepath.Join(empty, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing: %v", err)
	}
}

// TestEveryByteOfRecording changes bits of a recording that is named: its end, which no message needs,
// byte by byte.
func TestEveryByteOfRecording(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(recordedRun(t, "iterations=1"), record.TrialPath(1, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.mcap")
	for i := 0; i < len(data); i++ {
		if i < len(data)-8000 {
			i += 40
		}
		data[i] ^= 1 << (i % 8)
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		data[i] ^= 1 << (i % 8)
		if r, err := inspection.Open(path); err == nil && len(r.Damaged) == 0 {
			t.Errorf("byte %d of %d has changed, and nothing is said", i, len(data))
		}
	}
}

// TestUnread has more of checkpoints than is read: their length is compared, and it is said how many. The
// latest are read before all others, so that one which would just fit by itself does not.
func TestUnread(t *testing.T) {
	folder := recordedRun(t)
	path := filepath.Join(folder, record.CheckpointsDir, checkpoint.Name(1))
	big := func(size, missing int64) { // of zeros that take no place, with a checksum that is not theirs
		head := func(length int64) string {
			return fmt.Sprintf("GPSCHECKPOINT %d %d %064d\n", checkpoint.Version, length, 0)
		}
		length := size - int64(len(head(size)))
		if err := errors.Join(os.WriteFile(path, []byte(head(length)), 0o666), os.Truncate(path, size-missing)); err != nil {
			t.Fatal(err)
		}
	}
	const most = 64 << 20
	big(most, 0)
	r, text := open(t, folder)
	if r.Run.Unread != 1 || r.Run.UnreadBytes != most || r.Run.Checkpoints != 2 {
		t.Errorf("%+v", r.Run)
	}
	contains(t, text, "of 1 older checkpoints, policies and intermediates (67 MB) the length alone")
	for missing, want := range map[int64]string{1: path + " should hold", most / 2: path + " should hold"} {
		big(most, missing)
		if r, err := inspection.Open(folder); err != nil || len(r.Damaged) != 1 || !strings.Contains(r.Damaged[0], want) {
			t.Errorf("%d bytes missing: %+v, %v", missing, r, err)
		}
	}
	big(most/2, 0)
	if r, err := inspection.Open(folder); err != nil || r.Run.Unread != 0 || len(r.Damaged) != 1 || !strings.Contains(r.Damaged[0], "the checksum of "+path) {
		t.Errorf("%+v, %v", r, err)
	}
}

// large makes a run of 2,000 iterations of 5 trials, whose recordings are copies of one.
func large(t testing.TB) string {
	folder := recordedRun(t)
	trial, err := os.ReadFile(filepath.Join(folder, record.TrialPath(1, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	state, err := os.ReadFile(filepath.Join(folder, record.CheckpointsDir, checkpoint.Name(2)))
	if err != nil {
		t.Fatal(err)
	}
	learned, err := os.ReadFile(filepath.Join(folder, record.PolicyFile))
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
		for path, data := range map[string][]byte{filepath.Join(record.CheckpointsDir, checkpoint.Name(k)): state, record.PolicyPath(k): learned} {
			path = filepath.Join(folder, path)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, data, 0o666)); err != nil {
				t.Fatal(err)
			}
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
	reopen(t, folder)
	return folder
}

func TestLargeRun(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a run without -short, as make test does: it makes 10,000 files")
	}
	r, _ := open(t, large(t))
	if len(r.Damaged) > 0 || r.Run.Trials != 10_000 || r.Run.Iterations != 2000 || r.Run.Checkpoints != 2000 || r.Run.Policies != 2000 {
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
