package ros2control

import (
	"errors"
	"fmt"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/lbr_fri_idl"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
)

// Commands is the message in which a controller takes torques.
type Commands string

// The kinds of commands, by the names that a parameter has for them.
const (
	// Float64MultiArray is std_msgs/msg/Float64MultiArray with one effort per joint, of
	// JointGroupEffortController and ForwardCommandController.
	Float64MultiArray Commands = "float64_multi_array"
	// LBRTorqueCommand is lbr_fri_idl/msg/LBRTorqueCommand, of KUKA's LBR with seven joints.
	LBRTorqueCommand Commands = "lbr_torque_command"
)

// ErrCommands marks a kind of commands that there is not, or not for that many joints.
var ErrCommands = errors.New("ros2control: invalid commands")

// lbrJoints is the number of joints of an LBR.
const lbrJoints = 7

// Check returns an error that wraps ErrCommands unless an arm of that many joints can be
// commanded so.
func (c Commands) Check(joints int) error {
	switch {
	case c != Float64MultiArray && c != LBRTorqueCommand:
		return fmt.Errorf("%w: type %q, expected %s or %s", ErrCommands, c, Float64MultiArray, LBRTorqueCommand)
	case c == LBRTorqueCommand && joints != lbrJoints:
		return fmt.Errorf("%w: %s is for the %d joints of an LBR, the robot has %d", ErrCommands, c, lbrJoints, joints)
	}
	return nil
}

// Message returns an empty message.
func (c Commands) Message() msgs.Message {
	if c == LBRTorqueCommand {
		return new(lbr_fri_idl.LBRTorqueCommand)
	}
	return new(std_msgs.Float64MultiArray)
}

// Type is the ROS type of the messages.
func (c Commands) Type() transport.Type { return typeOf(c.Message()) }

// Interfaces lists what a controller that takes the commands claims, in its order: the
// efforts of the joints; an LBR's positions too, each before the effort.
func (c Commands) Interfaces(joints []string) []string {
	var list []string
	for _, j := range joints {
		if c == LBRTorqueCommand {
			list = append(list, j+"/position")
		}
		list = append(list, j+"/effort")
	}
	return list
}

// Writer writes torques as the message of a controller. One goroutine at a time.
type Writer interface {
	// Write returns the payload for the torques (N m), in the order of the joints; nil where the
	// message needs the measured position and none was taken yet. It is valid until the next
	// call. It does not allocate after the first. It panics unless there is one torque per joint.
	Write(torque safety.Torque) []byte
}

// NewWriter returns a writer for an arm of that many joints. The error is Check's.
func (c Commands) NewWriter(joints int) (Writer, error) {
	if err := c.Check(joints); err != nil {
		return nil, err
	}
	if c == LBRTorqueCommand {
		return new(lbrWriter), nil
	}
	return &effortWriter{joints: joints}, nil
}

type effortWriter struct {
	joints int
	writer rosio.EffortWriter
}

func (w *effortWriter) Write(torque safety.Torque) []byte {
	mustFit(torque.Values(), w.joints)
	return w.writer.Write(torque)
}

// lbrWriter commands the measured position beside the torque, so that the robot's own
// impedance controller, whatever its stiffness, has no distance to make up.
type lbrWriter struct {
	msg     lbr_fri_idl.LBRTorqueCommand
	payload []byte
}

func (w *lbrWriter) Write(torque safety.Torque) []byte {
	mustFit(torque.Values(), lbrJoints)
	position := torque.Position()
	if position == nil {
		return nil
	}
	copy(w.msg.Torque[:], torque.Values())
	copy(w.msg.JointPosition[:], position)
	w.payload = w.msg.AppendCDR(w.payload[:0])
	return w.payload
}

func mustFit(torque []float64, joints int) {
	if len(torque) != joints {
		panic(fmt.Sprintf("ros2control: %d torques, want %d", len(torque), joints))
	}
}
