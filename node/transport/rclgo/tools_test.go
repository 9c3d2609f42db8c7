//go:build rclgo

package rclgo_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// TestTools has the command line of ROS 2 look at a node, where it is installed.
func TestTools(t *testing.T) {
	if _, err := exec.LookPath("ros2"); err != nil {
		t.Skipf("needs the command line of a sourced ROS 2: %v", err)
	}
	domain := ddstest.Domain(t)
	n := ddstest.Open(t, domain, "gps", func(o *transport.Options) { o.Namespace = "/arm1" })
	text, err := n.Publisher("/arm1/text", transport.Type{Name: "std_msgs/msg/String"}, transport.Latched(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := text.Publish((&std_msgs.String{Data: "hello"}).AppendCDR(nil)); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Service("/arm1/gps/enable", transport.Type{Name: "std_srvs/srv/SetBool"}, transport.ServiceQoS(), func(request []byte, reply transport.Reply) {
		var asked std_srvs.SetBool_Request
		if err := asked.UnmarshalCDR(request); err != nil {
			t.Error(err)
			return
		}
		if err := reply((&std_srvs.SetBool_Response{Success: asked.Data, Message: "seen"}).AppendCDR(nil)); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args, want []string
	}{
		{[]string{"node", "list", "--no-daemon", "--spin-time", "3"}, []string{"/arm1/gps"}},
		{[]string{"node", "info", "--no-daemon", "--spin-time", "3", "/arm1/gps"},
			[]string{"/arm1/text: std_msgs/msg/String", "/arm1/gps/enable: std_srvs/srv/SetBool"}},
		{[]string{"topic", "info", "-v", "--no-daemon", "--spin-time", "3", "/arm1/text"},
			[]string{"Publisher count: 1", "Node name: gps", "Node namespace: /arm1", "Durability: TRANSIENT_LOCAL"}},
		{[]string{"topic", "echo", "--once", "--no-daemon", "--qos-durability", "transient_local", "--qos-reliability", "reliable", "/arm1/text", "std_msgs/msg/String"},
			[]string{"data: hello"}},
		{[]string{"service", "call", "/arm1/gps/enable", "std_srvs/srv/SetBool", "{data: true}"},
			[]string{"success=True", "message='seen'"}},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		ros2 := exec.CommandContext(ctx, "ros2", c.args...)
		ros2.Env = append(os.Environ(), fmt.Sprintf("ROS_DOMAIN_ID=%d", domain), "ROS_LOCALHOST_ONLY=1", "ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST")
		out, err := ros2.CombinedOutput()
		cancel()
		if err != nil {
			t.Errorf("%s: %v\n%s", ros2, err, out)
		}
		for _, want := range c.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: no %q in\n%s", ros2, want, out)
			}
		}
	}
}
