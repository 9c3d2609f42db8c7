//go:build !rclgo

package ros2control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// ros is a controller_manager of a sourced ROS 2, with mock hardware of the joints a and b.
type ros struct {
	t      *testing.T
	domain uint32
}

// arm is the description of the mock hardware.
const arm = `<robot name="arm"><link name="base"/><link name="upper"/><link name="lower"/>
<joint name="a" type="revolute"><parent link="base"/><child link="upper"/><axis xyz="0 0 1"/><limit lower="-3" upper="3" velocity="2" effort="50"/></joint>
<joint name="b" type="revolute"><parent link="upper"/><child link="lower"/><axis xyz="0 0 1"/><limit lower="-3" upper="3" velocity="2" effort="50"/></joint>
<ros2_control name="arm" type="system"><hardware><plugin>mock_components/GenericSystem</plugin></hardware>
<joint name="a"><command_interface name="position"/><command_interface name="effort"/><state_interface name="position"/><state_interface name="velocity"/><state_interface name="effort"/></joint>
<joint name="b"><command_interface name="position"/><command_interface name="effort"/><state_interface name="position"/><state_interface name="velocity"/><state_interface name="effort"/></joint>
</ros2_control></robot>`

// parameters are of the controller manager and its controllers. Humble takes the description
// from here, later versions from /robot_description.
const parameters = `
/**/controller_manager:
  ros__parameters:
    update_rate: 100
    robot_description: %s
    effort_controller: {type: effort_controllers/JointGroupEffortController}
    forward_controller: {type: forward_command_controller/ForwardCommandController}
    swapped_controller: {type: effort_controllers/JointGroupEffortController}
    position_controller: {type: forward_command_controller/ForwardCommandController}
effort_controller: {ros__parameters: {joints: [a, b]}}
forward_controller: {ros__parameters: {joints: [a, b], interface_name: effort}}
swapped_controller: {ros__parameters: {joints: [b, a]}}
position_controller: {ros__parameters: {joints: [a, b], interface_name: position}}
`

// program returns the path of a program of a package of the ROS 2 that is sourced, or skips the test.
func program(t *testing.T, pkg, name string) string {
	for _, prefix := range filepath.SplitList(os.Getenv("AMENT_PREFIX_PATH")) {
		path := filepath.Join(prefix, "lib", pkg, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Skipf("needs a sourced ROS 2 with rmw_cyclonedds_cpp, ros2_control and ros2_controllers: there is no %s of %s in AMENT_PREFIX_PATH", name, pkg)
	return ""
}

func (r ros) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "RMW_IMPLEMENTATION=rmw_cyclonedds_cpp", "ROS_LOCALHOST_ONLY=1",
		"ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST", "ROS_LOG_DIR="+r.t.TempDir(), fmt.Sprintf("ROS_DOMAIN_ID=%d", r.domain))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	return cmd
}

// run runs a program to its end.
func (r ros) run(name string, args ...string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := r.command(ctx, name, args...).CombinedOutput(); err != nil {
		r.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// start starts the controller manager. What it says goes to the test's log if that fails.
func (r ros) start(path string) (kill func()) {
	r.t.Helper()
	dir := r.t.TempDir()
	description, err := json.Marshal(arm) // a double-quoted string of YAML too
	if err != nil {
		r.t.Fatal(err)
	}
	file := filepath.Join(dir, "controllers.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, parameters, description), 0o600); err != nil {
		r.t.Fatal(err)
	}
	out, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := r.command(ctx, path, "--ros-args", "--params-file", file)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		cancel()
		r.t.Fatal(err)
	}
	kill = func() {
		cancel()
		_ = cmd.Wait() // it was killed
	}
	r.t.Cleanup(func() {
		kill()
		if text, err := os.ReadFile(out.Name()); r.t.Failed() && err == nil {
			r.t.Logf("controller manager:\n%s", text)
		}
	})
	return kill
}

// TestROS2Control checks and watches the controllers of ros2_control itself.
func TestROS2Control(t *testing.T) {
	path := program(t, "controller_manager", "ros2_control_node")
	spawner := program(t, "controller_manager", "spawner")
	r := ros{t, ddstest.Domain(t)}
	// What `ros2 control` leaves running.
	t.Cleanup(func() { r.run("ros2", "daemon", "stop") })
	node := ddstest.Open(t, r.domain, "gps", func(o *transport.Options) { o.Distro = os.Getenv("ROS_DISTRO") })
	description := describe(t, node)
	kill := r.start(path)
	defer description.Close()
	ask := func(controller string) (*Checker, Report, error) {
		c := checker(t, node, "/"+controller+"/commands", func(cfg *Config) { cfg.Check = Required })
		report, err := c.Check(context.Background())
		return c, report, err
	}
	refused := func(controller, want string) {
		t.Helper()
		if _, _, err := ask(controller); !errors.Is(err, ErrController) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", controller, err, want)
		}
	}
	r.run(spawner, "--inactive", "effort_controller", "forward_controller", "swapped_controller", "position_controller")
	refused("effort_controller", "is inactive, expected active")
	refused("swapped_controller", `another order: each torque would go to another joint: it has ["b/effort" "a/effort"], expected ["a/effort" "b/effort"]`)
	refused("position_controller", `it has ["a/position" "b/position"]`)
	refused("elsewhere", "no controller")
	for _, controller := range []string{"effort_controller", "forward_controller"} {
		r.run("ros2", "control", "set_controller_state", controller, "active")
		refused(map[string]string{"effort_controller": "forward_controller", "forward_controller": "effort_controller"}[controller], `["`+controller+`"] claims joints`)
		c, report, err := ask(controller)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(report)
		if report.Controller != controller || report.Warning != "" || report.Activity != (os.Getenv("ROS_DISTRO") != "humble") {
			t.Errorf("%+v", report)
		}
		watchLoss(t, c, report, "inactive", func() { r.run("ros2", "control", "set_controller_state", controller, "inactive") })
	}
	r.run("ros2", "control", "set_controller_state", "effort_controller", "active")
	c, report, err := ask("effort_controller")
	if err != nil {
		t.Fatal(err)
	}
	watchLoss(t, c, report, Gone, func() {
		// So that the watch has found what it loses.
		time.Sleep(time.Second)
		kill()
	})
}

// describe publishes the description of the robot, as robot_state_publisher does.
func describe(t *testing.T, n transport.Node) transport.Publisher {
	t.Helper()
	p, err := n.Publisher("/robot_description", typeOf(new(std_msgs.String)), transport.Latched(), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := std_msgs.String{Data: arm}
	if err := p.Publish(m.AppendCDR(nil)); err != nil {
		t.Fatal(err)
	}
	return p
}
