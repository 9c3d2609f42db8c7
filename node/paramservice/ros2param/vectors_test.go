package ros2param

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rcl/rcltest"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

// undeclared is a store that allows undeclared parameters, of changing type.
type undeclared struct {
	values   map[string]rcl.Value
	received []paramservice.Assignment
}

func (u *undeclared) Names() []string { return slices.Sorted(maps.Keys(u.values)) }

func (u *undeclared) Lookup(name string) (rcl.Value, rcl_interfaces.ParameterDescriptor, bool) {
	v := u.values[name]
	return v, rcl_interfaces.ParameterDescriptor{Name: name, Type: uint8(v.Type), DynamicTyping: true}, true
}

func (u *undeclared) Set(list []paramservice.Assignment) ([]paramservice.Change, error) {
	u.received = append(u.received, list...)
	var changes []paramservice.Change
	for _, a := range list {
		changes = append(changes, paramservice.Change{Name: a.Name, Old: u.values[a.Name], New: a.Value})
		u.values[a.Name] = a.Value
		if a.Value.Type == rcl.NotSet {
			delete(u.values, a.Name)
		}
	}
	return changes, nil
}

// target is the node /target, as rclcpp makes it of ROS arguments.
func target(t *testing.T, bus *mem.Bus, args []string) *undeclared {
	t.Helper()
	a, err := rcl.Parse(append([]string{"--ros-args"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	name, err := a.Node("target", "")
	if err != nil {
		t.Fatal(err)
	}
	overrides, err := a.Overrides(name.FQN())
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) rcl.Value { return rcl.Value{Type: rcl.String, Str: s} }
	u := &undeclared{values: map[string]rcl.Value{
		"use_sim_time": {Type: rcl.Bool},
		"qos_overrides./parameter_events.publisher.depth":       {Type: rcl.Integer, Int: 1000},
		"qos_overrides./parameter_events.publisher.durability":  text("volatile"),
		"qos_overrides./parameter_events.publisher.history":     text("keep_last"),
		"qos_overrides./parameter_events.publisher.reliability": text("reliable"),
	}}
	for _, o := range overrides {
		u.values[o.Name] = o.Value
	}
	n, err := bus.Open(transport.Options{Name: name.Name, Namespace: name.Namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	if _, err := paramservice.Serve(n, paramservice.Config{Node: name, Now: func() int64 { return 0 }}, u); err != nil {
		t.Fatal(err)
	}
	return u
}

// tool is an environment whose commands find the nodes of the bus.
func tool(bus *mem.Bus, stdout, stderr *bytes.Buffer) Environment {
	return Environment{Stdout: stdout, Stderr: stderr, Program: "gps param",
		Open: func() (Node, error) { return bus.Open(transport.Options{Name: "_tool"}) }}
}

func TestVectorsParamCLI(t *testing.T) {
	for _, c := range rcltest.Cases[struct {
		ID       int
		Kind     string
		Args     []string
		File     *string
		NodeArgs []string `json:"node_args"`
		Received []struct {
			Name, Type string
			Value      any
		}
		Exit       int
		Stdout     string
		StderrLine string `json:"stderr_line"`
	}](t, "param_cli.json") {
		t.Run(fmt.Sprintf("%s/%d", c.Kind, c.ID), func(t *testing.T) {
			t.Chdir(t.TempDir())
			if c.File != nil {
				if err := os.WriteFile("params.yaml", []byte(*c.File), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			var bus mem.Bus
			u := target(t, &bus, c.NodeArgs)
			var stdout, stderr bytes.Buffer
			status, err := Run(context.Background(), tool(&bus, &stdout, &stderr), c.Kind, c.Args)
			if err != nil {
				t.Fatal(err)
			}
			if status != c.Exit || stdout.String() != c.Stdout || (stderr.Len() > 0) != (c.StderrLine != "") {
				t.Errorf("%q %q: status %d, stdout:\n%sstderr:\n%sros2: %d\n%s%s", c.Kind, c.Args,
					status, stdout.String(), stderr.String(), c.Exit, c.Stdout, c.StderrLine)
			}
			if len(u.received) != len(c.Received) {
				t.Fatalf("received %+v, ros2: %+v", u.received, c.Received)
			}
			for i, want := range c.Received {
				if got := u.received[i]; got.Name != want.Name || got.Value.Type.String() != want.Type ||
					!reflect.DeepEqual(vectorForm(t, got.Value), want.Value) {
					t.Errorf("received %s %s %s, ros2: %+v", got.Name, got.Value.Type, got.Value, want)
				}
			}
		})
	}
}

// vectorForm is a value as the vectors write it in JSON.
func vectorForm(t *testing.T, v rcl.Value) any {
	t.Helper()
	double := func(x float64) any {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return strings.Trim(strings.ToLower(strconv.FormatFloat(x, 'g', -1, 64)), "+")
		}
		return x
	}
	integer := func(i int64) any {
		if i > 1<<53 || i < -1<<53 {
			return strconv.FormatInt(i, 10)
		}
		return float64(i)
	}
	list := []any{}
	switch v.Type {
	case rcl.Bool:
		return v.Bool
	case rcl.Integer:
		return integer(v.Int)
	case rcl.Double:
		return double(v.Double)
	case rcl.String:
		return v.Str
	case rcl.ByteArray:
		for _, x := range v.Bytes {
			list = append(list, float64(x))
		}
	case rcl.BoolArray:
		for _, x := range v.Bools {
			list = append(list, x)
		}
	case rcl.IntegerArray:
		for _, x := range v.Ints {
			list = append(list, integer(x))
		}
	case rcl.DoubleArray:
		for _, x := range v.Doubles {
			list = append(list, double(x))
		}
	case rcl.StringArray:
		for _, x := range v.Strs {
			list = append(list, x)
		}
	default:
		return nil
	}
	return list
}
