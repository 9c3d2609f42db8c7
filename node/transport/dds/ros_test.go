//go:build !rclgo

package dds_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

var trigger = transport.Type{Name: "std_srvs/srv/Trigger"}

// ros is a sourced ROS 2 installation, on a domain of the test's own.
type ros struct{ domain uint32 }

func needROS(t *testing.T) ros {
	t.Helper()
	if _, err := exec.LookPath("ros2"); err != nil || os.Getenv("AMENT_PREFIX_PATH") == "" {
		t.Skip("needs a sourced ROS 2 installation with rmw_cyclonedds_cpp (source /opt/ros/<distro>/setup.bash)")
	}
	return ros{ddstest.Domain(t)}
}

// node opens a node of the installation's distribution.
func (r ros) node(t *testing.T, name string) *dds.Node {
	return ddstest.Open(t, r.domain, name, func(o *transport.Options) { o.Distro = os.Getenv("ROS_DISTRO") })
}

func (r ros) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "RMW_IMPLEMENTATION=rmw_cyclonedds_cpp", "ROS_LOCALHOST_ONLY=1",
		"ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST", "CYCLONEDDS_URI=", "PYTHONUNBUFFERED=1", fmt.Sprintf("ROS_DOMAIN_ID=%d", r.domain))
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.WaitDelay = time.Second
	return cmd
}

// run returns what a command of ROS 2 prints.
func (r ros) run(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := r.command(ctx, "ros2", args...).Output()
	if err != nil {
		t.Fatalf("ros2 %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// start runs a Python program until the test ends, and waits for its first line.
func (r ros) start(t *testing.T, program string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := r.command(ctx, "python3", "-c", program)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
}

func offerTrigger(t *testing.T, n transport.Services, name string) {
	t.Helper()
	_, err := n.Service(name, trigger, transport.ServiceQoS(), func(_ []byte, reply transport.Reply) {
		response := std_srvs.Trigger_Response{Success: true, Message: "from Go"}
		if err := reply(response.AppendCDR(nil)); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestROSCallsService has the command line call a service and list it.
func TestROSCallsService(t *testing.T) {
	r := needROS(t)
	offerTrigger(t, r.node(t, "server"), "/gps/start")
	if out := r.run(t, "service", "call", "/gps/start", "std_srvs/srv/Trigger"); !strings.Contains(out, "from Go") || !strings.Contains(out, "success=True") {
		t.Errorf("ros2 service call:\n%s", out)
	}
	if out := r.run(t, "service", "list", "--no-daemon", "-t"); !strings.Contains(out, "/gps/start [std_srvs/srv/Trigger]") {
		t.Errorf("ros2 service list -t:\n%s", out)
	}
	out := r.run(t, "node", "info", "--no-daemon", "/server")
	if _, servers, _ := strings.Cut(out, "Service Servers:"); !strings.Contains(servers, "/gps/start: std_srvs/srv/Trigger") {
		t.Errorf("ros2 node info:\n%s", out)
	}
}

const pythonServer = `
import rclpy
from std_srvs.srv import Trigger
rclpy.init()
node = rclpy.create_node('python_server', namespace='/py')
def answer(request, response):
    response.success, response.message = True, 'from Python'
    return response
node.create_service(Trigger, 'start', answer)
print('ready')
rclpy.spin(node)
`

func TestCallROSService(t *testing.T) {
	r := needROS(t)
	r.start(t, pythonServer)
	client, err := r.node(t, "client").Client("/py/start", trigger, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for range 100 {
		out, err := client.Call(ctx, (&std_srvs.Trigger_Request{}).AppendCDR(nil))
		if err != nil {
			t.Fatal(err)
		}
		var response std_srvs.Trigger_Response
		if err := response.UnmarshalCDR(out); err != nil || !response.Success || response.Message != "from Python" {
			t.Fatalf("%+v, %v", response, err)
		}
	}
	if client.Servers() != 1 {
		t.Errorf("%d servers, want 1", client.Servers())
	}
}

const pythonNode = `
import rclpy
from rclpy.qos import QoSProfile, DurabilityPolicy
from std_msgs.msg import String
from std_srvs.srv import Trigger
rclpy.init()
node = rclpy.create_node('python', namespace='/py', enable_rosout=False, start_parameter_services=False)
node.create_publisher(String, 'words', QoSProfile(depth=7, durability=DurabilityPolicy.TRANSIENT_LOCAL))
node.create_subscription(String, '/heard', lambda m: None, 1)
node.create_client(Trigger, '/gps/start')
print('ready')
rclpy.spin(node)
`

// TestGraphOfROS reads what a real node tells of itself.
func TestGraphOfROS(t *testing.T) {
	r := needROS(t)
	n := r.node(t, "watcher")
	changed := make(chan struct{}, 1)
	stop := n.OnGraphChange(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	defer stop()
	offerTrigger(t, n, "/gps/start")
	r.start(t, pythonNode)
	python := transport.GraphNode{Name: "python", Namespace: "/py", Enclave: "/"}
	words := transport.GraphEndpoint{
		Topic: "/py/words", Type: transport.Type{Name: "std_msgs/msg/String"}, Publisher: true, Node: python,
		QoS: transport.QoS{Reliability: transport.Reliable, Durability: transport.TransientLocal, Depth: 7},
	}
	client := transport.GraphService{Name: "/gps/start", Type: trigger, Client: true, Node: python}
	for timeout := time.After(time.Minute); ; {
		g, err := n.Graph()
		if err != nil {
			t.Fatal(err)
		}
		for i := range g.Endpoints {
			g.Endpoints[i].Type.Hash = "" // announced since Iron
		}
		for i := range g.Services {
			g.Services[i].Type.Request, g.Services[i].Type.Response = "", ""
		}
		if slices.Contains(g.Nodes, python) && slices.Contains(g.Endpoints, words) && g.Subscriptions("/heard") == 1 && slices.Contains(g.Services, client) {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("the node, its endpoints and its client did not come within a minute; the graph is %+v", g)
		}
	}
}
