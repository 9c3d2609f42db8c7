package rigidbody

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"guidedpolicysearch/hardware/urdf"
)

// body is what one moving joint carries: a link and the links that are welded to it. Its frame
// is that of the joint, turned so that its z axis is the joint's axis.
type body struct {
	// What does not change.
	parent        int // index of a body before this one
	column        int // of q
	prismatic     bool
	ratio, offset float64 // position = ratio q + offset; 1 and 0 but for joints that mimic
	placement     frame   // at position 0, in the parent's frame
	mass          float64
	centre        vec // of mass, in this frame
	inertia       sym // about the centre of mass, in this frame

	// Where it is for the latest q, in the base frame.
	frame
	axisAngular, axisLinear vec // velocity of the body and of what in it is at the origin per dq
	com                     vec
	turned                  sym // inertia about the centre of mass, in the base's axes

	// Workspace of the algorithms: twice a velocity, a force, and the inertia of all that
	// the joint carries. Linear parts are of what in the body is at the base's origin,
	// moments are about that origin.
	angular, linear         vec
	angularRate, linearRate vec
	moment, force           vec
	carried                 float64 // mass
	firstMoment             vec     // mass times centre
	carriedInertia          sym
}

// place is where a link is: in which body, and its frame there.
type place struct {
	body int
	frame
}

// LinkID is a link of a Tree, from Tree.Link.
type LinkID int

// Tree is a robot's rigid bodies. Bodies that no controlled joint moves belong to the base.
//
// It owns workspace: one goroutine at a time, together with all Points made from it. Where the
// bodies are is kept from call to call, so that several calls in a row for one q cost little
// more than one. dst must not overlap with the other arguments. Slices of the wrong length
// panic.
type Tree struct {
	joints         []string
	links          []urdf.Link
	places         []place // of links
	bodies         []body  // parents first; bodies[0] is the base
	damping, dry   []float64
	limits         [4][]float64
	gravity        vec
	kinematicsOnly bool

	q       []float64 // the latest
	turned  bool      // the bodies' inertias are at q too
	nothing []float64 // n zeros
}

// New returns the tree of bodies that c.Joints move. Errors wrap ErrConfig, with the joint, or
// ErrModel, with the joint or link, and say what was expected.
func New(m *urdf.Model, c Config) (*Tree, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := checkModel(m); err != nil {
		return nil, err
	}
	motions, err := motionsOf(m, c)
	if err != nil {
		return nil, err
	}
	n := len(c.Joints)
	t := &Tree{joints: slices.Clone(c.Joints), links: slices.Clone(m.Links), places: make([]place, len(m.Links)),
		bodies: []body{{parent: -1, frame: frame{rot: identity()}}}, damping: make([]float64, n), dry: make([]float64, n),
		gravity: vector(c.Gravity), kinematicsOnly: c.KinematicsOnly, q: make([]float64, n), nothing: make([]float64, n)}
	for i := range t.q {
		t.q[i] = math.NaN() // equal to no q
	}
	t.places[0] = place{0, frame{rot: identity()}}
	for i, j := range m.Joints {
		t.hang(j, motions[i])
	}
	for i, l := range m.Links {
		if at := t.places[i]; l.Inertial != nil && at.body > 0 {
			t.bodies[at.body].weld(l.Inertial, &at.frame)
		}
	}
	t.setLimits(m, motions)
	if c.KinematicsOnly {
		return t, nil
	}
	if err := m.CheckInertias(c.Joints); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	if err := t.checkInertias(); err != nil {
		return nil, err
	}
	return t, nil
}

// hang places the child of j, on a new body if a controlled joint moves it.
func (t *Tree) hang(j urdf.Joint, m motion) {
	parent := t.places[j.Parent]
	at := parent.then(frameOf(j.Origin))
	axis := vector(j.Axis)
	if j.Type != urdf.Fixed {
		axis = axis.scale(1 / math.Sqrt(axis.dot(axis)))
	}
	prismatic := j.Type == urdf.Prismatic
	if m.column < 0 {
		turn := identity()
		if prismatic {
			at.at = at.at.plus(m.offset, at.rot.apply(axis))
		} else if j.Type != urdf.Fixed {
			aligned := alongZ(axis)
			back := aligned.transposed()
			aligned.turnZ(m.offset)
			turn = aligned.times(&back)
		}
		t.places[j.Child] = place{parent.body, frame{at.rot.times(&turn), at.at}}
		return
	}
	aligned := alongZ(axis)
	t.bodies = append(t.bodies, body{parent: parent.body, column: m.column, prismatic: prismatic, ratio: m.ratio, offset: m.offset,
		placement: frame{at.rot.times(&aligned), at.at}})
	t.places[j.Child] = place{len(t.bodies) - 1, frame{rot: aligned.transposed()}}
	t.damping[m.column] += m.ratio * m.ratio * j.Damping
	t.dry[m.column] += math.Abs(m.ratio) * j.Friction
}

// weld adds the mass of a link whose frame in the body is at.
func (b *body) weld(l *urdf.Inertial, at *frame) {
	origin := at.then(frameOf(l.Origin))
	inertia := symmetric(l.Inertia)
	inertia = inertia.turned(&origin.rot)
	total := b.mass + l.Mass
	if total > 0 {
		centre := b.centre.scale(b.mass/total).plus(l.Mass/total, origin.at)
		b.inertia.addPoint(b.mass, b.centre.sub(centre))
		inertia.addPoint(l.Mass, origin.at.sub(centre))
		b.centre = centre
	}
	b.mass = total
	b.inertia.add(&inertia)
}

func (t *Tree) setLimits(m *urdf.Model, motions []motion) {
	for k := range t.limits {
		t.limits[k] = make([]float64, len(t.joints))
		for i := range t.limits[k] {
			t.limits[k][i] = math.Inf(1)
		}
	}
	for i := range t.joints {
		t.limits[0][i] = math.Inf(-1)
	}
	for i, j := range m.Joints {
		if c := motions[i].column; c >= 0 && motions[i].master == i && j.Limit != nil {
			t.limits[2][c], t.limits[3][c] = j.Limit.Velocity, j.Limit.Effort
			if j.Type != urdf.Continuous {
				t.limits[0][c], t.limits[1][c] = j.Limit.Lower, j.Limit.Upper
			}
		}
	}
}

// Joints returns the names of the n controlled joints in canonical order.
func (t *Tree) Joints() []string { return slices.Clone(t.joints) }

// Limits returns the limits of the controlled joints as the model gives them, n each: positions
// in rad or m, velocities in rad/s or m/s, efforts in N m or N. They are infinite for continuous
// joints, and where the model gives none.
func (t *Tree) Limits() (lower, upper, velocity, effort []float64) {
	return slices.Clone(t.limits[0]), slices.Clone(t.limits[1]), slices.Clone(t.limits[2]), slices.Clone(t.limits[3])
}

// Link returns the link of that name, or an error wrapping ErrConfig.
func (t *Tree) Link(name string) (LinkID, error) {
	for i, l := range t.links {
		if l.Name == name {
			return LinkID(i), nil
		}
	}
	names := make([]string, len(t.links))
	for i, l := range t.links {
		names[i] = l.Name
	}
	return -1, fmt.Errorf("%w: no link is named %q; the links are %s", ErrConfig, name, list(names))
}

// list joins names for a message, not too many.
func list(names []string) string {
	const most = 40
	if rest := len(names) - most; rest > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), rest)
	}
	return strings.Join(names, ", ")
}

func checkLen(name string, v []float64, want int) {
	if len(v) != want {
		panic(fmt.Sprintf("rigidbody: %s has %d elements, want %d", name, len(v), want))
	}
}
