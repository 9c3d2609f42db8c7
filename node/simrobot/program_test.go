package simrobot_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/transport/middleware"
)

// patience bounds every wait; it only says that something hangs.
const patience = 100 * time.Second

// build builds the program as `make build` does, and returns its path.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sim_robot")
	args := []string{"build", "-buildvcs=false", "-o", path}
	if middleware.Name == "rclgo" {
		args = append(args, "-tags=rclgo")
	}
	if out, err := exec.Command("go", append(args, "../cmd/sim_robot")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// program is the simulated robot as a process with a parameter file.
func program(t *testing.T, path string, domain uint32, parameters string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "robot.yaml")
	if err := os.WriteFile(file, []byte("sim_robot:\n  ros__parameters:\n"+parameters), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(path, "--ros-args", "--params-file", file)
	cmd.Dir = t.TempDir()
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "ROS_") && !strings.HasPrefix(v, "CYCLONEDDS_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "ROS_LOCALHOST_ONLY=1", fmt.Sprintf("ROS_DOMAIN_ID=%d", domain))
	stderr = new(bytes.Buffer)
	cmd.Stderr = stderr
	return cmd, stderr
}

// TestProgram runs the program itself with a scene at 1 kHz in real time, and hears, commands
// and asks it over the middleware.
func TestProgram(t *testing.T) {
	if !mujoco.Built {
		t.Skip("needs a build with MuJoCo: cgo, libmujoco-dev, and no tag nomujoco")
	}
	path := build(t)
	domain := ddstest.Domain(t)
	cmd, stderr := program(t, path, domain, `    joints: [joint1, joint2, joint3]
    initial_position: [-1.2, 1.2, 0.6]
    time_step: 0.001
    lock_step: false
    state_order: [joint3, gripper, joint2, joint1]
    encoder_resolution: [0.001, 0.001, 0.001]
    state_latency: 0.0005
    velocity: none
    plant:
      type: mujoco
      model: `+models.URI("planar_pusher.xml")+`
      sensors: [object_position]
`)
	outside := ddstest.Open(t, domain, "outside", nil)
	var mu sync.Mutex
	var states []sensor_msgs.JointState
	places := 0
	subscribe := func(topic, typ string, note func(payload []byte) error) {
		q := transport.Default()
		q.Depth = 1000
		_, err := outside.Subscribe(topic, transport.Type{Name: typ}, q, func(payload []byte, _ transport.Info) {
			mu.Lock()
			defer mu.Unlock()
			if err := note(payload); err != nil {
				t.Error(err)
			}
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	subscribe("/joint_states", new(sensor_msgs.JointState).TypeName(), func(payload []byte) error {
		var s sensor_msgs.JointState
		err := s.UnmarshalCDR(payload)
		states = append(states, s)
		return err
	})
	subscribe("/sensors/object_position", new(std_msgs.Float64MultiArray).TypeName(), func(payload []byte) error {
		var m std_msgs.Float64MultiArray
		err := m.UnmarshalCDR(payload)
		if len(m.Data) != 3 {
			t.Errorf("an object's position has %d numbers", len(m.Data))
		}
		places++
		return err
	})
	commands, err := outside.Publisher("/effort_controller/commands", transport.Type{Name: new(std_msgs.Float64MultiArray).TypeName()}, transport.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	reset, err := outside.Client("/sim_robot/reset_scene", transport.Type{Name: "std_srvs/srv/Trigger"}, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	running := true
	defer func() {
		if running {
			cmd.Process.Kill()
			<-ended
		}
	}()
	until := func(what string, condition func() bool) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
			mu.Lock()
			ok := condition()
			mu.Unlock()
			if ok {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("still not so: %s", what)
			}
		}
	}
	until("it is heard", func() bool { return len(states) > 500 && places > 500 })
	if err := commands.Publish((&std_msgs.Float64MultiArray{Data: []float64{0, 0, 2}}).AppendCDR(nil)); err != nil {
		t.Fatal(err)
	}
	until("the third joint moves on the command", func() bool {
		last := states[len(states)-1]
		return last.Position[0] > 0.7 || last.Position[0] < 0.5
	})
	response, err := reset.Call(t.Context(), new(std_srvs.Trigger_Request).AppendCDR(nil))
	var answer std_srvs.Trigger_Response
	if err == nil {
		err = answer.UnmarshalCDR(response)
	}
	if err != nil || !answer.Success {
		t.Errorf("reset_scene: %+v, %v", answer, err)
	}
	mu.Lock()
	last := int64(-1)
	for _, s := range states {
		stamp := rosio.Nanoseconds(s.Header.Stamp)
		if stamp <= last || stamp%1_000_000 != 0 {
			t.Fatalf("the stamp %d ns comes after %d, want multiples of 1 ms that rise", stamp, last)
		}
		last = stamp
		if !slices.Equal(s.Name, []string{"joint3", "gripper", "joint2", "joint1"}) || len(s.Velocity) != 0 || s.Position[1] != 0 {
			t.Fatalf("%+v, want joints in the order asked for, without velocities", s)
		}
	}
	mu.Unlock()
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case err = <-ended:
		running = false
	case <-time.After(patience):
		t.Fatal("the program does not end")
	}
	if err != nil || strings.Contains(stderr.String(), "ERROR") {
		t.Errorf("%v\n%s", err, stderr)
	}
}

// TestProgramBlames: a scene that does not load ends the program at the start, with the place
// in the file.
func TestProgramBlames(t *testing.T) {
	path := build(t)
	for _, c := range []struct{ parameters, want string }{
		{"    joints: [joint1]\n    initial_position: [0.0]\n    plant:\n      type: mujoco\n      model: nowhere.xml\n", "robot.yaml:7:14: plant.model: "},
		{"    state_rate: 7.0\n", "robot.yaml:3:17: state_rate: "},
	} {
		if !mujoco.Built {
			c.want = strings.Replace(c.want, "7:14: plant.model", "6:13: plant.type", 1)
		}
		cmd, stderr := program(t, path, ddstest.Domain(t), c.parameters)
		if err := cmd.Run(); cmd.ProcessState.ExitCode() != 2 || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v, said %s; want status 2 and %q", err, stderr, c.want)
		}
	}
}
