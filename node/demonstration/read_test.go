package demonstration

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/foxglove/mcap/go/mcap"

	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/bag"
)

var (
	joints = []string{"a", "b"}
	topics = Topics{JointStates: "joint_states"}
)

// message is one in a bag, received at a time in ms.
type message struct {
	topic    string
	received uint64
	msgs.Message
}

// state is a joint state of the joints c, b and a, in this order; at is its stamp in ms.
func state(at int, a, b float64) *sensor_msgs.JointState {
	return &sensor_msgs.JointState{Header: std_msgs.Header{Stamp: builtin_interfaces.Time{Sec: 100 + int32(at/1000), Nanosec: uint32(at%1000) * 1e6}},
		Name: []string{"c", "b", "a"}, Position: []float64{99, b, a}}
}

func command(values ...float64) *std_msgs.Float64MultiArray {
	return &std_msgs.Float64MultiArray{Data: values}
}

// write returns the bytes of an MCAP file with the messages.
func write(t testing.TB, compression mcap.CompressionFormat, list ...message) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := mcap.NewWriter(&out, &mcap.WriterOptions{IncludeCRC: true, Chunked: true, ChunkSize: 1000, Compression: compression})
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	must(w.WriteHeader(&mcap.Header{Profile: "ros2"}))
	channels := map[string]uint16{}
	for _, m := range list {
		id, known := channels[m.topic]
		if !known {
			id = uint16(len(channels) + 1)
			channels[m.topic] = id
			must(w.WriteSchema(&mcap.Schema{ID: id, Name: m.TypeName(), Encoding: "ros2msg", Data: []byte(m.Definition())}))
			must(w.WriteChannel(&mcap.Channel{ID: id, SchemaID: id, Topic: m.topic, MessageEncoding: "cdr"}))
		}
		must(w.WriteMessage(&mcap.Message{ChannelID: id, LogTime: m.received * 1e6, PublishTime: m.received * 1e6, Data: m.AppendCDR(nil)}))
	}
	must(w.Close())
	return out.Bytes()
}

// states are n joint states of topic /joint_states, 10 ms apart, from row first on.
func states(first, n int, edit func(i int, s *sensor_msgs.JointState)) (list []message) {
	for i := first; i < first+n; i++ {
		s := state(10*i, float64(i), -float64(i))
		if edit != nil {
			edit(i, s)
		}
		list = append(list, message{"/joint_states", uint64(500 + 10*i), s})
	}
	return list
}

func save(t testing.TB, path string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// want is a motion of n rows 10 ms apart.
func want(n int) *trajectory.Trajectory {
	m := &trajectory.Trajectory{}
	for i := range n {
		m.Time, m.Position = append(m.Time, float64(10*i)/1000), append(m.Position, float64(i), -float64(i))
	}
	return m
}

func equal(got *Stretch, b *trajectory.Trajectory) bool {
	a := got.Trajectory
	near := func(x, y []float64) bool {
		return (x == nil) == (y == nil) && slices.EqualFunc(x, y, func(v, w float64) bool { return math.Abs(v-w) < 1e-12 })
	}
	return near(a.Time, b.Time) && near(a.Position, b.Position) && near(a.Velocity, b.Velocity) && near(a.Effort, b.Effort)
}

// Joints are found by their names, however the file is compressed, among other topics and in files
// one after the other.
func TestReadBag(t *testing.T) {
	for _, compression := range []mcap.CompressionFormat{mcap.CompressionNone, mcap.CompressionZSTD, mcap.CompressionLZ4} {
		list := slices.Concat([]message{{"/other", 1, command(1)}}, states(0, 60, nil))
		got, err := Read(save(t, filepath.Join(t.TempDir(), "motion.mcap"), write(t, compression, list...)), joints, topics)
		if err != nil || !equal(got, want(60)) {
			t.Errorf("compression %q: %+v, %v", compression, got, err)
		}
	}
	dir := t.TempDir()
	save(t, filepath.Join(dir, "bag_0.mcap"), write(t, mcap.CompressionZSTD, states(0, 30, nil)...))
	save(t, filepath.Join(dir, "bag_1.mcap"), write(t, mcap.CompressionZSTD, states(30, 30, nil)...))
	save(t, filepath.Join(dir, "metadata.yaml"), []byte(metadataText("mcap", "bag_0.mcap", "bag_1.mcap")))
	if got, err := Read(dir, joints, topics); err != nil || !equal(got, want(60)) {
		t.Errorf("a folder with two files: %+v, %v", got, err)
	}
	csv := save(t, filepath.Join(dir, "motion.csv"), []byte("time,a.position,b.position\n0,0,0\n0.01,1,-1\n"))
	if got, err := Read(csv, joints, topics); err != nil || !equal(got, want(2)) {
		t.Errorf("CSV: %+v, %v", got, err)
	}
}

// metadataText is metadata.yaml as rosbag2 of ROS 2 Humble writes it, as far as it matters.
func metadataText(storage string, files ...string) string {
	text := "rosbag2_bagfile_information:\n  version: 5\n  storage_identifier: " + storage + "\n  duration:\n    nanoseconds: 600000000\n  relative_file_paths:\n"
	for _, f := range files {
		text += "    - " + f + "\n"
	}
	return text + "  compression_format: \"\"\n  compression_mode: \"\"\n"
}

// Velocities and efforts are in the order of the robot's joints; messages that are repeated, or of
// other robots' joints, are passed over; without stamps the times are those of reception.
func TestReadWhatThereIs(t *testing.T) {
	full := func(i int, s *sensor_msgs.JointState) {
		s.Velocity, s.Effort = []float64{99, -2, 2}, []float64{99, -float64(i), 3}
	}
	expected := want(3)
	expected.Velocity, expected.Effort = []float64{2, -2, 2, -2, 2, -2}, []float64{3, 0, 3, -1, 3, -2}
	list := states(0, 3, full)
	gripper := message{"/joint_states", 505, &sensor_msgs.JointState{Name: []string{"finger"}, Position: []float64{1}}}
	list = []message{list[0], list[0], gripper, list[1], gripper, list[2], list[2]}
	if got, err := readBytes(t, write(t, mcap.CompressionNone, list...), topics); err != nil || !equal(got, expected) {
		t.Errorf("got %+v, %v, want %+v", got, err, expected)
	}
	bare := states(0, 3, func(i int, s *sensor_msgs.JointState) { s.Header.Stamp = builtin_interfaces.Time{} })
	if got, err := readBytes(t, write(t, mcap.CompressionNone, bare...), topics); err != nil || !equal(got, want(3)) {
		t.Errorf("without stamps: %+v, %v", got, err)
	}
}

// A row's effort is the last command before the next row.
func TestReadCommands(t *testing.T) {
	s := states(0, 4, func(i int, s *sensor_msgs.JointState) { s.Effort = []float64{9, 9, 9} })
	expected := want(4)
	expected.Effort = []float64{2, 3, 2, 3, 4, 5, 6, 7}
	list := []message{s[0], {"/commands", 501, command(0, 1)}, {"/commands", 509, command(2, 3)}, s[1], {"/commands", 520, command(4, 5)}, s[2], s[3], {"/commands", 600, command(6, 7)}}
	if got, err := readBytes(t, write(t, mcap.CompressionNone, list...), Topics{"/joint_states", "commands"}); err != nil || !equal(got, expected) {
		t.Errorf("got %+v, %v, want %+v", got, err, expected)
	}
}

func readBytes(t testing.TB, data []byte, topics Topics) (*Stretch, error) {
	t.Helper()
	return Read(save(t, filepath.Join(t.TempDir(), "motion.mcap"), data), joints, topics)
}

func TestBagRefused(t *testing.T) {
	with := Topics{"joint_states", "commands"}
	edit := func(row int, f func(s *sensor_msgs.JointState)) []message {
		return states(0, 20, func(i int, s *sensor_msgs.JointState) {
			if i == row {
				f(s)
			}
		})
	}
	for _, c := range []struct {
		name   string
		topics Topics
		list   []message
		want   []string
	}{
		{"other topic", Topics{JointStates: "states"}, states(0, 3, nil), []string{"no topic states of sensor_msgs/msg/JointState", `["/joint_states"]`}},
		{"nothing", topics, nil, []string{"no topic joint_states", "[]"}},
		{"other type", Topics{JointStates: "commands"}, []message{{"/commands", 1, command(1)}}, []string{`of type "std_msgs/msg/Float64MultiArray"`, "need sensor_msgs/msg/JointState"}},
		{"one message", topics, states(0, 1, nil), []string{"1 message of the robot's joints, need at least two"}},
		{"other robot", topics, states(0, 3, func(i int, s *sensor_msgs.JointState) { s.Name = []string{"x", "y", "z"} }), []string{`["x" "y" "z"], need ["a" "b"]`}},
		{"one joint missing", topics, edit(7, func(s *sensor_msgs.JointState) { s.Name[2] = "A" }), []string{"message 8", "0.07 s after the first", `joint "a" is missing`, `["c" "b" "A"], need ["a" "b"]`}},
		{"fewer positions", topics, edit(7, func(s *sensor_msgs.JointState) { s.Position = s.Position[:2] }), []string{"message 8", "3 names come with 2 positions"}},
		{"fewer velocities", topics, edit(0, func(s *sensor_msgs.JointState) { s.Velocity = []float64{1} }), []string{"1 velocities and 0 efforts"}},
		{"fewer efforts", topics, edit(0, func(s *sensor_msgs.JointState) { s.Effort = []float64{1, 2} }), []string{"0 velocities and 2 efforts"}},
		{"velocities in some", topics, edit(7, func(s *sensor_msgs.JointState) { s.Velocity = []float64{1, 2, 3} }), []string{"unlike the messages before"}},
		{"NaN", topics, edit(7, func(s *sensor_msgs.JointState) { s.Position[1] = math.NaN() }), []string{"message 9", "0.07 s", `position of joint "b" is NaN`}},
		{"infinite effort", topics, states(0, 3, func(i int, s *sensor_msgs.JointState) { s.Effort = []float64{0, 0, math.Inf(1)} }), []string{`effort of joint "a" is +Inf`}},
		{"clock goes back", topics, edit(7, func(s *sensor_msgs.JointState) { s.Header.Stamp.Sec-- }), []string{"message 8", "its stamp is 99.070000000 s, need more than that of the message before, 100.060000000 s"}},
		{"clock stands", topics, edit(7, func(s *sensor_msgs.JointState) { s.Header.Stamp.Nanosec -= 10e6 }), []string{"need more than"}},
		{"no commands", with, states(0, 3, nil), []string{"topic commands has no messages"}},
		{"commands of one joint", with, append(states(0, 3, nil), message{"/commands", 502, command(1)}), []string{"message 1: 1 efforts, need 2"}},
		{"NaN commanded", with, append(states(0, 3, nil), message{"/commands", 502, command(1, math.NaN())}), []string{`effort of joint "b" is NaN`}},
		{"commands out of order", with, append(states(0, 3, nil), message{"/commands", 505, command(1, 2)}, message{"/commands", 502, command(1, 2)}), []string{"not in the order"}},
	} {
		_, err := readBytes(t, write(t, mcap.CompressionNone, c.list...), c.topics)
		if err == nil || !errors.Is(err, ErrBag) || !strings.Contains(err.Error(), "motion.mcap: ") {
			t.Errorf("%s: error %v", c.name, err)
			continue
		}
		for _, part := range c.want {
			// Which message is bad can only be told by the rows before it.
			if part == "message 9" {
				part = "message "
			}
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: error %v, want %q", c.name, err, part)
			}
		}
	}
}

// Wherever a file is cut, and whichever byte is changed, it is refused or read as it was.
func TestDamagedFile(t *testing.T) {
	for _, compression := range []mcap.CompressionFormat{mcap.CompressionNone, mcap.CompressionZSTD, mcap.CompressionLZ4} {
		data := write(t, compression, states(0, 12, nil)...)
		for n := len(data) - 1; n >= 0; n -= 1 + n%13 {
			if _, err := readBytes(t, data[:n], topics); !errors.Is(err, ErrBag) {
				t.Fatalf("%q: cut off after %d of %d bytes: error %v", compression, n, len(data), err)
			}
		}
		if _, err := readBytes(t, data[:len(data)*2/3], topics); !strings.Contains(err.Error(), "mcap recover") {
			t.Errorf("%q: cut off: error %v, want what to do", compression, err)
		}
	}
	if _, err := readBytes(t, slices.Concat(mcap.Magic, mcap.Magic), topics); !errors.Is(err, ErrBag) || !strings.Contains(err.Error(), "cut off") {
		t.Errorf("beginning and end alone: error %v", err)
	}
	data := write(t, mcap.CompressionNone, states(0, 12, nil)...)
	at := bytes.Index(data, state(50, 5, -5).AppendCDR(nil)) + 8
	data[at] ^= 1
	if _, err := readBytes(t, data, topics); !errors.Is(err, ErrBag) || !strings.Contains(err.Error(), "bytes have changed") {
		t.Errorf("a byte changed: error %v", err)
	}
}

func TestMetadataRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "no rosbag2_bagfile_information",
		"a: [":                                 "metadata.yaml: yaml",
		metadataText("sqlite3", "bag_0.db3"):   "ros2 bag convert -i",
		metadataText("tape", "bag_0.tape"):     `storage_identifier is "tape", need mcap`,
		metadataText("mcap"):                   "relative_file_paths has 0 entries",
		metadataText("mcap", "../elsewhere"):   "inside of the bag's folder",
		metadataText("mcap", "not_there.mcap"): "not_there.mcap",
		strings.Replace(metadataText("mcap", "bag_0.mcap.zstd"), `compression_format: ""`, "compression_format: zstd", 1): "is compressed by rosbag2",
	} {
		dir := t.TempDir()
		save(t, filepath.Join(dir, "metadata.yaml"), []byte(text))
		if _, err := Read(dir, joints, topics); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := Read(t.TempDir(), joints, topics); !errors.Is(err, ErrBag) || !strings.Contains(err.Error(), "ros2 bag reindex") {
		t.Errorf("an empty folder: error %v", err)
	}
	if _, err := Read(save(t, filepath.Join(t.TempDir(), "motion.db3"), nil), joints, topics); !errors.Is(err, ErrBag) || !strings.Contains(err.Error(), "ros2 bag convert") {
		t.Errorf("sqlite: error %v", err)
	}
	if _, err := Read("/dev/null", joints, topics); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("a device: error %v", err)
	}
	if _, err := Read("/no/such.mcap", joints, topics); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
}

// TestSalvage reads what is there of a bag that was cut off, and says what is not.
func TestSalvage(t *testing.T) {
	data := write(t, mcap.CompressionNone, states(0, 12, nil)...)
	last := bytes.LastIndex(data[:len(data)/2], []byte{byte(mcap.OpMessage)})
	path := save(t, filepath.Join(t.TempDir(), "motion.mcap"), data[:last])
	got, losses, err := Salvage(path, joints, topics)
	if err != nil {
		t.Fatal(err)
	}
	whole, none, err := Salvage(save(t, filepath.Join(t.TempDir(), "whole.mcap"), data), joints, topics)
	if err != nil || len(none) != 0 {
		t.Fatalf("a whole file: %v, losses %v", err, none)
	}
	if len(got) != 1 || len(whole) != 1 {
		t.Fatalf("%d and %d stretches, want one", len(got), len(whole))
	}
	if n := len(got[0].Time); n < 2 || n >= len(whole[0].Time) || !slices.Equal(got[0].Position, whole[0].Position[:len(got[0].Position)]) {
		t.Errorf("%d of %d rows: %v", n, len(whole[0].Time), got[0].Position)
	}
	if len(losses) != 1 || losses[0].Size != int64(last) || !errors.Is(losses[0].Cause, bag.ErrDamaged) {
		t.Errorf("losses %+v", losses)
	}
}

// FuzzBag: whatever the bytes are, the file is read or refused.
func FuzzBag(f *testing.F) {
	for _, compression := range []mcap.CompressionFormat{mcap.CompressionNone, mcap.CompressionZSTD, mcap.CompressionLZ4} {
		f.Add(write(f, compression, append(states(0, 12, nil), message{"/commands", 502, command(1, 2)})...))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := readBytes(t, data, Topics{"joint_states", "commands"})
		if err != nil {
			if !errors.Is(err, ErrBag) {
				t.Errorf("error %v", err)
			}
			return
		}
		if n := len(got.Time); n < 2 || len(got.Position) != 2*n || len(got.Effort) != 2*n || slices.ContainsFunc(got.Position, func(v float64) bool { return v-v != 0 }) {
			t.Errorf("read %+v", got)
		}
	})
}
