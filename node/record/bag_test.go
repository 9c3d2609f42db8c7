package record_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/foxglove/mcap/go/mcap"
	"gopkg.in/yaml.v3"

	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/bag"
	"guidedpolicysearch/node/record"
)

// metadata is what rosbag2 makes of metadata.yaml.
type metadata struct {
	Info struct {
		Version  int
		Storage  string `yaml:"storage_identifier"`
		Messages int    `yaml:"message_count"`
		Duration struct{ Nanoseconds int64 }
		Start    struct {
			Nanoseconds int64 `yaml:"nanoseconds_since_epoch"`
		} `yaml:"starting_time"`
		Topics []struct {
			Topic struct {
				Name, Type, QoS string
				Format          string `yaml:"serialization_format"`
				Profiles        string `yaml:"offered_qos_profiles"`
			} `yaml:"topic_metadata"`
			Messages int `yaml:"message_count"`
		} `yaml:"topics_with_message_count"`
		Paths []string `yaml:"relative_file_paths"`
		Files []struct {
			Path     string
			Messages int `yaml:"message_count"`
		}
	} `yaml:"rosbag2_bagfile_information"`
}

func readMetadata(t *testing.T, dir string) metadata {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, record.RolloutsDir, record.MetadataFile))
	if err != nil {
		t.Fatal(err)
	}
	var m metadata
	if err := yaml.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// TestMetadata reads what makes the rollouts a bag.
func TestMetadata(t *testing.T) {
	dir, want := bagOf(t)
	written := readMetadata(t, dir).Info
	paths := []string{"iteration_001/condition_0_sample_0.mcap", "iteration_001/condition_0_sample_1.1.mcap", "iteration_001/condition_0_sample_1.mcap", "iteration_002/condition_1_sample_0.mcap"}
	if written.Version != 5 || written.Storage != "mcap" || written.Messages != len(want) || !slices.Equal(written.Paths, paths) || len(written.Files) != 4 || len(written.Topics) != 4 {
		t.Errorf("metadata %+v", written)
	}
	for _, topic := range written.Topics {
		n := 0
		for _, m := range want {
			if m.topic == topic.Topic.Name {
				n++
			}
		}
		if topic.Messages != n || topic.Topic.Format != "cdr" || !strings.HasPrefix(topic.Topic.Profiles, "- history: 1\n  depth: ") {
			t.Errorf("topic %+v, want %d messages", topic, n)
		}
	}
}

// TestMetadataRebuilt leaves damaged and foreign files out of the bag, and says so.
func TestMetadataRebuilt(t *testing.T) {
	run := create(t)
	for s := range uint32(3) {
		if _, err := run.WriteTrial(trial(1, 0, s, 5)); err != nil {
			t.Fatal(err)
		}
	}
	other := trial(1, 0, 3, 5)
	other.Topics.Commands.Message = new(sensor_msgs.JointState) // of another run, whose commands were others
	if _, err := run.WriteTrial(other); err != nil {
		t.Fatal(err)
	}
	cut := run.Path(record.TrialPath(1, 0, 1))
	if err := os.Truncate(cut, 900); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(run.Path("rollouts/iteration_001/notes.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run.Close(); err != nil {
		t.Fatal(err)
	}
	again, notes, err := record.Open(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if len(notes) != 1 || !strings.Contains(notes[0], cut) || !strings.Contains(notes[0], "at byte 900") {
		t.Errorf("notes %q", notes)
	}
	if m := readMetadata(t, run.Dir()).Info; !slices.Equal(m.Paths, []string{"iteration_001/condition_0_sample_0.mcap", "iteration_001/condition_0_sample_2.mcap"}) || m.Messages != 24 {
		t.Errorf("metadata %+v", m)
	}
	if _, err := os.Stat(cut); err != nil {
		t.Errorf("the damaged file: %v", err)
	}
}

// TestSecondNameDropped opens a run that was cut off just when a recording had got its second name, so
// that another could take its place: it is one trial.
func TestSecondNameDropped(t *testing.T) {
	run := create(t)
	for range 2 {
		if _, err := run.WriteTrial(trial(1, 0, 0, 2)); err != nil {
			t.Fatal(err)
		}
	}
	broken := trial(1, 0, 1, 2)
	broken.Rollout.Fault = "a fault"
	if _, err := run.WriteTrial(broken); err != nil {
		t.Fatal(err)
	}
	for _, names := range [][2]string{{"condition_0_sample_0.mcap", "condition_0_sample_0.2.mcap"}, {"broken_condition_0_sample_1.mcap", "broken_condition_0_sample_1.1.mcap"}} {
		dir := filepath.Join(run.Path(record.RolloutsDir), "iteration_001")
		if err := os.Link(filepath.Join(dir, names[0]), filepath.Join(dir, names[1])); err != nil {
			t.Fatal(err)
		}
	}
	run.Close()
	again, notes, err := record.Open(run.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if len(notes) != 2 || !strings.Contains(strings.Join(notes, " "), "condition_0_sample_0.2.mcap, its second name, is dropped") {
		t.Errorf("notes %q", notes)
	}
	want := []string{"iteration_001/broken_condition_0_sample_1.mcap", "iteration_001/condition_0_sample_0.1.mcap", "iteration_001/condition_0_sample_0.mcap"}
	paths := readMetadata(t, run.Dir()).Info.Paths
	slices.Sort(paths)
	if !slices.Equal(paths, want) {
		t.Errorf("the bag has %q, want %q", paths, want)
	}
	entries, err := again.Index()
	if err != nil || len(entries) != 3 {
		t.Errorf("%d recordings, want 3 (%v)", len(entries), err)
	}
}

func TestIndex(t *testing.T) {
	run := create(t)
	for _, at := range [][3]uint32{{2, 0, 0}, {1, 1, 0}, {1, 0, 10}, {1, 0, 2}, {1, 0, 2}} {
		if _, err := run.WriteTrial(trial(at[0], at[1], at[2], 5)); err != nil {
			t.Fatal(err)
		}
	}
	broken := trial(1, 0, 2, 3)
	broken.Rollout.Fault = "stop"
	if _, err := run.WriteTrial(broken); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"iteration_001/condition_0_sample_3.mcap.tmp", "iteration_001/condition_99999999999_sample_0.mcap", "iteration_1/x"} {
		path := run.Path(filepath.Join(record.RolloutsDir, name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Truncate(run.Path(record.TrialPath(2, 0, 0)), 100); err != nil {
		t.Fatal(err)
	}
	entries, err := run.Index()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprintf("%d %d %d %s %d", e.Iteration, e.Condition, e.Sample, e.Kind, e.Messages))
		if damaged := e.Iteration == 2; damaged != errors.Is(e.Err, record.ErrDamaged) || !damaged && (e.Bytes == 0 || e.Start.UnixNano() != 20 || e.Duration > 6*time.Second) {
			t.Errorf("entry %+v", e)
		}
	}
	want := []string{"1 0 2 latest 12", "1 0 2 earlier 12", "1 0 2 broken 8", "1 0 10 latest 12", "1 1 0 latest 12", "2 0 0 latest 0"}
	if slices.Sort(got[1:3]); !slices.Equal(got[:1], want[:1]) || !slices.Equal(got[1:3], []string{want[2], want[1]}) || !slices.Equal(got[3:], want[3:]) {
		t.Errorf("index %q, want %q", got, want)
	}
}

// TestIndexDamaged changes and cuts the end of a file at every byte: an ErrDamaged that says the byte,
// or what was written.
func TestIndexDamaged(t *testing.T) {
	run := create(t)
	rel, err := run.WriteTrial(trial(1, 0, 0, 5))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(run.Path(rel))
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, data []byte, whole bool) {
		t.Helper()
		if err := os.WriteFile(run.Path(rel), data, 0o600); err != nil {
			t.Fatal(err)
		}
		entries, err := run.Index()
		if err != nil || len(entries) != 1 {
			t.Fatalf("%s: %v, %d entries", what, err, len(entries))
		}
		e := entries[0]
		if e.Err != nil && (!errors.Is(e.Err, record.ErrDamaged) || !strings.Contains(e.Err.Error(), "at byte ")) || e.Err == nil && (!whole || e.Messages != 12) {
			t.Fatalf("%s: error %v, %d messages", what, e.Err, e.Messages)
		}
	}
	for n := 0; n < len(data); n += 29 {
		check(fmt.Sprintf("cut at byte %d of %d", n, len(data)), data[:n], false)
	}
	summary := int(binary.LittleEndian.Uint64(data[len(data)-28:]))
	for at := range data {
		if at < summary && at%500 != 0 || at%5 != 0 { // messages are not looked at
			continue
		}
		data[at] ^= 0x40
		check(fmt.Sprintf("byte %d of %d changed", at, len(data)), data, at < summary)
		data[at] ^= 0x40
	}
}

// TestTwoThousandCuts cuts a trial with an image at 2,000 places: never is anything else read than
// what was written.
func TestTwoThousandCuts(t *testing.T) {
	run := create(t)
	tr := trial(1, 0, 0, 100)
	camera := record.NewLog(1, 30_000)
	camera.Append((&sensor_msgs.Image{Header: std_msgs.Header{FrameId: "c"}, Height: 100, Width: 200, Step: 200, Encoding: "mono8", Data: make([]byte, 20_000)}).AppendCDR(nil), 5, 5)
	tr.Extras = []record.Extra{{Topic: record.Topic{Name: "/camera", Depth: 5, BestEffort: true, Message: new(sensor_msgs.Image)}, Log: camera}}
	rel, err := run.WriteTrial(tr)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(run.Path(rel))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		n := len(data) * i / 2000
		if err := os.WriteFile(run.Path(rel), data[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		checkDamaged(t, run, rel, n)
	}
}

// TestClockSetBack records a trial during which the machine's clock was set back by an hour: the
// bag's times go on, in the order of the messages, and the file says so.
func TestClockSetBack(t *testing.T) {
	run := create(t)
	tr := record.NewTrial(topics, 10, 1000)
	const hour = 3600_000_000_000
	now := int64(2 * hour)
	for i := range 6 {
		if i == 3 {
			now -= hour
		}
		tr.JointStates.Append([]byte{0, 1, 0, 0, byte(i)}, now, now)
		tr.Commands.Append([]byte{0, 1, 0, 0, byte(i)}, now+500_000, now)
		now += 1_000_000
	}
	tr.Rollout = trial(1, 0, 0, 5).Rollout
	if times, ns := tr.SetBack(); times != 1 || ns < hour-3_000_000 || ns > hour {
		t.Errorf("set back %d times, by %d ns", times, ns)
	}
	rel, err := run.WriteTrial(tr)
	if err != nil {
		t.Fatal(err)
	}
	messages, text := messagesOf(t, run.Path(rel))
	last := uint64(0)
	for i, m := range messages {
		if m.LogTime < last {
			t.Errorf("message %d: time %d, %d before it", i, m.LogTime, last)
		}
		last = m.LogTime
		if i < 12 && int(m.Data[4]) != i/2 {
			t.Errorf("message %d is number %d of its topic", i, m.Data[4])
		}
	}
	if n := last - messages[0].LogTime; n > 10_000_000 {
		t.Errorf("the recording lasts %d ns", n)
	}
	if !strings.Contains(text, "guided_policy_search.clock") || !strings.Contains(text, "times_set_back") {
		t.Error("the file does not say that the clock was set back")
	}
	if _, err := run.ReadRollout(rel); err != nil {
		t.Error(err)
	}
	tr.Reset()
	if times, ns := tr.SetBack(); times != 0 || ns != 0 {
		t.Errorf("after Reset: %d times, %d ns", times, ns)
	}
	// Before 1970 there is no time in a bag.
	tr.JointStates.Append([]byte{0, 1, 0, 0, 0}, -5, -5)
	if rel, err = run.WriteTrial(tr); err != nil {
		t.Fatal(err)
	}
	if messages, _ := messagesOf(t, run.Path(rel)); messages[0].LogTime != 0 {
		t.Errorf("time %d", messages[0].LogTime)
	}
}

func TestSetAside(t *testing.T) {
	run := create(t)
	for n, want := range []string{"set_aside/checkpoints/state.bin.tmp", "set_aside/checkpoints/state.bin.tmp.1", "set_aside/checkpoints/state.bin.tmp.2"} {
		if err := os.WriteFile(run.Path("checkpoints/state.bin.tmp"), []byte{byte(n)}, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := run.SetAside("checkpoints/state.bin.tmp")
		if err != nil || got != want {
			t.Fatalf("%q, %v, want %q", got, err, want)
		}
		if data, err := os.ReadFile(run.Path(want)); err != nil || data[0] != byte(n) {
			t.Errorf("%s: %v, %v", want, data, err)
		}
	}
	for _, path := range []string{"../x", "/x", "nothing"} {
		if _, err := run.SetAside(path); err == nil {
			t.Errorf("%q: no error", path)
		}
	}
}

// messagesOf returns the messages of a file in their order there, and its bytes as text.
func messagesOf(t *testing.T, path string) (list []*mcap.Message, text string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	err = bag.Walk(path, func(op mcap.OpCode, _ int64, body []byte) error {
		if op != mcap.OpMessage {
			return nil
		}
		m, err := mcap.ParseMessage(slices.Clone(body))
		list = append(list, m)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, string(data)
}
