// Package hardware holds what all parts of the robot side share: readings of joints in
// canonical order. SI units: rad or m, rad/s or m/s, N m or N.
package hardware

// JointState is one reading of all joints of a robot, in its canonical joint order.
type JointState struct {
	// Stamp is the time of the reading in ns, on the robot's clock.
	Stamp int64
	// Position and Velocity have one entry per joint.
	Position, Velocity []float64
}

// NewJointState returns a reading of zeros for n joints.
func NewJointState(n int) *JointState {
	return &JointState{Position: make([]float64, n), Velocity: make([]float64, n)}
}

// CopyFrom makes s equal to o, which has as many joints.
func (s *JointState) CopyFrom(o *JointState) {
	s.Stamp = o.Stamp
	copy(s.Position, o.Position)
	copy(s.Velocity, o.Velocity)
}
