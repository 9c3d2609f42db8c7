package rigidbody

import (
	"slices"

	"guidedpolicysearch/hardware/urdf"
)

// forward places all bodies at joint positions q, n.
func (t *Tree) forward(q []float64) {
	checkLen("joint positions", q, len(t.joints))
	if slices.Equal(q, t.q) {
		return
	}
	copy(t.q, q)
	t.turned = false
	for i := 1; i < len(t.bodies); i++ {
		b := &t.bodies[i]
		p := &t.bodies[b.parent]
		position := b.ratio*q[b.column] + b.offset
		b.rot.x = p.rot.apply(b.placement.rot.x)
		b.rot.y = p.rot.apply(b.placement.rot.y)
		b.rot.z = p.rot.apply(b.placement.rot.z)
		b.at = p.at.add(p.rot.apply(b.placement.at))
		axis := b.rot.z.scale(b.ratio)
		if b.prismatic {
			b.at = b.at.plus(position, b.rot.z)
			b.axisLinear = axis
		} else {
			b.rot.turnZ(position)
			b.axisAngular = axis
			b.axisLinear = b.at.cross(axis)
		}
		b.com = b.at.add(b.rot.apply(b.centre))
	}
}

// inertias turns the bodies' inertias as they are at q, n, after forward.
func (t *Tree) inertias(q []float64) {
	t.needInertias()
	t.forward(q)
	if t.turned {
		return
	}
	t.turned = true
	for i := 1; i < len(t.bodies); i++ {
		b := &t.bodies[i]
		b.turned = b.inertia.turned(&b.rot)
	}
}

// Pose writes the pose of link l in the base frame at joint positions q, n.
func (t *Tree) Pose(dst *urdf.Pose, q []float64, l LinkID) {
	t.forward(q)
	p := &t.places[l]
	b := &t.bodies[p.body]
	at := b.then(p.frame)
	dst.Rotation, dst.Translation = at.rot.array(), at.at.array()
}

// Jacobian writes the geometric Jacobian of a point of link l, in m in the link's frame, at joint
// positions q, n: 6 x n, row-major. The first three rows times dq are the velocity of the point,
// the last three the angular velocity of the link, both in the base frame.
func (t *Tree) Jacobian(dst, q []float64, l LinkID, point [3]float64) {
	n := len(t.joints)
	checkLen("Jacobian", dst, 6*n)
	t.forward(q)
	clear(dst)
	p := &t.places[l]
	at := p.at.add(p.rot.apply(vector(point)))
	b := &t.bodies[p.body]
	at = b.at.add(b.rot.apply(at))
	for i := p.body; i > 0; i = t.bodies[i].parent {
		b := &t.bodies[i]
		v := b.axisLinear.add(b.axisAngular.cross(at))
		dst[b.column] += v.x
		dst[n+b.column] += v.y
		dst[2*n+b.column] += v.z
		dst[3*n+b.column] += b.axisAngular.x
		dst[4*n+b.column] += b.axisAngular.y
		dst[5*n+b.column] += b.axisAngular.z
	}
}
