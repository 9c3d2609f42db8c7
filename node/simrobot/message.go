package simrobot

import (
	"fmt"
	"slices"

	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/rosio"
)

// messages writes readings as the driver publishes them. One goroutine at a time.
type messages struct {
	writer             *rosio.JointWriter
	from               []int // the joint that each entry of the message is of, -1 for none of this robot
	position, velocity []float64
	numbers            std_msgs.Float64MultiArray
	payload            []byte
}

func newMessages(c *Config) *messages {
	order := c.StateOrder
	if len(order) == 0 {
		order = c.Joints
	}
	m := &messages{writer: rosio.NewJointWriter(order), position: make([]float64, len(order)), velocity: make([]float64, len(order))}
	for _, name := range order {
		m.from = append(m.from, slices.Index(c.Joints, name))
	}
	return m
}

// joints returns sensor_msgs/msg/JointState of a reading, valid until the next call.
func (m *messages) joints(r *Reading, stamp int64) []byte {
	velocity := m.velocity
	if len(r.Velocity) == 0 {
		velocity = nil
	}
	for i, joint := range m.from {
		if joint < 0 {
			continue
		}
		m.position[i] = r.Position[joint]
		if velocity != nil {
			velocity[i] = r.Velocity[joint]
		}
	}
	return m.writer.Write(stamp, m.position, velocity)
}

// sensor returns std_msgs/msg/Float64MultiArray of numbers, valid until the next call. The
// label of its one dimension is the stamp in s, with nine decimals: topics may overtake each
// other, and so a sensor can be told to belong to the joint state of that stamp.
func (m *messages) sensor(numbers []float64, stamp int64) []byte {
	n := uint32(len(numbers))
	label := fmt.Sprintf("%d.%09d", stamp/1e9, stamp%1e9)
	m.numbers.Layout.Dim = append(m.numbers.Layout.Dim[:0], std_msgs.MultiArrayDimension{Label: label, Size: n, Stride: n})
	m.numbers.Data = append(m.numbers.Data[:0], numbers...)
	m.payload = m.numbers.AppendCDR(m.payload[:0])
	return m.payload
}
