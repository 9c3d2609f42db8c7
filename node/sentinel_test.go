package node

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

// TestSentinel: when the pipe ends without the word that all is well, the controller gets zero
// torque for each joint; with the word it gets nothing.
func TestSentinel(t *testing.T) {
	for name, c := range map[string]struct {
		said string
		want bool
	}{"killed": {"", true}, "cut off": {"don", true}, "nonsense": {"gone\nand", true}, "done": {sentinelDone, false}} {
		t.Run(name, func(t *testing.T) {
			var bus mem.Bus
			controller, err := bus.Open(transport.Options{Name: "controller"})
			if err != nil {
				t.Fatal(err)
			}
			defer controller.Close()
			heard := make(chan []float64, 1000)
			_, err = controller.Subscribe("/arm/commands", rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), func(payload []byte, _ transport.Info) {
				var reader rosio.EffortReader
				torque, err := reader.Read(payload, 3)
				if err != nil {
					t.Error(err)
				}
				heard <- slices.Clone(torque)
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			args := SentinelArguments(&rcl.Args{}, rcl.NodeName{Name: "gps", Namespace: "/arm"}, "/arm/commands", 3, 0)
			if args[0] != SentinelCommand {
				t.Fatalf("arguments %q", args)
			}
			var names []string
			open := func(o transport.Options) (transport.Node, error) {
				names = append(names, o.Namespace+"/"+o.Name)
				return bus.Open(o)
			}
			node, pipe, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer node.Close()
			told := new(strings.Builder)
			ended := make(chan error, 1)
			go func() {
				ended <- ServeSentinel(open, quiet(t.TempDir()), args[1:], node, told)
			}()
			if _, err := io.WriteString(pipe, c.said); err != nil {
				t.Fatal(err)
			}
			pipe.Close()
			if err := <-ended; err != nil {
				t.Fatal(err)
			}
			if told.String() != sentinelReady || !slices.Equal(names, []string{"/arm/gps_sentinel"}) {
				t.Errorf("said %q as %q", told, names)
			}
			close(heard)
			count := 0
			for torque := range heard {
				count++
				if !slices.Equal(torque, []float64{0, 0, 0}) {
					t.Errorf("torque %v, want zero", torque)
				}
			}
			if (count > 1) != c.want {
				t.Errorf("%d commands", count)
			}
		})
	}
}

// TestSentinelOfANodeThatStandsStill: after the time-out without a sign of life there is zero torque,
// and a word of it; a sign of life ends that, and the time-out begins again.
func TestSentinelOfANodeThatStandsStill(t *testing.T) {
	var bus mem.Bus
	controller, err := bus.Open(transport.Options{Name: "controller"})
	if err != nil {
		t.Fatal(err)
	}
	defer controller.Close()
	zeroes := make(chan []byte, 10000)
	if _, err = controller.Subscribe("/commands", rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), func(payload []byte, _ transport.Info) {
		zeroes <- slices.Clone(payload)
	}, nil); err != nil {
		t.Fatal(err)
	}
	said := make(chan string, 10)
	if _, err = controller.Subscribe("/rosout", rostype.Of(new(rcl_interfaces.Log)), logging.RosoutQoS(), func(payload []byte, _ transport.Info) {
		var m rcl_interfaces.Log
		if err := m.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
		said <- m.Name + ": " + m.Msg
	}, nil); err != nil {
		t.Fatal(err)
	}
	const timeout = 160 * time.Millisecond
	args := SentinelArguments(&rcl.Args{}, rcl.NodeName{Name: "gps", Namespace: "/"}, "/commands", 2, timeout)
	node, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	words, told, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer words.Close()
	open := func(o transport.Options) (transport.Node, error) { return bus.Open(o) }
	ended := make(chan error, 1)
	go func() { ended <- ServeSentinel(open, quiet(t.TempDir()), args[1:], node, told) }()
	hear := bufio.NewReader(words)
	expect := func(want string) {
		t.Helper()
		if err := words.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		if got, err := hear.ReadString('\n'); got != want {
			t.Fatalf("it said %q, want %q: %v", got, want, err)
		}
	}
	alive := func() {
		if _, err := pipe.Write([]byte{sentinelBeat}); err != nil {
			t.Fatal(err)
		}
	}
	expect(sentinelReady)
	for range 2 {
		expect(sentinelZeroed)
		if payload := <-zeroes; !bytes.Equal(payload[len(payload)-16:], make([]byte, 16)) {
			t.Errorf("commands % x, want zeros", payload)
		}
		if text := <-said; !strings.Contains(text, "gps_sentinel: the control loop has stood still for 160ms") {
			t.Errorf("%q on /rosout", text)
		}
		alive()
	}
	if _, err := io.WriteString(pipe, sentinelDone); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// TestUnguarded: who wants a sentinel is told where there is none.
func TestUnguarded(t *testing.T) {
	cfg := DefaultConfig()
	if text := cfg.unguarded(); text != "" {
		t.Errorf("with effort commands: %q", text)
	}
	cfg.Commands.Type = string(ros2control.LBRTorqueCommand)
	if text := cfg.unguarded(); !strings.Contains(text, "commands.type lbr_torque_command") {
		t.Errorf("with an LBR's commands: %q", text)
	}
	for name, change := range map[string]func(*Config){"lock step": func(c *Config) { c.LockStep = true }, "not wanted": func(c *Config) { c.Sentinel = false }} {
		c := *cfg
		change(&c)
		if text := c.unguarded(); text != "" {
			t.Errorf("%s: %q", name, text)
		}
	}
}

func TestSentinelArguments(t *testing.T) {
	for name, args := range map[string][]string{"none": nil, "no joints": {"/commands"}, "zero": {"/commands", "0"}, "many": {"/commands", "1000000000"}, "nonsense": {"/commands", "two"},
		"no time-out": {"/commands", "2"}, "time-out without a unit": {"/commands", "2", "1"}, "negative time-out": {"/commands", "2", "-1s"}} {
		t.Run(name, func(t *testing.T) {
			err := ServeSentinel(nil, os.Getenv, args, strings.NewReader(""), io.Discard)
			if err == nil {
				t.Error("no error")
			}
		})
	}
	enclave := "/arm"
	if args := SentinelArguments(&rcl.Args{Enclave: &enclave}, rcl.NodeName{Name: "gps", Namespace: "/"}, "/commands", 2, 0); !slices.Contains(args, "--enclave") {
		t.Errorf("arguments %q lack the enclave, without which nobody listens", args)
	}
}

// TestStartSentinel: a process that is not ready is none; one that ends before it is dismissed is
// told of, one that is dismissed is not.
func TestStartSentinel(t *testing.T) {
	told, zeroed := make(chan string, 1), make(chan struct{}, 1)
	start := func(script string) (*sentinel, error) {
		return startSentinel(context.Background(), []string{"sh", "-c", script}, func(text string) { told <- text }, func() { zeroed <- struct{}{} })
	}
	if _, err := start("echo no network >&2; exit 1"); err == nil || !strings.Contains(err.Error(), "no network") {
		t.Errorf("%v, want what it said", err)
	}
	s, err := start("echo ready; read word; test $word = done")
	if err != nil {
		t.Fatal(err)
	}
	s.dismiss()
	if len(zeroed) > 0 {
		t.Error("a sentinel that did nothing has zeroed the torque")
	}
	s, err = start("echo ready; echo zeroed; read word; test $word = done")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-zeroed:
	case <-time.After(patience):
		t.Error("nobody was told that the torque was zeroed")
	}
	s.dismiss()
	s, err = start("echo ready; sleep 0.1")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case text := <-told:
		if !strings.Contains(text, "the sentinel, process") {
			t.Errorf("told %q", text)
		}
	case <-time.After(patience):
		t.Error("nobody was told of a sentinel that is gone")
	}
	s.dismiss()
	if len(told) > 0 {
		t.Errorf("told %q", <-told)
	}
}
