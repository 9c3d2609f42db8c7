package rigidbody

import (
	"fmt"
	"math"
	"slices"

	"guidedpolicysearch/hardware/urdf"
)

// motion is how a joint of a model moves: at ratio q[column] + offset, or, with column -1, at
// offset, not at all. master is the joint that it mimics in the end, or the joint itself.
type motion struct {
	master, column int
	ratio, offset  float64
}

// motionsOf returns the motion of every joint.
func motionsOf(m *urdf.Model, c Config) ([]motion, error) {
	if err := m.CheckJoints(c.Joints); err != nil {
		return nil, fmt.Errorf("%w: joints: %w", ErrConfig, err)
	}
	if err := m.CheckJoints(c.LockedJoints); err != nil {
		return nil, fmt.Errorf("%w: locked_joints: %w", ErrConfig, err)
	}
	motions := make([]motion, len(m.Joints))
	for i := range m.Joints {
		master, ratio, offset, err := follow(m, i)
		if err != nil {
			return nil, err
		}
		name := m.Joints[master].Name
		motions[i] = motion{master: master, column: slices.Index(c.Joints, name), ratio: ratio, offset: offset}
		if motions[i].column >= 0 && ratio != 0 {
			continue
		}
		at := 0.0
		if k := slices.Index(c.LockedJoints, name); k >= 0 {
			at = c.LockedPositions[k]
			if l := limited(m.Joints[master]); l != nil && !(l.Lower <= at && at <= l.Upper) {
				return nil, fmt.Errorf("%w: locked_positions of joint %q is %v, want a number from %v to %v, the joint's limits", ErrConfig, name, at, l.Lower, l.Upper)
			}
		} else if l := limited(m.Joints[master]); l != nil {
			at = min(max(at, l.Lower), l.Upper)
		}
		motions[i] = motion{master: master, column: -1, offset: ratio*at + offset}
	}
	return motions, nil
}

// limited returns the limits of a joint whose positions have any.
func limited(j urdf.Joint) *urdf.Limit {
	if j.Type == urdf.Revolute || j.Type == urdf.Prismatic {
		return j.Limit
	}
	return nil
}

// follow returns the joint that joint i mimics in the end and i's position = ratio * its + offset.
func follow(m *urdf.Model, i int) (master int, ratio, offset float64, err error) {
	ratio, master = 1, i
	for steps := 0; m.Joints[master].Mimic != nil; steps++ {
		mimic := m.Joints[master].Mimic
		next, ok := m.Joint(mimic.Joint)
		switch {
		case !ok || m.Joints[next].Type == urdf.Fixed:
			return 0, 0, 0, fmt.Errorf("%w: joint %q mimics %q, want the name of a joint that moves", ErrModel, m.Joints[master].Name, mimic.Joint)
		case steps == len(m.Joints):
			return 0, 0, 0, fmt.Errorf("%w: joint %q mimics itself through %q, want a joint that moves by itself", ErrModel, m.Joints[i].Name, mimic.Joint)
		}
		offset += ratio * mimic.Offset
		ratio *= mimic.Multiplier
		master = next
	}
	if !(math.Abs(ratio) <= largest && math.Abs(offset) <= largest) {
		return 0, 0, 0, fmt.Errorf("%w: joint %q moves at %v times joint %q plus %v, want numbers of at most %g", ErrModel, m.Joints[i].Name, ratio, m.Joints[master].Name, offset, largest)
	}
	return master, ratio, offset, nil
}
