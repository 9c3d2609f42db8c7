// Package urdf reads robot descriptions in the Unified Robot Description Format
// (http://wiki.ros.org/urdf/XML). Units are SI: m, rad, kg, kg m^2, N m or N, rad/s or m/s.
package urdf

// Model is a robot: a tree of links, each but the root hung from its parent by a joint.
type Model struct {
	Name string
	// Links come parents before children, the root first.
	Links []Link
	// Joints[i] moves Links[i+1].
	Joints []Joint
}

// Link is a rigid body.
type Link struct {
	Name string
	// Inertial is nil for a link without mass.
	Inertial *Inertial
}

// Inertial is the mass of a link.
type Inertial struct {
	// Mass in kg, >= 0.
	Mass float64
	// Origin is the pose of the inertial frame in the link's frame; its translation is the
	// centre of mass.
	Origin Pose
	// Inertia about the centre of mass, in the axes of the inertial frame, in kg m^2;
	// symmetric.
	Inertia [3][3]float64
}

// Pose is a frame in another: p_parent = Rotation p + Translation.
type Pose struct {
	Rotation    [3][3]float64
	Translation [3]float64
}

// JointType is how a joint moves.
type JointType string

// The types of joints that this package reads.
const (
	Revolute   JointType = "revolute"
	Continuous JointType = "continuous"
	Prismatic  JointType = "prismatic"
	Fixed      JointType = "fixed"
)

// Joint hangs a child link from a parent.
type Joint struct {
	Name string
	Type JointType
	// Parent and Child are indices of links.
	Parent, Child int
	// Origin is the pose of the child's frame in the parent's at position 0.
	Origin Pose
	// Axis of motion in the child's frame, of length 1; zero for a fixed joint.
	Axis [3]float64
	// Limit is nil where the description gives none.
	Limit *Limit
	// Damping in N m s/rad or N s/m, Friction in N m or N.
	Damping, Friction float64
	// Mimic is nil for a joint that moves by itself.
	Mimic *Mimic
}

// Limit bounds a joint. A continuous joint has infinite Lower and Upper.
type Limit struct {
	Lower, Upper     float64 // rad or m
	Effort, Velocity float64 // N m or N, rad/s or m/s; > 0
}

// Mimic makes a joint follow another: position = Multiplier * other + Offset.
type Mimic struct {
	Joint              string
	Multiplier, Offset float64
}
