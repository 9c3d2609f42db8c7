// Package rosio converts between ROS messages and the types of hardware/ and gps/. It is
// the only place that does.
package rosio

import (
	"errors"
	"fmt"
	"slices"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs/builtin_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
)

// ErrMessage marks a message whose content does not fit the robot.
var ErrMessage = errors.New("rosio: message does not fit")

// JointReader reads sensor_msgs/msg/JointState into canonical joint order. It does not
// allocate while the message keeps its joints. One goroutine at a time.
type JointReader struct {
	joints     []string
	velocities bool
	index      []int // of joints in the message
	msg        sensor_msgs.JointState
}

// NewJointReader returns a reader for the joints of a robot. velocities says that the messages
// must have them; otherwise they are not read, and zero.
func NewJointReader(joints []string, velocities bool) *JointReader {
	return &JointReader{joints: slices.Clone(joints), velocities: velocities, index: make([]int, len(joints))}
}

// Read decodes a payload into dst. The joints may come in any order and among others; the
// error names one that is missing, or a field that is too short. Errors wrap ErrMessage or
// are those of the decoder.
func (r *JointReader) Read(dst *hardware.JointState, payload []byte) error {
	if err := r.msg.UnmarshalCDR(payload); err != nil {
		return fmt.Errorf("joint_states: %w", err)
	}
	for i, joint := range r.joints {
		if k := r.index[i]; k < len(r.msg.Name) && r.msg.Name[k] == joint {
			continue
		}
		k := slices.Index(r.msg.Name, joint)
		if k < 0 {
			return fmt.Errorf("%w: joint_states: joint %q is missing, the message names %s", ErrMessage, joint, quoted(r.msg.Name))
		}
		r.index[i] = k
	}
	for i, k := range r.index {
		switch {
		case k >= len(r.msg.Position):
			return fmt.Errorf("%w: joint_states: %d names come with %d positions, need as many for joint %q", ErrMessage, len(r.msg.Name), len(r.msg.Position), r.joints[i])
		case r.velocities && k >= len(r.msg.Velocity):
			return fmt.Errorf("%w: joint_states: %d names come with %d velocities, need as many for joint %q; a driver that gives none needs robot.velocity.source difference or encoder_filter", ErrMessage, len(r.msg.Name), len(r.msg.Velocity), r.joints[i])
		}
		dst.Position[i], dst.Velocity[i] = r.msg.Position[k], 0
		if r.velocities {
			dst.Velocity[i] = r.msg.Velocity[k]
		}
	}
	dst.Stamp = Nanoseconds(r.msg.Header.Stamp)
	return nil
}

// Names returns the joints that the latest message named; valid until the next Read.
func (r *JointReader) Names() []string { return r.msg.Name }

// quoted lists names for an error, which stays short whatever a message holds.
func quoted(names []string) string {
	const most = 16
	text := fmt.Sprintf("%.64q", names[:min(len(names), most)])
	if more := len(names) - most; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// JointWriter writes sensor_msgs/msg/JointState.
type JointWriter struct {
	msg     sensor_msgs.JointState
	payload []byte
}

// NewJointWriter returns a writer for the joints of a robot.
func NewJointWriter(joints []string) *JointWriter {
	return &JointWriter{msg: sensor_msgs.JointState{Name: slices.Clone(joints)}}
}

// Write returns the payload of a reading at stamp (ns); it is valid until the next call.
// It does not allocate after the first.
func (w *JointWriter) Write(stamp int64, position, velocity []float64) []byte {
	w.msg.Header.Stamp = Stamp(stamp)
	w.msg.Position = append(w.msg.Position[:0], position...)
	w.msg.Velocity = append(w.msg.Velocity[:0], velocity...)
	w.payload = w.msg.AppendCDR(w.payload[:0])
	return w.payload
}

// EffortWriter writes torques as std_msgs/msg/Float64MultiArray.
type EffortWriter struct {
	msg     std_msgs.Float64MultiArray
	payload []byte
}

// Write returns the payload for torques in the controller's joint order; it is valid
// until the next call. It does not allocate after the first. There is no other way to command a
// robot than by what its safety.Filter let through.
func (w *EffortWriter) Write(torque safety.Torque) []byte {
	w.msg.Data = append(w.msg.Data[:0], torque.Values()...)
	w.payload = w.msg.AppendCDR(w.payload[:0])
	return w.payload
}

// EffortReader reads std_msgs/msg/Float64MultiArray.
type EffortReader struct{ msg std_msgs.Float64MultiArray }

// Read decodes a payload and returns the torques, as many as joints; they are valid until
// the next call. Errors wrap ErrMessage or are those of the decoder.
func (r *EffortReader) Read(payload []byte, joints int) ([]float64, error) {
	if err := r.msg.UnmarshalCDR(payload); err != nil {
		return nil, fmt.Errorf("commands: %w", err)
	}
	if len(r.msg.Data) != joints {
		return nil, fmt.Errorf("%w: commands: %d efforts, need %d, one per joint", ErrMessage, len(r.msg.Data), joints)
	}
	for i, v := range r.msg.Data {
		if v-v != 0 {
			return nil, fmt.Errorf("%w: commands: effort %d is %v", ErrMessage, i, v)
		}
	}
	return r.msg.Data, nil
}

// Nanoseconds returns a stamp as ns since the epoch.
func Nanoseconds(t builtin_interfaces.Time) int64 {
	return int64(t.Sec)*1_000_000_000 + int64(t.Nanosec)
}

// Stamp is the inverse of Nanoseconds, for times that an int32 of seconds can hold.
func Stamp(ns int64) builtin_interfaces.Time {
	sec := ns / 1_000_000_000
	rest := ns % 1_000_000_000
	if rest < 0 {
		sec, rest = sec-1, rest+1_000_000_000
	}
	return builtin_interfaces.Time{Sec: int32(sec), Nanosec: uint32(rest)}
}
