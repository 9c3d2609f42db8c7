package rigidbody

import (
	"fmt"
	"math"

	"guidedpolicysearch/hardware/urdf"
)

// tolerance of axes' lengths and rotations, for models that are written by hand.
const tolerance = 1e-6

// checkModel returns an error wrapping ErrModel for a model that is not as package urdf
// describes it: those that are not read from a file may be anything.
func checkModel(m *urdf.Model) error {
	if m == nil || len(m.Links) == 0 || len(m.Joints) != len(m.Links)-1 {
		return fmt.Errorf("%w: want a model with at least one link, and one joint fewer than links", ErrModel)
	}
	links, joints := make(map[string]bool, len(m.Links)), make(map[string]bool, len(m.Joints))
	for _, l := range m.Links {
		if links[l.Name] {
			return fmt.Errorf("%w: two links are named %q, want names that differ", ErrModel, l.Name)
		}
		links[l.Name] = true
		if err := checkLink(l); err != nil {
			return err
		}
	}
	for i, j := range m.Joints {
		if joints[j.Name] {
			return fmt.Errorf("%w: two joints are named %q, want names that differ", ErrModel, j.Name)
		}
		joints[j.Name] = true
		if j.Child != i+1 || j.Parent < 0 || j.Parent > i {
			return fmt.Errorf("%w: joint %q hangs link %d from link %d, want joint %d to hang link %d from one before it", ErrModel, j.Name, j.Child, j.Parent, i, i+1)
		}
		if err := checkJoint(j); err != nil {
			return err
		}
	}
	return nil
}

func checkJoint(j urdf.Joint) error {
	switch j.Type {
	case urdf.Revolute, urdf.Continuous, urdf.Prismatic:
		if length := math.Sqrt(vector(j.Axis).dot(vector(j.Axis))); !(math.Abs(length-1) <= tolerance) {
			return fmt.Errorf("%w: axis of joint %q is %v, want a vector of length 1", ErrModel, j.Name, j.Axis)
		}
	case urdf.Fixed:
	default:
		return fmt.Errorf("%w: joint %q is of type %q, want revolute, continuous, prismatic or fixed", ErrModel, j.Name, j.Type)
	}
	if err := checkPose("origin of joint", j.Name, j.Origin); err != nil {
		return err
	}
	for _, v := range []float64{j.Damping, j.Friction} {
		if !(v >= 0 && v <= largest) {
			return fmt.Errorf("%w: joint %q has damping %v and friction %v, want numbers of 0 to %g", ErrModel, j.Name, j.Damping, j.Friction, largest)
		}
	}
	if l := limited(j); l != nil && !(l.Lower <= l.Upper) {
		return fmt.Errorf("%w: joint %q has limits %v and %v, want lower <= upper", ErrModel, j.Name, l.Lower, l.Upper)
	}
	return nil
}

func checkLink(l urdf.Link) error {
	if l.Inertial == nil {
		return nil
	}
	if !(l.Inertial.Mass >= 0 && l.Inertial.Mass <= largest) {
		return fmt.Errorf("%w: mass of link %q is %v, want a number of 0 to %g kg", ErrModel, l.Name, l.Inertial.Mass, largest)
	}
	if err := checkPose("inertial origin of link", l.Name, l.Inertial.Origin); err != nil {
		return err
	}
	return checkSymmetric(l.Name, l.Inertial.Inertia)
}

// checkSymmetric checks the inertia of a link.
func checkSymmetric(link string, a [3][3]float64) error {
	trace := a[0][0] + a[1][1] + a[2][2]
	for i := range a {
		for k := range a {
			if !(math.Abs(a[i][k]) <= largest && math.Abs(a[i][k]-a[k][i]) <= tolerance*trace && a[i][i] >= 0) {
				return fmt.Errorf("%w: inertia of link %q is %v, want a symmetric matrix of finite numbers, with none below 0 on its diagonal", ErrModel, link, a)
			}
		}
	}
	return nil
}

func checkPose(what, name string, p urdf.Pose) error {
	for _, v := range p.Translation {
		if !(math.Abs(v) <= largest) {
			return fmt.Errorf("%w: %s %q is at %v, want numbers of at most %g m", ErrModel, what, name, p.Translation, largest)
		}
	}
	r := matrix(p.Rotation)
	third := r.x.cross(r.y).sub(r.z)
	for _, d := range []float64{r.x.dot(r.x) - 1, r.y.dot(r.y) - 1, r.x.dot(r.y), third.x, third.y, third.z} {
		if !(math.Abs(d) <= tolerance) {
			return fmt.Errorf("%w: %s %q has rotation %v, want an orthonormal right-handed matrix", ErrModel, what, name, p.Rotation)
		}
	}
	return nil
}

// checkInertias returns an error wrapping ErrModel where no torque is needed to accelerate a
// joint: the mass matrix would be singular at every q.
func (t *Tree) checkInertias() error {
	n := len(t.joints)
	q, m := make([]float64, n), make([]float64, n*n)
	for i := range q {
		// Some place with nothing special: what is singular there is singular everywhere.
		q[i] = 0.3 + math.Mod(float64(i+1)*math.Phi, 1)
		if lower, upper := t.limits.lower[i], t.limits.upper[i]; upper-lower <= largest {
			q[i] = lower + (upper-lower)*(0.1+0.8*math.Mod(float64(i+1)*math.Phi, 1))
		}
	}
	t.MassMatrix(m, q)
	// What rounding errors are relative to: the inertia about the base's origin.
	scale := make([]float64, n)
	for _, b := range t.bodies[1:] {
		trace := b.carriedInertia.xx + b.carriedInertia.yy + b.carriedInertia.zz
		scale[b.column] += trace*b.axisAngular.dot(b.axisAngular) + b.carried*b.axisLinear.dot(b.axisLinear)
	}
	// Cholesky's pivots are what is left of a joint's inertia when the joints before it are free
	// to follow.
	const smallest = 1e-13
	for i := range n {
		for j := range i + 1 {
			s := m[i*n+j]
			for k := range j {
				s -= m[i*n+k] * m[j*n+k]
			}
			if i != j {
				m[i*n+j] = s / m[j*n+j]
				continue
			}
			if !(s > smallest*scale[i]) {
				return fmt.Errorf("%w: the mass matrix is singular: joint %q does not feel the inertia of its links (%s) beyond what other joints feel of it: give these links inertia about its axis", ErrModel, t.joints[i], list(t.carriedLinks(i)))
			}
			m[i*n+i] = math.Sqrt(s)
		}
	}
	return nil
}

// carriedLinks names the links that joint i moves.
func (t *Tree) carriedLinks(i int) []string {
	var names []string
	for l, p := range t.places {
		for b := p.body; b > 0; b = t.bodies[b].parent {
			if t.bodies[b].column == i {
				names = append(names, t.links[l])
				break
			}
		}
	}
	return names
}
