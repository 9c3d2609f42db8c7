package simrobot

import (
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

// sensor returns std_msgs/msg/Float64MultiArray of numbers, valid until the next call.
func (m *messages) sensor(numbers []float64) []byte {
	m.numbers.Data = append(m.numbers.Data[:0], numbers...)
	m.payload = m.numbers.AppendCDR(m.payload[:0])
	return m.payload
}
