package record_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/builtin_interfaces"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// sent is a message that a bag holds, or that was heard.
type sent struct {
	topic   string
	payload []byte
}

// bagOf records trials of two iterations, one with images and one twice, and returns the run's folder
// and the messages in the order in which they were recorded.
func bagOf(t *testing.T) (dir string, want []sent) {
	t.Helper()
	run := create(t)
	image := sensor_msgs.Image{Header: std_msgs.Header{FrameId: "camera"}, Height: 2, Width: 3, Encoding: "mono8", Step: 3, Data: []byte{1, 2, 3, 4, 5, 6}}
	start := time.Now().UnixNano()
	for n, at := range [][3]uint32{{1, 0, 0}, {1, 0, 1}, {1, 0, 1}, {2, 1, 0}} {
		tr := trial(at[0], at[1], at[2], 5)
		joints, commands := tr.JointStates, tr.Commands
		begin := start + int64(n)*50_000_000
		tr.JointStates, tr.Commands = record.NewLog(10, 10_000), record.NewLog(10, 10_000)
		camera := record.NewLog(1, 1000)
		for i := range joints.Len() {
			data, _, _ := joints.At(i)
			tr.JointStates.Append(data, begin+int64(i)*2_000_000, begin)
			want = append(want, sent{topics.JointStates.Name, bytes.Clone(data)})
			if n == 0 && i == 2 {
				data := image.AppendCDR(nil)
				camera.Append(data, begin+int64(i)*2_000_000+500_000, begin)
				want = append(want, sent{"/camera/image_raw", data})
			}
			if i < commands.Len() {
				data, _, _ := commands.At(i)
				tr.Commands.Append(data, begin+int64(i)*2_000_000+1_000_000, begin)
				want = append(want, sent{topics.Commands.Name, bytes.Clone(data)})
			}
		}
		if n == 0 {
			tr.Extras = []record.Extra{{Topic: record.Topic{Name: "/camera/image_raw", Depth: 5, BestEffort: true, Message: new(sensor_msgs.Image)}, Log: camera}}
		}
		tr.Rollout.Header.Stamp = builtin_interfaces.Time{Sec: int32(n)}
		if _, err := run.WriteTrial(tr); err != nil {
			t.Fatal(err)
		}
		want = append(want, sent{topics.Rollout.Name, tr.Rollout.AppendCDR(nil)})
	}
	if err := run.AppendIteration(map[string]int{"iteration": 2}); err != nil {
		t.Fatal(err)
	}
	return run.Dir(), want
}

// needROS skips where no ROS 2 is sourced that has what a test needs.
func needROS(t *testing.T) {
	t.Helper()
	const need = "needs a sourced ROS 2 with rosbag2, its MCAP storage, rmw_cyclonedds_cpp and this repository's guided_policy_search_msgs"
	if _, err := exec.LookPath("ros2"); err != nil {
		t.Skip(need)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "ros2", "bag", "play", "--help").CombinedOutput(); err != nil || !strings.Contains(string(out), "mcap") {
		t.Skipf("%s: `ros2 bag play --help` says %v", need, err)
	}
	for _, prefix := range filepath.SplitList(os.Getenv("AMENT_PREFIX_PATH")) {
		if _, err := os.Stat(filepath.Join(prefix, "share", msgs.Package)); err == nil {
			return
		}
	}
	t.Skip(need)
}

// ros2 returns a command of ROS 2 in a domain.
func ros2(ctx context.Context, domain uint32, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "ros2", args...)
	cmd.Env = append(os.Environ(), "RMW_IMPLEMENTATION=rmw_cyclonedds_cpp", "ROS_LOCALHOST_ONLY=1",
		"ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST", "CYCLONEDDS_URI=", fmt.Sprintf("ROS_DOMAIN_ID=%d", domain))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	return cmd
}

// TestROSBag lets rosbag2 describe and play a run's rollouts, and compares every message that it
// publishes with what was recorded.
func TestROSBag(t *testing.T) {
	needROS(t)
	dir, want := bagOf(t)
	bag := filepath.Join(dir, record.RolloutsDir)
	domain := ddstest.Domain(t)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()

	out, err := ros2(ctx, domain, "bag", "info", bag).CombinedOutput()
	if err != nil {
		t.Fatalf("ros2 bag info: %v\n%s", err, out)
	}
	for _, line := range []string{"Storage id:        mcap", fmt.Sprintf("Messages:          %d", len(want)), "iteration_001/condition_0_sample_1.1.mcap", "iteration_002/condition_1_sample_0.mcap",
		"Topic: /joint_states | Type: sensor_msgs/msg/JointState | Count: 24 |", "Topic: /effort_controller/commands | Type: std_msgs/msg/Float64MultiArray | Count: 20 |",
		"Topic: /camera/image_raw | Type: sensor_msgs/msg/Image | Count: 1 |", "Topic: /guided_policy_search/rollout | Type: guided_policy_search_msgs/msg/Rollout | Count: 4 |"} {
		if !strings.Contains(string(out), line) {
			t.Errorf("ros2 bag info says nothing of %q:\n%s", line, out)
		}
	}

	var mu sync.Mutex
	heard := map[string][][]byte{}
	listener := ddstest.Open(t, domain, "listener", func(o *transport.Options) { o.Distro = os.Getenv("ROS_DISTRO") })
	types := map[string]msgs.Message{topics.JointStates.Name: new(sensor_msgs.JointState), topics.Commands.Name: new(std_msgs.Float64MultiArray),
		topics.Rollout.Name: new(gps.Rollout), "/camera/image_raw": new(sensor_msgs.Image)}
	for name, m := range types {
		qos := transport.QoS{Reliability: transport.Reliable, Depth: 100}
		if name == "/camera/image_raw" {
			qos.Reliability = transport.BestEffort
		}
		_, err := listener.Subscribe(name, rostype.Of(m), qos, func(payload []byte, _ transport.Info) {
			mu.Lock()
			defer mu.Unlock()
			heard[name] = append(heard[name], bytes.Clone(payload))
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	// The player publishes to whom it has found by then.
	if out, err := ros2(ctx, domain, "bag", "play", "--disable-keyboard-controls", "--delay", "3", bag).CombinedOutput(); err != nil {
		t.Fatalf("ros2 bag play: %v\n%s", err, out)
	}
	mu.Lock()
	defer mu.Unlock()
	for name, got := range heard {
		var all [][]byte
		for _, s := range want {
			if s.topic == name {
				all = append(all, s.payload)
			}
		}
		if len(got) != len(all) {
			t.Errorf("%s: %d messages were played, %d were recorded", name, len(got), len(all))
			continue
		}
		for i := range got {
			m := types[name]
			if err := m.UnmarshalCDR(got[i]); err != nil {
				t.Errorf("%s: message %d: %v", name, i, err)
			} else if !bytes.Equal(m.AppendCDR(nil), all[i]) {
				t.Errorf("%s: message %d is not the one that was recorded", name, i)
			}
		}
	}
	if len(heard) != 4 {
		t.Errorf("%d topics were heard, want 4", len(heard))
	}
}
