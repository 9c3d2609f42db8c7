package rigidbody

import (
	"fmt"
	"math"
)

// Points are p points that are fixed to one link of a Tree: an end effector. Their coordinates,
// 3 p, are stacked, in m in the base frame. It is a kinematics.EndEffector.
//
// It uses its tree's workspace: one goroutine at a time for both.
type Points struct {
	tree   *Tree
	body   int
	points []vec // in the body's frame
}

// Points returns points of a link, given in m in the link's frame. Errors wrap ErrConfig and name
// the link or the point.
func (t *Tree) Points(link string, points [][3]float64) (*Points, error) {
	l, err := t.Link(link)
	if err != nil {
		return nil, err
	}
	if len(points) == 0 {
		return nil, fmt.Errorf("%w: no points on link %q, want at least one", ErrConfig, link)
	}
	at := &t.places[l]
	p := &Points{tree: t, body: at.body, points: make([]vec, len(points))}
	for i, point := range points {
		for _, v := range point {
			if !(math.Abs(v) <= largest) {
				return nil, fmt.Errorf("%w: point %d on link %q is %v, want numbers of at most %g in m", ErrConfig, i, link, point, largest)
			}
		}
		p.points[i] = at.at.add(at.rot.apply(vector(point)))
	}
	return p, nil
}

// Dims returns the number of joints n and of coordinates 3 p.
func (p *Points) Dims() (joints, coordinates int) { return len(p.tree.joints), 3 * len(p.points) }

// Points writes the coordinates, 3 p, at joint positions q, n.
func (p *Points) Points(dst, q []float64) {
	checkLen("points", dst, 3*len(p.points))
	p.tree.forward(q)
	b := &p.tree.bodies[p.body]
	for i, point := range p.points {
		put(dst[3*i:], b.at.add(b.rot.apply(point)))
	}
}

// Velocities writes the velocities of the points, 3 p, in m/s at joint positions q and
// velocities dq, n each.
func (p *Points) Velocities(dst, q, dq []float64) {
	t := p.tree
	checkLen("velocities", dst, 3*len(p.points))
	checkLen("joint velocities", dq, len(t.joints))
	t.forward(q)
	var angular, linear vec
	for i := p.body; i > 0; i = t.bodies[i].parent {
		b := &t.bodies[i]
		angular, linear = angular.plus(dq[b.column], b.axisAngular), linear.plus(dq[b.column], b.axisLinear)
	}
	b := &t.bodies[p.body]
	for i, point := range p.points {
		put(dst[3*i:], linear.add(angular.cross(b.at.add(b.rot.apply(point)))))
	}
}

// Jacobian writes the derivatives of the coordinates by the joint positions, 3 p x n, row-major,
// at q, n.
func (p *Points) Jacobian(dst, q []float64) {
	t := p.tree
	n := len(t.joints)
	checkLen("Jacobian", dst, 3*len(p.points)*n)
	t.forward(q)
	clear(dst)
	b := &t.bodies[p.body]
	for i, point := range p.points {
		at := b.at.add(b.rot.apply(point))
		rows := dst[3*i*n : 3*(i+1)*n]
		for j := p.body; j > 0; j = t.bodies[j].parent {
			b := &t.bodies[j]
			v := b.axisLinear.add(b.axisAngular.cross(at))
			rows[b.column] += v.x
			rows[n+b.column] += v.y
			rows[2*n+b.column] += v.z
		}
	}
}

// PointBias writes the accelerations of the points, 3 p, in m/s^2 at joint positions q and
// velocities dq, n each, with no joint accelerating: the rate of change of the Jacobian times
// dq. The points' accelerations are Jacobian ddq + PointBias.
func (p *Points) PointBias(dst, q, dq []float64) {
	t := p.tree
	checkLen("accelerations", dst, 3*len(p.points))
	checkLen("joint velocities", dq, len(t.joints))
	t.forward(q)
	t.bodies[0].linearRate = vec{}
	for i := 1; i <= p.body; i++ { // parents come first
		b := &t.bodies[i]
		b.move(&t.bodies[b.parent], dq[b.column], 0)
	}
	b := &t.bodies[p.body]
	for i, point := range p.points {
		at := b.at.add(b.rot.apply(point))
		velocity := b.linear.add(b.angular.cross(at))
		put(dst[3*i:], b.linearRate.add(b.angularRate.cross(at)).add(b.angular.cross(velocity)))
	}
}

func put(dst []float64, v vec) { dst[0], dst[1], dst[2] = v.x, v.y, v.z }
