package ros2control

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	cm "guidedpolicysearch/msgs/controller_manager_msgs"
)

// effort is an active controller of the efforts of joints.
func effort(name string, joints ...string) cm.ControllerState {
	interfaces := Float64MultiArray.Interfaces(joints)
	return cm.ControllerState{Name: name, State: active, Type: trusted[0], ClaimedInterfaces: interfaces, RequiredCommandInterfaces: interfaces}
}

// TestVerify refuses each controller that would not carry out the torques, and says why.
func TestVerify(t *testing.T) {
	change := func(c cm.ControllerState, f func(*cm.ControllerState)) cm.ControllerState {
		f(&c)
		return c
	}
	inactive := func(c *cm.ControllerState) { c.State, c.ClaimedInterfaces = "inactive", nil }
	good := effort("arm", "a", "b")
	position := cm.ControllerState{Name: "jtc", State: active, Type: "joint_trajectory_controller/JointTrajectoryController", ClaimedInterfaces: []string{"b/position"}}
	for name, c := range map[string]struct {
		controller cm.ControllerState
		others     []cm.ControllerState
		want       []string // in the error; none where empty
	}{
		"well":            {controller: good},
		"well beside":     {controller: good, others: []cm.ControllerState{effort("other", "c")}},
		"inactive":        {change(good, inactive), nil, []string{`"arm" (effort_controllers/JointGroupEffortController) is inactive, expected active`, "ros2 control set_controller_state -c /cm arm active"}},
		"in the way":      {change(good, inactive), []cm.ControllerState{position}, []string{`["jtc"] claims joints`, "switch_controllers -c /cm --deactivate jtc --activate arm"}},
		"inactive beside": {change(good, inactive), []cm.ControllerState{effort("other", "c")}, []string{"set_controller_state -c /cm arm active"}},
		"inactive others": {change(good, inactive), []cm.ControllerState{change(position, func(c *cm.ControllerState) { c.State = "inactive" })}, []string{"set_controller_state -c /cm arm active"}},
		"unconfigured": {change(good, func(c *cm.ControllerState) {
			c.State, c.ClaimedInterfaces, c.RequiredCommandInterfaces = "unconfigured", nil, nil
		}), nil, []string{"is unconfigured", "log of /cm"}},
		"swapped":          {effort("arm", "b", "a"), nil, []string{"another order", `it has ["b/effort" "a/effort"], expected ["a/effort" "b/effort"]`, "the same order"}},
		"swapped inactive": {change(effort("arm", "b", "a"), inactive), nil, []string{"another order"}},
		"one more":         {effort("arm", "a", "b", "c"), nil, []string{"other interfaces", `["a/effort" "b/effort" "c/effort"], expected ["a/effort" "b/effort"]`}},
		"one less":         {effort("arm", "a"), nil, []string{"other interfaces"}},
		"none":             {effort("arm"), nil, []string{"claims nothing"}},
		"position":         {change(good, func(c *cm.ControllerState) { c.ClaimedInterfaces = []string{"a/position", "b/position"} }), nil, []string{`["a/position" "b/position"]`, "must take efforts"}},
		"other joints":     {effort("arm", "left_a", "left_b"), nil, []string{`["left_a/effort" "left_b/effort"]`}},
		"chained":          {change(good, func(c *cm.ControllerState) { c.IsChained = true }), nil, []string{"from another controller in its chain"}},
	} {
		err := verify(&c.controller, append(c.others, c.controller), Float64MultiArray.Interfaces([]string{"a", "b"}), "/cm")
		if (err == nil) != (len(c.want) == 0) || err != nil && !errors.Is(err, ErrController) {
			t.Errorf("%s: error %v", name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q in it", name, err, want)
			}
		}
	}
}

// TestErrorsStayShort holds errors about endless lists to a length that can be read.
func TestErrorsStayShort(t *testing.T) {
	var joints []string
	var list []cm.ControllerState
	for i := range 5000 {
		joints = append(joints, fmt.Sprint("joint", i, strings.Repeat("x", 500)))
		list = append(list, effort(fmt.Sprint("controller", i, strings.Repeat("x", 500)), "a"))
	}
	long, inactive := effort("arm", joints...), effort("arm", "a")
	inactive.State = "inactive"
	_, missing := find(list, "arm", "/cm")
	if err := verify(&inactive, list, inactive.ClaimedInterfaces, "/cm"); err == nil || len(err.Error()) > 10000 {
		t.Errorf("error of %d bytes", len(fmt.Sprint(err)))
	}
	for _, err := range []error{missing, verify(&long, list, Float64MultiArray.Interfaces([]string{"a"}), "/cm")} {
		if err == nil || len(err.Error()) > 5000 || !strings.Contains(err.Error(), "more") {
			t.Errorf("error of %d bytes", len(fmt.Sprint(err)))
		}
	}
	if _, err := find(nil, "arm", "/cm"); err == nil || !strings.Contains(err.Error(), "loaded: none") {
		t.Errorf("error %v", err)
	}
}
