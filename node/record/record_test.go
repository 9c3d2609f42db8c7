package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/msgs/builtin_interfaces"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/record"
)

var topics = record.Topics{
	JointStates: record.Topic{Name: "/joint_states", Depth: 10},
	Commands:    record.Topic{Name: "/effort_controller/commands", Depth: 10},
	Rollout:     record.Topic{Name: "/guided_policy_search/rollout", Depth: 1, TransientLocal: true},
}

// trial returns a trial of T steps of a 2-link arm.
func trial(iteration, condition, sample uint32, T int) *record.Trial {
	t := record.NewTrial(topics, T+1, (T+1)*256)
	r := gps.Rollout{
		Header:    std_msgs.Header{Stamp: builtin_interfaces.Time{Sec: 1, Nanosec: 500}},
		Iteration: iteration, Condition: condition, Sample: sample, NoiseSeed: math.MaxUint64, Dt: 0.05,
		JointNames: []string{"shoulder", "elbow"}, StateNames: []string{"q0", "q1", "dq0", "dq1"},
		Steps: uint32(T), Dx: 4, Du: 2,
	}
	for k := range T + 1 {
		stamp := builtin_interfaces.Time{Sec: int32(k), Nanosec: 7}
		x := []float64{float64(k), -1, 0.1, math.Inf(1)}
		r.States = append(r.States, x...)
		r.Stamps = append(r.Stamps, stamp)
		js := sensor_msgs.JointState{Header: std_msgs.Header{Stamp: stamp}, Name: r.JointNames, Position: x[:2], Velocity: x[2:]}
		t.JointStates.Append(js.AppendCDR(nil), int64(k)*1e9+20, int64(k)*1e9+10)
		if k < T {
			u := []float64{1, 2}
			r.Actions, r.Commanded = append(r.Actions, u...), append(r.Commanded, u...)
			command := std_msgs.Float64MultiArray{Data: u}
			t.Commands.Append(command.AppendCDR(nil), int64(k)*1e9+20, int64(k)*1e9+20)
		}
	}
	t.Rollout = r
	return t
}

func create(t *testing.T) *record.Run {
	t.Helper()
	run, err := record.Create(filepath.Join(t.TempDir(), "a", "run [1]*"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { run.Close() })
	return run
}

func TestRoundTrip(t *testing.T) {
	run := create(t)
	want := trial(3, 0, 2, 20)
	rel, err := run.WriteTrial(want)
	if err != nil {
		t.Fatal(err)
	}
	if rel != "rollouts/iteration_003/condition_0_sample_2.mcap" {
		t.Errorf("path %s", rel)
	}
	got, err := run.ReadRollout(rel)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, &want.Rollout) {
		t.Errorf("read %+v\nwant %+v", got, &want.Rollout)
	}
	view, err := record.View(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := view.ReadRollout(rel); err != nil || got.Sample != 2 {
		t.Errorf("through a view: %v, %v", got, err)
	}
}

// TestLibraryReads reads a recording by its index with the MCAP library.
func TestLibraryReads(t *testing.T) {
	run := create(t)
	want := trial(1, 0, 0, 5)
	rel, err := run.WriteTrial(want)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(run.Path(rel))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := mcap.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if r.Header().Profile != "ros2" {
		t.Errorf("profile %q", r.Header().Profile)
	}
	info, err := r.Info()
	if err != nil {
		t.Fatal(err)
	}
	if info.Statistics.MessageCount != 12 {
		t.Errorf("%d messages, want 12", info.Statistics.MessageCount)
	}
	messages, err := r.Messages()
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	joints, commands := 0, 0
	err = mcap.Range(messages, func(s *mcap.Schema, c *mcap.Channel, m *mcap.Message) error {
		order = append(order, c.Topic)
		if s.Encoding != "ros2msg" || c.MessageEncoding != "cdr" || !strings.HasPrefix(c.Metadata["offered_qos_profiles"], "- history: 1\n  depth: ") {
			t.Errorf("schema %q, message %q, metadata %v", s.Encoding, c.MessageEncoding, c.Metadata)
		}
		switch c.Topic {
		case "/joint_states":
			data, receive, send := want.JointStates.At(joints)
			if s.Name != "sensor_msgs/msg/JointState" || string(s.Data) != (&sensor_msgs.JointState{}).Definition() ||
				!bytes.Equal(m.Data, data) || m.LogTime != uint64(receive) || m.PublishTime != uint64(send) || m.Sequence != uint32(joints) {
				t.Errorf("joint state %d: %+v", joints, m)
			}
			joints++
		case "/effort_controller/commands":
			data, receive, _ := want.Commands.At(commands)
			if s.Name != "std_msgs/msg/Float64MultiArray" || !bytes.Equal(m.Data, data) || m.LogTime != uint64(receive) {
				t.Errorf("command %d: %+v", commands, m)
			}
			commands++
		default:
			if s.Name != "guided_policy_search_msgs/msg/Rollout" || m.LogTime != 5e9+21 {
				t.Errorf("%s of %s at %d", c.Topic, s.Name, m.LogTime)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if joints != 6 || commands != 5 || order[0] != "/joint_states" || order[1] != "/effort_controller/commands" || order[11] != "/guided_policy_search/rollout" {
		t.Errorf("order %v", order)
	}
}

// TestTruncated cuts a recording at many places; TestEveryByte at all.
func TestTruncated(t *testing.T) {
	run := create(t)
	rel, err := run.WriteTrial(trial(1, 0, 0, 5))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(run.Path(rel))
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n += 37 {
		if err := os.WriteFile(run.Path(rel), whole[:n], 0o666); err != nil {
			t.Fatal(err)
		}
		checkDamaged(t, run, rel, n)
	}
}

func checkDamaged(t *testing.T, run *record.Run, rel string, at int) {
	t.Helper()
	_, err := run.ReadRollout(rel)
	if !errors.Is(err, record.ErrDamaged) || !strings.Contains(err.Error(), run.Path(rel)) || !strings.Contains(err.Error(), "at byte ") {
		t.Fatalf("byte %d: error %v, want an ErrDamaged with file and byte", at, err)
	}
}

func TestReadErrors(t *testing.T) {
	run := create(t)
	for _, rel := range []string{"../x.mcap", "/etc/passwd", ""} {
		if _, err := run.ReadRollout(rel); err == nil {
			t.Errorf("%q: no error", rel)
		}
	}
	if _, err := run.ReadRollout("rollouts/none.mcap"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: %v", err)
	}
	if _, err := run.ReadRollout("rollouts"); !errors.Is(err, record.ErrDamaged) {
		t.Errorf("folder: %v", err)
	}
	for _, c := range []struct {
		name  string
		write func(w *mcap.Writer)
		want  string
	}{
		{"no rollout", func(w *mcap.Writer) {}, "without a message of guided_policy_search_msgs/msg/Rollout"},
		{"not CDR", func(w *mcap.Writer) {
			w.WriteSchema(&mcap.Schema{ID: 1, Name: "guided_policy_search_msgs/msg/Rollout", Encoding: "ros2msg"})
			w.WriteChannel(&mcap.Channel{ID: 1, SchemaID: 1, Topic: "/r", MessageEncoding: "json"})
		}, "want cdr"},
		{"bad payload", func(w *mcap.Writer) {
			w.WriteSchema(&mcap.Schema{ID: 1, Name: "guided_policy_search_msgs/msg/Rollout", Encoding: "ros2msg"})
			w.WriteChannel(&mcap.Channel{ID: 1, SchemaID: 1, Topic: "/r", MessageEncoding: "cdr"})
			w.WriteMessage(&mcap.Message{ChannelID: 1, Data: []byte{0, 1, 0, 0, 1}})
		}, "header.stamp.sec"},
		{"bad shape", func(w *mcap.Writer) {
			r := trial(1, 0, 0, 2).Rollout
			r.Steps = math.MaxUint32
			w.WriteSchema(&mcap.Schema{ID: 1, Name: "guided_policy_search_msgs/msg/Rollout", Encoding: "ros2msg"})
			w.WriteChannel(&mcap.Channel{ID: 1, SchemaID: 1, Topic: "/r", MessageEncoding: "cdr"})
			w.WriteMessage(&mcap.Message{ChannelID: 1, Data: r.AppendCDR(nil)})
		}, "12 states, T=4294967295 dX=4 dU=2 want 17179869184"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			w, err := mcap.NewWriter(&b, &mcap.WriterOptions{Chunked: true})
			if err != nil {
				t.Fatal(err)
			}
			w.WriteHeader(&mcap.Header{})
			c.write(w)
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if err := run.WriteFile("x.mcap", b.Bytes()); err != nil {
				t.Fatal(err)
			}
			_, err = run.ReadRollout("x.mcap")
			if !errors.Is(err, record.ErrDamaged) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	var b bytes.Buffer
	w, err := mcap.NewWriter(&b, &mcap.WriterOptions{Chunked: true, Compression: mcap.CompressionZSTD})
	if err != nil {
		t.Fatal(err)
	}
	w.WriteHeader(&mcap.Header{})
	w.WriteSchema(&mcap.Schema{ID: 1})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := run.WriteFile("x.mcap", b.Bytes()); err != nil {
		t.Fatal(err)
	}
	if _, err := run.ReadRollout("x.mcap"); err == nil || !strings.Contains(err.Error(), `compressed with "zstd"`) {
		t.Errorf("compressed: %v", err)
	}
}

func TestWriteRefusesBadShapes(t *testing.T) {
	run := create(t)
	for name, change := range map[string]func(*gps.Rollout){
		"no steps":   func(r *gps.Rollout) { r.Steps = 0 },
		"states":     func(r *gps.Rollout) { r.States = r.States[1:] },
		"actions":    func(r *gps.Rollout) { r.Actions = nil },
		"commanded":  func(r *gps.Rollout) { r.Commanded = r.Commanded[:1] },
		"names":      func(r *gps.Rollout) { r.StateNames = r.StateNames[:1] },
		"few stamps": func(r *gps.Rollout) { r.Stamps = r.Stamps[:1] },
	} {
		tr := trial(1, 0, 0, 3)
		change(&tr.Rollout)
		if _, err := run.WriteTrial(tr); !errors.Is(err, record.ErrShape) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	tr := trial(1, 0, 0, 3)
	tr.Rollout.Commanded, tr.Rollout.StateNames, tr.Rollout.Stamps = nil, nil, nil
	tr.Reset()
	if _, err := run.WriteTrial(tr); err != nil {
		t.Errorf("what may be left out: %v", err)
	}
}

func TestRolloutsInOrder(t *testing.T) {
	run := create(t)
	if paths, err := run.Rollouts(1); err != nil || len(paths) != 0 {
		t.Errorf("before any: %v, %v", paths, err)
	}
	for _, s := range []uint32{10, 2, 0} {
		if _, err := run.WriteTrial(trial(1, 1, s, 2)); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 { // repeated: the latest counts, the earlier stay
		if _, err := run.WriteTrial(trial(1, 0, 3, 2)); err != nil {
			t.Fatal(err)
		}
	}
	paths, err := run.Rollouts(1)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{record.TrialPath(1, 0, 3), record.TrialPath(1, 1, 0), record.TrialPath(1, 1, 2), record.TrialPath(1, 1, 10)}
	if !reflect.DeepEqual(paths, want) {
		t.Errorf("%v, want %v", paths, want)
	}
	for _, n := range []string{".1.mcap", ".2.mcap"} {
		if _, err := run.ReadRollout(strings.TrimSuffix(want[0], ".mcap") + n); err != nil {
			t.Errorf("earlier recording: %v", err)
		}
	}
}

// A run without trials holds files only, and is none to go on with.
func TestCreateFlat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	run, err := record.CreateFlat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := run.WriteFile("trajectory.csv", []byte("time\n")); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != ".lock" {
		t.Errorf("%v, %v, want the lock and the file", entries, err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := record.Open(dir); !errors.Is(err, record.ErrNotRun) {
		t.Errorf("open: %v", err)
	}
}

func TestCreateAndLock(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "run")
	run, err := record.Create(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := record.Open(dir); !errors.Is(err, record.ErrLocked) {
		t.Errorf("second writer: %v", err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	again, notes, err := record.Open(dir)
	if err != nil || len(notes) != 0 {
		t.Fatalf("open: %v, notes %v", err, notes)
	}
	again.Close()
	if _, err := record.Create(dir); !errors.Is(err, record.ErrNotEmpty) || !strings.Contains(err.Error(), dir) {
		t.Errorf("create over a run: %v", err)
	}
	if _, _, err := record.Open(base); !errors.Is(err, record.ErrNotRun) {
		t.Errorf("open of another folder: %v", err)
	}
	other := filepath.Join(base, "other")
	if err := os.WriteFile(other, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := record.View(other); !errors.Is(err, record.ErrNotRun) {
		t.Errorf("view of a file: %v", err)
	}
	if _, err := record.Create(other); err == nil {
		t.Error("create over a file: no error")
	}
	if _, err := record.Create(base); !errors.Is(err, record.ErrNotEmpty) {
		t.Errorf("create in a folder with files: %v", err)
	}
	if _, err := os.Stat(filepath.Join(base, ".lock")); err == nil {
		t.Error("a lock file is left in a folder that is no run's")
	}
}

func TestNewRunDir(t *testing.T) {
	base := filepath.Join(t.TempDir(), "runs")
	seen := map[string]bool{}
	for range 3 {
		dir, err := record.NewRunDir(base)
		if err != nil {
			t.Fatal(err)
		}
		if seen[dir] {
			t.Errorf("%s twice", dir)
		}
		seen[dir] = true
		run, err := record.Create(dir)
		if err != nil {
			t.Fatal(err)
		}
		run.Close()
	}
}

// TestCleanPolicies removes what a learner left half-written, and nothing that is whole or the node's.
func TestCleanPolicies(t *testing.T) {
	run := create(t)
	if err := os.Mkdir(run.Path(record.PoliciesDir), 0o777); err != nil {
		t.Fatal(err)
	}
	whole := []string{record.PolicyFile, record.PolicyPath(1), ".params.yaml.tmp", "rollouts/policy.gps.1.tmp"}
	half := []string{record.PolicyFile + ".123.tmp", record.PolicyPath(2) + ".4.tmp"}
	for _, path := range slices.Concat(whole, half) {
		if err := os.WriteFile(run.Path(path), []byte("policy"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.CleanPolicies(); err != nil {
		t.Fatal(err)
	}
	for i, path := range slices.Concat(whole, half) {
		if _, err := os.Stat(run.Path(path)); (err == nil) != (i < len(whole)) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestOpenCleans opens a run that was cut off while it wrote.
func TestOpenCleans(t *testing.T) {
	run := create(t)
	rel, err := run.WriteTrial(trial(1, 0, 0, 2))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if err := run.AppendIteration(map[string]int{"iteration": i + 1}); err != nil {
			t.Fatal(err)
		}
	}
	left := []string{run.Path(".params.yaml.tmp"), run.Path("rollouts/iteration_001/.condition_0_sample_1.mcap.tmp"), run.Path("policy.gps.123.tmp")}
	for _, path := range left {
		if err := os.WriteFile(path, []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(run.Path(record.IterationsFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"iteration":`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	run.Close()

	again, notes, err := record.Open(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if len(notes) != 4 || !strings.Contains(notes[0], left[0]) || !strings.Contains(notes[1], left[1]) || !strings.Contains(notes[2], left[2]) || !strings.Contains(notes[3], "cut off 13 bytes") {
		t.Errorf("notes %q", notes)
	}
	for _, path := range left {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there", path)
		}
	}
	if _, err := again.ReadRollout(rel); err != nil {
		t.Error(err)
	}
	if err := again.AppendIteration(map[string]int{"iteration": 3}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(again.Path(record.IterationsFile))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != "{\"iteration\":1}\n{\"iteration\":2}\n{\"iteration\":3}\n" {
		t.Errorf("iterations %q", text)
	}
}

func TestIterationsAndFiles(t *testing.T) {
	run := create(t)
	if err := run.AppendIteration(math.NaN()); err == nil {
		t.Error("NaN became JSON")
	}
	if err := os.WriteFile(run.Path(record.IterationsFile), []byte(`{"whole":true}`), 0o666); err != nil {
		t.Fatal(err)
	}
	run.Close()
	again, notes, err := record.Open(run.Dir())
	if err != nil || len(notes) != 0 {
		t.Fatalf("%v, notes %v", err, notes)
	}
	defer again.Close()
	if err := again.AppendIteration(struct{ Iteration int }{2}); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(again.Path(record.IterationsFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if !json.Valid([]byte(line)) {
			t.Errorf("line %q", line)
		}
	}

	for range 2 {
		if err := again.WriteFile(record.ParamsFile, []byte("a: 1\n")); err != nil {
			t.Fatal(err)
		}
	}
	if text, err := os.ReadFile(again.Path(record.ParamsFile)); err != nil || string(text) != "a: 1\n" {
		t.Errorf("%q, %v", text, err)
	}
	for _, name := range []string{"../x", "/x", "", "none/x", record.RolloutsDir} {
		if err := again.WriteFile(name, nil); err == nil {
			t.Errorf("WriteFile(%q): no error", name)
		}
	}
	entries, err := os.ReadDir(again.Dir())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".tmp") {
			t.Errorf("%s is left", e.Name())
		}
	}
}

func TestLog(t *testing.T) {
	l := record.NewLog(3, 10)
	payload := []byte("abcd")
	for i, want := range []bool{true, true, false} {
		if got := l.Append(payload, int64(i), int64(i)-1); got != want {
			t.Errorf("message %d: %v", i, got)
		}
	}
	if !l.Append(payload[:2], 7, 8) || l.Append(nil, 0, 0) || l.Len() != 3 || l.Dropped() != 2 {
		t.Errorf("length %d, dropped %d", l.Len(), l.Dropped())
	}
	if data, receive, send := l.At(2); string(data) != "ab" || receive != 7 || send != 8 {
		t.Errorf("%q %d %d", data, receive, send)
	}
	n := testing.AllocsPerRun(100, func() {
		l.Reset()
		for range 5 {
			l.Append(payload, 1, 2)
		}
	})
	if n != 0 || l.Dropped() != 3 {
		t.Errorf("%v allocations, %d dropped", n, l.Dropped())
	}
}

// Whose lock was removed does not write on: another process may have taken the folder.
func TestLockRemoved(t *testing.T) {
	run := create(t)
	if err := run.AppendIteration(map[string]int{"iteration": 1}); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(run.Path(".lock")); err != nil {
		t.Fatal(err)
	}
	if err := run.AppendIteration(map[string]int{"iteration": 2}); !errors.Is(err, record.ErrLocked) {
		t.Errorf("without the lock's file: %v", err)
	}
	other, _, err := record.Open(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := run.AppendIteration(map[string]int{"iteration": 2}); !errors.Is(err, record.ErrLocked) {
		t.Errorf("with another's: %v", err)
	}
	if err := other.AppendIteration(map[string]int{"iteration": 2}); err != nil {
		t.Error(err)
	}
}
