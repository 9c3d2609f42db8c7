// Package ros2control knows the robots that ros2_control drives: which controller takes the
// torques, whether it is active and claims the joints in the node's order, when it stops
// being active, and the messages that controllers take torques in.
//
// Sources are ros2_control (controller_manager, controller_manager_msgs) and ros2_controllers
// (forward_command_controller, effort_controllers) in their versions 2 (Humble) and 4
// (Jazzy and later), and lbr_fri_ros2_stack 2 for KUKA's LBR. What they do with torques:
//
//   - the last torque stays in force until the next message: no controller has a time-out, so
//     a node that goes must command zero before;
//   - JointGroupEffortController commands zero when it is deactivated, ForwardCommandController
//     and LBRTorqueCommandController leave the last torque in the hardware;
//   - torques that are not finite are dropped by version 4, and reach the hardware with 2.
package ros2control

import (
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// Node is what the package needs of a ROS 2 node; *rosnode.Node is one.
type Node interface {
	transport.GraphReader
	// Client is transport.Services.Client.
	Client(name string, typ transport.Type, q transport.QoS) (transport.Client, error)
	// Subscribe is transport.Node.Subscribe.
	Subscribe(topic string, typ transport.Type, q transport.QoS, h transport.Handler, status transport.StatusHandler) (transport.Subscription, error)
	// Resolve expands and remaps the name of a service.
	Resolve(name string) (string, error)
	// ResolveTopic expands and remaps the name of a topic.
	ResolveTopic(name string) (string, error)
}

func typeOf(m msgs.Type) transport.Type { return rostype.Of(m) }
