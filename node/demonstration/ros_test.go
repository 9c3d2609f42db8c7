package demonstration_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/node/demonstration"
)

// script writes a bag of 40 joint states, 10 ms apart, by rosbag2's own writer.
const script = `
import sys
import rosbag2_py
from rclpy.serialization import serialize_message
from sensor_msgs.msg import JointState

storage, folder = sys.argv[1:]
writer = rosbag2_py.SequentialWriter()
writer.open(rosbag2_py.StorageOptions(uri=folder, storage_id=storage), rosbag2_py.ConverterOptions('', ''))
try:
    topic = rosbag2_py.TopicMetadata(name='/joint_states', type='sensor_msgs/msg/JointState', serialization_format='cdr')
except TypeError:
    topic = rosbag2_py.TopicMetadata(id=0, name='/joint_states', type='sensor_msgs/msg/JointState', serialization_format='cdr')
writer.create_topic(topic)
for i in range(40):
    m = JointState(name=['c', 'b', 'a'], position=[99.0, -0.25 * i, 0.5 * i], velocity=[0.0, -25.0, 50.0], effort=[0.0, 2.0 * i, 1.0 * i])
    m.header.stamp.sec, m.header.stamp.nanosec = 100, 10000000 * i
    writer.write('/joint_states', serialize_message(m), 100500000000 + 10000000 * i)
del writer
`

// ros runs a command of a sourced ROS 2 in a folder.
func ros(t *testing.T, dir string, argv ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
}

// What rosbag2 writes is read as a demonstration, or refused with what helps: its MCAP files, plain and
// with compressed chunks, are; its SQLite files and what it compresses itself are not, until they are
// converted as the error says.
func TestBagsOfROS(t *testing.T) {
	const need = "needs a sourced ROS 2 with rosbag2, rosbag2_py and its MCAP storage"
	if os.Getenv("ROS_DISTRO") == "" {
		t.Skip(need)
	}
	if out, err := exec.Command("python3", "-c", "import rosbag2_py").CombinedOutput(); err != nil {
		t.Skipf("%s: %v\n%s", need, err, out)
	}
	dir := t.TempDir()
	ros(t, dir, "python3", "-c", script, "mcap", "plain")
	ros(t, dir, "python3", "-c", script, "sqlite3", "lite")
	convert := func(from, to, storage, options string) {
		t.Helper()
		file := filepath.Join(dir, to+".yaml")
		if err := os.WriteFile(file, []byte("output_bags: [{uri: "+to+", storage_id: "+storage+", all: true"+options+"}]\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		ros(t, dir, "ros2", "bag", "convert", "-i", from, "-o", file)
	}
	convert("plain", "chunks", "mcap", ", storage_preset_profile: zstd_fast")
	convert("plain", "by_file", "mcap", ", compression_mode: file, compression_format: zstd")
	// The storage of MCAP files does not take messages that rosbag2 compresses.
	convert("plain", "by_message", "sqlite3", ", compression_mode: message, compression_format: zstd, compression_queue_size: 100")
	convert("by_file", "from_file", "mcap", "")
	convert("by_message", "from_message", "mcap", "")
	read := func(name string) {
		t.Helper()
		motion, err := demonstration.Read(filepath.Join(dir, name), []string{"a", "b"}, demonstration.Topics{JointStates: "joint_states"})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		if len(motion.Time) != 40 || len(motion.Position) != 80 || len(motion.Velocity) != 80 || len(motion.Effort) != 80 {
			t.Errorf("%s: %d rows, want 40", name, len(motion.Time))
			return
		}
		for i := range 40 {
			q, dq, u := motion.Position[2*i:2*i+2], motion.Velocity[2*i:2*i+2], motion.Effort[2*i:2*i+2]
			if v := float64(i); q[0] != 0.5*v || q[1] != -0.25*v || dq[0] != 50 || dq[1] != -25 || u[0] != v || u[1] != 2*v {
				t.Fatalf("%s: row %d is %v, %v, %v", name, i, q, dq, u)
			}
		}
	}
	refused := func(name string, want ...string) error {
		t.Helper()
		_, err := demonstration.Read(filepath.Join(dir, name), []string{"a", "b"}, demonstration.Topics{JointStates: "joint_states"})
		if !errors.Is(err, demonstration.ErrBag) {
			t.Errorf("%s: %v, want ErrBag", name, err)
			return err
		}
		for _, text := range want {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %q is not in %v", name, text, err)
			}
		}
		return err
	}
	read("plain")
	read("chunks")
	read("from_file")
	read("from_message")
	refused("by_file", "compression_mode FILE", "compression_format zstd", "ros2 bag convert")
	refused("by_message", "sqlite3", "ros2 bag convert")
	files, _ := filepath.Glob(filepath.Join(dir, "lite", "*.db3"))
	if len(files) != 1 {
		t.Fatalf("files %q, want one", files)
	}
	refused(filepath.Join("lite", filepath.Base(files[0])), "sqlite3")
	// The error's own command mends it.
	err := refused("lite", "sqlite3")
	commands := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(err.Error(), -1)
	if len(commands) != 2 {
		t.Fatalf("the error has %d commands: %v", len(commands), err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mcap.yaml"), []byte(commands[1][1]+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ros(t, dir, strings.Fields(commands[0][1])...)
	read("converted")
}
