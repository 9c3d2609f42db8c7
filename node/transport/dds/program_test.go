//go:build !rclgo

package dds

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/rmw_dds_common"
	"guidedpolicysearch/node/transport"
)

// programDomain is closed to other machines, but not to other processes.
const programDomain = 101

// TestProgramInGraph starts gps_node and reads what it tells the ROS graph: `ros2 node
// list` and `ros2 node info` show no more than that.
func TestProgramInGraph(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "gps_node")
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", program, "../../cmd/gps_node").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	node, err := Open(transport.Options{Name: "watcher", Domain: programDomain, Range: transport.Localhost})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close() })
	got := watch(t, node, discoveryTopic, discoveryType)

	// A node of its own name, among those of other tests on this machine.
	name := fmt.Sprintf("learner_%d", os.Getpid())
	cmd := exec.Command(program, "--ros-args", "-r", "__ns:=/arm", "-r", "__node:="+name, "-p", "use_sim_time:=true", "-p", "robot.joints:=[joint1, joint2]", "-p", "robot.effort_limit:=[1.0, 1.0]", "-p", "run_folder:="+filepath.Join(dir, "run"))
	cmd.Env = append(os.Environ(), "ROS_LOCALHOST_ONLY=1", "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST", "ROS_DISTRO=humble", "CYCLONEDDS_URI=", fmt.Sprintf("ROS_DOMAIN_ID=%d", programDomain))
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(output.String())
		}
	})
	for {
		var m rmw_dds_common.ParticipantEntitiesInfo
		if err := m.UnmarshalCDR(next(t, got)); err != nil {
			t.Fatal(err)
		}
		for _, n := range m.NodeEntitiesInfoSeq {
			// Readers of joint_states and /clock; writers of the commands, state and iteration.
			if n.NodeNamespace == "/arm" && n.NodeName == name && len(n.ReaderGidSeq) >= 2 && len(n.WriterGidSeq) >= 3 {
				return
			}
		}
	}
}
