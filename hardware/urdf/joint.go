package urdf

import (
	"math"
)

// namedJoint is a joint with the names of its links and its place in the description.
type namedJoint struct {
	Joint
	parent, child string
	line          int
}

func (r *reader) joints(elements []*element) ([]namedJoint, error) {
	joints := make([]namedJoint, 0, len(elements))
	for _, e := range elements {
		j, err := r.joint(e)
		if err != nil {
			return nil, err
		}
		joints = append(joints, j)
	}
	return joints, nil
}

func (r *reader) joint(e *element) (j namedJoint, err error) {
	j.line = e.line
	if j.Name, err = r.name(e); err != nil {
		return j, err
	}
	switch j.Type = JointType(e.attrs["type"]); j.Type {
	case Revolute, Continuous, Prismatic, Fixed:
	case "floating", "planar", "spherical":
		return j, r.errorf(e, "joints of type %s are not supported, need revolute, continuous, prismatic or fixed; fix the robot's base to its surroundings", j.Type)
	default:
		return j, r.errorf(e, "<joint> has type=%.40q, need revolute, continuous, prismatic or fixed", j.Type)
	}
	if j.parent, err = r.linkName(e, "parent"); err != nil {
		return j, err
	}
	if j.child, err = r.linkName(e, "child"); err != nil {
		return j, err
	}
	if j.Origin, err = r.pose(e); err != nil || j.Type == Fixed {
		return j, err
	}
	if j.Axis, err = r.axis(e); err != nil {
		return j, err
	}
	if j.Limit, err = r.limit(e, j.Type); err != nil {
		return j, err
	}
	if d := e.children["dynamics"]; d != nil {
		if j.Damping, err = r.dissipation(d, "damping"); err != nil {
			return j, err
		}
		if j.Friction, err = r.dissipation(d, "friction"); err != nil {
			return j, err
		}
	}
	if m := e.children["mimic"]; m != nil {
		j.Mimic, err = r.mimic(m)
	}
	return j, err
}

func (r *reader) linkName(e *element, end string) (string, error) {
	child := e.children[end]
	if child == nil || child.attrs["link"] == "" {
		return "", r.errorf(e, `no %s, need <%s link="name of a link"/>`, end, end)
	}
	return child.attrs["link"], nil
}

func (r *reader) axis(e *element) ([3]float64, error) {
	a := [3]float64{1, 0, 0}
	child := e.children["axis"]
	if child == nil {
		return a, nil
	}
	given, err := r.numbers(a[:], child, "xyz")
	if err != nil {
		return a, err
	}
	norm := math.Hypot(math.Hypot(a[0], a[1]), a[2])
	if !given || norm < 1e-6 {
		return a, r.errorf(child, `<axis> has the length 0 or no xyz, need a direction such as xyz="0 0 1"`)
	}
	for i := range a {
		a[i] /= norm
	}
	return a, nil
}

func (r *reader) limit(e *element, t JointType) (*Limit, error) {
	angle, effort, velocity := "rad", "N m", "rad/s"
	if t == Prismatic {
		angle, effort, velocity = "m", "N", "m/s"
	}
	child := e.children["limit"]
	switch {
	case child == nil && t == Continuous:
		return nil, nil
	case child == nil:
		return nil, r.errorf(e, `a %s joint needs <limit lower="" upper="" effort="" velocity=""/> with its range in %s, its largest effort in %s and its largest velocity in %s`, t, angle, effort, velocity)
	}
	l := &Limit{Lower: math.Inf(-1), Upper: math.Inf(1)}
	var err error
	if l.Effort, err = r.positive(child, "effort", effort); err != nil {
		return nil, err
	}
	if l.Velocity, err = r.positive(child, "velocity", velocity); err != nil {
		return nil, err
	}
	if t == Continuous {
		return l, nil
	}
	if l.Lower, err = r.number(child, "lower", 0); err != nil {
		return nil, err
	}
	if l.Upper, err = r.number(child, "upper", 0); err != nil {
		return nil, err
	}
	switch {
	case l.Lower > l.Upper:
		return nil, r.errorf(child, "<limit> has lower=%g above upper=%g; exchange them", l.Lower, l.Upper)
	case l.Lower == l.Upper:
		return nil, r.errorf(child, `<limit> leaves no room to move: lower and upper (0 if not given) are both %g %s; write the joint's range, or type="fixed"`, l.Lower, angle)
	}
	return l, nil
}

// positive reads a limit that a controller divides by or scales with.
func (r *reader) positive(e *element, key, unit string) (float64, error) {
	v, err := r.required(e, key)
	if err == nil && !(v > 0) {
		err = r.errorf(e, "<limit> has %s=%g, need a number > 0: write the largest %s that the joint can stand, in %s", key, v, key, unit)
	}
	return v, err
}

func (r *reader) dissipation(e *element, key string) (float64, error) {
	v, err := r.number(e, key, 0)
	if err == nil && v < 0 {
		err = r.errorf(e, "<dynamics> has %s=%g, need a number >= 0", key, v)
	}
	return v, err
}

func (r *reader) mimic(e *element) (*Mimic, error) {
	m := &Mimic{Joint: e.attrs["joint"]}
	if m.Joint == "" {
		return nil, r.errorf(e, "<mimic> has no joint, need the name of the joint that is followed")
	}
	var err error
	if m.Multiplier, err = r.number(e, "multiplier", 1); err != nil {
		return nil, err
	}
	m.Offset, err = r.number(e, "offset", 0)
	return m, err
}
