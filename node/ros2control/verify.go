package ros2control

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	cm "guidedpolicysearch/msgs/controller_manager_msgs"
)

// ErrController marks a controller that would not carry out the torques as they are meant.
var ErrController = errors.New("ros2control: the controller does not fit")

// active is the state of a controller that is updated.
const active = "active"

// trusted are the controllers that are known to hand torques on as they come.
var trusted = []string{
	"effort_controllers/JointGroupEffortController",
	"forward_command_controller/ForwardCommandController",
	"lbr_ros2_control/LBRTorqueCommandController",
}

// find returns the controller of that name. The error says which ones there are.
func find(list []cm.ControllerState, name, manager string) (*cm.ControllerState, error) {
	for i := range list {
		if list[i].Name == name {
			return &list[i], nil
		}
	}
	loaded := "none"
	if len(list) > 0 {
		loaded = described(list)
	}
	return nil, fmt.Errorf("%w: %s has no controller %q (loaded: %s): load it (ros2 run controller_manager spawner %s), or name the one that takes the torques in ros2_control.controller",
		ErrController, manager, name, loaded, name)
}

// described lists controllers for an error, which stays short whatever the list holds.
func described(list []cm.ControllerState) string {
	const most = 12
	var b strings.Builder
	for i, c := range list[:min(len(list), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.80q %.20s", c.Name, c.State)
	}
	if more := len(list) - most; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	return b.String()
}

// verify returns nil if the controller is active, listens to its topic, and claims exactly
// the interfaces, in their order. The error wraps ErrController and says what to do.
func verify(c *cm.ControllerState, list []cm.ControllerState, interfaces []string, manager string) error {
	// An inactive controller claims nothing, but says what it would.
	claims := c.ClaimedInterfaces
	if c.State != active {
		claims = c.RequiredCommandInterfaces
	}
	if c.State == active || len(claims) > 0 {
		if err := compare(c, claims, interfaces); err != nil {
			return err
		}
	}
	if c.State != active {
		return fmt.Errorf("%w: controller %q (%s) is %s, expected active%s", ErrController, c.Name, c.Type, c.State, activation(c, list, interfaces, manager))
	}
	if c.IsChained {
		return fmt.Errorf("%w: controller %q (%s) takes its references from another controller in its chain, not from its topic: deactivate that one", ErrController, c.Name, c.Type)
	}
	return nil
}

// activation says how to activate the controller: which others have to make room.
func activation(c *cm.ControllerState, list []cm.ControllerState, interfaces []string, manager string) string {
	const most = 4
	var rivals []string
	for i := range list {
		if other := &list[i]; other.State == active && clash(other.ClaimedInterfaces, interfaces) && len(rivals) < most {
			rivals = append(rivals, other.Name)
		}
	}
	if c.State == "unconfigured" {
		return fmt.Sprintf(": look at the log of %s for why it could not be configured", manager)
	}
	if len(rivals) == 0 {
		return fmt.Sprintf(": ros2 control set_controller_state -c %s %s active", manager, c.Name)
	}
	return fmt.Sprintf("; %q claims joints of it: ros2 control switch_controllers -c %s --deactivate %s --activate %s", rivals, manager, strings.Join(rivals, " "), c.Name)
}

// clash says if two lists of interfaces have a joint in common.
func clash(a, b []string) bool {
	for _, x := range a {
		for _, y := range b {
			if joint(x) == joint(y) {
				return true
			}
		}
	}
	return false
}

// joint returns the joint of an interface: "arm/joint1" of "arm/joint1/effort".
func joint(name string) string { return name[:max(strings.LastIndexByte(name, '/'), 0)] }

// compare returns nil if the claimed interfaces are the wanted ones in the same order.
func compare(c *cm.ControllerState, claimed, wanted []string) error {
	if slices.Equal(claimed, wanted) {
		return nil
	}
	a, b := slices.Clone(claimed), slices.Clone(wanted)
	slices.Sort(a)
	slices.Sort(b)
	why, what := "claims other interfaces than the node commands", "give the controller's parameter joints and robot.joints the same joints; the controller must take efforts"
	switch {
	case slices.Equal(a, b):
		why, what = "claims the joints in another order: each torque would go to another joint", "give the controller's parameter joints and robot.joints the same order"
	case len(claimed) == 0:
		why, what = "claims nothing", "give it the joints of the arm (its parameter joints)"
	}
	return fmt.Errorf("%w: controller %q (%s) %s: it has %s, expected %s: %s", ErrController, c.Name, c.Type, why, quoted(claimed), quoted(wanted), what)
}

// quoted lists interfaces for an error, which stays short whatever the list holds.
func quoted(names []string) string {
	const most = 32
	text := fmt.Sprintf("%.80q", names[:min(len(names), most)])
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
