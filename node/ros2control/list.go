package ros2control

import (
	"errors"
	"fmt"
	"slices"

	"guidedpolicysearch/msgs/cdr"
	cm "guidedpolicysearch/msgs/controller_manager_msgs"
)

// ErrLayout marks a list of controllers in a layout of no known version of ros2_control.
var ErrLayout = errors.New("ros2control: unknown layout of controller_manager_msgs")

// layout is a version of controller_manager_msgs/msg/ControllerState. All have the same
// name, and the graph does not show which one a server answers with: what it announces is
// the hash of the request, which is empty in all of them.
type layout struct {
	since    string // version of ros2_control
	rate     bool   // has is_async and update_rate
	exported bool   // has exported_state_interfaces
}

// layouts are the known ones, the newest first. Humble keeps the last.
var layouts = []layout{{since: "4.28", rate: true, exported: true}, {since: "4.13", exported: true}, {since: "2.13"}}

// leastState is the fewest bytes that a ControllerState takes: eight sequences or strings
// and two booleans.
const leastState = 8*4 + 2

// decodeList reads the response of list_controllers in the newest layout that accounts for
// every byte of it and leaves no interface without a name. Where two layouts do, they differ
// by padding alone. Fields that the layout lacks are zero. The error wraps ErrLayout and the
// decoder's errors.
func decodeList(payload []byte) ([]cm.ControllerState, error) {
	problems := []error{ErrLayout}
	for _, l := range layouts {
		list, err := l.decode(payload)
		if err == nil {
			return list, nil
		}
		problems = append(problems, fmt.Errorf("as of version %s: %w", l.since, err))
	}
	return nil, errors.Join(problems...)
}

// What a wrong layout may leave although it decodes.
var (
	errRest     = errors.New("bytes are left over")
	errNameless = errors.New("an interface has no name")
)

func (l layout) decode(payload []byte) ([]cm.ControllerState, error) {
	d := cdr.NewDecoder(payload, "controller_manager_msgs/srv/ListControllers_Response")
	d.Enter("controller")
	list := make([]cm.ControllerState, d.Len("", leastState, 0))
	for i := range list {
		if !d.Index(i) {
			break
		}
		l.state(&d, &list[i])
	}
	d.Leave()
	if err := d.Err(); err != nil {
		return nil, err
	}
	if d.Rest() >= 4 { // fewer are padding
		return nil, fmt.Errorf("%w: %d", errRest, d.Rest())
	}
	for i := range list {
		c := &list[i]
		for _, names := range [][]string{c.ClaimedInterfaces, c.RequiredCommandInterfaces, c.RequiredStateInterfaces, c.ExportedStateInterfaces, c.ReferenceInterfaces} {
			if slices.Contains(names, "") {
				return nil, fmt.Errorf("%w: controller %d", errNameless, i)
			}
		}
	}
	return list, nil
}

func (l layout) state(d *cdr.Decoder, c *cm.ControllerState) {
	d.String("name", &c.Name, 0)
	d.String("state", &c.State, 0)
	d.String("type", &c.Type, 0)
	if l.rate {
		c.IsAsync = d.Bool("is_async")
		c.UpdateRate = d.Uint16("update_rate")
	}
	d.StringSeq("claimed_interfaces", &c.ClaimedInterfaces, 0, 0)
	d.StringSeq("required_command_interfaces", &c.RequiredCommandInterfaces, 0, 0)
	d.StringSeq("required_state_interfaces", &c.RequiredStateInterfaces, 0, 0)
	c.IsChainable = d.Bool("is_chainable")
	c.IsChained = d.Bool("is_chained")
	if l.exported {
		d.StringSeq("exported_state_interfaces", &c.ExportedStateInterfaces, 0, 0)
	}
	d.StringSeq("reference_interfaces", &c.ReferenceInterfaces, 0, 0)
	d.Enter("chain_connections")
	c.ChainConnections = make([]cm.ChainConnection, d.Len("", 8, 0))
	for i := range c.ChainConnections {
		if !d.Index(i) {
			break
		}
		d.String("name", &c.ChainConnections[i].Name, 0)
		d.StringSeq("reference_interfaces", &c.ChainConnections[i].ReferenceInterfaces, 0, 0)
	}
	d.Leave()
}
